//! What users have written that the next batch of changes may not have seen.
//!
//! An agent begins a batch only when the one before was confirmed, and never sends one that it began for an earlier link. So what it says of a
//! path is certain unless the path was written since; how long the agent took to look and hash does not matter.

use std::collections::HashMap;

use carrel_protocol::{Entry, EntryKind};

use crate::model::{ContentHash, ItemKind, WorkspacePath};

/// Paths remembered; of more than that, everything counts as written.
const MAX_PATHS: usize = 4096;

/// The paths written since a batch was last begun to be brought over.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Each with what is kept there, where nothing but saves came after it was saved.
    paths: HashMap<WorkspacePath, Option<ItemKind>>,
    too_many: bool,
}

impl Written {
    /// A file was saved, and is kept as this.
    pub(super) fn note_saved(&mut self, path: WorkspacePath, kind: ItemKind) {
        self.paths.insert(path, Some(kind));
        self.bound();
    }

    /// These were written, or may have been; `None` is anything. Or the database has learned something else.
    pub(super) fn note(&mut self, paths: Option<Vec<WorkspacePath>>) {
        self.paths.values_mut().for_each(|kept| *kept = None);
        match paths {
            Some(paths) => self.paths.extend(paths.into_iter().map(|path| (path, None))),
            None => self.too_many = true,
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.too_many || self.paths.len() > MAX_PATHS {
            self.paths.clear();
            self.too_many = true;
        }
    }

    /// Whether a batch says nothing but what a save has just put there.
    pub(super) fn is_known(&self, entry: &Entry) -> bool {
        let EntryKind::File { size, executable, hash: Some(hash) } = &entry.kind else { return false };
        let Ok(path) = WorkspacePath::new(entry.path.clone()) else { return false };
        let said = ItemKind::File { hash: ContentHash(*hash), size: *size, executable: *executable };
        self.paths.get(&path).is_some_and(|kept| kept.as_ref() == Some(&said))
    }

    /// Whether what the next batch says of `path` may be older than a user's write of it, of what it lies in, or of what lies in it.
    pub(super) fn overtakes(&self, path: &WorkspacePath) -> bool {
        self.too_many || self.paths.keys().any(|other| path.is_within(other) || other.is_within(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::new(text).expect(text)
    }

    #[test]
    fn a_write_overtakes_its_path_what_holds_it_and_what_it_holds() {
        let mut written = Written::default();
        written.note(Some(vec![path("a/b")]));
        for (text, overtaken) in [("a/b", true), ("a", true), ("a/b/c", true), ("a/c", false), ("a/bc", false)] {
            assert_eq!(written.overtakes(&path(text)), overtaken, "{text}");
        }
    }

    #[test]
    fn more_writes_than_are_remembered_overtake_everything() {
        let mut written = Written::default();
        for number in 0..MAX_PATHS {
            written.note(Some(vec![path(&format!("f{number}")), path("again")]));
        }
        assert!(written.overtakes(&path("never written")));
        assert!(written.paths.is_empty(), "nothing is kept that no longer matters");
        let mut written = Written::default();
        written.note(None);
        assert!(written.overtakes(&path("never written")));
    }

    #[test]
    fn what_a_save_has_put_there_is_known_until_something_else_is_learned() {
        let file = |content: &[u8]| ItemKind::File {
            hash: ContentHash::of(content),
            size: content.len() as u64,
            executable: false,
        };
        let said = |name: &str, content: &[u8], executable| Entry {
            path: name.to_owned(),
            kind: EntryKind::File { hash: Some(ContentHash::of(content).0), size: content.len() as u64, executable },
        };
        let mut written = Written::default();
        written.note_saved(path("a"), file(b"old"));
        written.note_saved(path("a"), file(b"new"));
        written.note_saved(path("b"), file(b"b"));
        assert!(written.is_known(&said("a", b"new", false)) && written.is_known(&said("b", b"b", false)));
        for entry in [said("a", b"old", false), said("a", b"new", true), said("c", b"new", false)] {
            assert!(!written.is_known(&entry), "{entry:?}");
        }
        written.note(Some(Vec::new()));
        assert!(!written.is_known(&said("a", b"new", false)), "a listing may have brought something else over");
        assert!(written.overtakes(&path("a")));
    }
}
