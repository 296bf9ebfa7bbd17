//! Table `blobs`: contents by their BLAKE3 hash, compressed with zstd, whole or as the difference ([`delta`]) to another that is whole.
//!
//! A content is checked whenever it is read: what comes out is what went in, or [`DbError::Corrupt`].
//!
//! **Invariants**: what a difference refers to is whole, and stays as long as the difference does: a foreign key sees to that, and who
//! stores a difference holds its base while looking that it is whole.

mod delta;
mod encode;
mod sweep;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use tokio_postgres::Row;

pub use delta::fits;
pub use encode::{Base, Delta, EncodedBlob, encode, encode_after};
pub(super) use sweep::remove_unused;
pub use sweep::{PART, Swept, UNUSED_AGE, sweep};

use self::encode::{ON_THE_SPOT, Stored, away};
use super::sessions::count;
use super::{Client, Db, DbError};
use crate::model::{ContentHash, Item};

/// Bytes sent in one statement, so that neither side holds a whole import in memory twice.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// The part of a statement, after its `with`, that stores the contents of [`Columns`], which are its first parameters. Those that are there
/// are held as a foreign key would hold them, so that nobody sweeps them before they are referred to. A condition that is given is asked
/// before anything is waited for.
macro_rules! storing {
    () => {
        $crate::db::blobs::storing!("true")
    };
    ($condition:literal) => {
        concat!(
            "given as materialized (
            select * from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[]) as given (hash, size, encoded, base_hash)
            where ",
            $condition,
            "),
        there as materialized (
            select b.hash from blobs b where b.hash = any($1) order by b.hash for key share of b),
        stored as (
            insert into blobs (hash, size, encoded, base_hash)
            select hash, size, encoded, base_hash from given where hash not in (select hash from there)
            on conflict (hash) do nothing returning hash)"
        )
    };
}
pub(super) use storing;

/// Stores contents in the caller's transaction; those already there are left alone, and stay there until it ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn put_many(client: &impl Client, blobs: &[EncodedBlob]) -> Result<(), DbError> {
    let sql = concat!("with ", storing!(), " select");
    in_chunks(client, sql, blobs, &held_bases(client, blobs).await?).await
}

/// Stores contents ahead of their use, in a transaction of its own. What nobody refers to within [`UNUSED_AGE`] is swept; a content that is
/// there already is as good as new.
///
/// # Errors
/// When the database cannot be asked.
pub async fn stage(db: &Db, blobs: &[EncodedBlob]) -> Result<(), DbError> {
    // One that is nearly new is not written again: large imports of the same files come together.
    let sql = "insert into blobs (hash, size, encoded, base_hash, staged_until)
        select *, now() + interval '1 day' from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[])
        on conflict (hash) do update set created_at = now(), staged_until = excluded.staged_until
        where blobs.staged_until is null or blobs.staged_until < now() + interval '23 hours'";
    let mut connection = db.bulk().await?;
    let tx = connection.transaction().await?;
    in_chunks(&tx, sql, blobs, &held_bases(&tx, blobs).await?).await?;
    tx.commit().await
}

/// Those of the bases that are there and whole; they stay so until the transaction ends.
async fn held_bases(client: &impl Client, blobs: &[EncodedBlob]) -> Result<HashSet<ContentHash>, DbError> {
    let mut bases: Vec<&[u8]> = blobs.iter().filter_map(|blob| Some(blob.delta.as_ref()?.base.0.as_slice())).collect();
    if bases.is_empty() {
        return Ok(HashSet::new());
    }
    bases.sort_unstable();
    bases.dedup();
    let sql = "select hash from blobs where hash = any($1) and base_hash is null order by hash for key share";
    client.query(sql, &[&bases]).await?.iter().map(|row| read_hash(row.try_get(0)?)).collect()
}

async fn in_chunks(
    client: &impl Client,
    sql: &'static str,
    blobs: &[EncodedBlob],
    bases: &HashSet<ContentHash>,
) -> Result<(), DbError> {
    let held = |delta: &&Delta| bases.contains(&delta.base);
    let sorted = sorted(blobs.iter().map(|blob| (blob, blob.delta.as_ref().filter(held))));
    let mut rest = sorted.as_slice();
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(chunk_length(rest));
        let columns = Columns::of(chunk)?;
        client.execute(sql, &[&columns.hashes, &columns.sizes, &columns.encoded, &columns.bases]).await?;
        rest = later;
    }
    Ok(())
}

/// Contents in the one order for all, so that two batches with the same contents wait for each other but never in a circle.
pub(super) fn sorted<'a>(
    blobs: impl Iterator<Item = (&'a EncodedBlob, Option<&'a Delta>)>,
) -> Vec<(&'a EncodedBlob, Option<&'a Delta>)> {
    let mut sorted: Vec<_> = blobs.collect();
    sorted.sort_unstable_by_key(|(blob, _)| blob.hash);
    sorted.dedup_by_key(|(blob, _)| blob.hash);
    sorted
}

/// Contents, column by column.
pub(super) struct Columns<'a> {
    pub(super) hashes: Vec<&'a [u8]>,
    pub(super) sizes: Vec<i64>,
    pub(super) encoded: Vec<&'a [u8]>,
    pub(super) bases: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    /// Each stored as the difference that is given with it, or else whole.
    pub(super) fn of(blobs: &[(&'a EncodedBlob, Option<&'a Delta>)]) -> Result<Self, DbError> {
        Ok(Self {
            hashes: blobs.iter().map(|(blob, _)| blob.hash.0.as_slice()).collect(),
            sizes: blobs.iter().map(|(blob, _)| signed(blob.size)).collect::<Result<_, _>>()?,
            encoded: blobs.iter().map(|(blob, delta)| sent(blob, *delta)).collect(),
            bases: blobs.iter().map(|(_, delta)| Some(delta.as_ref()?.base.0.as_slice())).collect(),
        })
    }
}

/// How many of the first blobs go into one statement: at least one.
fn chunk_length(blobs: &[(&EncodedBlob, Option<&Delta>)]) -> usize {
    let mut bytes = 0;
    let fitting = blobs.iter().take_while(|(blob, delta)| {
        bytes += sent(blob, *delta).len();
        bytes <= CHUNK_BYTES
    });
    fitting.count().max(1)
}

fn sent<'a>(blob: &'a EncodedBlob, delta: Option<&'a Delta>) -> &'a [u8] {
    delta.map_or(&blob.encoded, |delta| &delta.encoded)
}

/// The content with this hash, if it is stored.
///
/// # Errors
/// [`DbError::Corrupt`] when it is not what was stored.
pub async fn get(client: &impl Client, hash: ContentHash) -> Result<Option<Bytes>, DbError> {
    let sql = "select hash, size, encoded, base_hash from blobs where hash = $1";
    let Some(row) = client.query_opt(sql, &[&hash.0.as_slice()]).await? else { return Ok(None) };
    let blob = read(&row)?;
    let Some(base) = blob.base else {
        let content = if blob.size <= ON_THE_SPOT as u64 { blob.whole()? } else { away(move || blob.whole()).await? };
        return Ok(Some(content));
    };
    let Some(row) = client.query_opt(sql, &[&base.0.as_slice()]).await? else { return Err(blob.without_base()) };
    let base = read(&row)?;
    away(move || blob.after(&base.whole()?)).await.map(Some)
}

/// The contents with these hashes, as far as they are stored. Who asks bounds how many bytes that can be; their bases, of which one is
/// unpacked at a time, are at most twice as large.
///
/// # Errors
/// [`DbError::Corrupt`] when one is not what was stored.
pub async fn get_many(client: &impl Client, hashes: &[ContentHash]) -> Result<HashMap<ContentHash, Bytes>, DbError> {
    let stored = stored(client, hashes).await?;
    let mut wanted: Vec<_> = stored.iter().filter_map(|blob| blob.base).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let bases = if wanted.is_empty() { Vec::new() } else { self::stored(client, &wanted).await? };
    away(move || {
        let mut contents = HashMap::with_capacity(stored.len());
        let mut after: HashMap<ContentHash, Vec<Stored>> = HashMap::new();
        for blob in stored {
            match blob.base {
                None => drop(contents.insert(blob.hash, blob.whole()?)),
                Some(base) => after.entry(base).or_default().push(blob),
            }
        }
        for base in bases {
            let differences = after.remove(&base.hash).unwrap_or_default();
            let base = base.whole()?;
            for blob in differences {
                contents.insert(blob.hash, blob.after(&base)?);
            }
        }
        match after.into_values().flatten().next() {
            Some(blob) => Err(blob.without_base()),
            None => Ok(contents),
        }
    })
    .await
}

/// Each of these items with its content; `None` for what is no file. Who asks bounds them as for [`get_many`].
///
/// # Errors
/// [`DbError::Corrupt`] when a content is missing, or not what was stored.
pub async fn of_items(client: &impl Client, items: Vec<Item>) -> Result<Vec<(Item, Option<Bytes>)>, DbError> {
    let hashes: Vec<_> = items.iter().filter_map(|item| item.kind.hash()).collect();
    let contents = get_many(client, &hashes).await?;
    let with_content = |item: Item| {
        let content = item.kind.hash().map(|hash| contents.get(&hash).cloned().ok_or(hash)).transpose();
        let content = content.map_err(|hash| DbError::Corrupt(format!("blob {hash} is missing")))?;
        Ok((item, content))
    };
    items.into_iter().map(with_content).collect()
}

/// What the contents that replace these are best stored after, each under the hash of the content it was asked for: that content, or its own
/// base. As many as are `most` bytes together; the rest, and what suits nobody, is left out.
///
/// # Errors
/// [`DbError::Corrupt`] when one is not what was stored.
pub async fn bases(
    client: &impl Client,
    replaced: &[ContentHash],
    most: u64,
) -> Result<HashMap<ContentHash, Base>, DbError> {
    let sql = "select hash, coalesce(base_hash, hash) from blobs where hash = any($1)";
    let wanted: Vec<&[u8]> = replaced.iter().map(|hash| hash.0.as_slice()).collect();
    let rows = client.query(sql, &[&wanted]).await?;
    let pairs = rows.iter().map(|row| Ok((read_hash(row.try_get(0)?)?, read_hash(row.try_get(1)?)?)));
    let pairs = pairs.collect::<Result<Vec<_>, DbError>>()?;
    let sql = "select hash, size, encoded, base_hash from (
            select b.*, sum(size) over (order by hash) as so_far from blobs b
            where hash = any($1) and base_hash is null and size between $3 and $4) as b
        where so_far <= $2::bigint";
    let wanted: Vec<&[u8]> = pairs.iter().map(|(_, base)| base.0.as_slice()).collect();
    let limits = (i64::try_from(most).unwrap_or(i64::MAX), signed(delta::SMALLEST)?, signed(delta::LARGEST)?);
    let rows = client.query(sql, &[&wanted, &limits.0, &limits.1, &limits.2]).await?;
    let stored = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    away(move || {
        let bases = stored.into_iter().map(|blob| Ok((blob.hash, Base { hash: blob.hash, content: blob.whole()? })));
        let bases = bases.collect::<Result<HashMap<_, _>, DbError>>()?;
        Ok(pairs.into_iter().filter_map(|(replaced, base)| Some((replaced, bases.get(&base)?.clone()))).collect())
    })
    .await
}

async fn stored(client: &impl Client, hashes: &[ContentHash]) -> Result<Vec<Stored>, DbError> {
    let sql = "select hash, size, encoded, base_hash from blobs where hash = any($1)";
    let wanted: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    client.query(sql, &[&wanted]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Stored, DbError> {
    Ok(Stored {
        hash: read_hash(row.try_get("hash")?)?,
        size: count(row.try_get("size")?)?,
        encoded: row.try_get("encoded")?,
        base: row.try_get::<_, Option<&[u8]>>("base_hash")?.map(read_hash).transpose()?,
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
