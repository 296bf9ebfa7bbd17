//! The database layer against a real PostgreSQL.

mod accounts;
mod blobs;
mod deleted;
mod differences;
mod embedded;
mod group;
mod history;
mod items;
mod items_random;
mod leases;
mod plans;
mod pool;
mod schema;
mod sessions;
mod turns;
