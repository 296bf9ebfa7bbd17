//! Workspaces as they were, for as long as somebody goes through their pages: a whole history is read for the first of them only.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::model::{Item, ItemKind, SessionId, WorkspacePath};

/// How long one is kept after its first page: the others are asked for right away.
const KEPT: Duration = Duration::from_secs(60);

/// Bytes of all that are kept, whose oldest go first; what is larger by itself is not.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The trees. Each is of one session, of which the asker may see everything.
#[derive(Debug, Default)]
pub struct PastTrees(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    session: SessionId,
    at: OffsetDateTime,
    since: Instant,
    bytes: usize,
    items: Arc<Vec<Item>>,
}

impl PastTrees {
    /// The tree of this session and time, if its first page has just been asked for.
    #[must_use]
    pub fn get(&self, session: SessionId, at: OffsetDateTime) -> Option<Arc<Vec<Item>>> {
        let mut kept = self.kept();
        kept.retain(|one| one.since.elapsed() < KEPT);
        let found = kept.iter().find(|one| (one.session, one.at) == (session, at))?;
        Some(Arc::clone(&found.items))
    }

    /// Keeps one for its other pages.
    pub fn keep(&self, session: SessionId, at: OffsetDateTime, items: &Arc<Vec<Item>>) {
        let bytes = items.iter().map(bytes_of).sum();
        let mut kept = self.kept();
        kept.retain(|one| (one.session, one.at) != (session, at) && one.since.elapsed() < KEPT);
        kept.push_back(Kept { session, at, since: Instant::now(), bytes, items: Arc::clone(items) });
        while kept.iter().map(|one| one.bytes).sum::<usize>() > MOST_BYTES {
            kept.pop_front();
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        // Nothing that may panic is done with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(item: &Item) -> usize {
    let target = if let ItemKind::Symlink { target } = &item.kind { target.len() } else { 0 };
    size_of::<Item>() + item.path.as_str().len() + target
}

/// A page of a tree there no longer is, and where the next begins.
#[must_use]
pub fn page(items: &[Item], limit: u32, cursor: Option<&WorkspacePath>) -> (Vec<Item>, Option<WorkspacePath>) {
    let begin = cursor.map_or(0, |cursor| items.partition_point(|item| item.path <= *cursor));
    let rest = &items[begin..];
    let page = &rest[..rest.len().min(limit as usize)];
    let next = page.last().filter(|_| page.len() < rest.len()).map(|item| item.path.clone());
    (page.to_vec(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: impl Iterator<Item = String>) -> Arc<Vec<Item>> {
        let item = |name| Item {
            path: WorkspacePath::new(name).expect("a path"),
            kind: ItemKind::Folder,
            modified_at: OffsetDateTime::UNIX_EPOCH,
        };
        Arc::new(names.map(item).collect())
    }

    #[test]
    fn pages_together_are_the_tree() {
        let items = tree((0..10).map(|number| number.to_string()));
        let (mut paged, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let (page, next) = page(&items, 5, cursor.as_ref());
            (pages, cursor) = (pages + 1, next);
            paged.extend(page);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((&paged, pages), (&*items, 2), "no empty page at the end");
        assert_eq!(page(&[], 5, None), (Vec::new(), None));
    }

    #[test]
    fn as_much_is_kept_as_may_be_and_the_newest() {
        let (trees, session) = (PastTrees::default(), SessionId::new());
        // A third of what may be kept.
        let long = tree((0..3700).map(|number| format!("{number:04}{}", format!("/{}", "x".repeat(250)).repeat(11))));
        let at = |second| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(second);
        let third = long.iter().map(bytes_of).sum::<usize>();
        assert!(third * 3 <= MOST_BYTES && third * 4 > MOST_BYTES, "{third}");
        for second in 0..5 {
            trees.keep(session, at(second), &long);
        }
        let kept: Vec<_> = (0..5).map(|second| trees.get(session, at(second)).is_some()).collect();
        assert_eq!(kept, [false, false, true, true, true]);
        assert!(trees.get(SessionId::new(), at(4)).is_none());
        trees.kept().iter_mut().for_each(|one| one.since -= KEPT);
        assert!(trees.get(session, at(4)).is_none() && trees.kept().is_empty());
    }
}
