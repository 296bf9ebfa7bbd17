//! The agent's own folder at the top of the workspace: where files are built before they are put in place,
//! and where folders go to be removed.
//!
//! It lies in the workspace's file system, so that everything moves in and out of it by one rename, and it is
//! neither watched nor listed. It exists only while it is needed.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use carrel_protocol::rules::SCRATCH_PREFIX;
use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, chmodat, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::path::Arg;

use super::beneath::Root;
use super::entry::is_scratch;

/// How often a folder is emptied again because programs keep filling it.
const EMPTY_ATTEMPTS: usize = 64;

const OPEN_FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The scratch folder, made when first needed.
#[derive(Debug)]
pub struct Scratch {
    root: Arc<Root>,
    folder: Option<(String, OwnedFd)>,
    next: u64,
}

impl Scratch {
    /// Not made yet.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        Self { root, folder: None, next: 0 }
    }

    /// Removes what an agent that died left behind.
    pub fn sweep(&mut self) {
        let Ok(names) = self.root.folder(b"", OFlags::RDONLY).and_then(|top| names(&top, usize::MAX)) else { return };
        let root = Arc::clone(&self.root);
        for name in names.iter().filter(|name| is_scratch(name.to_bytes())) {
            // Not fatal: what stays is hidden and tried again at the next start.
            let _ = self.destroy(root.fd(), name.as_c_str());
        }
        self.tidy();
    }

    /// Removes the empty folder itself.
    pub fn tidy(&mut self) {
        if let Some((name, _)) = self.folder.take() {
            let _ = unlinkat(self.root.fd(), &name, AtFlags::REMOVEDIR);
        }
    }

    /// A new file, open for writing, and its name in the scratch folder.
    ///
    /// # Errors
    /// Whatever creating says.
    pub fn create(&mut self) -> Result<(String, OwnedFd), Errno> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.within(|folder, name| openat(folder, name, flags, Mode::from_raw_mode(0o600)))
    }

    /// A new link, and its name in the scratch folder.
    ///
    /// # Errors
    /// Whatever creating says.
    pub fn link(&mut self, target: &str) -> Result<String, Errno> {
        Ok(self.within(|folder, name| rustix::fs::symlinkat(target, folder, name))?.0)
    }

    /// The folder, for renames out of it.
    ///
    /// # Errors
    /// Whatever making it says.
    pub fn folder(&mut self) -> Result<&OwnedFd, Errno> {
        if self.folder.is_none() {
            let name = format!("{SCRATCH_PREFIX}{}", uuid::Uuid::new_v4().simple());
            mkdirat(self.root.fd(), &name, Mode::from_raw_mode(0o700))?;
            let folder = openat(self.root.fd(), &name, OPEN_FOLDER | OFlags::PATH, Mode::empty())?;
            self.folder = Some((name, folder));
        }
        self.folder.as_ref().map(|(_, folder)| folder).ok_or(Errno::NOENT)
    }

    /// Removes a file of the scratch folder.
    pub fn discard(&mut self, name: &str) {
        if let Some((_, folder)) = &self.folder {
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }

    /// Removes `name` in `parent` and all below it, however deep: it vanishes from its place at once, and
    /// its folders are then emptied side by side, with a constant number of descriptors.
    ///
    /// # Errors
    /// Whatever the first step says, and `NOTEMPTY` when programs fill it faster than it can be emptied.
    pub fn destroy<P: Arg + Copy>(&mut self, parent: impl AsFd, name: P) -> Result<(), Errno> {
        match unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR) => {}
            Err(errno) => return Err(errno),
        }
        let mut doomed = vec![self.take_in(&parent, name)?];
        let mut attempts = EMPTY_ATTEMPTS;
        while let Some(name) = doomed.pop() {
            let folder = openat(self.folder()?, &name, OPEN_FOLDER | OFlags::RDONLY, Mode::empty())?;
            for child in names(&folder, usize::MAX)? {
                match unlinkat(&folder, &*child, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(Errno::ISDIR) => {
                        if unlinkat(&folder, &*child, AtFlags::REMOVEDIR).is_err() {
                            doomed.push(self.take_in(&folder, &*child)?);
                        }
                    }
                    Err(errno) => return Err(errno),
                }
            }
            match unlinkat(self.folder()?, &name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY) if attempts > 0 => {
                    attempts -= 1;
                    doomed.push(name);
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Moves the folder `name` of `parent` in here, with the right to empty it.
    fn take_in<P: Arg + Copy>(&mut self, parent: impl AsFd, name: P) -> Result<String, Errno> {
        let (new, ()) = self.within(|folder, new| match renameat(&parent, name, folder, new) {
            // A folder that is not writable cannot change its parent; its owner may make it so.
            Err(Errno::ACCESS) => {
                chmodat(&parent, name, Mode::RWXU, AtFlags::empty())?;
                renameat(&parent, name, folder, new)
            }
            other => other,
        })?;
        chmodat(self.folder()?, &new, Mode::RWXU, AtFlags::empty())?;
        Ok(new)
    }

    /// Does `make` with a fresh name, once more in a new folder when a program has removed the old one.
    fn within<T>(&mut self, make: impl Fn(&OwnedFd, &str) -> Result<T, Errno>) -> Result<(String, T), Errno> {
        self.next += 1;
        let name = self.next.to_string();
        let had_one = self.folder.is_some();
        match make(self.folder()?, &name) {
            Err(Errno::NOENT) if had_one => {
                self.folder = None;
                let made = make(self.folder()?, &name)?;
                Ok((name, made))
            }
            other => Ok((name, other?)),
        }
    }
}

/// Renames without replacing anything, where the file system can; elsewhere after a look.
///
/// # Errors
/// `EXIST` when something is there.
pub fn rename_to_absent<P: Arg + Copy, Q: Arg + Copy>(from: (impl AsFd, P), to: (impl AsFd, Q)) -> Result<(), Errno> {
    match renameat_with(&from.0, from.1, &to.0, to.1, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::statat(&to.0, to.1, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => renameat(from.0, from.1, to.0, to.1),
            Err(errno) => Err(errno),
        },
        other => other,
    }
}

/// Everything in an open folder but `.` and `..`.
///
/// # Errors
/// Whatever listing says, `OVERFLOW` beyond `most`; never a part of the names.
pub fn names(folder: &OwnedFd, most: usize) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for item in Dir::read_from(folder)? {
        let name = item?.file_name().to_owned();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if names.len() >= most {
            return Err(Errno::OVERFLOW);
        }
        names.push(name);
    }
    Ok(names)
}
