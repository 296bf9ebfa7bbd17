//! What one frozen workspace has that another has not.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::Hash;

use serde::Serialize;

use crate::model::{ContentHash, ItemKind, WorkspacePath};

/// What a frozen workspace holds, by path.
pub type Manifest = HashMap<WorkspacePath, ItemKind>;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is new.
    Added,
    /// Its content is another, or it is something else.
    Modified,
    /// It is gone.
    Deleted,
    /// The same content is somewhere else.
    Renamed,
    /// Only whether it may be run has changed.
    Mode,
}

/// An item that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where it is, or was if it is gone.
    pub path: WorkspacePath,
    /// Where it was, if it has moved.
    pub former: Option<WorkspacePath>,
    /// What became of it.
    pub status: Status,
    /// What it was.
    pub old: Option<ItemKind>,
    /// What it is.
    pub new: Option<ItemKind>,
}

/// What is different in `new`, by path. Folders are told of only where nothing in them tells of them.
///
/// A file that is gone and one that has come with the same content are one that has moved; of several with that content, those whose names
/// are alike, then in the order of their paths. An empty file has no content to be known by.
#[must_use]
pub fn differences(old: &Manifest, new: &Manifest) -> Vec<Difference> {
    let mut found = BTreeMap::new();
    for (path, now) in new {
        let then = old.get(path);
        let Some(status) = status(then, now) else { continue };
        let difference =
            Difference { path: path.clone(), former: None, status, old: then.cloned(), new: Some(now.clone()) };
        found.insert(path.clone(), difference);
    }
    for (path, then) in old {
        if !new.contains_key(path) {
            let status = Status::Deleted;
            let difference =
                Difference { path: path.clone(), former: None, status, old: Some(then.clone()), new: None };
            found.insert(path.clone(), difference);
        }
    }
    // Those that have kept their name first, so that no other takes their place.
    join_moved(&mut found, |path, hash| (hash, path.name().to_owned()));
    join_moved(&mut found, |_, hash| hash);
    let telling: HashSet<WorkspacePath> = found.keys().flat_map(WorkspacePath::ancestors).collect();
    let is_told = |difference: &Difference| {
        let kind = difference.new.as_ref().or(difference.old.as_ref());
        kind != Some(&ItemKind::Folder) || !telling.contains(&difference.path)
    };
    found.into_values().filter(is_told).collect()
}

fn status(then: Option<&ItemKind>, now: &ItemKind) -> Option<Status> {
    match (then, now) {
        (None, _) => Some(Status::Added),
        (Some(then), now) if then == now => None,
        (Some(ItemKind::File { hash: then, .. }), ItemKind::File { hash: now, .. }) if then == now => {
            Some(Status::Mode)
        }
        (Some(_), _) => Some(Status::Modified),
    }
}

/// Makes one of each file that is gone and one that has come with the same `key`, in the order of their paths.
fn join_moved<K: Eq + Hash>(
    found: &mut BTreeMap<WorkspacePath, Difference>,
    key: impl Fn(&WorkspacePath, ContentHash) -> K,
) {
    let mut gone: HashMap<K, VecDeque<WorkspacePath>> = HashMap::new();
    let mut come = Vec::new();
    for (path, difference) in &*found {
        match difference {
            Difference { status: Status::Deleted, old: Some(ItemKind::File { hash, size: 1.., .. }), .. } => {
                gone.entry(key(path, *hash)).or_default().push_back(path.clone());
            }
            Difference { status: Status::Added, new: Some(ItemKind::File { hash, .. }), .. } => {
                come.push((path.clone(), key(path, *hash)));
            }
            _ => {}
        }
    }
    for (path, key) in come {
        let Some(former) = gone.get_mut(&key).and_then(VecDeque::pop_front) else { continue };
        let old = found.remove(&former).and_then(|gone| gone.old);
        if let Some(moved) = found.get_mut(&path) {
            (moved.status, moved.former, moved.old) = (Status::Renamed, Some(former), old);
        }
    }
}

/// What a viewer's mark on an item stands for: the mark holds in every round in which the item is the same.
#[must_use]
pub fn mark(item: Option<&ItemKind>) -> ContentHash {
    let text = match item {
        None => "gone".to_owned(),
        Some(ItemKind::Folder) => "folder".to_owned(),
        Some(ItemKind::File { hash, executable, .. }) => format!("file {hash} {executable}"),
        Some(ItemKind::Symlink { target }) => format!("symlink {target}"),
    };
    ContentHash::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> ItemKind {
        let hash = ContentHash::of(content.as_bytes());
        ItemKind::File { hash, size: content.len() as u64, executable: false }
    }

    fn program(content: &str) -> ItemKind {
        let hash = ContentHash::of(content.as_bytes());
        ItemKind::File { hash, size: content.len() as u64, executable: true }
    }

    fn manifest(items: &[(&str, ItemKind)]) -> Manifest {
        items.iter().map(|(path, kind)| (WorkspacePath::new((*path).to_owned()).unwrap(), kind.clone())).collect()
    }

    fn told(old: &[(&str, ItemKind)], new: &[(&str, ItemKind)]) -> Vec<(String, Status, Option<String>)> {
        differences(&manifest(old), &manifest(new))
            .into_iter()
            .map(|found| (found.path.into(), found.status, found.former.map(Into::into)))
            .collect()
    }

    fn one(path: &str, status: Status) -> (String, Status, Option<String>) {
        (path.into(), status, None)
    }

    #[test]
    fn every_way_to_be_different_has_its_word_and_what_is_the_same_none() {
        use Status::{Added, Deleted, Mode, Modified};
        let link = |target: &str| ItemKind::Symlink { target: target.to_owned() };
        let old = [
            ("same", file("a")),
            ("edited", file("b")),
            ("run", file("c")),
            ("gone", file("d")),
            ("link", link("same")),
            ("turned", file("e")),
        ];
        let new = [
            ("same", file("a")),
            ("edited", file("B")),
            ("run", program("c")),
            ("new", file("f")),
            ("link", link("edited")),
            ("turned", link("same")),
        ];
        let expected = [
            one("edited", Modified),
            one("gone", Deleted),
            one("link", Modified),
            one("new", Added),
            one("run", Mode),
            one("turned", Modified),
        ];
        assert_eq!(told(&old, &new), expected);
        assert_eq!(told(&old, &old), []);
    }

    #[test]
    fn a_file_elsewhere_with_its_content_has_moved_and_each_moves_once() {
        use Status::{Added, Deleted, Renamed};
        let moved = |to: &str, from: &str| (to.to_owned(), Renamed, Some(from.to_owned()));
        assert_eq!(told(&[("a", file("x"))], &[("b", file("x"))]), [moved("b", "a")]);
        // Each once, and whoever has kept its name keeps its history.
        let old = [("one/a", file("x")), ("one/b", file("x"))];
        let new = [("two/b", file("x")), ("two/a", file("x")), ("two/c", file("x"))];
        let expected = [moved("two/a", "one/a"), moved("two/b", "one/b"), one("two/c", Added)];
        assert_eq!(told(&old, &new), expected);
        // Empty files are all alike.
        assert_eq!(told(&[("a", file(""))], &[("b", file(""))]), [one("a", Deleted), one("b", Added)]);
        // A copy is new: what it was made of is still there.
        assert_eq!(told(&[("a", file("x"))], &[("a", file("x")), ("b", file("x"))]), [one("b", Added)]);
    }

    #[test]
    fn folders_are_told_of_where_nothing_in_them_is() {
        use Status::{Added, Deleted, Modified};
        let (folder, x) = (ItemKind::Folder, file("x"));
        let new = [("empty", folder.clone()), ("full", folder.clone()), ("full/x", x.clone())];
        assert_eq!(told(&[], &new), [one("empty", Added), one("full/x", Added)]);
        assert_eq!(told(&new, &[]), [one("empty", Deleted), one("full/x", Deleted)]);
        assert_eq!(told(&[("a", folder)], &[("a", x)]), [one("a", Modified)]);
    }

    #[test]
    fn a_mark_is_of_what_it_was_put_on() {
        let kinds = [
            None,
            Some(ItemKind::Folder),
            Some(file("x")),
            Some(file("y")),
            Some(program("x")),
            Some(ItemKind::Symlink { target: "x".into() }),
        ];
        let marks: HashSet<_> = kinds.iter().map(|kind| mark(kind.as_ref())).collect();
        assert_eq!(marks.len(), kinds.len());
        assert_eq!(mark(Some(&file("x"))), mark(Some(&file("x"))));
    }
}
