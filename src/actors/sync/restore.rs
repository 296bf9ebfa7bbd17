//! From the database into a sandbox: all of a workspace.

use std::sync::Arc;

use carrel_protocol::{AgentError, Expect, Request};

use super::{Connect, Work, bundle};
use crate::actors::api::SessionError;
use crate::db::items;
use crate::link::LinkError;
use crate::model::{ItemKind, WorkspacePath};

/// Told how many of how many items are in place.
pub type RestoreProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Puts everything that is kept into an empty sandbox.
///
/// # Errors
/// When something could not be put in place: the session must not be called ready, or the next listing would take what is not there for
/// removed. What stays out for a reason of its own is named, so that its owner can delete it while the session is cold.
pub(super) async fn all(work: &Work, connect: &Connect) -> Result<(), SessionError> {
    let link = &connect.link;
    let connection = work.db.bulk().await?;
    let items = items::all(&connection, work.session).await?;
    drop(connection);
    let total = items.len() as u64;
    let (files, others): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| matches!(item.kind, ItemKind::File { .. }));
    let (folders, links): (Vec<_>, Vec<_>) = others.into_iter().partition(|item| item.kind == ItemKind::Folder);
    let mut done = 0;
    let mut step = |count: usize| {
        done += count as u64;
        (connect.progress)(done, total);
    };
    step(0);
    // Whichever comes first makes its parents.
    let count = folders.len();
    let requests = folders.into_iter().map(|item| (item.path.clone(), Request::MakeFolder { path: item.path }));
    bundle::command(link, requests, unplaced).await?;
    step(count);
    let files = files.into_iter().map(|item| (item, Expect::Anything)).collect();
    bundle::place(work, link, files, unplaced, &mut step).await?;
    // Links last, so that no file is ever written through one.
    let count = links.len();
    let requests = links.into_iter().filter_map(|item| match item.kind {
        ItemKind::Symlink { target } => Some((item.path.clone(), Request::MakeSymlink { path: item.path, target })),
        _ => None,
    });
    bundle::command(link, requests, unplaced).await?;
    step(count);
    link.command(Request::FinishRestore).await?;
    Ok(())
}

/// Why an item stays out of the sandbox. Trying again helps only where the link is the reason.
fn unplaced(path: &WorkspacePath, error: LinkError) -> SessionError {
    let remedy = match &error {
        LinkError::Agent(AgentError::NoSpace | AgentError::TooMany) => "delete something, or ask for more room",
        LinkError::Agent(_) => "delete or rename it",
        _ => return error.into(),
    };
    SessionError::StartFailed(format!(
        "{path} cannot be put into the sandbox ({error}); {remedy}, which you can do while the session is stopped, and start it again"
    ))
}
