//! Opening things below the workspace's root and nowhere else.
//!
//! `openat2` does it in one call. Where the kernel or a seccomp profile lacks it, the path is walked one
//! component at a time without following links, which refuses the same and is only slower.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, mkdirat, openat, openat2, statat};
use rustix::io::Errno;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// How often `openat2` is asked again when a rename elsewhere made it unsure (`EAGAIN`).
const UNSURE_ATTEMPTS: usize = 16;

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The workspace.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    openat2: bool,
}

impl Root {
    /// Takes hold of the folder at `path`.
    ///
    /// # Errors
    /// When it cannot be opened as a folder.
    pub fn open(path: &Path) -> Result<Self, Errno> {
        let fd = openat(CWD, path, FOLDER, Mode::empty())?;
        let openat2 = openat2(&fd, ".", FOLDER, Mode::empty(), BENEATH).is_ok();
        Ok(Self { fd, openat2 })
    }

    /// The root itself, good for `*at` calls only.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens the folder at `path` (empty for the root) with extra `flags`, for example to list it.
    ///
    /// # Errors
    /// `LOOP` when a link is in the way, `NOTDIR` when something else is.
    pub fn folder(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        // Not `O_NOFOLLOW`: with it a link at the end would be `NOTDIR` instead of `LOOP`, and none is followed anyway.
        let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let text = if path.is_empty() { b".".as_slice() } else { path };
        if !self.openat2 {
            return self.walk(path, flags);
        }
        for _ in 0..UNSURE_ATTEMPTS {
            match openat2(&self.fd, text, flags, Mode::empty(), BENEATH) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    /// The folder `path` lies in, open for `*at` calls, and its last component.
    ///
    /// # Errors
    /// As [`Root::folder`].
    pub fn parent<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p OsStr), Errno> {
        let (folder, name) = split(path);
        Ok((self.folder(folder, OFlags::PATH)?, OsStr::from_bytes(name)))
    }

    /// As [`Root::parent`], but makes the folders that are missing.
    ///
    /// # Errors
    /// As [`Root::folder`], and whatever `mkdir` says.
    pub fn parent_made<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p OsStr), Errno> {
        let (folder, name) = split(path);
        Ok((self.folder_made(folder)?, OsStr::from_bytes(name)))
    }

    /// The folder at `path`, made with all its parents where missing.
    ///
    /// # Errors
    /// As [`Root::folder`], and whatever `mkdir` says.
    pub fn folder_made(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        match self.folder(path, OFlags::PATH) {
            Err(Errno::NOENT) => {}
            other => return other,
        }
        let mut at = self.folder(b"", OFlags::PATH)?;
        for name in path.split(|byte| *byte == b'/') {
            match mkdirat(&at, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => at = step(&at, name, FOLDER)?,
                Err(errno) => return Err(errno),
            }
        }
        Ok(at)
    }

    /// What is at `path` itself; a link is not followed.
    ///
    /// # Errors
    /// `NOENT` when nothing is, else as [`Root::folder`].
    pub fn stat(&self, path: &[u8]) -> Result<Stat, Errno> {
        let (parent, name) = self.parent(path)?;
        statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn walk(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let (folders, last) = split(path);
        let mut at = step(&self.fd, b".", FOLDER)?;
        for name in folders.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            at = step(&at, name, FOLDER)?;
        }
        step(&at, if last.is_empty() { b"." } else { last }, flags)
    }
}

/// Opens the folder `name` in `at`; a link in its place is `LOOP`, as `openat2` would say.
fn step(at: impl AsFd, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    if name == b".." {
        return Err(Errno::XDEV);
    }
    openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|errno| match errno {
        Errno::NOTDIR if is_link(&at, name) => Errno::LOOP,
        other => other,
    })
}

fn is_link(at: impl AsFd, name: &[u8]) -> bool {
    statat(at, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| file_type(&stat) == FileType::Symlink)
}

/// The type of file a `stat` speaks of.
#[must_use]
pub fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Splits a relative path into its folder (empty for the root) and its name.
#[must_use]
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The same tree seen through `openat2` and through the walk.
    fn both(check: impl Fn(&Root, &Path)) {
        let dir = tempfile::tempdir().expect("temp dir");
        let workspace = dir.path().join("w");
        fs::create_dir_all(workspace.join("a/b")).expect("mkdir");
        fs::write(workspace.join("a/file"), "x").expect("write");
        symlink("/etc", workspace.join("d")).expect("link");
        symlink("a", workspace.join("inside")).expect("link");
        symlink("..", workspace.join("up")).expect("link");
        let root = Root::open(&workspace).expect("root");
        assert!(root.openat2, "this kernel has openat2");
        check(&root, &workspace);
        check(&Root { openat2: false, ..root }, &workspace);
    }

    #[track_caller]
    fn refused(root: &Root, path: &str, errno: Errno) {
        assert_eq!(root.folder(path.as_bytes(), OFlags::PATH).err(), Some(errno), "{path}");
    }

    #[test]
    fn links_and_dots_never_lead_anywhere() {
        both(|root, _| {
            for link in ["d", "d/ssh", "inside", "inside/b", "up", "up/w"] {
                refused(root, link, Errno::LOOP);
            }
            refused(root, "../w", Errno::XDEV);
            refused(root, "a/file", Errno::NOTDIR);
            refused(root, "a/none", Errno::NOENT);
            assert!(root.folder(b"", OFlags::PATH).is_ok() && root.folder(b"a/b", OFlags::RDONLY).is_ok());
        });
    }

    #[test]
    fn missing_parents_are_made_but_not_through_links() {
        both(|root, workspace| {
            assert!(root.parent_made(b"n/e/w/file").is_ok());
            assert!(workspace.join("n/e/w").is_dir());
            assert_eq!(root.parent_made(b"d/new/file").err(), Some(Errno::LOOP));
            assert_eq!(root.parent_made(b"a/file/x").err(), Some(Errno::NOTDIR));
            assert!(!Path::new("/etc/new").exists());
        });
    }

    #[test]
    fn stat_sees_the_link_and_not_its_target() {
        both(|root, _| {
            assert_eq!(file_type(&root.stat(b"d").expect("there")), FileType::Symlink);
            assert_eq!(root.stat(b"d/passwd").err(), Some(Errno::LOOP));
        });
    }
}
