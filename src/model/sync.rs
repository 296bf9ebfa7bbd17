//! What the database must learn from a sandbox.
//!
//! The agent says what is there; the database says what is kept; the difference is decided here. Entries come from a sandbox and are
//! hostile: paths are checked, and a content hash is only a hint for what need not be fetched, never taken as the content.

use std::collections::{HashMap, HashSet};

use carrel_protocol::rules::stays_inside;
use carrel_protocol::{Entry, EntryKind, NotKept, Shape};

use super::unkept::{Unkept, Why};
use super::{ContentHash, ItemKind, WorkspacePath};

/// What to do to make the database agree with some entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files whose content differs from what is kept, or so the agent says.
    pub fetch: Vec<Wanted>,
    /// Items that can be put without fetching anything.
    pub puts: Vec<(WorkspacePath, ItemKind)>,
    /// Items that are gone, with all below them.
    pub removes: Vec<WorkspacePath>,
    /// Items a listing does not name, and whether each was a folder. They are gone if the agent, asked, is certain of it: it is silent about
    /// what is ignored. Only the topmost are here.
    pub doubtful: Vec<(WorkspacePath, bool)>,
    /// Things that are not kept, by name, as the agent gives it.
    pub not_kept: Vec<(String, Unkept)>,
}

/// A file to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where.
    pub path: WorkspacePath,
    /// What the agent says it is; the content of a hash this workspace has had before need not be fetched.
    pub claimed: Option<ContentHash>,
    /// Bytes, as the agent says.
    pub size: u64,
    /// Whether it may be run.
    pub executable: bool,
    /// The content it replaces, and that one's size.
    pub before: Option<(ContentHash, u64)>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fetch.is_empty() && self.puts.is_empty() && self.removes.is_empty() && self.doubtful.is_empty()
    }

    fn leave_out(&mut self, entry: &Entry, shape: Shape, why: Why) {
        self.not_kept.push((entry.path.clone(), Unkept { shape, why }));
    }

    /// A folder where something else was, or the other way round, is a removal first.
    fn clear_way(&mut self, path: &WorkspacePath, before: Option<&ItemKind>, folder: bool) {
        if before.is_some_and(|before| (*before == ItemKind::Folder) != folder) {
            self.removes.push(path.clone());
        }
    }
}

/// Decides what `entries` mean, given what is kept at their paths (`kept` may hold more).
#[must_use]
pub fn plan(entries: &[Entry], kept: &HashMap<WorkspacePath, ItemKind>, max_file_bytes: u64) -> Plan {
    let mut plan = Plan::default();
    for entry in entries {
        let Ok(path) = WorkspacePath::new(entry.path.clone()) else {
            match &entry.kind {
                EntryKind::Missing { .. } => {}
                EntryKind::NotKept { why, shape } => plan.leave_out(entry, *shape, (*why).into()),
                _ => plan.leave_out(entry, Shape::Other, Why::Name),
            }
            continue;
        };
        let before = kept.get(&path);
        match &entry.kind {
            EntryKind::File { size, executable, hash } => {
                let claimed = hash.map(ContentHash);
                let same = matches!(before, Some(ItemKind::File { hash, executable: was, .. }) if Some(*hash) == claimed && was == executable);
                if same {
                    // However large: it was saved under another limit.
                } else if *size > max_file_bytes {
                    plan.leave_out(entry, Shape::File, Why::TooLarge);
                } else {
                    plan.clear_way(&path, before, false);
                    let before = before.and_then(|kind| Some((kind.hash()?, kind.size())));
                    plan.fetch.push(Wanted { path, claimed, size: *size, executable: *executable, before });
                }
            }
            EntryKind::Folder if before == Some(&ItemKind::Folder) => {}
            EntryKind::Folder => {
                plan.clear_way(&path, before, true);
                plan.puts.push((path, ItemKind::Folder));
            }
            EntryKind::Symlink { target } => {
                let kind = ItemKind::Symlink { target: target.clone() };
                if !stays_inside(path.as_str(), target) {
                    plan.leave_out(entry, Shape::Other, Why::Link);
                } else if before != Some(&kind) {
                    plan.clear_way(&path, before, false);
                    plan.puts.push((path, kind));
                }
            }
            EntryKind::Missing { ignored_file, ignored_folder } => {
                let ignored = |kept: &ItemKind| if *kept == ItemKind::Folder { *ignored_folder } else { *ignored_file };
                if before.is_some_and(|before| !ignored(before)) {
                    plan.removes.push(path);
                }
            }
            EntryKind::NotKept { why, shape } => plan.leave_out(entry, *shape, (*why).into()),
        }
    }
    plan
}

/// Decides what a complete, verified listing means: as [`plan`], and whatever is kept but not listed may be gone, unless it lies below
/// something unreadable or ignored. Must never be given anything but a complete listing of a workspace that was once completely restored.
#[must_use]
pub fn plan_listing(listing: &[Entry], kept: &HashMap<WorkspacePath, ItemKind>, max_file_bytes: u64) -> Plan {
    let mut plan = plan(listing, kept, max_file_bytes);
    // The rendering of a name that is no path may look like another item's path.
    let is_path = |entry: &&Entry| !matches!(entry.kind, EntryKind::NotKept { why: NotKept::Name, .. });
    let listed: HashSet<&str> = listing.iter().filter(is_path).map(|entry| entry.path.as_str()).collect();
    let hides = |entry: &&Entry| {
        matches!(entry.kind, EntryKind::NotKept { why: NotKept::Unreadable | NotKept::Ignored, shape: Shape::Folder })
    };
    let hiding: HashSet<&str> = listing.iter().filter(hides).map(|entry| entry.path.as_str()).collect();
    let unknown = |path: &str| path.match_indices('/').any(|(end, _)| hiding.contains(&path[..end]));
    let gone = |path: &WorkspacePath| !listed.contains(path.as_str()) && !unknown(path.as_str());
    let topmost = kept.iter().filter(|(path, _)| gone(path) && !path.parent().is_some_and(|parent| gone(&parent)));
    plan.doubtful.extend(topmost.map(|(path, kind)| (path.clone(), *kind == ItemKind::Folder)));
    plan.doubtful.sort();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 1000;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::new(text).expect(text)
    }

    fn kept(items: &[(&str, ItemKind)]) -> HashMap<WorkspacePath, ItemKind> {
        items.iter().map(|(name, kind)| (path(name), kind.clone())).collect()
    }

    fn file(content: &str) -> ItemKind {
        ItemKind::File { hash: ContentHash::of(content.as_bytes()), size: content.len() as u64, executable: false }
    }

    fn entry(name: &str, kind: EntryKind) -> Entry {
        Entry { path: name.into(), kind }
    }

    const MISSING: EntryKind = EntryKind::Missing { ignored_file: false, ignored_folder: false };

    fn not_kept(why: NotKept, shape: Shape) -> EntryKind {
        EntryKind::NotKept { why, shape }
    }

    fn listed(name: &str, content: &str) -> Entry {
        let hash = Some(ContentHash::of(content.as_bytes()).0);
        entry(name, EntryKind::File { size: content.len() as u64, executable: false, hash })
    }

    #[track_caller]
    fn check(entries: &[Entry], kept: &HashMap<WorkspacePath, ItemKind>, expect: impl FnOnce(&mut Plan)) {
        let mut expected = Plan::default();
        expect(&mut expected);
        assert_eq!(plan(entries, kept, MAX), expected);
    }

    fn wanted(name: &str, content: &str) -> Wanted {
        Wanted {
            path: path(name),
            claimed: Some(ContentHash::of(content.as_bytes())),
            size: content.len() as u64,
            executable: false,
            before: None,
        }
    }

    fn replacing(before: &str, wanted: Wanted) -> Wanted {
        Wanted { before: Some((ContentHash::of(before.as_bytes()), before.len() as u64)), ..wanted }
    }

    #[test]
    fn what_is_kept_already_costs_nothing() {
        let kept = kept(&[("a", file("1")), ("d", ItemKind::Folder), ("l", ItemKind::Symlink { target: "a".into() })]);
        let entries =
            [listed("a", "1"), entry("d", EntryKind::Folder), entry("l", EntryKind::Symlink { target: "a".into() })];
        check(&entries, &kept, |_| ());
    }

    #[test]
    fn a_new_or_changed_file_is_fetched() {
        let kept = kept(&[("a", file("1"))]);
        check(&[listed("a", "2"), listed("b", "3")], &kept, |plan| {
            plan.fetch = vec![replacing("1", wanted("a", "2")), wanted("b", "3")]
        });
    }

    #[test]
    fn a_changed_exec_bit_alone_is_a_change() {
        let entry = entry("a", EntryKind::File { size: 1, executable: true, hash: Some(ContentHash::of(b"1").0) });
        check(&[entry], &kept(&[("a", file("1"))]), |plan| {
            plan.fetch = vec![Wanted { executable: true, ..replacing("1", wanted("a", "1")) }];
        });
    }

    #[test]
    fn a_file_that_gave_no_hash_is_fetched() {
        let entry = entry("a", EntryKind::File { size: 1, executable: false, hash: None });
        check(&[entry], &kept(&[("a", file("1"))]), |plan| {
            plan.fetch = vec![Wanted { claimed: None, ..replacing("1", wanted("a", "1")) }]
        });
    }

    #[test]
    fn a_folder_that_became_a_file_is_removed_first() {
        let kept = kept(&[("d", ItemKind::Folder), ("f", file("1"))]);
        check(&[listed("d", "2"), entry("f", EntryKind::Folder)], &kept, |plan| {
            plan.removes = vec![path("d"), path("f")];
            plan.fetch = vec![wanted("d", "2")];
            plan.puts = vec![(path("f"), ItemKind::Folder)];
        });
    }

    #[test]
    fn only_what_was_kept_can_go_missing() {
        let entries = [entry("a", MISSING), entry("b", MISSING)];
        check(&entries, &kept(&[("a", file("1"))]), |plan| plan.removes = vec![path("a")]);
    }

    #[test]
    fn hostile_entries_are_named_and_left_alone() {
        let entries = [
            entry("../x", EntryKind::Folder),
            entry("big", EntryKind::File { size: 1 << 40, executable: false, hash: None }),
            entry("l", EntryKind::Symlink { target: "/etc/passwd".into() }),
            entry("p\u{1b}[2J", not_kept(NotKept::Special, Shape::Other)),
            entry("bad\\xff/..", not_kept(NotKept::Ignored, Shape::Folder)),
            entry("../gone", MISSING),
        ];
        let plan = plan(&entries, &HashMap::new(), MAX);
        assert!(plan.is_empty());
        let why: Vec<_> = plan.not_kept.iter().map(|(_, unkept)| unkept.why).collect();
        assert_eq!(why, [Why::Name, Why::TooLarge, Why::Link, Why::Special, Why::Ignored]);
    }

    #[test]
    fn a_listing_casts_doubt_on_what_it_does_not_name_and_names_only_the_topmost() {
        let kept = kept(&[
            ("a", file("1")),
            ("d", ItemKind::Folder),
            ("d/x", file("2")),
            ("d/e", ItemKind::Folder),
            ("d/e/y", file("3")),
            ("keep", ItemKind::Folder),
            ("keep/z", file("4")),
        ]);
        let listing = [entry("keep", EntryKind::Folder), listed("a", "1")];
        let plan = plan_listing(&listing, &kept, MAX);
        assert_eq!(plan.doubtful, [(path("d"), true), (path("keep/z"), false)]);
        assert!(plan.fetch.is_empty() && plan.puts.is_empty() && plan.removes.is_empty());
    }

    #[test]
    fn what_is_listed_but_not_kept_is_not_taken_for_deleted() {
        // A kept file turned into a device is gone as a file, but it is listed: nothing is deleted by a guess.
        let kept = kept(&[("a", file("1"))]);
        assert!(plan_listing(&[entry("a", not_kept(NotKept::Special, Shape::Other))], &kept, MAX).is_empty());
        // But the rendering of a name that is no path may look like this one, and is another thing.
        let plan = plan_listing(&[entry("a", not_kept(NotKept::Name, Shape::File))], &kept, MAX);
        assert_eq!(plan.doubtful, [(path("a"), false)]);
    }

    #[test]
    fn what_an_ignored_folder_hides_is_not_taken_for_deleted() {
        let kept = kept(&[
            ("a", ItemKind::Folder),
            ("a/data", ItemKind::Folder),
            ("a/data/b", file("1")),
            ("a/x.log", file("2")),
            ("a/y.log", file("3")),
        ]);
        let ignored = |name, shape| entry(name, not_kept(NotKept::Ignored, shape));
        let listing =
            [entry("a", EntryKind::Folder), ignored("a/data", Shape::Folder), ignored("a/x.log", Shape::File)];
        // One that is not named may be ignored as well: that is asked.
        assert_eq!(plan_listing(&listing, &kept, MAX).doubtful, [(path("a/y.log"), false)]);
        let gone =
            |name, ignored_file, ignored_folder| entry(name, EntryKind::Missing { ignored_file, ignored_folder });
        let batch = [gone("a/data", false, true), gone("a/x.log", false, true), gone("a/y.log", true, true)];
        check(&batch, &kept, |plan| plan.removes = vec![path("a/x.log")]);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is_kept() {
        let kept = kept(&[
            ("locked", ItemKind::Folder),
            ("locked/a", file("1")),
            ("locked/d", ItemKind::Folder),
            ("locked/d/b", file("2")),
            ("locked2", file("3")),
            ("secret", file("4")),
        ]);
        let unreadable = |name, shape| entry(name, not_kept(NotKept::Unreadable, shape));
        let listing = [unreadable("locked", Shape::Folder), unreadable("secret", Shape::File)];
        let plan = plan_listing(&listing, &kept, MAX);
        assert_eq!(plan.doubtful, [(path("locked2"), false)]);
        assert!(plan.fetch.is_empty() && plan.puts.is_empty());
        assert_eq!(plan.not_kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["locked", "secret"]);
    }
}
