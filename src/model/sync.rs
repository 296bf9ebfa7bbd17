//! What the database must learn from a sandbox.
//!
//! The agent says what is there; the database says what is kept; the difference is decided here. Entries come from a sandbox and are
//! hostile: paths are checked, and a content hash is only a hint for what need not be fetched, never taken as the content.

use std::collections::{HashMap, HashSet};

use carrel_protocol::rules::{is_ignored, stays_inside};
use carrel_protocol::{Entry, EntryKind, NotKept};

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
    /// Things that will not be kept, and why, in words for the user.
    pub not_kept: Vec<(String, &'static str)>,
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
        self.fetch.is_empty() && self.puts.is_empty() && self.removes.is_empty()
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
            plan.not_kept.push((printable(&entry.path), "its name cannot be kept"));
            continue;
        };
        let before = kept.get(&path);
        match &entry.kind {
            EntryKind::File { size, executable, hash } => {
                if *size > max_file_bytes {
                    plan.not_kept.push((printable(&entry.path), "it is larger than a file may be"));
                    continue;
                }
                let claimed = hash.map(ContentHash);
                let same = matches!(before, Some(ItemKind::File { hash, executable: was, .. }) if Some(*hash) == claimed && was == executable);
                if !same {
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
                    plan.not_kept.push((printable(&entry.path), reason(NotKept::EscapingLink)));
                } else if before != Some(&kind) {
                    plan.clear_way(&path, before, false);
                    plan.puts.push((path, kind));
                }
            }
            EntryKind::Missing => {
                if before.is_some_and(|before| !is_unlisted(&path, before)) {
                    plan.removes.push(path);
                }
            }
            EntryKind::NotKept(why) => plan.not_kept.push((printable(&entry.path), reason(*why))),
        }
    }
    plan
}

/// Decides what a complete, verified listing means: as [`plan`], and whatever is kept but not listed is gone, unless listings are
/// silent about it: ignored folders, and what lies below something unreadable. Only the topmost of what is gone is named. Must never be given anything but a complete listing of a workspace that was once completely restored.
#[must_use]
pub fn plan_listing(listing: &[Entry], kept: &HashMap<WorkspacePath, ItemKind>, max_file_bytes: u64) -> Plan {
    let mut plan = plan(listing, kept, max_file_bytes);
    let listed: HashSet<&str> = listing.iter().map(|entry| entry.path.as_str()).collect();
    let unreadable: HashSet<&str> = listing
        .iter()
        .filter(|entry| entry.kind == EntryKind::NotKept(NotKept::Unreadable))
        .map(|entry| entry.path.as_str())
        .collect();
    let unknown = |path: &str| path.match_indices('/').any(|(end, _)| unreadable.contains(&path[..end]));
    let gone = |path: &WorkspacePath| {
        !listed.contains(path.as_str())
            && !unknown(path.as_str())
            && kept.get(path).is_none_or(|kind| !is_unlisted(path, kind))
    };
    plan.removes
        .extend(kept.keys().filter(|path| gone(path) && !path.parent().is_some_and(|parent| gone(&parent))).cloned());
    plan.removes.sort();
    plan
}

/// Whether a listing would be silent about this item, there or not.
fn is_unlisted(path: &WorkspacePath, kind: &ItemKind) -> bool {
    is_ignored(path.as_str().as_bytes(), *kind == ItemKind::Folder)
}

fn reason(why: NotKept) -> &'static str {
    match why {
        NotKept::Name => "its name cannot be kept",
        NotKept::Special => "it is neither a file, a folder nor a link",
        NotKept::EscapingLink => "it is a link that leads out of the workspace",
        NotKept::Unreadable => "it cannot be read; what was kept of it before stays",
    }
}

/// A hostile name fit to be shown: control characters as escapes, cut where it gets long.
fn printable(name: &str) -> String {
    name.chars()
        .take(200)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
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
        let entries = [entry("a", EntryKind::Missing), entry("b", EntryKind::Missing)];
        check(&entries, &kept(&[("a", file("1"))]), |plan| plan.removes = vec![path("a")]);
    }

    #[test]
    fn hostile_entries_are_named_and_left_alone() {
        let entries = [
            entry("../x", EntryKind::Folder),
            entry("big", EntryKind::File { size: 1 << 40, executable: false, hash: None }),
            entry("l", EntryKind::Symlink { target: "/etc/passwd".into() }),
            entry("p\u{1b}[2J", EntryKind::NotKept(NotKept::Special)),
        ];
        let plan = plan(&entries, &HashMap::new(), MAX);
        assert!(plan.is_empty());
        assert_eq!(plan.not_kept.len(), 4);
        assert_eq!(plan.not_kept[3].0, "p\\u{1b}[2J");
    }

    #[test]
    fn a_listing_removes_what_it_does_not_name_and_names_only_the_topmost() {
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
        assert_eq!(plan.removes, [path("d"), path("keep/z")]);
        assert!(plan.fetch.is_empty() && plan.puts.is_empty());
    }

    #[test]
    fn what_is_listed_but_not_kept_is_not_taken_for_deleted() {
        // A kept file turned into a device is gone as a file, but it is listed: nothing is deleted by a guess.
        let plan = plan_listing(&[entry("a", EntryKind::NotKept(NotKept::Special))], &kept(&[("a", file("1"))]), MAX);
        assert!(plan.removes.is_empty());
    }

    #[test]
    fn ignored_folders_are_left_as_they_are_kept() {
        let kept = kept(&[
            (".cache", ItemKind::Folder),
            (".cache/x", file("1")),
            ("a", ItemKind::Folder),
            ("a/node_modules", ItemKind::Folder),
            ("a/node_modules/b/c", file("2")),
            ("b", ItemKind::Folder),
            ("b/.venv", ItemKind::Folder),
            ("b/.venv/d", file("3")),
            ("__pycache__", file("a file, which would be listed")),
        ]);
        let listing = [entry("a", EntryKind::Folder)];
        assert_eq!(plan_listing(&listing, &kept, MAX).removes, [path("__pycache__"), path("b")]);
        let batch = [entry(".cache", EntryKind::Missing), entry("__pycache__", EntryKind::Missing)];
        check(&batch, &kept, |plan| plan.removes = vec![path("__pycache__")]);
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
        let unreadable = |name| entry(name, EntryKind::NotKept(NotKept::Unreadable));
        let plan = plan_listing(&[unreadable("locked"), unreadable("secret")], &kept, MAX);
        assert_eq!(plan.removes, [path("locked2")]);
        assert!(plan.fetch.is_empty() && plan.puts.is_empty());
        assert_eq!(plan.not_kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["locked", "secret"]);
    }
}
