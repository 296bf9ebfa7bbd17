//! What an archive holds, checked as it is found.

use std::collections::HashMap;

use carrel_protocol::rules::{SCRATCH_PREFIX, TOOL_FOLDERS, stays_inside};
use carrel_protocol::{PathError, WorkspacePath};

use crate::Bounds;
use crate::refused::{BadArchive, shown};

/// Skipped things that are named; more are only counted.
pub const MAX_SKIPPED: usize = 1000;

/// What an archive holds: no two things of one name, nothing in what is no folder, nothing that leads out, all of it within its bounds.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Parents that are listed come where the archive has them.
    pub entries: Vec<Entry>,
    /// What is in the archive and not wanted here.
    pub skipped: Vec<Skipped>,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Something in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: WorkspacePath,
    /// What.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Whether it may be run.
        executable: bool,
    },
    /// A folder.
    Folder,
    /// A link that stays inside.
    Link {
        /// Where it leads.
        target: String,
    },
}

/// Something that is not wanted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name as it may be shown.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why something is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its name is not UTF-8.
    Name,
    /// Its name is one of the server's own.
    Reserved,
    /// It lies in a folder that tools make again.
    Ignored,
    /// It is what macOS puts beside files.
    Desktop,
    /// It is larger than a file may be.
    TooLarge,
    /// It is another repository.
    Submodule,
}

/// Bytes of all paths in one archive: they are in memory, more than once.
const MAX_NAMED_BYTES: usize = 16 * 1024 * 1024;

/// A listing that is being made.
#[derive(Debug)]
pub(crate) struct Lister {
    bounds: Bounds,
    listing: Listing,
    /// Whether what is there is a folder, and whether it was listed itself.
    places: HashMap<WorkspacePath, (bool, bool)>,
    seen: u64,
    /// Bytes of all paths.
    named: usize,
}

/// A name that was judged.
pub(crate) enum Named {
    Wanted(WorkspacePath),
    Skipped,
}

impl Lister {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let listing = Listing { entries: Vec::new(), skipped: Vec::new(), bytes: 0 };
        Self { bounds, listing, places: HashMap::new(), seen: 0, named: 0 }
    }

    /// Counts and judges a name; `folder`: of a folder, without its slash.
    pub(crate) fn name(&mut self, name: &[u8], folder: bool) -> Result<Named, BadArchive> {
        self.seen += 1;
        if self.seen > self.bounds.max_items {
            return Err(BadArchive::TooManyItems(self.bounds.max_items));
        }
        let is_desktop = |part: &[u8]| matches!(part, b"__MACOSX" | b".DS_Store");
        let is_reserved = |part: &[u8]| part.starts_with(SCRATCH_PREFIX.as_bytes());
        let mut parts = name.split(|byte| *byte == b'/');
        let why = match std::str::from_utf8(name) {
            Ok(_) if parts.clone().any(is_desktop) => Why::Desktop,
            Ok(_) if is_made_by_tools(name, folder) && !parts.clone().any(|part| part == b"..") => Why::Ignored,
            Ok(_) if parts.any(is_reserved) => Why::Reserved,
            Ok(text) => {
                let refused = |why: PathError| BadArchive::Name { name: shown(name), why };
                return WorkspacePath::new(text).map(Named::Wanted).map_err(refused);
            }
            Err(_) => Why::Name,
        };
        self.skip(name, why);
        Ok(Named::Skipped)
    }

    /// Adds what has been judged. A file over its bound is skipped; `false` then.
    pub(crate) fn add(&mut self, path: WorkspacePath, kind: EntryKind) -> Result<bool, BadArchive> {
        match &kind {
            EntryKind::File { size, .. } if *size > self.bounds.max_file_bytes => {
                self.skip(path.as_str().as_bytes(), Why::TooLarge);
                return Ok(false);
            }
            EntryKind::File { size, .. } => {
                self.listing.bytes = self.listing.bytes.saturating_add(*size);
                if self.listing.bytes > self.bounds.max_bytes {
                    return Err(BadArchive::TooManyBytes(self.bounds.max_bytes));
                }
            }
            EntryKind::Link { target } if !stays_inside(path.as_str(), target) => {
                return Err(BadArchive::LeadsOut { path, target: shown(target.as_bytes()) });
            }
            EntryKind::Link { .. } | EntryKind::Folder => {}
        }
        for folder in path.ancestors() {
            match self.places.get(&folder) {
                Some((true, _)) => break,
                Some((false, _)) => return Err(BadArchive::NotFolder(folder)),
                None => self.places.insert(folder, (true, false)),
            };
        }
        let is_folder = kind == EntryKind::Folder;
        match self.places.get(&path) {
            None => {}
            // A folder may be listed after what lies in it.
            Some((true, false)) if is_folder => {}
            Some((true, false)) => return Err(BadArchive::NotFolder(path)),
            Some(_) => return Err(BadArchive::Twice(path)),
        }
        self.places.insert(path.clone(), (is_folder, true));
        if self.places.len() as u64 > self.bounds.max_items {
            return Err(BadArchive::TooManyItems(self.bounds.max_items));
        }
        self.named += path.as_str().len();
        if self.named > MAX_NAMED_BYTES {
            return Err(BadArchive::TooMuchWork);
        }
        self.listing.entries.push(Entry { path, kind });
        Ok(true)
    }

    pub(crate) fn skip(&mut self, name: &[u8], why: Why) {
        if self.listing.skipped.len() < MAX_SKIPPED {
            self.listing.skipped.push(Skipped { path: shown(name), why });
        }
    }

    pub(crate) fn finish(self) -> Listing {
        self.listing
    }
}

/// Whether it lies in a folder of tools, at any depth, or is one itself (`folder`): an archive of a whole project holds tens of thousands of
/// such files.
fn is_made_by_tools(name: &[u8], folder: bool) -> bool {
    let mut above = name.split(|byte| *byte == b'/');
    let last = above.next_back().unwrap_or_default();
    let is_tools = |name: &[u8]| TOOL_FOLDERS.iter().any(|tools| tools.as_bytes() == name);
    (folder && is_tools(last)) || above.any(is_tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::new(text).expect(text)
    }

    fn file(size: u64) -> EntryKind {
        EntryKind::File { size, executable: false }
    }

    #[test]
    fn folders_that_are_only_named_count() {
        let mut lister = Lister::new(Bounds { max_items: 4, max_bytes: 10, max_file_bytes: 5 });
        assert!(lister.add(path("a/b/c"), file(1)).is_ok());
        assert!(lister.add(path("a"), EntryKind::Folder).is_ok(), "listed after what lies in it");
        assert!(lister.add(path("a/d"), file(1)).is_ok());
        assert!(matches!(lister.add(path("a/e"), file(1)), Err(BadArchive::TooManyItems(4))));
    }

    #[test]
    fn nothing_lies_in_what_is_no_folder_and_nothing_is_there_twice() {
        let bounds = Bounds { max_items: 100, max_bytes: 10, max_file_bytes: 5 };
        let link = || EntryKind::Link { target: "x".into() };
        let cases: [(&str, EntryKind, &str, EntryKind); 5] = [
            ("a", link(), "a/b", file(1)),
            ("a", file(1), "a/b", EntryKind::Folder),
            ("a/b", file(1), "a", link()),
            ("a", file(1), "a", file(1)),
            ("a", EntryKind::Folder, "a", file(1)),
        ];
        for (first, kind, second, other) in cases {
            let mut lister = Lister::new(bounds);
            lister.add(path(first), kind).expect("the first");
            assert!(lister.add(path(second), other).is_err(), "{second} after {first}");
        }
    }

    #[test]
    fn names_are_wanted_skipped_or_refused() {
        let mut lister = Lister::new(Bounds { max_items: 100, max_bytes: 10, max_file_bytes: 5 });
        let mut judge = |name: &[u8]| match lister.name(name, false) {
            Ok(Named::Wanted(_)) => "wanted",
            Ok(Named::Skipped) => "skipped",
            Err(_) => "refused",
        };
        let cases: [(&[u8], &str); 12] = [
            (b"a/b.py", "wanted"),
            (b"caf\xc3\xa9", "wanted"),
            (b"caf\xe9", "skipped"),
            (b"__MACOSX/._a", "skipped"),
            (b"x/node_modules/y", "skipped"),
            (b".carrel-tmp-x", "skipped"),
            (b"../x", "refused"),
            (b"node_modules/../../x", "refused"),
            (b"/etc/passwd", "refused"),
            (b"a//b", "refused"),
            (b"a\0b", "refused"),
            (b"", "refused"),
        ];
        for (name, expected) in cases {
            assert_eq!(judge(name), expected, "{:?}", String::from_utf8_lossy(name));
        }
    }
}
