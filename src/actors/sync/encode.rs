//! Contents made ready for the database, after what they replace where that is worth it.
//!
//! Storing a content as the difference to its former version takes that version from the database and room for it in memory. Both are only
//! taken when they are there at once: a content that is stored whole is as good, it only takes more of the disk.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::SemaphorePermit;

use super::transfer::room_now;
use crate::actors::api::SessionError;
use crate::db::blobs::{self, Base, EncodedBlob};
use crate::db::{Client, DbError};
use crate::model::{ContentHash, Item};

/// What a content is stored after, with the room both take.
pub(super) struct After {
    base: Base,
    _room: SemaphorePermit<'static>,
}

/// What a content of `size` bytes that is to replace `current` is best stored after, if anything.
///
/// # Errors
/// When the database cannot be asked.
pub(super) async fn base(
    client: &impl Client,
    size: u64,
    current: Option<&Item>,
) -> Result<Option<After>, SessionError> {
    let replaced = current.and_then(|item| Some((item.kind.hash()?, item.kind.size())));
    let Some((hash, before)) = replaced.filter(|(_, before)| blobs::fits(size, *before)) else { return Ok(None) };
    let Some(room) = room_now(size + most(before)) else { return Ok(None) };
    let base = bases(client, &[hash], most(before)).await?.remove(&hash);
    Ok(base.map(|base| After { base, _room: room }))
}

/// Encodes a content.
///
/// # Errors
/// When memory runs out.
pub(super) async fn encode(content: Bytes, after: Option<After>) -> Result<EncodedBlob, SessionError> {
    Ok(match after {
        Some(after) => blobs::encode_after(content, &after.base).await?,
        None => blobs::encode(content).await?,
    })
}

/// What replaced contents, each given with its size, are best stored after; `most` bytes of it.
///
/// # Errors
/// When the database cannot be asked.
pub(super) async fn bases(
    client: &impl Client,
    replaced: &[ContentHash],
    most: u64,
) -> Result<HashMap<ContentHash, Base>, SessionError> {
    if replaced.is_empty() {
        return Ok(HashMap::new());
    }
    match blobs::bases(client, replaced, most).await {
        // What is broken already keeps nothing new out.
        Err(DbError::Corrupt(why)) => {
            tracing::error!(why, "a content that was replaced cannot be read");
            Ok(HashMap::new())
        }
        bases => Ok(bases?),
    }
}

/// Room for what a replaced content of `before` bytes is stored after: the two are of a like size.
pub(super) fn most(before: u64) -> u64 {
    before.saturating_mul(2)
}
