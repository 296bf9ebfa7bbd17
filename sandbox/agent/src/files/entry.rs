//! What one thing in the workspace is, in the protocol's words.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use carrel_protocol::path::MAX_PATH_BYTES;
use carrel_protocol::rules::{SCRATCH_PREFIX, stays_inside};
use carrel_protocol::{Entry, EntryKind, NotKept, Shape, WorkspacePath};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::Workspace;
use super::beneath::{Root, file_type, split};
use super::hash::{HashCache, Hashed, stamp};
use super::ignore::Rules;

/// Whether `path` lies in the agent's own scratch folder.
#[must_use]
pub fn is_scratch(path: &[u8]) -> bool {
    path.starts_with(SCRATCH_PREFIX.as_bytes())
}

/// Whether it says that something is ignored.
#[must_use]
pub fn is_ignored(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::NotKept { why: NotKept::Ignored, .. })
}

/// What was found at a path.
#[derive(Debug)]
pub struct Seen {
    /// In the protocol's words.
    pub entry: Entry,
    /// A folder that is kept, so that one should look inside.
    pub folder: bool,
    /// It changed while it was hashed: look again later.
    pub unsettled: bool,
}

/// Describes `name` in `parent`, whose path is `path`. `None` for the scratch folder; a vanished thing is `NOENT`.
///
/// # Errors
/// Whatever the system calls say, except that what may not be read is described as [`NotKept::Unreadable`].
pub fn describe(
    parent: impl AsFd,
    path: &[u8],
    workspace: &Workspace,
    rules: &mut Rules,
) -> Result<Option<Seen>, Errno> {
    let name = OsStr::from_bytes(split(path).1);
    let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_folder = file_type(&stat) == FileType::Directory;
    if is_scratch(path) {
        return Ok(None);
    }
    let shape = shape(file_type(&stat));
    let text = std::str::from_utf8(path).ok().filter(|text| WorkspacePath::new(*text).is_ok());
    if rules.is_ignored(&workspace.root, path, is_folder) {
        let path = text.map_or_else(|| rendering(path), str::to_owned);
        return Ok(Some(Seen::not_kept(path, NotKept::Ignored, shape)));
    }
    let Some(text) = text else {
        return Ok(Some(Seen::not_kept(rendering(path), NotKept::Name, shape)));
    };
    let (mut unsettled, path_text) = (false, text.to_owned());
    let kind = match file_type(&stat) {
        FileType::Directory => match open_folder(&parent, name) {
            Ok(_) => EntryKind::Folder,
            Err(Errno::ACCESS | Errno::PERM) => {
                return Ok(Some(Seen::not_kept(path_text, NotKept::Unreadable, shape)));
            }
            // Replaced by something else in this very moment.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                unsettled = true;
                EntryKind::Folder
            }
            Err(errno) => return Err(errno),
        },
        FileType::RegularFile => {
            let (kind, torn) = file(&parent, name, &stat, workspace.max_file_bytes(), &workspace.hashes)?;
            unsettled = torn;
            kind
        }
        FileType::Symlink => link(text, readlinkat(&parent, name, Vec::new())?.to_bytes()),
        _ => EntryKind::NotKept { why: NotKept::Special, shape },
    };
    Ok(Some(Seen { entry: Entry { path: path_text, kind }, folder: is_folder, unsettled }))
}

/// Opens a folder to list it.
///
/// # Errors
/// `ACCESS` also where its names could be read but nothing in it could be looked at.
pub fn open_folder(parent: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty())?;
    statat(&folder, ".", AtFlags::empty())?;
    Ok(folder)
}

impl Seen {
    /// `path` is there, but its owner took the right to look at it away.
    #[must_use]
    pub fn unreadable(path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => Self::not_kept(text.to_owned(), NotKept::Unreadable, Shape::Other),
            Err(_) => Self::not_kept(rendering(path), NotKept::Name, Shape::Other),
        }
    }

    fn not_kept(path: String, why: NotKept, shape: Shape) -> Self {
        Self { entry: Entry { path, kind: EntryKind::NotKept { why, shape } }, folder: false, unsettled: false }
    }

    /// `path` is not there.
    #[must_use]
    pub fn missing(path: &[u8], root: &Root, rules: &mut Rules) -> Self {
        let kind = EntryKind::Missing {
            ignored_file: rules.is_ignored(root, path, false),
            ignored_folder: rules.is_ignored(root, path, true),
        };
        let path = std::str::from_utf8(path).map_or_else(|_| rendering(path), str::to_owned);
        Self { entry: Entry { path, kind }, folder: false, unsettled: false }
    }
}

fn file(
    parent: impl AsFd,
    name: &OsStr,
    stat: &Stat,
    max_bytes: u64,
    cache: &HashCache,
) -> Result<(EntryKind, bool), Errno> {
    let seen = stamp(stat);
    let entry = |size, executable, hash| EntryKind::File { size, executable, hash };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    if let Some(hash) = cache.known(&seen).filter(|_| seen.size <= max_bytes) {
        return Ok((entry(seen.size, seen.executable, Some(hash)), false));
    }
    let file: OwnedFd = match openat(&parent, name, flags, Mode::empty()) {
        Ok(file) => file,
        // Its owner took the right to read it away: it is there, but nobody can keep it.
        Err(Errno::ACCESS | Errno::PERM) => {
            return Ok((EntryKind::NotKept { why: NotKept::Unreadable, shape: Shape::File }, false));
        }
        // Replaced by a link or a socket in this very moment.
        Err(Errno::LOOP | Errno::NXIO) => return Ok((entry(seen.size, seen.executable, None), true)),
        Err(errno) => return Err(errno),
    };
    if file_type(&fstat(&file)?) != FileType::RegularFile {
        return Ok((entry(seen.size, seen.executable, None), true));
    }
    Ok(match cache.hash(&file, max_bytes)? {
        Hashed::Content(hash, stamp) => (entry(stamp.size, stamp.executable, Some(hash)), false),
        Hashed::TooLarge(stamp) => (entry(stamp.size, stamp.executable, None), false),
        Hashed::Torn(stamp) => (entry(stamp.size, stamp.executable, None), true),
    })
}

fn link(path: &str, target: &[u8]) -> EntryKind {
    match std::str::from_utf8(target) {
        Ok(target) if stays_inside(path, target) => EntryKind::Symlink { target: target.to_owned() },
        Ok(_) => EntryKind::NotKept { why: NotKept::EscapingLink, shape: Shape::Other },
        Err(_) => EntryKind::NotKept { why: NotKept::Name, shape: Shape::Other },
    }
}

fn shape(kind: FileType) -> Shape {
    match kind {
        FileType::RegularFile => Shape::File,
        FileType::Directory => Shape::Folder,
        _ => Shape::Other,
    }
}

/// A path that is no [`WorkspacePath`], readable and bounded: invalid bytes as `\xNN`.
pub(super) fn rendering(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    let mut end = text.len().min(MAX_PATH_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_kept_are_rendered_within_bounds() {
        assert_eq!(rendering(b"caf\xe9/x"), "caf\\xe9/x");
        let long = rendering(&"é".repeat(4000).into_bytes());
        assert!(long.len() <= MAX_PATH_BYTES && long.chars().all(|c| c == 'é'));
    }
}
