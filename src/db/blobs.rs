//! Table `blobs`: contents by their BLAKE3 hash, compressed with zstd.
//!
//! A content is checked whenever it is read: what comes out is what went in, or [`DbError::Corrupt`].

mod sweep;

use std::collections::HashMap;

use bytes::Bytes;
use tokio_postgres::Row;

pub(super) use sweep::remove_unused;
pub use sweep::{PART, Swept, UNUSED_AGE, sweep};

use super::sessions::count;
use super::{Client, Db, DbError};
use crate::model::ContentHash;

/// Fast, and already twice as small as text.
const ZSTD_LEVEL: i32 = 3;
/// Contents up to this are packed and unpacked on the spot: a thread's switch would take longer.
const ON_THE_SPOT: usize = 64 * 1024;
/// Bytes sent in one statement, so that neither side holds a whole import in memory twice.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// A content, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBlob {
    /// Its hash.
    pub hash: ContentHash,
    /// Its size before compression.
    pub size: u64,
    /// It, compressed.
    pub encoded: Vec<u8>,
}

/// Hashes and compresses a content, away from the caller's thread when it is large.
///
/// # Errors
/// When memory runs out in the compressor.
pub async fn encode(content: Bytes) -> Result<EncodedBlob, DbError> {
    let small = content.len() <= ON_THE_SPOT;
    let pack = move || {
        let encoded = zstd::bulk::compress(&content, ZSTD_LEVEL)
            .map_err(|error| DbError::Corrupt(format!("a content cannot be compressed: {error}")))?;
        Ok(EncodedBlob { hash: ContentHash::of(&content), size: content.len() as u64, encoded })
    };
    if small { pack() } else { away(pack).await }
}

/// Stores contents in the caller's transaction; those already there are left alone, and stay there until it ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn put_many(client: &impl Client, blobs: &[EncodedBlob]) -> Result<(), DbError> {
    // Those that are there are held as a foreign key would hold them, so that nobody sweeps them before they are referred to.
    let sql = "with given as materialized (
            select * from unnest($1::bytea[], $2::bigint[], $3::bytea[]) as given (hash, size, encoded)),
        there as materialized (
            select b.hash from blobs b where b.hash = any($1) order by b.hash for key share of b)
        insert into blobs (hash, size, encoded)
        select hash, size, encoded from given where hash not in (select hash from there)
        on conflict (hash) do nothing";
    in_chunks(client, sql, blobs).await
}

/// Stores contents ahead of their use, each statement a transaction of its own. What nobody refers to within [`UNUSED_AGE`] is swept; a
/// content that is there already is as good as new.
///
/// # Errors
/// When the database cannot be asked; some may be stored then.
pub async fn stage(db: &Db, blobs: &[EncodedBlob]) -> Result<(), DbError> {
    // One that is nearly new is not written again: large imports of the same files come together.
    let sql = "insert into blobs (hash, size, encoded) select * from unnest($1::bytea[], $2::bigint[], $3::bytea[])
        on conflict (hash) do update set created_at = now() where blobs.created_at < now() - interval '1 hour'";
    in_chunks(&db.bulk().await?, sql, blobs).await
}

async fn in_chunks(client: &impl Client, sql: &'static str, blobs: &[EncodedBlob]) -> Result<(), DbError> {
    // In one order for all, so that two batches with the same contents wait for each other but never in a circle.
    let mut sorted: Vec<&EncodedBlob> = blobs.iter().collect();
    sorted.sort_unstable_by_key(|blob| blob.hash);
    sorted.dedup_by_key(|blob| blob.hash);
    let mut rest = sorted.as_slice();
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(chunk_length(rest));
        let hashes: Vec<&[u8]> = chunk.iter().map(|blob| blob.hash.0.as_slice()).collect();
        let sizes = chunk.iter().map(|blob| signed(blob.size)).collect::<Result<Vec<i64>, _>>()?;
        let contents: Vec<&[u8]> = chunk.iter().map(|blob| blob.encoded.as_slice()).collect();
        client.execute(sql, &[&hashes, &sizes, &contents]).await?;
        rest = later;
    }
    Ok(())
}

/// The content with this hash, if it is stored.
///
/// # Errors
/// [`DbError::Corrupt`] when it is not what was stored.
pub async fn get(client: &impl Client, hash: ContentHash) -> Result<Option<Bytes>, DbError> {
    let sql = "select hash, size, encoded from blobs where hash = $1";
    let Some(row) = client.query_opt(sql, &[&hash.0.as_slice()]).await? else { return Ok(None) };
    let blob = read(&row)?;
    let content = if blob.size <= ON_THE_SPOT as u64 { decode(&blob)? } else { away(move || decode(&blob)).await? };
    Ok(Some(content))
}

/// The contents with these hashes, as far as they are stored. Who asks bounds how many bytes that can be.
///
/// # Errors
/// [`DbError::Corrupt`] when one is not what was stored.
pub async fn get_many(client: &impl Client, hashes: &[ContentHash]) -> Result<HashMap<ContentHash, Bytes>, DbError> {
    let sql = "select hash, size, encoded from blobs where hash = any($1)";
    let wanted: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    let rows = client.query(sql, &[&wanted]).await?;
    away(move || {
        let blobs = rows.iter().map(|row| {
            let blob = read(row)?;
            Ok((blob.hash, decode(&blob)?))
        });
        blobs.collect()
    })
    .await
}

/// How many of the first blobs go into one statement: at least one.
fn chunk_length(blobs: &[&EncodedBlob]) -> usize {
    let mut bytes = 0;
    let fitting = blobs.iter().take_while(|blob| {
        bytes += blob.encoded.len();
        bytes <= CHUNK_BYTES
    });
    fitting.count().max(1)
}

fn decode(blob: &EncodedBlob) -> Result<Bytes, DbError> {
    let size = usize::try_from(blob.size).map_err(|_| DbError::Corrupt(format!("blob {} is too large", blob.hash)))?;
    let content = zstd::bulk::decompress(&blob.encoded, size)
        .map_err(|error| DbError::Corrupt(format!("blob {}: {error}", blob.hash)))?;
    if ContentHash::of(&content) != blob.hash {
        return Err(DbError::Corrupt(format!("blob {} has another content", blob.hash)));
    }
    Ok(content.into())
}

fn read(row: &Row) -> Result<EncodedBlob, DbError> {
    Ok(EncodedBlob {
        hash: read_hash(row.try_get("hash")?)?,
        size: count(row.try_get("size")?)?,
        encoded: row.try_get("encoded")?,
    })
}

/// A hash as the database keeps it.
pub(super) fn read_hash(bytes: &[u8]) -> Result<ContentHash, DbError> {
    let hash = bytes.try_into().map_err(|_| DbError::Corrupt(format!("a hash has {} bytes", bytes.len())))?;
    Ok(ContentHash(hash))
}

/// A size as the database keeps it.
pub(super) fn signed(size: u64) -> Result<i64, DbError> {
    i64::try_from(size).map_err(|_| DbError::Corrupt(format!("a size is {size}")))
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T, DbError> + Send + 'static) -> Result<T, DbError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(DbError::Corrupt(format!("a content could not be worked on: {error}"))),
    }
}
