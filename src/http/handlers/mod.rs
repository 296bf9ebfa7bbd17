//! One file per resource. A handler unpacks the request, calls one plain function or the façade, and packs the answer.

pub mod accounts;
pub mod admin;
pub mod archive;
pub mod comments;
pub mod deleted;
pub mod files;
pub mod history;
pub mod import;
pub mod operations;
pub mod processes;
pub mod reading;
pub mod reviewers;
pub mod reviews;
pub mod running;
pub mod search;
pub mod sessions;
pub mod snapshots;
pub mod templates;
pub mod terminals;
pub mod unkept;
pub mod upload;
