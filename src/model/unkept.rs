//! What a sandbox holds and the database does not, and why, as its user is shown it.
//!
//! Names come from a sandbox and are hostile: they are bounded in number and length here, and made printable where they are no paths.

use std::collections::BTreeMap;

use carrel_protocol::{Entry, NotKept, Shape};
use serde::Serialize;

use super::WorkspacePath;

/// Things shown; more are counted as one word: truncated.
pub const MAX_UNKEPT: usize = 1000;

/// Items beyond what a workspace may hold that a listing still names, so that they can be shown.
pub const MAX_OVER: u32 = 1000;

/// All their names together, in bytes.
const MAX_NAMES_BYTES: usize = 256 * 1024;

/// One thing that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// What it looks like.
    pub shape: Shape,
    /// Why.
    pub why: Why,
}

/// Why something is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UnkeptWhy)]
pub enum Why {
    /// A pattern of a `.carrelignore` file or of the server says so.
    Ignored,
    /// Its name is not UTF-8, too long or too deep.
    Name,
    /// A device, socket or pipe.
    Special,
    /// A link that leads out of the workspace.
    Link,
    /// It may not be read.
    Unreadable,
    /// It is larger than a file may be.
    TooLarge,
    /// The workspace has no room for it.
    Quota,
}

impl Why {
    /// The cause in words for the user; `limits` are those of the workspace.
    #[must_use]
    pub fn cause(self, limits: &WorkspaceLimits) -> String {
        match self {
            Self::Ignored => "ignored by a .carrelignore file or by this server".into(),
            Self::Name => "with a name that is not UTF-8, too long or too deep".into(),
            Self::Special => "neither a file, a folder nor a link".into(),
            Self::Link => "a link that leads out of the workspace".into(),
            Self::Unreadable => "it may not be read, so what was kept of it before stays".into(),
            Self::TooLarge => format!("larger than {} MB, the most a file may have", limits.max_file_mb),
            Self::Quota => format!(
                "no room in the workspace, which may have {} MB in {} files and folders",
                limits.max_total_mb, limits.max_items
            ),
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn verdict(self) -> &'static str {
        match self {
            Self::TooLarge | Self::Quota => "not saved",
            _ => "not kept",
        }
    }

    /// Both, as they stand beside a name.
    #[must_use]
    pub fn text(self, limits: &WorkspaceLimits) -> String {
        format!("{}: {}", self.cause(limits), self.verdict())
    }
}

impl From<NotKept> for Why {
    fn from(why: NotKept) -> Self {
        match why {
            NotKept::Name => Self::Name,
            NotKept::Special => Self::Special,
            NotKept::EscapingLink => Self::Link,
            NotKept::Unreadable => Self::Unreadable,
            NotKept::Ignored => Self::Ignored,
        }
    }
}

/// What a workspace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WorkspaceLimits {
    /// Largest file in MiB.
    pub max_file_mb: u64,
    /// All files together in MiB.
    pub max_total_mb: u64,
    /// Files and folders.
    pub max_items: u32,
}

/// What of one workspace is not kept, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnkeptList {
    items: BTreeMap<String, Unkept>,
    bytes: usize,
    truncated: bool,
}

impl UnkeptList {
    /// By name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Unkept)> {
        self.items.iter().map(|(name, unkept)| (name.as_str(), *unkept))
    }

    /// Whether there is more than is named.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// There is more than can be named.
    pub fn truncate(&mut self) {
        self.truncated = true;
    }

    /// Adds one, or says it of one that is there; more than can be shown are left out.
    pub fn insert(&mut self, path: &str, unkept: Unkept) {
        let name = shown(path);
        if let Some(known) = self.items.get_mut(&name) {
            *known = unkept;
        } else if self.items.len() >= MAX_UNKEPT || self.bytes + name.len() > MAX_NAMES_BYTES {
            self.truncated = true;
        } else {
            self.bytes += name.len();
            self.items.insert(name, unkept);
        }
    }

    /// Takes out `path` and all below it.
    pub fn remove(&mut self, path: &str) {
        let name = shown(path);
        let below = format!("{name}/")..format!("{name}0");
        let gone: Vec<_> = self.items.range(below).map(|(name, _)| name.clone()).chain([name]).collect();
        for name in gone {
            if self.items.remove(&name).is_some() {
                self.bytes -= name.len();
            }
        }
    }

    /// Takes over what a batch of changes says, `found` being what is not kept of what it speaks of.
    pub fn update(&mut self, batch: &[Entry], found: &Self) {
        for entry in batch {
            self.remove(&entry.path);
        }
        for (name, unkept) in &found.items {
            self.insert(name, *unkept);
        }
        self.truncated |= found.truncated;
    }
}

/// A name fit to be shown: a path as it is, anything else with control characters as escapes, and cut where it gets long.
#[must_use]
pub fn shown(name: &str) -> String {
    match WorkspacePath::new(name) {
        Ok(path) => path.into(),
        Err(_) => printable(name),
    }
}

/// A hostile name fit to be part of a sentence.
#[must_use]
pub fn printable(name: &str) -> String {
    name.chars()
        .take(200)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use carrel_protocol::EntryKind;

    use super::*;

    const BIG: Unkept = Unkept { shape: Shape::File, why: Why::TooLarge };

    fn names(list: &UnkeptList) -> Vec<&str> {
        list.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_batch_has_the_last_word_on_what_it_speaks_of_and_on_all_below() {
        let mut list = UnkeptList::default();
        for name in ["a", "a/b", "a0", "ab/c", "z"] {
            list.insert(name, BIG);
        }
        let mut found = UnkeptList::default();
        found.insert("new", BIG);
        let gone = EntryKind::Missing { ignored_file: false, ignored_folder: false };
        let entry = |path: &str, kind: &EntryKind| Entry { path: path.into(), kind: kind.clone() };
        list.update(&[entry("a", &gone), entry("new", &EntryKind::Folder)], &found);
        assert_eq!(names(&list), ["a0", "ab/c", "new", "z"]);
        list.update(&[entry("new", &EntryKind::Folder)], &UnkeptList::default());
        assert_eq!(names(&list), ["a0", "ab/c", "z"]);
    }

    #[test]
    fn a_sandbox_fills_neither_memory_nor_page_with_what_is_not_kept() {
        let mut list = UnkeptList::default();
        for number in 0..2 * MAX_UNKEPT {
            list.insert(&number.to_string(), BIG);
        }
        assert_eq!((list.iter().count(), list.is_truncated()), (MAX_UNKEPT, true));
        let mut list = UnkeptList::default();
        for number in 0..200 {
            list.insert(&format!("{number}{}", "/x".repeat(2000)), BIG);
            list.insert(&vec![number.to_string().repeat(80); 15].join("/"), BIG);
        }
        assert!(list.bytes <= MAX_NAMES_BYTES && list.is_truncated());
        let mut hostile = UnkeptList::default();
        hostile.insert("../\u{1b}[2J", BIG);
        assert_eq!(names(&hostile), ["../\\u{1b}[2J"]);
    }

    #[test]
    fn every_cause_is_told_in_words_with_the_figures_that_matter() {
        let limits = WorkspaceLimits { max_file_mb: 64, max_total_mb: 240, max_items: 50_000 };
        assert_eq!(Why::TooLarge.text(&limits), "larger than 64 MB, the most a file may have: not saved");
        assert!(Why::Quota.text(&limits).contains("240 MB in 50000 files and folders: not saved"));
        for why in [Why::Ignored, Why::Name, Why::Special, Why::Link, Why::Unreadable] {
            assert!(why.text(&limits).contains("not kept"), "{why:?}");
        }
    }
}
