//! What a sandbox holds and the database does not, and why, as its user is shown it.
//!
//! Names come from a sandbox and are hostile: they are bounded in number and length here, and made printable where they are no paths.

use std::collections::{BTreeMap, HashSet};

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

/// Characters of a name that is no path, as it is shown.
const MAX_SHOWN: usize = 200;

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

    /// What goes first where not all can be listed: what is ignored is no loss, what was to be kept is the greatest.
    fn rank(self) -> usize {
        match self {
            Self::Ignored => 0,
            Self::Name | Self::Special | Self::Link | Self::Unreadable => 1,
            Self::TooLarge | Self::Quota => 2,
        }
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
    /// How many there are of each rank; those of the last are what there is no room for.
    ranks: [usize; 3],
    truncated: bool,
    /// More than what is ignored may have been left out.
    unsure: bool,
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
        (self.truncated, self.unsure, self.overflown) = (true, true, true);
    }

    /// What there is no room for.
    fn unsaved_count(&self) -> usize {
        self.ranks[2]
    }

    /// What there is no room for, as part of a sentence; `None`: nothing.
    #[must_use]
    pub fn unsaved(&self, limits: &WorkspaceLimits) -> Option<String> {
        let unsaved = self.iter().filter(|(_, unkept)| unkept.why.is_for_want_of_room());
        let named = unsaved.map(|(name, unkept)| spoken(name, &unkept.why.cause(limits)));
        let named = named.take(MAX_SPOKEN).collect::<Vec<_>>().join(", ");
        let more = self.unsaved_count().saturating_sub(MAX_SPOKEN);
        // Others make room for what is not saved: where only that is listed, more of it may have been left out.
        let at_least = if self.truncated && self.unsaved_count() == self.items.len() { "at least " } else { "" };
        let beyond = format!("what is beyond {} files and folders", limits.max_items);
        match (self.unsaved_count(), more) {
            (0, _) => self.overflown.then_some(beyond),
            (..) if self.overflown => Some(format!("{named} and {beyond}")),
            (_, 0) => Some(named),
            (_, more) => Some(format!("{named} and {at_least}{more} more")),
        }
    }

    /// What lies below these paths and would be lost with them, but for what is `given_up` by its name, each as part of a sentence. `ignored`:
    /// what is ignored as well.
    pub fn below<'a>(
        &'a self,
        paths: &[&WorkspacePath],
        ignored: bool,
        given_up: &'a HashSet<&str>,
        limits: &'a WorkspaceLimits,
    ) -> impl Iterator<Item = String> + use<'a> {
        // A name that is no path is listed as it is shown: what it lies in is rendered the same way, and may be cut.
        let above: HashSet<String> =
            paths.iter().flat_map(|path| [path.as_str().to_owned(), printable(path.as_str())]).collect();
        let long = paths.iter().filter(|path| path.as_str().chars().nth(MAX_SHOWN - 1).is_some());
        let cut: HashSet<String> = long.map(|path| printable(path.as_str())).collect();
        let counted = self.iter().filter(move |(_, unkept)| ignored || unkept.why != Why::Ignored);
        let counted = counted.filter(move |(name, _)| !given_up.contains(*name));
        let below = counted.filter(move |(name, _)| {
            cut.contains(*name) || name.match_indices('/').any(|(end, _)| above.contains(&name[..end]))
        });
        below.map(|(name, unkept)| spoken(name, &unkept.why.cause(limits)))
    }

    /// Whether `path`, or what it lies in, is listed as ignored.
    #[must_use]
    pub fn is_ignored(&self, path: &WorkspacePath) -> bool {
        let ignored = |path: &WorkspacePath| self.items.get(path.as_str()).is_some_and(|it| it.why == Why::Ignored);
        ignored(path) || path.ancestors().any(|folder| ignored(&folder))
    }

    /// What may be there without being named, as part of a sentence; `None`: nothing that matters. `ignored`: what is ignored does.
    #[must_use]
    pub fn unnamed(&self, ignored: bool, limits: &WorkspaceLimits) -> Option<String> {
        match self {
            Self { overflown: true, .. } => Some(format!("what is beyond {} files and folders", limits.max_items)),
            _ if self.unsure || (ignored && self.truncated) => Some("what is too much to be listed".into()),
            _ => None,
        }
    }

    /// Adds one, or says it of one that is there; more than can be shown are left out, what is ignored first, and what there is no room for
    /// last.
    pub fn insert(&mut self, path: &str, unkept: Unkept) {
        let (name, rank) = (shown(path), unkept.why.rank());
        self.forget(&name);
        while !self.has_place_for(&name) {
            self.truncated = true;
            let lesser = (0..rank).find(|rank| self.ranks[*rank] > 0);
            self.unsure |= lesser.unwrap_or(rank) > 0;
            let Some(lesser) = lesser else { return };
            let other = self.items.iter().rfind(|(_, unkept)| unkept.why.rank() == lesser);
            let Some(other) = other.map(|(name, _)| name.clone()) else { return };
            self.forget(&other);
        }
        self.bytes += name.len();
        self.ranks[rank] += 1;
        self.items.insert(name, unkept);
    }

    fn has_place_for(&self, name: &str) -> bool {
        self.items.len() < MAX_UNKEPT && self.bytes + name.len() <= MAX_NAMES_BYTES
    }

    fn forget(&mut self, name: &str) {
        if let Some(unkept) = self.items.remove(name) {
            self.bytes -= name.len();
            self.ranks[unkept.why.rank()] -= 1;
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
        self.unsure |= found.unsure;
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

/// Some things as part of a sentence: the first by name, the others counted.
#[must_use]
pub fn enumerated(things: &[String]) -> String {
    let named = things.iter().take(MAX_SPOKEN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match things.len().saturating_sub(MAX_SPOKEN) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// One thing and what is the matter with it, as part of a sentence.
#[must_use]
pub fn spoken(name: &str, cause: &str) -> String {
    format!("{} ({cause})", printable(name))
}

/// A hostile name fit to be part of a sentence.
#[must_use]
pub fn printable(name: &str) -> String {
    name.chars()
        .take(MAX_SHOWN)
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
    fn what_lies_below_a_path_is_told_with_its_cause_whatever_its_name() {
        let path = |text: &str| WorkspacePath::new(text).expect(text);
        let long = ["x".repeat(120), "y".repeat(120)].join("/");
        let mut list = UnkeptList::default();
        for name in ["d", "d/big", "d-e/big", "e/d/big", "\u{7}/../odd", &format!("{long}/../odd")] {
            list.insert(name, BIG);
        }
        list.insert("d/.venv", Unkept { shape: Shape::Folder, why: Why::Ignored });
        let below = |paths: &[&str], ignored| {
            let paths: Vec<_> = paths.iter().map(|text| path(text)).collect();
            list.below(&paths.iter().collect::<Vec<_>>(), ignored, &HashSet::new(), &LIMITS).collect::<Vec<_>>()
        };
        let big = "(larger than 64 MB, the most a file may have)";
        assert_eq!(below(&["d", "e/d"], false), [format!("d/big {big}"), format!("e/d/big {big}")]);
        assert_eq!(below(&["d"], true)[0], "d/.venv (ignored by a .carrelignore file or by this server)");
        assert_eq!(below(&["d/big", "e/d/big", "x"], true), [""; 0]);
        let (d, given_up) = (path("d"), HashSet::from(["d/big"]));
        assert_eq!(list.below(&[&d], false, &given_up, &LIMITS).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(below(&["\u{7}"], false), [format!("\\u{{7}}/../odd {big}")]);
        assert_eq!(below(&[&long], false).len(), 1, "the name is cut before it says what it lies in");
        assert_eq!(enumerated(&["a", "b", "c", "d"].map(String::from)), "a, b, c and 1 more");
    }

    #[test]
    fn what_lies_in_what_is_ignored_is_ignored_too() {
        let mut list = UnkeptList::default();
        list.insert("d/.venv", Unkept { shape: Shape::Folder, why: Why::Ignored });
        list.insert("e", BIG);
        for (text, ignored) in
            [("d/.venv", true), ("d/.venv/a/b", true), ("d", false), ("d/.venv2", false), ("e", false)]
        {
            assert_eq!(list.is_ignored(&WorkspacePath::new(text).expect(text)), ignored, "{text}");
        }
    }

    #[test]
    fn what_is_ignored_leaves_nobody_unsure_of_the_rest() {
        let unkept = |why| Unkept { shape: Shape::File, why };
        let mut list = UnkeptList::default();
        for number in 0..2 * MAX_UNKEPT {
            list.insert(&format!("ignored-{number}"), unkept(Why::Ignored));
        }
        list.insert("pipe", unkept(Why::Special));
        list.insert("big", BIG);
        assert!(names(&list).contains(&"pipe") && names(&list).contains(&"big"));
        assert_eq!(list.unnamed(false, &LIMITS), None);
        assert_eq!(list.unnamed(true, &LIMITS).unwrap(), "what is too much to be listed");
        for number in 0..MAX_UNKEPT {
            list.insert(&format!("{number:04}"), BIG);
        }
        assert!(!names(&list).contains(&"pipe"));
        assert_eq!(list.unnamed(false, &LIMITS).unwrap(), "what is too much to be listed");
        list.overflow();
        assert_eq!(list.unnamed(false, &LIMITS).unwrap(), "what is beyond 50000 files and folders");
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
