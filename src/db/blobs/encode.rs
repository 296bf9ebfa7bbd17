//! Contents packed and unpacked, away from the caller's thread where that takes long.

use bytes::Bytes;

use super::delta;
use crate::db::DbError;
use crate::model::ContentHash;

/// Fast, and already twice as small as text.
const ZSTD_LEVEL: i32 = 3;
/// Contents up to this are packed and unpacked on the spot: a thread's switch would take longer.
pub(super) const ON_THE_SPOT: usize = 64 * 1024;

/// A content, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBlob {
    /// Its hash.
    pub hash: ContentHash,
    /// Its size before compression.
    pub size: u64,
    /// It, compressed.
    pub encoded: Vec<u8>,
    /// It as the difference to another, where that is much smaller; stored instead if the other is still there then.
    pub delta: Option<Delta>,
}

/// A content as the difference to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The other.
    pub base: ContentHash,
    /// What makes the content of it.
    pub encoded: Vec<u8>,
}

/// A content another can be stored as the difference to.
#[derive(Clone, Debug)]
pub struct Base {
    pub(super) hash: ContentHash,
    pub(super) content: Bytes,
}

/// Hashes and compresses a content.
///
/// # Errors
/// When memory runs out in the compressor.
pub async fn encode(content: Bytes) -> Result<EncodedBlob, DbError> {
    if content.len() <= ON_THE_SPOT { pack(&content, None) } else { away(move || pack(&content, None)).await }
}

/// The same of a content that was made of `base`, as every version of a file is of the one before.
///
/// # Errors
/// As [`encode`].
pub async fn encode_after(content: Bytes, base: &Base) -> Result<EncodedBlob, DbError> {
    let base = base.clone();
    away(move || pack(&content, Some(&base))).await
}

fn pack(content: &[u8], base: Option<&Base>) -> Result<EncodedBlob, DbError> {
    let failed = |why: &dyn std::fmt::Display| DbError::Corrupt(format!("a content cannot be compressed: {why}"));
    let hash = ContentHash::of(content);
    let encoded = zstd::bulk::compress(content, ZSTD_LEVEL).map_err(|error| failed(&error))?;
    let size = content.len() as u64;
    let base = base.filter(|base| base.hash != hash && delta::fits(size, base.content.len() as u64));
    let delta = match base {
        Some(base) => {
            let made = delta::compress(&base.content, content, ZSTD_LEVEL).map_err(|error| failed(&error))?;
            Some(Delta { base: base.hash, encoded: made })
        }
        None => None,
    };
    let delta = delta.filter(|delta| delta::is_worth_it(delta.encoded.len(), encoded.len()));
    Ok(EncodedBlob { hash, size, encoded, delta })
}

/// A content as it is stored.
pub(super) struct Stored {
    pub(super) hash: ContentHash,
    pub(super) size: u64,
    pub(super) encoded: Vec<u8>,
    /// What it is the difference to.
    pub(super) base: Option<ContentHash>,
}

impl Stored {
    /// Unpacks one that is stored whole.
    pub(super) fn whole(&self) -> Result<Bytes, DbError> {
        if self.base.is_some() {
            return Err(DbError::Corrupt(format!(
                "blob {} is a difference where a whole content should be",
                self.hash
            )));
        }
        let unpacked = zstd::bulk::decompress(&self.encoded, self.length()?);
        self.checked(unpacked.map_err(|error| DbError::Corrupt(format!("blob {}: {error}", self.hash)))?)
    }

    /// Unpacks one that is the difference to `base`.
    pub(super) fn after(&self, base: &[u8]) -> Result<Bytes, DbError> {
        let unpacked = delta::decompress(base, &self.encoded, self.length()?);
        self.checked(unpacked.map_err(|error| DbError::Corrupt(format!("blob {}: {error}", self.hash)))?)
    }

    /// What it refers to is not there, which a foreign key should have seen to.
    pub(super) fn without_base(&self) -> DbError {
        DbError::Corrupt(format!("blob {} has lost what it is the difference to", self.hash))
    }

    fn length(&self) -> Result<usize, DbError> {
        usize::try_from(self.size).map_err(|_| DbError::Corrupt(format!("blob {} is too large", self.hash)))
    }

    fn checked(&self, content: Vec<u8>) -> Result<Bytes, DbError> {
        if ContentHash::of(&content) != self.hash {
            return Err(DbError::Corrupt(format!("blob {} has another content", self.hash)));
        }
        Ok(content.into())
    }
}

pub(super) async fn away<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(DbError::Corrupt(format!("a content could not be worked on: {error}"))),
    }
}
