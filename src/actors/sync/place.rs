//! Users' writes: decided on what the database holds, then done in the sandbox, if it lives, then in the database, then answered.

use carrel_protocol::{AgentError, Expect, Request, WriteOptions};

use super::{MakeFolder, Move, Work, encode, transfer};
use crate::actors::api::{SaveFile, Saved, SessionError};
use crate::db::blobs::EncodedBlob;
use crate::db::items::{self, Decided, ItemChange, Wish};
use crate::db::versions::Origin;
use crate::link::{AgentLink, LinkError};
use crate::model::{Item, ItemKind, UserId};

pub(super) async fn save(work: &Work, link: Option<&AgentLink>, save: SaveFile) -> Result<Saved, SessionError> {
    let size = save.content.len() as u64;
    if size > work.max_file_bytes() {
        return Err(SessionError::FileTooLarge { limit_bytes: work.max_file_bytes() });
    }
    let put = |kind| ItemChange::Put { path: save.path.clone(), kind, precondition: save.precondition };
    let connection = work.db.for_bytes(size).await?;
    // Which file it becomes depends on what is there; where it lies does not.
    let look = items::look(&connection, work.session, &[put(ItemKind::Folder)]).await?;
    let current = look.item(&save.path);
    let after = encode::base(&connection, size, current.as_ref()).await?;
    // Packing a large content takes a while.
    drop(connection);
    let was_executable = matches!(&current, Some(Item { kind: ItemKind::File { executable: true, .. }, .. }));
    let executable = save.executable.unwrap_or(was_executable);
    let blob = encode::encode(save.content.clone(), after).await?;
    let change = put(ItemKind::File { hash: blob.hash, size, executable });
    let decided = work.decide_on(&work.db.interactive().await?, look, vec![change]).await?;
    let conflict_copy = match link {
        Some(link) => {
            let before = current.as_ref().and_then(|item| item.kind.hash());
            let expect = before.map_or(Expect::Absent, |hash| Expect::Content(hash.0));
            let options = WriteOptions { executable, durable: true, expect };
            transfer::write(link, &save.path, save.content, options).await.map_err(in_the_way)?
        }
        None => None,
    };
    let item = commit(work, decided, Some(blob), save.user).await?;
    if let Some(copy) = &conflict_copy {
        work.warn(format!("{} was changed by a program at the same time; its version is kept as {copy}", save.path));
    }
    Ok(Saved { item, created: current.is_none(), conflict_copy })
}

pub(super) async fn make_folder(
    work: &Work,
    link: Option<&AgentLink>,
    folder: MakeFolder,
) -> Result<Item, SessionError> {
    let change = ItemChange::put(folder.path.clone(), ItemKind::Folder);
    let decided = work.decide(&work.db.interactive().await?, vec![change]).await?;
    if let Some(link) = link.filter(|_| decided.changes_anything()) {
        link.command(Request::MakeFolder { path: folder.path }).await.map_err(in_the_way)?;
    }
    commit(work, decided, None, folder.user).await
}

pub(super) async fn rename(work: &Work, link: Option<&AgentLink>, change: Move) -> Result<Item, SessionError> {
    let Move { from, to, user } = change;
    let change = ItemChange::Move { from: from.clone(), to: to.clone() };
    let decided = work.decide(&work.db.interactive().await?, vec![change]).await?;
    if !decided.changes_anything() {
        // Only what is moved to where it is changes nothing.
        return Err(SessionError::Exists);
    }
    if let Some(link) = link {
        link.command(Request::Move { from, to }).await?;
    }
    commit(work, decided, None, user).await
}

/// Commits one change and what it needs, and tells the pages; what is now there. What is in place in the sandbox must be committed, whatever
/// was there: conditions were held when it was decided, and nobody else writes this workspace.
async fn commit(
    work: &Work,
    decided: Decided,
    content: Option<EncodedBlob>,
    user: UserId,
) -> Result<Item, SessionError> {
    // What changes nothing is written as well: what was sent before, and nobody waits for any more, must not come after it.
    let (lease, user) = (work.lease.clone(), Some(user));
    let wish = Wish { lease, decided, content, origin: Origin::Editor, user };
    let applied = work.group_commit.write(wish).await?;
    work.tell_tree(applied.changes);
    applied.items.into_iter().next().flatten().ok_or(SessionError::Internal)
}

/// When a file or folder cannot be put in place, "not found" can only mean a part of the path.
fn in_the_way(error: LinkError) -> SessionError {
    match error {
        LinkError::Agent(AgentError::NotFound | AgentError::WrongKind) => SessionError::NotFolder,
        error => error.into(),
    }
}
