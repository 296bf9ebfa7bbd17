//! Files that arrive in parts.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use carrel_protocol::{AgentError, ContentHash, MAX_UPLOADS};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, pwrite};

use super::agent_error;
use super::scratch::Scratch;

/// One file being built in the scratch folder.
#[derive(Debug)]
pub struct Upload {
    /// Its name there.
    pub name: String,
    /// Open for writing.
    pub file: OwnedFd,
    size: u64,
    written: u64,
    hasher: Box<blake3::Hasher>,
}

/// The uploads of one connection.
#[derive(Debug, Default)]
pub struct Uploads {
    open: BTreeMap<u32, Upload>,
    last: u32,
}

impl Upload {
    /// An empty file that will become `size` bytes long.
    ///
    /// # Errors
    /// Whatever creating says.
    pub fn begin(scratch: &mut Scratch, size: u64) -> Result<Self, Errno> {
        let (name, file) = scratch.create()?;
        Ok(Self { name, file, size, written: 0, hasher: Box::default() })
    }

    /// Takes the room now, so that a full disk says so now; file systems that cannot will say so later.
    fn reserve(&self) -> Result<(), Errno> {
        match fallocate(&self.file, FallocateFlags::empty(), 0, self.size) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            other => other,
        }
    }

    /// Appends the next bytes.
    ///
    /// # Errors
    /// `BadRequest` beyond the declared size, `NoSpace`, or whatever writing says.
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), AgentError> {
        if bytes.len() as u64 > self.size - self.written {
            return Err(AgentError::BadRequest("more bytes than declared".to_owned()));
        }
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            match pwrite(&self.file, bytes, self.written) {
                Ok(0) => return Err(AgentError::NoSpace),
                Ok(count) => {
                    self.written += count as u64;
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(agent_error(errno)),
            }
        }
        Ok(())
    }

    /// Appends bytes that say where they belong.
    ///
    /// # Errors
    /// `BadRequest` when that is not the end, else as [`Upload::append`].
    pub fn append_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AgentError> {
        if offset != self.written {
            return Err(AgentError::BadRequest(format!("expected offset {}", self.written)));
        }
        self.append(bytes)
    }

    /// Whether all declared bytes have arrived.
    ///
    /// # Errors
    /// `BadRequest` when not.
    pub fn complete(&self) -> Result<(), AgentError> {
        if self.written == self.size {
            return Ok(());
        }
        Err(AgentError::BadRequest(format!("{} of {} bytes have arrived", self.written, self.size)))
    }

    /// Its size in bytes when complete.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hash of what has arrived.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        *self.hasher.finalize().as_bytes()
    }
}

impl Uploads {
    /// Opens one more and reserves its room.
    ///
    /// # Errors
    /// `TooMany`, `NoSpace`, or whatever creating says.
    pub fn begin(&mut self, scratch: &mut Scratch, size: u64) -> Result<u32, AgentError> {
        if self.open.len() >= MAX_UPLOADS {
            return Err(AgentError::TooMany);
        }
        let upload = Upload::begin(scratch, size).map_err(agent_error)?;
        if let Err(errno) = upload.reserve() {
            scratch.discard(&upload.name);
            return Err(agent_error(errno));
        }
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, upload);
        Ok(self.last)
    }

    /// An open upload.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&mut self, upload: u32) -> Result<&mut Upload, AgentError> {
        self.open.get_mut(&upload).ok_or(AgentError::NotFound)
    }

    /// Takes an upload out.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn take(&mut self, upload: u32) -> Result<Upload, AgentError> {
        self.open.remove(&upload).ok_or(AgentError::NotFound)
    }

    /// Takes all of them out.
    pub fn drain(&mut self) -> impl Iterator<Item = Upload> {
        std::mem::take(&mut self.open).into_values()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
