//! A later revision of the template a workspace began with: what changes, where its user has changed nothing. Pure.

use std::collections::{HashMap, HashSet};

use crate::actors::edits::Conflict;
use crate::model::{ItemKind, WorkspacePath};

/// A manifest: what is where.
pub(super) type Manifest = HashMap<WorkspacePath, ItemKind>;

/// What the workspace should hold, and where both its user and the template have changed something.
pub(super) struct Updated {
    pub(super) then: Manifest,
    pub(super) conflicts: Vec<Conflict>,
}

/// Takes `now` from the revision `had` to the revision `new`. What its user has changed stays; what the template has changed there, too, is
/// put beside it.
pub(super) fn update(now: &Manifest, had: &Manifest, new: &Manifest, revision: u32) -> Updated {
    let mut then = now.clone();
    let mut conflicts = Vec::new();
    let mut paths: Vec<_> = had.keys().chain(new.keys()).collect::<HashSet<_>>().into_iter().collect();
    paths.sort_unstable();
    for path in paths {
        let (mine, base, theirs) = (now.get(path), had.get(path), new.get(path));
        // Or it went with its folder already.
        if base == theirs || mine == theirs || (theirs.is_none() && !then.contains_key(path)) {
            continue;
        }
        let makes_way = mine != Some(&ItemKind::Folder) || theirs.is_none_or(|kind| *kind == ItemKind::Folder);
        if mine == base && !is_in_the_way(&then, path) && (makes_way || is_untouched(now, had, new, path)) {
            if !makes_way {
                then.retain(|other, _| !other.is_within(path));
            }
            match theirs {
                Some(kind) => then.insert(path.clone(), kind.clone()),
                None => then.remove(path),
            };
            continue;
        }
        let copy = theirs.filter(|kind| **kind != ItemKind::Folder).and_then(|kind| {
            let place = place(&then, path, kind, revision)?;
            then.insert(place.clone(), kind.clone());
            Some(place)
        });
        // A folder its user has removed stays away, with all that would be in it.
        conflicts.push(Conflict { path: path.clone(), copy });
    }
    keep_folders(now, &mut then);
    Updated { then, conflicts }
}

/// Whether everything in a folder is as its template had it, and goes with the template's.
fn is_untouched(now: &Manifest, had: &Manifest, new: &Manifest, folder: &WorkspacePath) -> bool {
    let below = now.iter().filter(|(path, _)| *path != folder && path.is_within(folder));
    below.into_iter().all(|(path, kind)| had.get(path) == Some(kind) && !new.contains_key(path))
}

/// Whether something that is no folder is where a folder above `path` would have to be.
fn is_in_the_way(then: &Manifest, path: &WorkspacePath) -> bool {
    path.ancestors().any(|above| then.get(&above).is_some_and(|kind| *kind != ItemKind::Folder))
}

/// Where beside `path` this is, or can be put: at a name nothing has, below what is a folder.
fn place(then: &Manifest, path: &WorkspacePath, kind: &ItemKind, revision: u32) -> Option<WorkspacePath> {
    if is_in_the_way(then, path) {
        return None;
    }
    let name = path.name();
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    (1..=9).find_map(|attempt| {
        let more = if attempt == 1 { String::new() } else { format!(" {attempt}") };
        let name = format!("{stem} (template {revision}{more}){extension}");
        let place = path.parent().map_or_else(|| WorkspacePath::new(name.clone()), |parent| parent.join(&name)).ok()?;
        then.get(&place).is_none_or(|there| there == kind).then_some(place)
    })
}

/// A folder that still holds something stays, whatever the template says.
fn keep_folders(now: &Manifest, then: &mut Manifest) {
    let needed: HashSet<_> = then.keys().flat_map(WorkspacePath::ancestors).collect();
    let gone = |path: &WorkspacePath| now.get(path) == Some(&ItemKind::Folder) && !then.contains_key(path);
    let kept: Vec<_> = needed.into_iter().filter(gone).collect();
    then.extend(kept.into_iter().map(|path| (path, ItemKind::Folder)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;

    fn manifest(items: &[(&str, &str)]) -> Manifest {
        let kind = |content: &str| match content {
            "/" => ItemKind::Folder,
            content => ItemKind::File {
                hash: ContentHash::of(content.as_bytes()),
                size: content.len() as u64,
                executable: false,
            },
        };
        items.iter().map(|(path, content)| (WorkspacePath::new(*path).expect(path), kind(content))).collect()
    }

    #[track_caller]
    fn check(now: &[(&str, &str)], had: &[(&str, &str)], new: &[(&str, &str)], then: &[(&str, &str)], lost: &[&str]) {
        let updated = update(&manifest(now), &manifest(had), &manifest(new), 2);
        assert_eq!(updated.then, manifest(then));
        let conflicts: Vec<_> = updated.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
        assert_eq!(conflicts, lost);
    }

    #[test]
    fn what_nobody_touched_follows() {
        check(
            &[("same", "1"), ("changed", "1"), ("gone", "1"), ("own", "mine")],
            &[("same", "1"), ("changed", "1"), ("gone", "1")],
            &[("same", "1"), ("changed", "2"), ("new", "2")],
            &[("same", "1"), ("changed", "2"), ("new", "2"), ("own", "mine")],
            &[],
        );
    }

    #[test]
    fn what_both_have_changed_stays_with_the_templates_beside_it() {
        check(
            &[("a.py", "mine"), ("removed-by-them", "mine"), ("new", "mine")],
            &[("a.py", "1"), ("removed-by-them", "1"), ("removed-by-me", "1")],
            &[("a.py", "2"), ("removed-by-me", "2"), ("new", "2")],
            &[
                ("a.py", "mine"),
                ("a (template 2).py", "2"),
                ("removed-by-them", "mine"),
                ("removed-by-me (template 2)", "2"),
                ("new", "mine"),
                ("new (template 2)", "2"),
            ],
            &["a.py", "new", "removed-by-me", "removed-by-them"],
        );
    }

    #[test]
    fn a_second_time_changes_nothing_more() {
        let now = &[("a.py", "mine"), ("a (template 2).py", "2")];
        check(now, &[("a.py", "1")], &[("a.py", "2")], now, &["a.py"]);
        check(
            &[("a.py", "mine"), ("a (template 2).py", "changed")],
            &[("a.py", "1")],
            &[("a.py", "2")],
            &[("a.py", "mine"), ("a (template 2).py", "changed"), ("a (template 2 2).py", "2")],
            &["a.py"],
        );
    }

    #[test]
    fn a_folder_goes_only_when_nothing_is_left_in_it() {
        let had = &[("d", "/"), ("d/a", "1"), ("e", "/"), ("e/a", "1")];
        check(
            &[("d", "/"), ("d/a", "1"), ("d/own", "mine"), ("e", "/"), ("e/a", "1")],
            had,
            &[],
            &[("d", "/"), ("d/own", "mine")],
            &[],
        );
    }

    #[test]
    fn a_folder_with_something_of_its_user_makes_way_for_nothing() {
        let had = &[("d", "/"), ("d/a", "1")];
        check(&[("d", "/"), ("d/a", "1")], had, &[("d", "2")], &[("d", "2")], &[]);
        for own in [[("d", "/"), ("d/a", "mine")].as_slice(), &[("d", "/"), ("d/a", "1"), ("d/own", "mine")]] {
            let mut then: Vec<_> =
                own.iter().copied().filter(|(path, content)| *path != "d/a" || *content != "1").collect();
            then.push(("d (template 2)", "2"));
            let updated = update(&manifest(own), &manifest(had), &manifest(&[("d", "2")]), 2);
            assert_eq!(updated.then, manifest(&then));
            assert!(!updated.conflicts.is_empty());
        }
    }

    #[test]
    fn what_its_user_made_of_a_folder_stays() {
        check(&[("d", "mine")], &[("d", "/")], &[("d", "/"), ("d/new", "2")], &[("d", "mine")], &["d/new"]);
    }
}
