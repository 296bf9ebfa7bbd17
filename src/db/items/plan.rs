//! Decides what a list of changes does to a workspace, one after the other, on the part of the tree they touch. Pure.
//!
//! [`Tree`] holds that part: every path a change names with its ancestors, as far as they exist, and all that lies below what is
//! removed or moved. It works on its copy; what it ends with is compared with what it began with, and only the difference is
//! written. So any mixture of changes, such as two files swapping names, is a handful of rows, and an error leaves no trace.
//! When it happens only the database knows, and only when it writes it: what changes has no time until then.

use std::collections::{BTreeMap, HashMap};

use carrel_protocol::PathError;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Applied, AppliedChange, ApplyError, Bounds, ItemChange};
use crate::db::versions::Change;
use crate::model::{Item, ItemKind, Precondition, Usage, WorkspacePath};

/// Longest target of a link: as long as a path in a workspace may be ([`PathError::TooLong`]).
const MAX_TARGET_BYTES: usize = 3072;

/// One item and where it hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) parent: Uuid,
    pub(super) name: String,
    pub(super) kind: ItemKind,
    /// `None`: when it is written.
    pub(super) modified_at: Option<OffsetDateTime>,
}

/// One version to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewVersion {
    pub(super) path: WorkspacePath,
    pub(super) change: Change,
    pub(super) kind: ItemKind,
}

/// The touched part of a workspace.
pub(super) struct Tree {
    root: Uuid,
    edition: i64,
    usage: Usage,
    before: HashMap<Uuid, Node>,
    nodes: HashMap<Uuid, Node>,
    children: HashMap<Uuid, BTreeMap<String, Uuid>>,
    /// What was at each path that was touched, in the order of first touches.
    touched: Vec<(WorkspacePath, Option<ItemKind>)>,
    touched_at: HashMap<WorkspacePath, usize>,
    versions: Vec<NewVersion>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) removed: Vec<Uuid>,
    pub(super) altered: Vec<(Uuid, Node)>,
    pub(super) added: Vec<(Uuid, Node)>,
    pub(super) versions: Vec<NewVersion>,
    /// Paths that are not as they were, and what was there.
    pub(super) changed: Vec<(WorkspacePath, Option<ItemKind>)>,
    pub(super) usage: Usage,
}

impl Tree {
    /// An empty part of the workspace whose top is `root`, in this edition.
    pub(super) fn new(root: Uuid, edition: i64, usage: Usage) -> Self {
        Self {
            root,
            edition,
            usage,
            before: HashMap::new(),
            nodes: HashMap::new(),
            children: HashMap::new(),
            touched: Vec::new(),
            touched_at: HashMap::new(),
            versions: Vec::new(),
        }
    }

    /// Which edition of the workspace this is a part of.
    pub(super) fn edition(&self) -> i64 {
        self.edition
    }

    /// Adds an item that is there. Twice is as good as once.
    pub(super) fn load(&mut self, id: Uuid, node: Node) {
        self.before.insert(id, node.clone());
        self.attach(id, node);
    }

    /// The item at `path`, among those loaded.
    pub(super) fn find(&self, path: &WorkspacePath) -> Option<Uuid> {
        path.components().try_fold(self.root, |at, name| self.child(at, name))
    }

    /// What is in `path`'s folder under `path`'s name; the folder itself must be there and be one.
    pub(super) fn folder_of(&self, path: &WorkspacePath) -> Option<Uuid> {
        let Some(parent) = path.parent() else { return Some(self.root) };
        self.find(&parent).filter(|id| self.nodes[id].kind == ItemKind::Folder)
    }

    /// What is at `path`, among what was loaded.
    pub(super) fn kind(&self, path: &WorkspacePath) -> Option<&ItemKind> {
        Some(&self.nodes[&self.find(path)?].kind)
    }

    /// The same for callers; what has changed did so at `now`.
    pub(super) fn item(&self, path: &WorkspacePath, now: OffsetDateTime) -> Option<Item> {
        let node = &self.nodes[&self.find(path)?];
        let modified_at = node.modified_at.unwrap_or(now);
        Some(Item { path: path.clone(), kind: node.kind.clone(), modified_at })
    }

    /// What `difference` did, at `now`.
    pub(super) fn applied(&self, changes: &[ItemChange], difference: &Difference, now: OffsetDateTime) -> Applied {
        let changed = difference.changed.iter().map(|(path, before)| AppliedChange {
            path: path.clone(),
            before: before.clone(),
            after: self.item(path, now),
        });
        let items = changes.iter().map(|change| self.item(change.path(), now));
        Applied { items: items.collect(), changes: changed.collect(), usage: difference.usage, at: now }
    }

    /// Does one change.
    pub(super) fn apply(&mut self, change: &ItemChange) -> Result<(), ApplyError> {
        match change {
            ItemChange::Put { path, kind, precondition } => self.put(path, kind, *precondition),
            ItemChange::Remove { path } => match self.find(path) {
                Some(id) => self.remove(id, path),
                None => Err(ApplyError::NotFound(path.clone())),
            },
            ItemChange::Gone { path } => self.find(path).map_or(Ok(()), |id| self.remove(id, path)),
            ItemChange::Move { from, to } => self.move_item(from, to),
        }
    }

    /// What has become of the tree, unless it has outgrown its bounds. A workspace that is over them may still shrink.
    pub(super) fn finish(&mut self, bounds: &Bounds) -> Result<Difference, ApplyError> {
        let mut difference = Difference { usage: self.usage, ..Difference::default() };
        let usage = &mut difference.usage;
        for (id, node) in &self.before {
            if !self.nodes.contains_key(id) {
                usage.items = usage.items.saturating_sub(1);
                usage.bytes = usage.bytes.saturating_sub(node.kind.size());
                difference.removed.push(*id);
            }
        }
        for (id, node) in &self.nodes {
            match self.before.get(id) {
                Some(before) if before == node => {}
                Some(before) => {
                    usage.bytes = usage.bytes.saturating_sub(before.kind.size()).saturating_add(node.kind.size());
                    difference.altered.push((*id, node.clone()));
                }
                None => {
                    usage.items = usage.items.saturating_add(1);
                    usage.bytes = usage.bytes.saturating_add(node.kind.size());
                    difference.added.push((*id, node.clone()));
                }
            }
        }
        if usage.items > bounds.max_items && usage.items > self.usage.items {
            return Err(ApplyError::TooManyItems(bounds.max_items));
        }
        if usage.bytes > bounds.max_bytes && usage.bytes > self.usage.bytes {
            return Err(ApplyError::TooManyBytes(bounds.max_bytes));
        }
        difference.versions = std::mem::take(&mut self.versions);
        let touched = std::mem::take(&mut self.touched);
        difference.changed = touched.into_iter().filter(|(path, before)| before.as_ref() != self.kind(path)).collect();
        Ok(difference)
    }

    fn put(&mut self, path: &WorkspacePath, kind: &ItemKind, precondition: Precondition) -> Result<(), ApplyError> {
        if let ItemKind::Symlink { target } = kind {
            check_target(target).map_err(|why| ApplyError::BadPath { path: path.clone(), why })?;
        }
        let there = self.find(path);
        let current = there.map(|id| self.nodes[&id].kind.clone());
        match (&current, kind) {
            (Some(ItemKind::Folder), ItemKind::Folder) if precondition == Precondition::None => return Ok(()),
            (Some(_), ItemKind::Folder) => return Err(ApplyError::Exists(path.clone())),
            (Some(ItemKind::Folder), _) => return Err(ApplyError::IsFolder(path.clone())),
            _ => {}
        }
        let content = current.as_ref().and_then(ItemKind::hash);
        // A link is not a content, but it is there.
        let absent_is_wrong = precondition == Precondition::Absent && current.is_some();
        if absent_is_wrong || !precondition.holds(content) {
            return Err(ApplyError::PreconditionFailed { path: path.clone(), current: content });
        }
        match there {
            Some(_) if current.as_ref() == Some(kind) => {}
            Some(id) => {
                self.note(path, current, Change::Modified, kind.clone());
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.kind = kind.clone();
                    node.modified_at = None;
                }
            }
            None => {
                let parent = self.make_folders(path)?;
                self.create(parent, path, kind.clone());
            }
        }
        Ok(())
    }

    fn remove(&mut self, id: Uuid, path: &WorkspacePath) -> Result<(), ApplyError> {
        self.detach(id);
        for (id, path) in self.below(id, path)? {
            self.children.remove(&id);
            if let Some(node) = self.nodes.remove(&id) {
                self.note(&path, Some(node.kind.clone()), Change::Removed, node.kind);
            }
        }
        Ok(())
    }

    fn move_item(&mut self, from: &WorkspacePath, to: &WorkspacePath) -> Result<(), ApplyError> {
        let id = self.find(from).ok_or_else(|| ApplyError::NotFound(from.clone()))?;
        if from == to {
            return Ok(());
        }
        if to.is_within(from) {
            return Err(ApplyError::IntoItself(from.clone()));
        }
        if self.find(to).is_some() {
            return Err(ApplyError::Exists(to.clone()));
        }
        let all = self.below(id, from)?;
        let mut moves = Vec::with_capacity(all.len());
        for (id, old) in all {
            let new = old.rebased(from, to).unwrap_or_else(|| Ok(to.clone()));
            let new = new.map_err(|why| ApplyError::BadPath { path: old.clone(), why })?;
            moves.push((self.nodes[&id].kind.clone(), old, new));
        }
        let parent = self.make_folders(to)?;
        self.detach(id);
        let mut node = self.nodes[&id].clone();
        node.parent = parent;
        to.name().clone_into(&mut node.name);
        self.attach(id, node);
        for (kind, old, new) in moves {
            self.note(&old, Some(kind.clone()), Change::MovedAway(new.clone()), kind.clone());
            self.note(&new, None, Change::MovedHere(old), kind);
        }
        Ok(())
    }

    /// Makes the folders `path` lies in, as far as they are missing; the innermost.
    fn make_folders(&mut self, path: &WorkspacePath) -> Result<Uuid, ApplyError> {
        let Some(folder) = path.parent() else { return Ok(self.root) };
        if let Some(id) = self.find(&folder) {
            return match self.nodes[&id].kind {
                ItemKind::Folder => Ok(id),
                _ => Err(ApplyError::NotFolder(folder)),
            };
        }
        let parent = self.make_folders(&folder)?;
        Ok(self.create(parent, &folder, ItemKind::Folder))
    }

    fn create(&mut self, parent: Uuid, path: &WorkspacePath, kind: ItemKind) -> Uuid {
        let id = Uuid::now_v7();
        self.note(path, None, Change::Created, kind.clone());
        self.attach(id, Node { parent, name: path.name().to_owned(), kind, modified_at: None });
        id
    }

    /// `id` and all below it with their paths, folders before what is in them.
    fn below(&self, id: Uuid, path: &WorkspacePath) -> Result<Vec<(Uuid, WorkspacePath)>, ApplyError> {
        let mut all = vec![(id, path.clone())];
        let mut next = 0;
        while let Some((id, path)) = all.get(next).cloned() {
            for (name, child) in self.children.get(&id).into_iter().flatten() {
                let path = path.join(name).map_err(|why| ApplyError::BadPath { path: path.clone(), why })?;
                all.push((*child, path));
            }
            next += 1;
        }
        Ok(all)
    }

    fn child(&self, parent: Uuid, name: &str) -> Option<Uuid> {
        self.children.get(&parent)?.get(name).copied()
    }

    fn attach(&mut self, id: Uuid, node: Node) {
        self.children.entry(node.parent).or_default().insert(node.name.clone(), id);
        self.nodes.insert(id, node);
    }

    fn detach(&mut self, id: Uuid) {
        if let Some(node) = self.nodes.get(&id)
            && let Some(siblings) = self.children.get_mut(&node.parent)
        {
            siblings.remove(&node.name);
        }
    }

    fn note(&mut self, path: &WorkspacePath, before: Option<ItemKind>, change: Change, kind: ItemKind) {
        if !self.touched_at.contains_key(path) {
            self.touched_at.insert(path.clone(), self.touched.len());
            self.touched.push((path.clone(), before));
        }
        self.versions.push(NewVersion { path: path.clone(), change, kind });
    }
}

/// A link may lead anywhere, but its target must be a text that can be one.
fn check_target(target: &str) -> Result<(), PathError> {
    match target {
        "" => Err(PathError::Empty),
        _ if target.len() > MAX_TARGET_BYTES => Err(PathError::TooLong),
        _ if target.contains('\0') => Err(PathError::Nul),
        _ => Ok(()),
    }
}
