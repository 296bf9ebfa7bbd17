//! Table `review_rounds`: what was submitted.

use tokio_postgres::Row;

use super::number;
use crate::db::sessions::count;
use crate::db::{Client, DbError, Transaction, snapshots};
use crate::model::review::{ManifestHash, Review, Round};
use crate::model::{ReviewId, SessionId, SnapshotId};

/// Freezes what `session` holds as round `number` of a review; `None` when the session is deleted.
///
/// # Errors
/// [`DbError::Conflict`] when there is such a round already, and [`DbError::is_swept_content`], after which the next attempt works.
pub async fn submit(
    tx: &Transaction<'_>,
    review: &Review,
    number: u32,
    session: SessionId,
    note: &str,
) -> Result<Option<Round>, DbError> {
    let lock = "select from sessions where id = $1 and state <> 'deleted' for no key update";
    if tx.query_opt(lock, &[&session.0]).await?.is_none() {
        return Ok(None);
    }
    // A snapshot's name is shorter than a review's title may be.
    let name: String = review.title.chars().take(80).collect();
    let snapshot = snapshots::freeze(tx, SnapshotId::new(), session, &name, false).await?;
    // Lengths before names: no two manifests give one text.
    let sql = "insert into review_rounds (review_id, number, snapshot_id, note, hash)
        select $1, $2, $3, $4, sha256(convert_to(coalesce(string_agg(
            concat(octet_length(path), ':', path, ' ', kind, ' ', encode(blob_hash, 'hex'), ' ', executable, ' ',
                octet_length(link_target), ':', link_target), E'\\n' order by path), ''), 'UTF8'))
        from snapshot_items where snapshot_id = $3
        returning number, snapshot_id, hash, note, submitted_at, $5::bigint as items, $6::bigint as bytes";
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let (items, bytes) = (snapshot.items.cast_signed(), snapshot.bytes.cast_signed());
    read(&tx.query_one(sql, &[&review.id.0, &number, &snapshot.id.0, &note, &items, &bytes]).await?).map(Some)
}

/// A review's rounds, the first first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_review(client: &impl Client, review: ReviewId) -> Result<Vec<Round>, DbError> {
    let sql = "select r.number, r.snapshot_id, r.hash, r.note, r.submitted_at, s.items, s.bytes
        from review_rounds r join snapshots s on s.id = r.snapshot_id where r.review_id = $1 order by r.number";
    client.query(sql, &[&review.0]).await?.iter().map(read).collect()
}

/// Round `number` of a review.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, review: ReviewId, number: u32) -> Result<Option<Round>, DbError> {
    let sql = "select r.number, r.snapshot_id, r.hash, r.note, r.submitted_at, s.items, s.bytes
        from review_rounds r join snapshots s on s.id = r.snapshot_id where r.review_id = $1 and r.number = $2";
    let Ok(number) = i32::try_from(number) else { return Ok(None) };
    client.query_opt(sql, &[&review.0, &number]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Round, DbError> {
    let hash: &[u8] = row.try_get("hash")?;
    Ok(Round {
        number: number(row.try_get("number")?)?,
        snapshot: SnapshotId(row.try_get("snapshot_id")?),
        hash: ManifestHash(
            hash.try_into().map_err(|_| DbError::Corrupt("a round's hash is too short or too long".into()))?,
        ),
        items: count(row.try_get("items")?)?,
        bytes: count(row.try_get("bytes")?)?,
        note: row.try_get("note")?,
        submitted_at: row.try_get("submitted_at")?,
    })
}
