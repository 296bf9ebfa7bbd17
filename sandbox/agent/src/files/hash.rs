//! Hashing files that may change while they are read, and remembering the hashes.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use carrel_protocol::{ContentHash, FileStamp};
use rustix::fs::{Stat, fstat};
use rustix::io::Errno;

/// Most hashes remembered; at about 100 bytes each.
const CACHED_FILES: usize = 32 * 1024;

/// A file this recently modified may be modified again within the same tick of the file system's clock and
/// keep its stamp, so its hash is not remembered. Ticks are at most 10 ms.
pub(super) const RACY_NS: i64 = 20_000_000;

/// Read at a time, in bytes.
const BLOCK_BYTES: usize = 64 * 1024;

/// Hashes by inode, each good for one stamp. Shared by the lanes; the lock is never held while reading.
#[derive(Debug, Default)]
pub struct HashCache {
    known: Mutex<HashMap<u64, (FileStamp, ContentHash)>>,
}

/// What an attempt to hash a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// The content, unbroken, and its stamp.
    Content(ContentHash, FileStamp),
    /// Larger than allowed.
    TooLarge(FileStamp),
    /// It changed while it was read, twice.
    Torn(FileStamp),
}

impl HashCache {
    /// The hash of an open regular file, read only if it is not known by its stamp.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn hash(&self, file: &OwnedFd, max_bytes: u64) -> Result<Hashed, Errno> {
        let mut before = stamp(&fstat(file)?);
        for _ in 0..2 {
            if before.size > max_bytes {
                return Ok(Hashed::TooLarge(before));
            }
            if let Some(hash) = self.known(&before) {
                return Ok(Hashed::Content(hash, before));
            }
            let hash = read_through(file, max_bytes)?;
            let after = stamp(&fstat(file)?);
            if after == before {
                self.remember(after, hash);
                return Ok(Hashed::Content(hash, after));
            }
            before = after;
        }
        Ok(Hashed::Torn(before))
    }

    /// The hash remembered for exactly this stamp.
    #[must_use]
    pub fn known(&self, stamp: &FileStamp) -> Option<ContentHash> {
        self.lock().get(&stamp.inode).filter(|(known, _)| known == stamp).map(|(_, hash)| *hash)
    }

    /// Remembers a hash, unless the file is so young that its stamp proves nothing.
    pub fn remember(&self, stamp: FileStamp, hash: ContentHash) {
        if stamp.mtime_ns.max(stamp.ctime_ns).saturating_add(RACY_NS) > now_ns() {
            return;
        }
        let mut known = self.lock();
        if known.len() >= CACHED_FILES {
            known.clear();
        }
        known.insert(stamp.inode, (stamp, hash));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (FileStamp, ContentHash)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What identifies one unbroken content of a file.
#[must_use]
pub fn stamp(stat: &Stat) -> FileStamp {
    let ns = |seconds: i64, part: u64| seconds.saturating_mul(1_000_000_000).saturating_add_unsigned(part);
    FileStamp {
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        inode: stat.st_ino,
        mtime_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
        executable: stat.st_mode & 0o100 != 0,
    }
}

/// Fills `buffer` from `offset`, short only at the end of the file.
///
/// # Errors
/// Whatever reading says.
pub fn read_at(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Reads the whole file, but not (much) more than `max_bytes` of one that grows meanwhile.
fn read_through(file: &OwnedFd, max_bytes: u64) -> Result<ContentHash, Errno> {
    let (mut hasher, mut buffer, mut offset) = (blake3::Hasher::new(), vec![0; BLOCK_BYTES], 0);
    loop {
        let read = read_at(file, &mut buffer, offset)?;
        hasher.update(&buffer[..read]);
        offset += read as u64;
        if read < buffer.len() || offset > max_bytes {
            return Ok(*hasher.finalize().as_bytes());
        }
    }
}

pub(super) fn now_ns() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_settled_file_is_read_once_and_a_changed_one_again() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("f");
        let old = SystemTime::now() - Duration::from_secs(60);
        let open = || OwnedFd::from(File::open(&path).expect("open"));
        let cache = HashCache::default();

        fs::write(&path, "one").expect("write");
        assert!(
            matches!(cache.hash(&open(), 100), Ok(Hashed::Content(hash, _)) if hash == *blake3::hash(b"one").as_bytes())
        );
        assert!(cache.lock().is_empty(), "too young to be remembered");

        let settled = FileStamp { size: 3, inode: 1, mtime_ns: 5, ctime_ns: 5, executable: false };
        cache.remember(settled, [7; 32]);
        assert_eq!(cache.known(&settled), Some([7; 32]));
        assert_eq!(cache.known(&FileStamp { mtime_ns: 6, ..settled }), None);

        File::options().write(true).open(&path).expect("open").set_modified(old).expect("touch");
        fs::write(&path, "two").expect("write");
        assert!(
            matches!(cache.hash(&open(), 100), Ok(Hashed::Content(hash, _)) if hash == *blake3::hash(b"two").as_bytes())
        );
        assert!(matches!(cache.hash(&open(), 2), Ok(Hashed::TooLarge(stamp)) if stamp.size == 3));
    }

    #[test]
    fn a_huge_sparse_file_is_not_read() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = File::create_new(dir.path().join("f")).expect("create");
        file.set_len(1 << 40).expect("sparse");
        let file = OwnedFd::from(File::open(dir.path().join("f")).expect("open"));
        assert!(matches!(HashCache::default().hash(&file, 1 << 20), Ok(Hashed::TooLarge(_))));
    }
}
