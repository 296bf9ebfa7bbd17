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

/// Things a sentence names; the rest is counted.
const MAX_SPOKEN: usize = 3;

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

    /// Whether it would have been kept if there were room: to lose it its user has to say so.
    #[must_use]
    pub fn is_for_want_of_room(self) -> bool {
        matches!(self, Self::TooLarge | Self::Quota)
    }

    /// What it comes to.
    #[must_use]
    pub fn verdict(self) -> &'static str {
        if self.is_for_want_of_room() { "not saved" } else { "not kept" }
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
    /// How many of them there is no room for.
    unsaved: usize,
    truncated: bool,
    /// There are so many files and folders that nobody can say which of them are too many.
    overflown: bool,
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

    /// There are more files and folders than can be listed.
    pub fn overflow(&mut self) {
        (self.truncated, self.overflown) = (true, true);
    }

    /// What there is no room for, as part of a sentence; `None`: nothing.
    #[must_use]
    pub fn unsaved(&self, limits: &WorkspaceLimits) -> Option<String> {
        let unsaved = self.iter().filter(|(_, unkept)| unkept.why.is_for_want_of_room());
        let named = unsaved.map(|(name, unkept)| format!("{} ({})", printable(name), unkept.why.cause(limits)));
        let named = named.take(MAX_SPOKEN).collect::<Vec<_>>().join(", ");
        let more = self.unsaved.saturating_sub(MAX_SPOKEN);
        // Others make room for what is not saved: where only that is listed, more of it may have been left out.
        let at_least = if self.truncated && self.unsaved == self.items.len() { "at least " } else { "" };
        let beyond = format!("what is beyond {} files and folders", limits.max_items);
        match (self.unsaved, more) {
            (0, _) => self.overflown.then_some(beyond),
            (..) if self.overflown => Some(format!("{named} and {beyond}")),
            (_, 0) => Some(named),
            (_, more) => Some(format!("{named} and {at_least}{more} more")),
        }
    }

    /// Adds one, or says it of one that is there; more than can be shown are left out, what there is no room for last.
    pub fn insert(&mut self, path: &str, unkept: Unkept) {
        let name = shown(path);
        self.forget(&name);
        while !self.has_place_for(&name) {
            self.truncated = true;
            if !unkept.why.is_for_want_of_room() || self.unsaved == self.items.len() {
                return;
            }
            let other = self.items.iter().rfind(|(_, unkept)| !unkept.why.is_for_want_of_room());
            let Some(other) = other.map(|(name, _)| name.clone()) else { return };
            self.forget(&other);
        }
        self.bytes += name.len();
        self.unsaved += usize::from(unkept.why.is_for_want_of_room());
        self.items.insert(name, unkept);
    }

    fn has_place_for(&self, name: &str) -> bool {
        self.items.len() < MAX_UNKEPT && self.bytes + name.len() <= MAX_NAMES_BYTES
    }

    fn forget(&mut self, name: &str) {
        if let Some(unkept) = self.items.remove(name) {
            self.bytes -= name.len();
            self.unsaved -= usize::from(unkept.why.is_for_want_of_room());
        }
    }

    /// Takes out `path` and all below it.
    pub fn remove(&mut self, path: &str) {
        let name = shown(path);
        let below = format!("{name}/")..format!("{name}0");
        let gone: Vec<_> = self.items.range(below).map(|(name, _)| name.clone()).chain([name]).collect();
        for name in gone {
            self.forget(&name);
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
        self.overflown |= found.overflown;
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

    const LIMITS: WorkspaceLimits = WorkspaceLimits { max_file_mb: 64, max_total_mb: 240, max_items: 50_000 };

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
    fn what_would_be_lost_is_named_however_much_else_is_not_kept() {
        let unkept = |why| Unkept { shape: Shape::File, why };
        let mut list = UnkeptList::default();
        for number in 0..2 * MAX_UNKEPT {
            list.insert(&format!("ignored-{number}"), unkept(Why::Ignored));
        }
        assert_eq!(list.unsaved(&LIMITS), None);
        for name in ["d", "b", "c", "a"] {
            list.insert(name, BIG);
        }
        let big = "(larger than 64 MB, the most a file may have)";
        assert_eq!(list.unsaved(&LIMITS).unwrap(), format!("a {big}, b {big}, c {big} and 1 more"));
        assert_eq!((list.iter().count(), list.is_truncated()), (MAX_UNKEPT, true));
        list.remove("c");
        assert_eq!(list.unsaved(&LIMITS).unwrap(), format!("a {big}, b {big}, d {big}"));
        for name in ["a", "d"] {
            list.insert(name, unkept(Why::Special));
        }
        assert_eq!(list.unsaved(&LIMITS).unwrap(), format!("b {big}"));
        list.update(&[Entry { path: "b".into(), kind: EntryKind::Folder }], &UnkeptList::default());
        assert_eq!(list.unsaved(&LIMITS), None);
        for number in 0..2 * MAX_UNKEPT {
            list.insert(&number.to_string(), BIG);
        }
        assert!(list.unsaved(&LIMITS).unwrap().ends_with("and at least 997 more"));
    }

    #[test]
    fn a_name_cannot_lead_a_sentence_astray() {
        let mut list = UnkeptList::default();
        list.insert(&format!("{}\u{1b}[2J", "x".repeat(150)), BIG);
        let said = list.unsaved(&LIMITS).unwrap();
        assert!(!said.contains('\u{1b}') && said.contains("\\u{1b}[2J (larger"), "{said}");
    }

    #[test]
    fn every_cause_is_told_in_words_with_the_figures_that_matter() {
        let limits = LIMITS;
        assert_eq!(Why::TooLarge.text(&limits), "larger than 64 MB, the most a file may have: not saved");
        assert!(Why::Quota.text(&limits).contains("240 MB in 50000 files and folders: not saved"));
        for why in [Why::Ignored, Why::Name, Why::Special, Why::Link, Why::Unreadable] {
            assert!(why.text(&limits).contains("not kept"), "{why:?}");
        }
    }
}
