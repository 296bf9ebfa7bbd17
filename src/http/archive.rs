//! A workspace as an archive: contents out of the database, a few at a time, through a packer to the client.
//!
//! ```text
//!   database ── one batch of contents ──▶ packer, on a blocking thread ──▶ body
//! ```

use std::collections::BTreeSet;
use std::io;

use bytes::Bytes;
use carrel_archives::Packer;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::Instrument;

use super::contents::{self, BATCH_BYTES, batches};
use super::download::{self, Made, Maker};
use super::error::ApiError;
use super::state::HttpState;
use crate::db::{Db, DbError, items};
use crate::model::{Item, ItemKind, SessionId, UserId, WorkspacePath};

/// What goes into an archive, under the name it has there; `None` is the end.
type Piece = Option<(Item, Option<Bytes>)>;

/// What of a workspace goes into an archive: some of its items with all they hold, or everything.
#[derive(Debug)]
pub struct Selection {
    /// Empty is everything.
    paths: BTreeSet<WorkspacePath>,
    /// The folder they all lie in; names in the archive begin below it.
    above: Option<WorkspacePath>,
}

impl Selection {
    /// These; everything when there are none.
    #[must_use]
    pub fn new(paths: Vec<WorkspacePath>) -> Self {
        let paths: BTreeSet<_> = paths.into_iter().collect();
        let holds_all = |folder: &WorkspacePath| paths.iter().all(|path| path != folder && path.is_within(folder));
        let first = paths.first().and_then(WorkspacePath::parent);
        let above = std::iter::successors(first, WorkspacePath::parent).find(holds_all);
        Self { paths, above }
    }

    /// What the archive is called after; `None` is the workspace.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match (self.paths.len(), self.paths.first(), &self.above) {
            (1, Some(only), _) => Some(only.name()),
            (_, _, above) => above.as_ref().map(WorkspacePath::name),
        }
    }

    /// Of a workspace's items those that are selected, by the names they have in the archive; nothing when one of them is not there.
    fn of(&self, mut items: Vec<Item>) -> Result<Vec<Item>, ApiError> {
        if self.paths.is_empty() {
            return Ok(items);
        }
        if items.iter().filter(|item| self.paths.contains(&item.path)).count() < self.paths.len() {
            return Err(ApiError::not_found());
        }
        let is_selected = |item: &Item| {
            std::iter::successors(Some(item.path.clone()), WorkspacePath::parent).any(|path| self.paths.contains(&path))
        };
        items.retain(is_selected);
        let Some(above) = &self.above else { return Ok(items) };
        let base = above.as_str().len() + 1;
        items
            .into_iter()
            .map(|item| Ok(Item { path: WorkspacePath::new(&item.path.as_str()[base..])?, ..item }))
            .collect()
    }
}

/// The archive of what is selected.
///
/// # Errors
/// [`super::error::Code::NotFound`] when some of it is not there, or that there is no room at the moment.
pub async fn stream(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    selection: &Selection,
) -> Result<Made, ApiError> {
    let slot = state.archives.take(user)?;
    let connection = state.db.bulk().await?;
    let items = items::all(&connection, session).await?;
    drop(connection);
    let items = selection.of(items)?;
    let largest = items.iter().map(|item| item.kind.size()).max().unwrap_or_default();
    let total = items.iter().map(|item| item.kind.size()).sum::<u64>();
    let share = state.budget.share_for_saved(user, (largest + BATCH_BYTES).min(2 * total))?;
    let (maker, body) = download::body(state.runtime.clone());
    let (sender, pieces) = mpsc::channel(1);
    let db = state.db.clone();
    let reading = async move {
        if let Err(error) = read(&db, items, &sender).await {
            tracing::warn!(session.id = %session, error = %error, "an archive breaks off: a content cannot be read");
        }
    };
    state.runtime.spawn(reading.in_current_span());
    spawn_blocking(move || {
        // Who has gone is told nothing.
        pack(pieces, maker).ok();
        drop((slot, share));
    });
    Ok(body)
}

/// Hands out every item with its content; the end only when all of them were there.
async fn read(db: &Db, items: Vec<Item>, pieces: &mpsc::Sender<Piece>) -> Result<(), DbError> {
    for batch in batches(items) {
        for piece in contents::read(db, batch).await? {
            if pieces.send(Some(piece)).await.is_err() {
                // Nobody reads any more.
                return Ok(());
            }
        }
    }
    pieces.send(None).await.ok();
    Ok(())
}

fn pack(mut pieces: mpsc::Receiver<Piece>, maker: Maker) -> io::Result<()> {
    let mut packer = Packer::new(maker);
    while let Some(piece) = pieces.blocking_recv() {
        let Some((Item { path, kind, modified_at }, content)) = piece else { return packer.finish()?.finish() };
        let modified = modified_at.unix_timestamp();
        match kind {
            ItemKind::Folder => packer.folder(&path, modified)?,
            ItemKind::Symlink { target } => packer.link(&path, &target, modified)?,
            ItemKind::File { executable, .. } => {
                packer.file(&path, &content.unwrap_or_default(), executable, modified)?
            }
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn paths(texts: &[&str]) -> Vec<WorkspacePath> {
        texts.iter().map(|text| WorkspacePath::new(*text).expect(text)).collect()
    }

    #[track_caller]
    fn check(selected: &[&str], name: Option<&str>, expected: Option<&[&str]>) {
        let all = paths(&["a", "a/b", "a/b/c", "a/b/d", "a/e", "a-b", "f"]);
        let item = |path| Item { path, kind: ItemKind::Folder, modified_at: OffsetDateTime::UNIX_EPOCH };
        let selection = Selection::new(paths(selected));
        assert_eq!(selection.name(), name, "{selected:?}");
        let items = selection.of(all.into_iter().map(item).collect()).ok();
        let names = items.map(|items| items.into_iter().map(|item| String::from(item.path)).collect::<Vec<_>>());
        assert_eq!(
            names.as_deref(),
            expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn names_begin_below_the_folder_all_that_is_selected_lies_in() {
        check(&[], None, Some(&["a", "a/b", "a/b/c", "a/b/d", "a/e", "a-b", "f"]));
        check(&["a/b"], Some("b"), Some(&["b", "b/c", "b/d"]));
        check(&["a/b/c", "a/b/d"], Some("b"), Some(&["c", "d"]));
        check(&["a/b/c", "a/e"], Some("a"), Some(&["b/c", "e"]));
        check(&["a/b", "a/b/c", "a/e"], Some("a"), Some(&["b", "b/c", "b/d", "e"]));
        check(&["a/b/c", "a-b", "f"], None, Some(&["a/b/c", "a-b", "f"]));
        check(&["a", "a/b"], None, Some(&["a", "a/b", "a/b/c", "a/b/d", "a/e"]));
        check(&["a", "none"], None, None);
    }
}
