//! Applies `schema.sql`.

use std::time::Duration;

use super::{Client, Db, DbError};

/// The schema's text.
pub const SCHEMA: &str = include_str!("../../schema.sql");
/// Its version; raised with every change that an older program must not meet.
pub const VERSION: i32 = 12;
/// How long it may take, waiting for another server that is doing the same included.
const APPLY_TIMEOUT: Duration = Duration::from_secs(120);

/// Brings the database to [`VERSION`]. All or nothing; servers starting together take turns; done already, it changes nothing.
///
/// # Errors
/// [`DbError::Unsuitable`] when the database belongs to a newer Carrel or `search_path` names no schema.
pub async fn apply(db: &Db) -> Result<(), DbError> {
    let mut connection = db.bulk().await?;
    let transaction = connection.transaction().await?;
    let row = transaction.query_one("select current_schema()::text, current_setting('search_path')", &[]).await?;
    let (schema, search_path): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
    let Some(schema) = schema else {
        return Err(DbError::Unsuitable(format!("no schema of the search path {search_path} exists: create one")));
    };
    // The lock ends with the transaction, however that ends. Its key names the schema, so that others are not kept waiting.
    let wait = format!(
        "set local statement_timeout = {}; select pg_advisory_xact_lock(hashtextextended('carrel schema ' || current_schema(), 0))",
        APPLY_TIMEOUT.as_millis()
    );
    transaction.batch_within(&wait, APPLY_TIMEOUT).await?;
    let digest = blake3::hash(SCHEMA.as_bytes());
    match newest(&transaction).await? {
        Some((version, _)) if version > VERSION => {
            return Err(DbError::Unsuitable(format!(
                "the database's schema {schema} is at version {version}, made by a newer Carrel; this one knows version {VERSION}: \
                 start the newer program"
            )));
        }
        Some((VERSION, known)) if known == digest.as_bytes() => return transaction.commit().await,
        _ => {}
    }
    transaction.batch_within(SCHEMA, APPLY_TIMEOUT).await?;
    let note = "insert into schema_version (version, digest) values ($1, $2)
        on conflict (version) do update set digest = excluded.digest, applied_at = now()";
    transaction.execute(note, &[&VERSION, &digest.as_bytes().as_slice()]).await?;
    transaction.commit().await?;
    tracing::info!(schema, version = VERSION, "database schema applied");
    Ok(())
}

async fn newest(client: &impl Client) -> Result<Option<(i32, Vec<u8>)>, DbError> {
    let here = "select to_regclass(quote_ident(current_schema()) || '.schema_version') is not null";
    if !client.query_one(here, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let newest = "select version, digest from schema_version order by version desc limit 1";
    let Some(row) = client.query_opt(newest, &[]).await? else { return Ok(None) };
    Ok(Some((row.try_get(0)?, row.try_get(1)?)))
}
