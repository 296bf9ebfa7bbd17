//! A workspace as an archive: contents out of the database, a few at a time, through a packer to the client.
//!
//! ```text
//!   database ── one batch of contents ──▶ packer, on a blocking thread ──▶ body
//! ```

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

/// The archive of what lies at and below `path`, or of everything. Its names begin with the last of `path`'s.
///
/// # Errors
/// [`super::error::Code::NotFound`] when nothing is there, or that there is no room at the moment.
pub async fn stream(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    path: Option<&WorkspacePath>,
) -> Result<Made, ApiError> {
    let slot = state.archives.take(user)?;
    let connection = state.db.bulk().await?;
    let items = items::all(&connection, session).await?;
    drop(connection);
    let items = part(items, path)?;
    let largest = items.iter().map(|item| item.kind.size()).max().unwrap_or_default();
    let total = items.iter().map(|item| item.kind.size()).sum::<u64>();
    let mut share = state.budget.share(user);
    share.grow_to(usize::try_from((largest + BATCH_BYTES).min(2 * total)).unwrap_or(usize::MAX))?;
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

/// Of a workspace's items those at and below `path`, by the names they have in the archive.
fn part(items: Vec<Item>, path: Option<&WorkspacePath>) -> Result<Vec<Item>, ApiError> {
    let Some(path) = path else { return Ok(items) };
    let base = path.as_str().len() - path.name().len();
    let within = items.into_iter().filter(|item| item.path.is_within(path));
    let renamed = within.map(|item| Ok(Item { path: WorkspacePath::new(&item.path.as_str()[base..])?, ..item }));
    let items = renamed.collect::<Result<Vec<_>, ApiError>>()?;
    if items.is_empty() { Err(ApiError::not_found()) } else { Ok(items) }
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
