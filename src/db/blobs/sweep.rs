//! Removing contents nobody refers to.
//!
//! **Invariant**: foreign keys have the last word. A content somebody has begun to refer to in the meantime makes the whole part fail with
//! [`DbError::is_swept_content`], and nothing is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Row;

use super::read_hash;
use crate::db::{Client, Db, DbError, Transaction};
use crate::model::ContentHash;

/// Contents removed in one statement.
const CONTENTS: usize = 1000;
/// Contents looked at in one transaction of [`sweep`], so that none outlasts a statement's deadline or keeps savers waiting.
pub const PART: i64 = 1000;
/// How often a part is tried in which somebody has begun to use a content.
const ATTEMPTS: usize = 5;

/// Contents that are older than this and that nobody refers to were stored ahead for something that never came.
pub const UNUSED_AGE: Duration = Duration::from_secs(24 * 3600);

/// How far a walk over all contents has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Contents removed on this stretch.
    pub removed: usize,
    /// After which the next stretch begins; `None` when all have been looked at.
    pub next: Option<ContentHash>,
}

/// Looks at up to `parts` times [`PART`] contents, from after `cursor` on, and removes those that have been stored for `age` and that nobody
/// refers to. What savers are about to use is passed over.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`] when contents are taken into use faster than they can be swept. What
/// was removed before stays removed.
pub async fn sweep(db: &Db, age: Duration, cursor: Option<ContentHash>, parts: usize) -> Result<Swept, DbError> {
    let mut swept = Swept { removed: 0, next: cursor };
    for _ in 0..parts {
        let (removed, last) = part(db, age, swept.next).await?;
        swept = Swept { removed: swept.removed + removed, next: last };
        if last.is_none() {
            break;
        }
    }
    Ok(swept)
}

async fn part(db: &Db, age: Duration, cursor: Option<ContentHash>) -> Result<(usize, Option<ContentHash>), DbError> {
    let mut attempt = 1;
    loop {
        match try_part(db, age, cursor).await {
            // Seen with fresh eyes, it is in use.
            Err(error) if error.is_swept_content() && attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

/// How many went, and the hash of the last content looked at.
async fn try_part(
    db: &Db,
    age: Duration,
    cursor: Option<ContentHash>,
) -> Result<(usize, Option<ContentHash>), DbError> {
    let mut connection = db.bulk().await?;
    let tx = connection.transaction().await?;
    let page = "select hash from blobs where $1::bytea is null or hash > $1 order by hash limit $2";
    let rows = tx.query(page, &[&cursor.map(|hash| hash.0.to_vec()), &PART]).await?;
    let hashes = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Vec<u8>>, _>>()?;
    let Some(last) = hashes.last() else { return Ok((0, None)) };
    let last = read_hash(last)?;
    let removed = remove(&tx, hashes, Some(age)).await?;
    tx.commit().await?;
    Ok((removed, Some(last)))
}

/// Removes those of the contents whose hashes are in the first column that nobody refers to. What somebody is using in this moment is left
/// for [`sweep`], so that nobody ever waits for another in a circle.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`] when somebody has just saved one of them.
pub(in crate::db) async fn remove_unused(tx: &Transaction<'_>, held: &[Row]) -> Result<(), DbError> {
    let mut hashes = BTreeSet::new();
    for row in held {
        hashes.extend(row.try_get::<_, Option<Vec<u8>>>(0)?);
    }
    let hashes: Vec<_> = hashes.into_iter().collect();
    for chunk in hashes.chunks(CONTENTS) {
        remove(tx, chunk.to_vec(), None).await?;
    }
    Ok(())
}

/// Removes those of the contents that are of that age, or that nobody has stored ahead of their use, and that nobody refers to, and then the
/// bases of those that went, if nobody refers to them any more; how many it were.
async fn remove(tx: &Transaction<'_>, mut hashes: Vec<Vec<u8>>, age: Option<Duration>) -> Result<usize, DbError> {
    let sql = "delete from blobs where hash in (
            select hash from blobs b where hash = any($1)
            and case when $2::double precision is null then staged_until is null or staged_until <= now()
                else created_at <= now() - make_interval(secs => $2) end
            and not exists (select from workspace_items where blob_hash = b.hash)
            and not exists (select from workspace_versions where blob_hash = b.hash)
            and not exists (select from snapshot_items where blob_hash = b.hash)
            and not exists (select from blobs other where other.base_hash = b.hash)
            for update skip locked)
        returning base_hash";
    let mut removed = 0;
    // Twice at most: a base has none.
    while !hashes.is_empty() {
        let gone = tx.query(sql, &[&hashes, &age.map(|age| age.as_secs_f64())]).await?;
        removed += gone.len();
        let bases = gone.iter().map(|row| row.try_get::<_, Option<Vec<u8>>>(0)).collect::<Result<BTreeSet<_>, _>>()?;
        hashes = bases.into_iter().flatten().collect();
    }
    Ok(removed)
}
