//! PostgreSQL: the pool, one module per table, and a cluster of our own for those who have none.
//!
//! **Architecture invariant**: the only code that names `tokio_postgres` or `bb8`, and the only SQL there is. It knows model types
//! and configuration, nothing of actors, HTTP or Docker. A row never leaves it: functions take a [`Client`] (a connection or a
//! transaction) and return domain types. `schema.sql` is the only DDL.

pub mod embedded;
mod error;
pub mod pool;
pub mod schema;

pub mod users;

pub mod logins;

pub mod sessions;

pub mod leases;

pub mod deleted;

pub mod items;

pub mod blobs;

pub mod versions;

pub mod history;

pub mod past;

pub mod snapshots;

pub mod templates;

pub mod reviewers;

pub mod reviews;

pub use embedded::EmbeddedPostgres;
pub use error::{DbError, Unavailable};
pub use pool::{Apart, Client, Connection, Db, Figures, LaneFigures, Transaction};
