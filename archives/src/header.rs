//! The text at the beginning of a git bundle.

use std::io::{BufRead, Read};

use crate::bundle::Id;
use crate::refused::{BadArchive, shown};

/// Longest line, and all of them together, in bytes.
const MAX_LINE_BYTES: u64 = 8 * 1024;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What a header says that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What is to be taken out of the bundle.
    pub(crate) tip: Id,
}

/// The names among which the tip is chosen.
#[derive(Default)]
struct Refs {
    head: Option<Id>,
    main: Option<Id>,
    master: Option<Id>,
    branches: Vec<Id>,
    all: Vec<Id>,
}

/// Reads the header; what follows is the pack.
pub(crate) fn read(reader: &mut impl BufRead) -> Result<Header, BadArchive> {
    let signature = line(reader)?;
    let version = match signature.as_slice() {
        b"# v2 git bundle" => 2,
        b"# v3 git bundle" => 3,
        _ => return Err(BadArchive::Malformed("it is no git bundle of version 2 or 3".into())),
    };
    let (mut refs, mut bytes) = (Refs::default(), 0);
    loop {
        let line = line(reader)?;
        bytes += line.len();
        if bytes > MAX_BYTES {
            return Err(BadArchive::TooMuchWork);
        }
        match line.split_first() {
            None => break,
            Some((b'@', b"object-format=sha1")) if version == 3 => {}
            Some((b'@', capability)) if version == 3 => return Err(BadArchive::Unsupported(shown(capability))),
            Some((b'-', _)) => {
                let text = "it builds on commits that are not in it: make it with --all";
                return Err(BadArchive::Unsupported(text.into()));
            }
            Some(_) => refs.add(&line)?,
        }
    }
    Ok(Header { tip: refs.tip()? })
}

impl Refs {
    fn add(&mut self, line: &[u8]) -> Result<(), BadArchive> {
        let malformed = || BadArchive::Malformed("a ref of it is broken".into());
        let (hex, name) = line.split_at_checked(40).ok_or_else(malformed)?;
        let (id, name) = (id(hex).ok_or_else(malformed)?, name.strip_prefix(b" ").ok_or_else(malformed)?);
        match name {
            b"HEAD" => self.head = Some(id),
            b"refs/heads/main" => self.main = Some(id),
            b"refs/heads/master" => self.master = Some(id),
            name if name.starts_with(b"refs/heads/") => self.branches.push(id),
            _ => {}
        }
        self.all.push(id);
        Ok(())
    }

    fn tip(&self) -> Result<Id, BadArchive> {
        let only = |ids: &[Id]| if let [id] = ids { Some(*id) } else { None };
        let tip = self.head.or(self.main).or(self.master).or(only(&self.branches)).or(only(&self.all));
        tip.ok_or_else(|| BadArchive::Unsupported("it has no HEAD, no main, and not just one branch".into()))
    }
}

/// A line without its end.
fn line(reader: &mut impl BufRead) -> Result<Vec<u8>, BadArchive> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(BadArchive::Disk)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(BadArchive::Malformed("its header is cut off".into())),
    }
}

/// An id in hexadecimal digits.
pub(crate) fn id(hex: &[u8]) -> Option<Id> {
    let mut id = [0; 20];
    if hex.len() != 40 {
        return None;
    }
    for (byte, digits) in id.iter_mut().zip(hex.chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(id)
}
