//! A connection outside the lanes, for what must not wait behind anything.

use tokio_postgres::Row;

use super::connection::{Client, Params};
use super::physical::Physical;
use crate::db::DbError;

/// One connection that is nobody else's. When a statement fails on it for want of a connection, open another.
pub struct Apart(pub(super) Physical);

impl Client for Apart {
    async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        self.0.rows(sql, params).await
    }

    async fn execute(&self, sql: &'static str, params: Params<'_>) -> Result<u64, DbError> {
        self.0.execute(sql, params).await
    }
}
