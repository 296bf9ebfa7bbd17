//! Reading git bundles: the files of one commit, as `git bundle create` packs them.
//!
//! ```text
//!   header (refs) ─▶ pack: every object inflated once ─▶ deltas resolved, every object known by its hash ─▶ commit ─▶ trees ─▶ files
//! ```
//!
//! Of git only what this takes is here, and none of it is written: `gix-pack` would do the same with a hundred crates more. What a file is
//! follows from hashes alone, so the pack's own sum is not looked at. A bundle is held to [`Bounds`] and to bounds of its own on objects,
//! on the bytes that are inflated, and on what is in memory while deltas are resolved; trees that hold themselves many times over meet
//! the bound on items.

use std::collections::HashMap;
use std::io::{BufRead, Seek};

use carrel_protocol::WorkspacePath;
use carrel_protocol::path::MAX_PATH_BYTES;

use crate::header::{self, Header};
use crate::listing::{EntryKind, Lister, Listing, Named, Why};
use crate::pack::{Kind, Objects};
use crate::refused::BadArchive;
use crate::{Archive, Bounds};

/// The hash of an object.
pub(crate) type Id = [u8; 20];

/// Tags that lead to tags.
const MAX_TAGS: usize = 8;

/// Largest commit, tag or tree, in bytes.
const MAX_OBJECT_BYTES: u64 = 16 * 1024 * 1024;

/// A bundle whose listing is sound.
#[derive(Debug)]
pub struct Bundle<R> {
    objects: Objects<R>,
    listing: Listing,
    /// The object of each entry of the listing that is a file.
    files: Vec<Option<u32>>,
}

impl<R: BufRead + Seek> Bundle<R> {
    /// Reads all of a bundle and lists what its `HEAD` holds; of one without it, `main`, `master`, or the only branch.
    ///
    /// # Errors
    /// [`BadArchive`].
    pub fn open(mut reader: R, bounds: Bounds) -> Result<Self, BadArchive> {
        let Header { tip } = header::read(&mut reader)?;
        let mut objects = Objects::read(reader, bounds.max_file_bytes.max(MAX_OBJECT_BYTES))?;
        let tree = tree_of(&mut objects, tip)?;
        let mut walk = Walk { lister: Lister::new(bounds), files: Vec::new() };
        walk.all(&mut objects, tree)?;
        Ok(Self { objects, listing: walk.lister.finish(), files: walk.files })
    }
}

impl<R: BufRead + Seek + Send> Archive for Bundle<R> {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Nothing is left to be proved: every object is known by the hash of its content.
    fn prove(&mut self) -> Result<(), BadArchive> {
        Ok(())
    }

    fn content(&mut self, index: usize) -> Result<Vec<u8>, BadArchive> {
        match self.files.get(index) {
            Some(Some(object)) => self.objects.content(*object),
            _ => Ok(Vec::new()),
        }
    }
}

/// The tree of the commit that `tip` is or leads to.
fn tree_of<R: BufRead + Seek>(objects: &mut Objects<R>, tip: Id) -> Result<Id, BadArchive> {
    let mut id = tip;
    for _ in 0..MAX_TAGS {
        let (object, kind) = find(objects, &id, "a commit")?;
        let (word, end) = match kind {
            Kind::Commit => (&b"tree "[..], true),
            Kind::Tag => (&b"object "[..], false),
            Kind::Tree => return Ok(id),
            Kind::Blob => return Err(BadArchive::Malformed("its head is no commit".into())),
        };
        let content = small(objects, object)?;
        let hex = content.strip_prefix(word).and_then(|rest| rest.get(..40));
        let next = hex.and_then(header::id);
        id = next.ok_or_else(|| BadArchive::Malformed("a commit or tag of it is broken".into()))?;
        if end {
            return Ok(id);
        }
    }
    Err(BadArchive::Malformed("its head is a tag of tags".into()))
}

fn find<R: BufRead + Seek>(objects: &Objects<R>, id: &Id, what: &str) -> Result<(u32, Kind), BadArchive> {
    // A bundle of the newest commits alone, or of a shallow or partial clone.
    objects.find(id).ok_or_else(|| BadArchive::Malformed(format!("{what} it needs is not in it: make it with --all")))
}

fn small<R: BufRead + Seek>(objects: &mut Objects<R>, object: u32) -> Result<Vec<u8>, BadArchive> {
    if objects.size(object) > MAX_OBJECT_BYTES {
        return Err(BadArchive::TooMuchWork);
    }
    objects.content(object)
}

struct Walk {
    lister: Lister,
    files: Vec<Option<u32>>,
}

impl Walk {
    fn all<R: BufRead + Seek>(&mut self, objects: &mut Objects<R>, top: Id) -> Result<(), BadArchive> {
        let mut folders = vec![(None::<WorkspacePath>, top)];
        // A tree that is in many places is read once.
        let mut read: HashMap<Id, std::sync::Arc<[u8]>> = HashMap::new();
        let mut kept = 0;
        while let Some((folder, id)) = folders.pop() {
            let content = match read.get(&id) {
                Some(content) => std::sync::Arc::clone(content),
                None => {
                    let (object, kind) = find(objects, &id, "a folder")?;
                    if kind != Kind::Tree {
                        return Err(BadArchive::Malformed("a folder of it is none".into()));
                    }
                    let content: std::sync::Arc<[u8]> = small(objects, object)?.into();
                    kept += content.len() as u64;
                    if kept > MAX_OBJECT_BYTES {
                        (kept, read) = (content.len() as u64, HashMap::new());
                    }
                    read.insert(id, std::sync::Arc::clone(&content));
                    content
                }
            };
            self.folder(objects, folder.as_ref(), &content, &mut folders)?;
        }
        Ok(())
    }

    fn folder<R: BufRead + Seek>(
        &mut self,
        objects: &mut Objects<R>,
        folder: Option<&WorkspacePath>,
        mut tree: &[u8],
        folders: &mut Vec<(Option<WorkspacePath>, Id)>,
    ) -> Result<(), BadArchive> {
        while !tree.is_empty() {
            let entry = take_entry(&mut tree).ok_or_else(|| BadArchive::malformed("a folder of it is broken"))?;
            let TreeEntry { mode, name, id } = entry;
            if name.is_empty() || name.contains(&b'/') {
                return Err(BadArchive::malformed("a name in it holds a slash or nothing"));
            }
            let full = match folder {
                Some(folder) => [folder.as_str().as_bytes(), name].join(&b'/'),
                None => name.to_vec(),
            };
            let Named::Wanted(path) = self.lister.name(&full, mode == b"40000")? else { continue };
            if name.eq_ignore_ascii_case(b".git") {
                // Git makes none, and would obey it.
                self.lister.skip(&full, Why::Reserved);
                continue;
            }
            match mode {
                b"40000" | b"040000" => {
                    folders.push((Some(path.clone()), id));
                    self.add(path, EntryKind::Folder, None)?;
                }
                b"160000" => self.lister.skip(&full, Why::Submodule),
                b"120000" => {
                    let target = self.target(objects, &path, &id)?;
                    self.add(path, EntryKind::Link { target }, None)?;
                }
                _ => {
                    let (object, _) = find(objects, &id, "a file")?;
                    let kind = EntryKind::File { size: objects.size(object), executable: mode == b"100755" };
                    self.add(path, kind, Some(object))?;
                }
            }
        }
        Ok(())
    }

    fn target<R: BufRead + Seek>(
        &self,
        objects: &mut Objects<R>,
        path: &WorkspacePath,
        id: &Id,
    ) -> Result<String, BadArchive> {
        let leads_out = || BadArchive::LeadsOut { path: path.clone(), target: "…".into() };
        let (object, _) = find(objects, id, "a link")?;
        if objects.size(object) > MAX_PATH_BYTES as u64 {
            return Err(leads_out());
        }
        String::from_utf8(objects.content(object)?).map_err(|_| leads_out())
    }

    fn add(&mut self, path: WorkspacePath, kind: EntryKind, object: Option<u32>) -> Result<(), BadArchive> {
        if self.lister.add(path, kind)? {
            self.files.push(object);
        }
        Ok(())
    }
}

/// An entry of a tree: what it is, by Git's octal text, under which name, and where.
struct TreeEntry<'a> {
    mode: &'a [u8],
    name: &'a [u8],
    id: Id,
}

/// Takes a tree's first entry off it.
fn take_entry<'a>(tree: &mut &'a [u8]) -> Option<TreeEntry<'a>> {
    let space = tree.iter().take(7).position(|byte| *byte == b' ')?;
    let (mode, rest) = (&tree[..space], &tree[space + 1..]);
    let nul = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&rest[..nul], &rest[nul + 1..]);
    let (id, rest) = rest.split_first_chunk::<20>()?;
    *tree = rest;
    Some(TreeEntry { mode, name, id: *id })
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
