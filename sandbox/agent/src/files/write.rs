//! Changing the workspace on the server's behalf, one request after the other.
//!
//! **Invariants**: a file is replaced by one rename of complete content, or not at all. Content the server
//! did not expect is never lost: it is renamed to a conflict copy beside the new one.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::SystemTime;

use carrel_protocol::rules::stays_inside;
use carrel_protocol::{AgentError, ContentHash, Expect, Reply, Request, WorkspacePath, WriteOptions};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, fchmod, fsync, openat, renameat, renameat_with, statat,
};
use rustix::io::Errno;

use super::beneath::file_type;
use super::conflict::conflict_name;
use super::hash::{Hashed, stamp};
use super::read::open_regular;
use super::scratch::{Scratch, rename_to_absent};
use super::upload::{Upload, Uploads};
use super::{Workspace, agent_error};

/// How often placing a file starts over because programs change what is there at the same moment.
const RACE_ATTEMPTS: usize = 16;

/// The only one who changes the workspace for the server.
#[derive(Debug)]
pub struct Writer {
    workspace: Arc<Workspace>,
    scratch: Scratch,
    uploads: Uploads,
}

/// Complete content in the scratch folder, ready to be put in place.
#[derive(Debug)]
struct Staged {
    name: String,
    hash: ContentHash,
}

impl Writer {
    /// Removes leftovers of an earlier agent and is ready.
    #[must_use]
    pub fn new(workspace: Arc<Workspace>) -> Self {
        let mut scratch = Scratch::new(Arc::clone(&workspace.root));
        scratch.sweep();
        Self { workspace, scratch, uploads: Uploads::default() }
    }

    /// Answers one request that changes files.
    ///
    /// # Errors
    /// As the protocol describes them.
    pub fn handle(&mut self, request: Request) -> Result<Reply, AgentError> {
        match request {
            Request::WriteFile { path, options, bytes } => {
                self.write(&path, options, &bytes).map(|conflict_copy| Reply::Written { conflict_copy })
            }
            Request::WriteFiles { files } => {
                let outcomes = files.iter().map(|file| self.write(&file.path, file.options, &file.bytes)).collect();
                Ok(Reply::WrittenFiles { outcomes })
            }
            Request::BeginUpload { size } => {
                let upload = self.uploads.begin(&mut self.scratch, size)?;
                Ok(Reply::Upload { upload })
            }
            Request::UploadChunk { upload, offset, bytes } => {
                self.uploads.get(upload)?.append_at(offset, &bytes).map(|()| Reply::Done)
            }
            Request::CommitUpload { upload, path, options } => {
                let upload = self.uploads.take(upload)?;
                let placed = upload.complete().and_then(|()| self.place(&upload, &path, options));
                self.scratch.discard(&upload.name);
                placed.map(|conflict_copy| Reply::Written { conflict_copy })
            }
            Request::AbortUpload { upload } => {
                let upload = self.uploads.take(upload)?;
                self.scratch.discard(&upload.name);
                Ok(Reply::Done)
            }
            Request::MakeFolder { path } => {
                self.workspace.root.folder_made(path.as_str().as_bytes()).map_err(agent_error)?;
                Ok(Reply::Done)
            }
            Request::MakeSymlink { path, target } => self.make_symlink(&path, &target),
            Request::Move { from, to } => self.rename(&from, &to),
            Request::Remove { path } => self.remove(&path),
            _ => Err(AgentError::BadRequest("not a change of files".to_owned())),
        }
    }

    /// Forgets the uploads of a server that is gone.
    pub fn abort_uploads(&mut self) {
        for upload in self.uploads.drain() {
            self.scratch.discard(&upload.name);
        }
    }

    /// Removes the scratch folder when nothing is being built in it.
    pub fn tidy(&mut self) {
        if self.uploads.is_empty() {
            self.scratch.tidy();
        }
    }

    /// Writes a whole small file; answers where unexpected content was kept.
    fn write(
        &mut self,
        path: &WorkspacePath,
        options: WriteOptions,
        bytes: &[u8],
    ) -> Result<Option<WorkspacePath>, AgentError> {
        let mut upload = Upload::begin(&mut self.scratch, bytes.len() as u64).map_err(agent_error)?;
        let outcome = upload.append(bytes).and_then(|()| self.place(&upload, path, options));
        self.scratch.discard(&upload.name);
        outcome
    }

    fn place(
        &mut self,
        upload: &Upload,
        path: &WorkspacePath,
        options: WriteOptions,
    ) -> Result<Option<WorkspacePath>, AgentError> {
        let mode = if options.executable { 0o755 } else { 0o644 };
        fchmod(&upload.file, Mode::from_raw_mode(mode)).map_err(agent_error)?;
        if options.durable {
            fsync(&upload.file).map_err(agent_error)?;
        }
        let root = Arc::clone(&self.workspace.root);
        let (parent, name) = root.parent_made(path.as_str().as_bytes()).map_err(agent_error)?;
        let staged = Staged { name: upload.name.clone(), hash: upload.hash() };
        self.workspace.note_placed(upload.size());
        let kept = self.swap_in(&staged, &parent, name, path, options.expect).map_err(agent_error)?;
        if options.durable {
            sync_folder(&parent).map_err(agent_error)?;
        }
        Ok(kept.and_then(|kept| WorkspacePath::new(kept).ok()))
    }

    /// Puts staged content at `name`; answers where unexpected content was kept.
    fn swap_in(
        &mut self,
        staged: &Staged,
        parent: &OwnedFd,
        name: &OsStr,
        path: &WorkspacePath,
        expect: Expect,
    ) -> Result<Option<String>, Errno> {
        let mut kept = None;
        for _ in 0..RACE_ATTEMPTS {
            let there = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) => there,
                Err(Errno::NOENT) => {
                    match rename_to_absent((self.scratch.folder()?, staged.name.as_str()), (parent, name)) {
                        Err(Errno::EXIST) => continue,
                        other => return other.map(|()| kept),
                    }
                }
                Err(errno) => return Err(errno),
            };
            if file_type(&there) == FileType::Directory {
                return Err(Errno::ISDIR);
            }
            if expect == Expect::Anything {
                return renameat(self.scratch.folder()?, &staged.name, parent, name).map(|()| kept);
            }
            if !self.is_expected(&there, path, expect, staged.hash)? {
                kept = Some(keep_aside(parent, (parent, name), path)?);
                continue;
            }
            let folder = self.scratch.folder()?;
            match renameat_with(folder, &staged.name, parent, name, RenameFlags::EXCHANGE) {
                Ok(()) => {}
                Err(Errno::NOENT) => continue,
                Err(Errno::INVAL | Errno::NOSYS) => {
                    return renameat(folder, &staged.name, parent, name).map(|()| kept);
                }
                Err(errno) => return Err(errno),
            }
            // What came out must be what was looked at; a program may have written in between.
            let out = statat(folder, &staged.name, AtFlags::SYMLINK_NOFOLLOW)?;
            if same_content(&out, &there) {
                return Ok(kept);
            }
            return keep_aside(parent, (folder, OsStr::new(&staged.name)), path).map(Some).inspect_err(|_| {
                // Better the old content in place and an error than the old content thrown away.
                let _ = renameat_with(folder, &staged.name, parent, name, RenameFlags::EXCHANGE);
            });
        }
        Err(Errno::BUSY)
    }

    /// Whether what is there may be replaced: it is what the server expects, or already the new content.
    fn is_expected(&self, there: &Stat, path: &WorkspacePath, expect: Expect, new: ContentHash) -> Result<bool, Errno> {
        if file_type(there) != FileType::RegularFile {
            return Ok(false);
        }
        let file = match open_regular(&self.workspace.root, path.as_str().as_bytes()) {
            Ok(file) => file,
            Err(Errno::ACCESS | Errno::NOENT | Errno::LOOP | Errno::ISDIR) => return Ok(false),
            Err(errno) => return Err(errno),
        };
        let Hashed::Content(hash, seen) = self.workspace.hashes.hash(&file, self.workspace.max_file_bytes())? else {
            return Ok(false);
        };
        Ok(stamp(there) == seen && (hash == new || expect == Expect::Content(hash)))
    }

    fn make_symlink(&mut self, path: &WorkspacePath, target: &str) -> Result<Reply, AgentError> {
        if !stays_inside(path.as_str(), target) {
            return Err(AgentError::Refused);
        }
        let root = Arc::clone(&self.workspace.root);
        let (parent, name) = root.parent_made(path.as_str().as_bytes()).map_err(agent_error)?;
        let staged = self.scratch.link(target).map_err(agent_error)?;
        let folder = self.scratch.folder().map_err(agent_error)?;
        let placed = match rename_to_absent((folder, staged.as_str()), (&parent, name)) {
            Err(Errno::EXIST) => match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) if file_type(&there) == FileType::Symlink => renameat(folder, &staged, &parent, name),
                Ok(_) => Err(Errno::EXIST),
                Err(errno) => Err(errno),
            },
            other => other,
        };
        self.scratch.discard(&staged);
        placed.map(|()| Reply::Done).map_err(agent_error)
    }

    fn rename(&self, from: &WorkspacePath, to: &WorkspacePath) -> Result<Reply, AgentError> {
        if to.is_within(from) {
            return if to == from { Err(AgentError::Exists) } else { Err(into_itself()) };
        }
        let root = &self.workspace.root;
        let (source, old) = root.parent(from.as_str().as_bytes()).map_err(agent_error)?;
        statat(&source, old, AtFlags::SYMLINK_NOFOLLOW).map_err(agent_error)?;
        let (target, new) = root.parent_made(to.as_str().as_bytes()).map_err(agent_error)?;
        rename_to_absent((&source, old), (&target, new)).map_err(agent_error)?;
        sync_folder(&source).and_then(|()| sync_folder(&target)).map_err(agent_error)?;
        Ok(Reply::Done)
    }

    fn remove(&mut self, path: &WorkspacePath) -> Result<Reply, AgentError> {
        let root = Arc::clone(&self.workspace.root);
        let (parent, name) = match root.parent(path.as_str().as_bytes()) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(Reply::Done),
            Err(errno) => return Err(agent_error(errno)),
        };
        self.scratch.destroy(&parent, name).map_err(agent_error)?;
        Ok(Reply::Done)
    }
}

fn into_itself() -> AgentError {
    AgentError::BadRequest("a folder cannot be moved into itself".to_owned())
}

/// Renames the thing at `from` to a free conflict name in `parent`; answers its path.
fn keep_aside(parent: &OwnedFd, from: (impl AsFd, &OsStr), path: &WorkspacePath) -> Result<String, Errno> {
    for attempt in 1..1000 {
        let name = conflict_name(path.name(), SystemTime::now(), attempt);
        match rename_to_absent((&from.0, from.1), (parent, name.as_str())) {
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
            Ok(()) => return Ok(path.parent().map_or(name.clone(), |folder| format!("{folder}/{name}"))),
        }
    }
    Err(Errno::EXIST)
}

/// Whether a file that was renamed meanwhile (which moves its status-change time) still has the same content.
fn same_content(one: &Stat, other: &Stat) -> bool {
    let content = |stat: &Stat| (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    content(one) == content(other)
}

fn sync_folder(folder: &OwnedFd) -> Result<(), Errno> {
    fsync(openat(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
