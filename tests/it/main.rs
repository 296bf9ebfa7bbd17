//! Integration tests: one binary, real PostgreSQL, real Docker Engine. What is missing fails loudly.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not inside test functions")]

mod db;
mod engine;
mod faults;
mod http;
mod live;
mod reviews;
mod soak;
mod support;
mod threats;
