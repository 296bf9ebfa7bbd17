//! Carrel: isolated Python workspaces in the browser, and code review that runs the submission.
//!
//! Layers, each using only what is below it: `main → app → http → {accounts, actors, staging} → {db, engine, link, volumes} → model`.
//! `docs/architecture.md` has the map.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod actors;
pub mod app;
pub mod cli;
pub mod config;
pub mod db;
pub mod engine;
pub mod http;
pub mod link;
pub mod model;
pub mod staging;
pub mod telemetry;
pub mod volumes;
