//! From the sandbox into the database: what programs have changed.

use std::collections::HashMap;

use carrel_protocol::{AgentError, Entry, Request};
use futures_util::{StreamExt, stream};

use super::{Work, transfer};
use crate::actors::api::SessionError;
use crate::db::blobs;
use crate::db::items::{self, ItemChange};
use crate::db::versions::{self, Origin};
use crate::link::{AgentLink, LinkError};
use crate::model::sync::{Plan, Wanted, plan, plan_listing};
use crate::model::{ContentHash, ItemKind, Precondition, WorkspacePath};

/// Files fetched at the same time.
const FETCHES: usize = 16;

/// Changes committed in one transaction.
const COMMIT_ITEMS: usize = 512;

/// Commits what these entries mean. Of the paths in `overtaken` they may say what was true before a user's last write: such a path is looked
/// at again, and where that does not tell only a listing does; `false` then.
///
/// # Errors
/// When some of it could not be committed: only a listing will tell what.
pub(super) async fn batch(
    work: &Work,
    link: &AgentLink,
    entries: &[Entry],
    overtaken: &[WorkspacePath],
) -> Result<bool, SessionError> {
    let paths: Vec<_> = entries.iter().filter_map(|entry| WorkspacePath::new(entry.path.clone()).ok()).collect();
    let connection = work.db.bulk().await?;
    let kept = items::get_many(&connection, work.session, &paths).await?;
    drop(connection);
    let mut plan = plan(entries, &kept, work.max_file_bytes());
    let sound = look_again(link, &mut plan, overtaken).await?;
    carry_out(work, link, plan).await?;
    Ok(sound)
}

/// Takes out of a plan what is, or may be, older than a user's write; whether it is certain about the rest. Nobody else writes while this
/// job runs, so what is seen now is newer than that write.
async fn look_again(link: &AgentLink, plan: &mut Plan, overtaken: &[WorkspacePath]) -> Result<bool, SessionError> {
    let doubtful = |path: &WorkspacePath| overtaken.iter().any(|other| path.is_within(other) || other.is_within(path));
    plan.fetch.iter_mut().filter(|file| doubtful(&file.path)).for_each(|file| file.claimed = None);
    let (doubted, certain): (Vec<_>, Vec<_>) =
        std::mem::take(&mut plan.puts).into_iter().partition(|(path, _)| doubtful(path));
    plan.puts = certain;
    for path in std::mem::take(&mut plan.removes) {
        if !doubtful(&path) || is_gone(link, &path).await? {
            plan.removes.push(path);
        }
    }
    Ok(doubted.is_empty())
}

async fn is_gone(link: &AgentLink, path: &WorkspacePath) -> Result<bool, SessionError> {
    match link.request(Request::ReadFile { path: path.clone(), offset: 0 }).await {
        Err(LinkError::Agent(AgentError::NotFound)) => Ok(true),
        Ok(_) | Err(LinkError::Agent(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes the database agree with the whole sandbox.
///
/// # Errors
/// When it could not; nothing is ever removed because a listing was short.
pub(super) async fn listing(work: &Work, link: &AgentLink) -> Result<(), SessionError> {
    let entries = link.scan(work.config.workspace.max_items as usize).await?;
    let connection = work.db.bulk().await?;
    let kept = items::all(&connection, work.session).await?;
    drop(connection);
    let kept: HashMap<_, _> = kept.into_iter().map(|item| (item.path, item.kind)).collect();
    carry_out(work, link, plan_listing(&entries, &kept, work.max_file_bytes())).await
}

async fn carry_out(work: &Work, link: &AgentLink, plan: Plan) -> Result<(), SessionError> {
    for (name, why) in plan.not_kept.iter().take(3) {
        work.warn(format!("{name} is not kept: {why}"));
    }
    let mut changes: Vec<_> = plan.removes.into_iter().map(|path| ItemChange::Gone { path }).collect();
    changes.extend(plan.puts.into_iter().map(|(path, kind)| put(path, kind)));
    let mut blobs = Vec::new();
    let mut torn = false;
    let known = known(work, &plan.fetch).await?;
    let (had, wanted): (Vec<_>, Vec<_>) =
        plan.fetch.into_iter().partition(|file| file.claimed.is_some_and(|hash| known.contains_key(&hash)));
    changes.extend(had.into_iter().filter_map(|file| {
        let hash = file.claimed?;
        let kind = ItemKind::File { hash, size: *known.get(&hash)?, executable: file.executable };
        Some(put(file.path, kind))
    }));
    let mut fetched = stream::iter(wanted).map(|file| fetch(work, link, file)).buffered(FETCHES);
    while let Some(file) = fetched.next().await {
        match file {
            Ok(Some((change, blob))) => {
                changes.push(change);
                blobs.push(blob);
            }
            Ok(None) => {}
            // It is being written all the time; the rest need not wait for it.
            Err(SessionError::Busy) => torn = true,
            Err(error) => return Err(error),
        }
        if changes.len() >= COMMIT_ITEMS {
            commit(work, std::mem::take(&mut changes), std::mem::take(&mut blobs)).await?;
        }
    }
    drop(fetched);
    commit(work, changes, blobs).await?;
    if torn { Err(SessionError::Busy) } else { Ok(()) }
}

/// Contents this workspace has had before, with their sizes: a renamed or restored file need not be fetched. Of other workspaces nothing
/// is looked up, or a sandbox could obtain a content by naming its hash.
async fn known(work: &Work, files: &[Wanted]) -> Result<HashMap<ContentHash, u64>, SessionError> {
    let claimed: Vec<_> = files.iter().filter_map(|file| file.claimed).collect();
    if claimed.is_empty() {
        return Ok(HashMap::new());
    }
    let connection = work.db.bulk().await?;
    Ok(versions::known_contents(&connection, work.session, &claimed).await?)
}

/// One file's content, ready to be committed; `None` when it is gone again, for which another notice comes.
async fn fetch(
    work: &Work,
    link: &AgentLink,
    file: Wanted,
) -> Result<Option<(ItemChange, blobs::EncodedBlob)>, SessionError> {
    let _room = transfer::reserve(file.size).await;
    let (content, executable) = match transfer::read(link, &file.path, work.max_file_bytes()).await {
        Ok(content) => content,
        Err(LinkError::Agent(AgentError::NotFound | AgentError::WrongKind | AgentError::Refused)) => return Ok(None),
        Err(LinkError::Agent(AgentError::TooMany)) => {
            work.warn(format!("{} is not kept: it is larger than a file may be", file.path));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let size = content.len() as u64;
    let blob = blobs::encode(content).await?;
    Ok(Some((put(file.path, ItemKind::File { hash: blob.hash, size, executable }), blob)))
}

async fn commit(work: &Work, changes: Vec<ItemChange>, blobs: Vec<blobs::EncodedBlob>) -> Result<(), SessionError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut connection = work.db.bulk().await?;
    let transaction = connection.transaction().await?;
    blobs::put_many(&transaction, &blobs).await?;
    let applied = items::apply(&transaction, work.session, &changes, Origin::Terminal, None, &work.bounds()).await;
    let applied = match applied.map_err(SessionError::from) {
        Ok(applied) => applied,
        Err(error @ (SessionError::TooManyBytes | SessionError::TooManyItems)) => {
            transaction.rollback().await?;
            work.warn(format!("Changes made by programs are not saved: {error}"));
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    transaction.commit().await?;
    work.tell_tree(applied.changes);
    Ok(())
}

fn put(path: WorkspacePath, kind: ItemKind) -> ItemChange {
    ItemChange::Put { path, kind, precondition: Precondition::None }
}
