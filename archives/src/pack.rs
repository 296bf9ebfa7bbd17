//! A git pack: every object found once, deltas resolved, each known by the hash of its content.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use flate2::bufread::ZlibDecoder;
use sha1::{Digest, Sha1};

use crate::bundle::Id;
use crate::delta;
use crate::refused::BadArchive;

/// Objects in a pack: of a history of some ten thousand commits.
const MAX_OBJECTS: u32 = 300_000;

/// Bytes inflated and put together, all in all: some seconds of work.
const MAX_WORK_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Bytes in memory while deltas are resolved, unless one object takes more by itself.
const MAX_HELD_BYTES: u64 = 192 * 1024 * 1024;

/// Deltas one upon the other; git makes 50, and with an effort 4095.
const MAX_CHAIN: usize = 4096;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// How an object is stored.
#[derive(Clone, Copy, Debug)]
enum Stored {
    Whole(Kind),
    /// A delta upon an object of the same pack.
    Upon(u32),
    /// The same, by its hash; not known yet.
    UponId(Id),
}

#[derive(Debug)]
struct Object {
    /// Where its compressed bytes begin.
    offset: u64,
    /// Bytes of what is compressed.
    packed: u64,
    /// Bytes of the object itself.
    size: u64,
    stored: Stored,
}

/// The objects of a pack.
#[derive(Debug)]
pub(crate) struct Objects<R> {
    reader: R,
    objects: Vec<Object>,
    by_id: HashMap<Id, (u32, Kind)>,
    /// Largest object that is put together; what is larger is known by its size alone.
    most: u64,
    work: u64,
}

fn broken() -> BadArchive {
    BadArchive::Malformed("its pack is broken".into())
}

impl<R: BufRead + Seek> Objects<R> {
    /// Reads a pack from where `reader` is.
    pub(crate) fn read(mut reader: R, most: u64) -> Result<Self, BadArchive> {
        let mut head = [0; 12];
        reader.read_exact(&mut head).map_err(|_| broken())?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if &head[..4] != b"PACK" || !(2..=3).contains(&word(4)) {
            return Err(broken());
        }
        let count = word(8);
        if count > MAX_OBJECTS {
            return Err(BadArchive::TooMuchWork);
        }
        let mut pack = Self { reader, objects: Vec::new(), by_id: HashMap::new(), most, work: 0 };
        // Where each object's header begins, for those that are deltas upon it.
        let mut begins = HashMap::new();
        for number in 0..count {
            let begin = pack.reader.stream_position().map_err(BadArchive::Disk)?;
            let object = pack.next(begin, &begins)?;
            begins.insert(begin, number);
            pack.objects.push(object);
        }
        drop(begins);
        pack.resolve()?;
        Ok(pack)
    }

    /// The object with this hash.
    pub(crate) fn find(&self, id: &Id) -> Option<(u32, Kind)> {
        self.by_id.get(id).copied()
    }

    /// Bytes of an object.
    pub(crate) fn size(&self, object: u32) -> u64 {
        self.objects.get(object as usize).map_or(u64::MAX, |object| object.size)
    }

    /// An object's content.
    pub(crate) fn content(&mut self, object: u32) -> Result<Vec<u8>, BadArchive> {
        let (mut chain, mut at) = (Vec::new(), object);
        while let Stored::Upon(base) = self.objects.get(at as usize).ok_or_else(broken)?.stored {
            chain.push(at);
            at = base;
            if chain.len() > MAX_CHAIN {
                return Err(BadArchive::TooMuchWork);
            }
        }
        let mut content = self.inflate(at)?;
        while let Some(delta) = chain.pop() {
            let delta = self.inflate(delta)?;
            content = self.apply(&content, &delta)?;
        }
        Ok(content)
    }

    /// The object whose header comes next; its bytes are read past, and hashed where they are the object.
    fn next(&mut self, begin: u64, begins: &HashMap<u64, u32>) -> Result<Object, BadArchive> {
        let (code, packed) = self.object_header()?;
        let stored = match code {
            1 => Stored::Whole(Kind::Commit),
            2 => Stored::Whole(Kind::Tree),
            3 => Stored::Whole(Kind::Blob),
            4 => Stored::Whole(Kind::Tag),
            6 => {
                let base = begin.checked_sub(self.distance()?).ok_or_else(broken)?;
                Stored::Upon(*begins.get(&base).ok_or_else(broken)?)
            }
            7 => {
                let mut id = [0; 20];
                self.reader.read_exact(&mut id).map_err(|_| broken())?;
                Stored::UponId(id)
            }
            _ => return Err(broken()),
        };
        let offset = self.reader.stream_position().map_err(BadArchive::Disk)?;
        self.worked(packed)?;
        let mut hasher = Sha1::new();
        if let Stored::Whole(kind) = stored {
            hasher.update(format!("{} {packed}\0", kind.name()));
        }
        let mut decoder = ZlibDecoder::new(&mut self.reader);
        let hashed = io::copy(&mut (&mut decoder).take(packed + 1), &mut Hashing(&mut hasher)).map_err(|_| broken())?;
        let taken = decoder.total_in();
        if hashed != packed {
            return Err(broken());
        }
        self.worked(taken)?;
        if let Stored::Whole(kind) = stored {
            let number = u32::try_from(self.objects.len()).map_err(|_| broken())?;
            self.by_id.insert(hasher.finalize().into(), (number, kind));
        }
        // Of a delta it is the delta's, until it is resolved.
        let size = if matches!(stored, Stored::Whole(_)) { packed } else { u64::MAX };
        Ok(Object { offset, packed, size, stored })
    }

    /// Type and size at the beginning of an object.
    fn object_header(&mut self) -> Result<(u8, u64), BadArchive> {
        let first = self.byte()?;
        let (mut size, mut shift, mut more) = (u64::from(first & 15), 4, first & 128 != 0);
        while more {
            let byte = self.byte()?;
            if shift > 56 {
                return Err(broken());
            }
            size |= u64::from(byte & 127) << shift;
            (shift, more) = (shift + 7, byte & 128 != 0);
        }
        Ok((first >> 4 & 7, size))
    }

    /// How far before a delta its base begins.
    fn distance(&mut self) -> Result<u64, BadArchive> {
        let mut byte = self.byte()?;
        let mut distance = u64::from(byte & 127);
        while byte & 128 != 0 {
            byte = self.byte()?;
            distance = distance.checked_add(1).and_then(|more| more.checked_mul(128)).ok_or_else(broken)?;
            distance |= u64::from(byte & 127);
        }
        Ok(distance)
    }

    fn byte(&mut self) -> Result<u8, BadArchive> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte).map_err(|_| broken())?;
        Ok(byte[0])
    }

    /// Finds out the hash of every delta's object, from each whole object on to the deltas upon it. A delta whose base is not here, or is
    /// too large, stays unknown.
    fn resolve(&mut self) -> Result<(), BadArchive> {
        let (mut upon, mut upon_id): (HashMap<u32, Vec<u32>>, HashMap<Id, Vec<u32>>) = Default::default();
        for (number, object) in (0..).zip(&self.objects) {
            match object.stored {
                Stored::Whole(_) => {}
                Stored::Upon(base) => upon.entry(base).or_default().push(number),
                Stored::UponId(id) => upon_id.entry(id).or_default().push(number),
            }
        }
        let whole: Vec<_> = self.by_id.iter().map(|(id, (number, kind))| (*id, *number, *kind)).collect();
        for (id, number, kind) in whole {
            let mut next = upon.remove(&number).unwrap_or_default();
            next.extend(upon_id.remove(&id).unwrap_or_default());
            if !next.is_empty() && self.size(number) <= self.most {
                let content = self.inflate(number)?;
                self.resolve_upon(Base { number, content, next }, kind, &mut upon, &mut upon_id)?;
            }
        }
        Ok(())
    }

    fn resolve_upon(
        &mut self,
        base: Base,
        kind: Kind,
        upon: &mut HashMap<u32, Vec<u32>>,
        upon_id: &mut HashMap<Id, Vec<u32>>,
    ) -> Result<(), BadArchive> {
        let mut held = base.content.len() as u64;
        let mut bases = vec![base];
        while let Some(base) = bases.last_mut() {
            let Some(number) = base.next.pop() else {
                held -= base.content.len() as u64;
                bases.pop();
                continue;
            };
            let (base_number, is_last) = (base.number, base.next.is_empty());
            let delta = self.inflate(number)?;
            let size = delta::sizes(&delta).ok_or_else(broken)?.1;
            let depth = bases.len();
            let Some(base) = bases.last_mut() else { break };
            let object = self.objects.get_mut(number as usize).ok_or_else(broken)?;
            (object.size, object.stored) = (size, Stored::Upon(base_number));
            if size > self.most {
                continue;
            }
            let content = delta::apply(&base.content, &delta, self.most).ok_or_else(broken)?;
            if is_last {
                // A chain holds no more than two at a time.
                held -= base.content.len() as u64;
                base.content = Vec::new();
            }
            self.worked(size)?;
            let mut hasher = Sha1::new();
            hasher.update(format!("{} {size}\0", kind.name()));
            hasher.update(&content);
            let id: Id = hasher.finalize().into();
            self.by_id.entry(id).or_insert((number, kind));
            let mut next = upon.remove(&number).unwrap_or_default();
            next.extend(upon_id.remove(&id).unwrap_or_default());
            if next.is_empty() {
                continue;
            }
            held += size;
            if held > MAX_HELD_BYTES.max(2 * self.most) || depth > MAX_CHAIN {
                return Err(BadArchive::TooMuchWork);
            }
            bases.push(Base { number, content, next });
        }
        Ok(())
    }

    /// What is compressed of an object.
    fn inflate(&mut self, number: u32) -> Result<Vec<u8>, BadArchive> {
        let Object { offset, packed, .. } = *self.objects.get(number as usize).ok_or_else(broken)?;
        if packed > self.most {
            return Err(BadArchive::TooMuchWork);
        }
        self.worked(packed)?;
        self.reader.seek(SeekFrom::Start(offset)).map_err(BadArchive::Disk)?;
        let mut content = Vec::new();
        let mut decoder = ZlibDecoder::new(&mut self.reader);
        (&mut decoder).take(packed + 1).read_to_end(&mut content).map_err(|_| broken())?;
        // Blocks of nothing are read, too.
        let taken = decoder.total_in();
        self.worked(taken)?;
        if content.len() as u64 == packed { Ok(content) } else { Err(broken()) }
    }

    fn apply(&mut self, base: &[u8], delta: &[u8]) -> Result<Vec<u8>, BadArchive> {
        let content = delta::apply(base, delta, self.most).ok_or_else(broken)?;
        self.worked(content.len() as u64)?;
        Ok(content)
    }

    /// Counts bytes, and a little for each time.
    fn worked(&mut self, bytes: u64) -> Result<(), BadArchive> {
        self.work = self.work.saturating_add(bytes).saturating_add(64);
        if self.work > MAX_WORK_BYTES { Err(BadArchive::TooMuchWork) } else { Ok(()) }
    }
}

/// An object upon which there are deltas.
struct Base {
    number: u32,
    content: Vec<u8>,
    /// Those that are not resolved yet.
    next: Vec<u32>,
}

/// Hashes what is written.
struct Hashing<'h>(&'h mut Sha1);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
