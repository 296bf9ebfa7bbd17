//! What users have written that the next batch of changes may not have seen.
//!
//! An agent begins a batch only when the one before was confirmed, and never sends one that it began for an earlier link. So what it says of a
//! path is certain unless the path was written since; how long the agent took to look and hash does not matter.

use std::collections::HashSet;

use crate::model::WorkspacePath;

/// Paths remembered; of more than that, everything counts as written.
const MAX_PATHS: usize = 4096;

/// The paths written since a batch was last begun to be brought over.
#[derive(Debug, Default)]
pub(super) struct Written {
    paths: HashSet<WorkspacePath>,
    too_many: bool,
}

impl Written {
    /// These were written, or may have been; `None` is anything.
    pub(super) fn note(&mut self, paths: Option<Vec<WorkspacePath>>) {
        match paths {
            Some(paths) => self.paths.extend(paths),
            None => self.too_many = true,
        }
        if self.too_many || self.paths.len() > MAX_PATHS {
            self.paths.clear();
            self.too_many = true;
        }
    }

    /// Whether what the next batch says of `path` may be older than a user's write of it, of what it lies in, or of what lies in it.
    pub(super) fn overtakes(&self, path: &WorkspacePath) -> bool {
        self.too_many || self.paths.iter().any(|other| path.is_within(other) || other.is_within(path))
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
}
