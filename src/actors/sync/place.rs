//! Users' writes: rehearsed against the database, then done in the sandbox, if it lives, then in the database, then answered.

use carrel_protocol::{AgentError, Expect, Request, WriteOptions};

use super::{MakeFolder, Move, Work, encode, transfer};
use crate::actors::api::{SaveFile, Saved, SessionError};
use crate::db::items::{self, ItemChange};
use crate::db::{blobs, versions::Origin};
use crate::link::{AgentLink, LinkError};
use crate::model::{Item, ItemKind, Precondition, UserId};

pub(super) async fn save(work: &Work, link: Option<&AgentLink>, save: SaveFile) -> Result<Saved, SessionError> {
    let size = save.content.len() as u64;
    if size > work.max_file_bytes() {
        return Err(SessionError::FileTooLarge { limit_bytes: work.max_file_bytes() });
    }
    let connection = work.db.for_bytes(size).await?;
    let current = items::get(&connection, work.session, &save.path).await?;
    let after = encode::base(&connection, size, current.as_ref()).await?;
    // Packing a large content takes a while.
    drop(connection);
    let was_executable = matches!(&current, Some(Item { kind: ItemKind::File { executable: true, .. }, .. }));
    let executable = save.executable.unwrap_or(was_executable);
    let blob = encode::encode(save.content.clone(), after).await?;
    let kind = ItemKind::File { hash: blob.hash, size, executable };
    let put = |precondition| ItemChange::Put { path: save.path.clone(), kind: kind.clone(), precondition };
    work.rehearse(&work.db.interactive().await?, &[put(save.precondition)]).await?;
    let conflict_copy = match link {
        Some(link) => {
            let before = current.as_ref().and_then(|item| item.kind.hash());
            let expect = before.map_or(Expect::Absent, |hash| Expect::Content(hash.0));
            let options = WriteOptions { executable, durable: true, expect };
            transfer::write(link, &save.path, save.content, options).await.map_err(in_the_way)?
        }
        None => None,
    };
    // What is in place in the sandbox must be committed whatever was there: the precondition was held against the database above, and
    // nobody else writes this workspace.
    let item = commit(work, put(Precondition::None), &[blob], save.user).await?.ok_or(SessionError::Internal)?;
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
    let planned = work.rehearse(&work.db.interactive().await?, std::slice::from_ref(&change)).await?;
    if planned.changes.is_empty() {
        return planned.items.into_iter().next().flatten().ok_or(SessionError::Internal);
    }
    if let Some(link) = link {
        link.command(Request::MakeFolder { path: folder.path }).await.map_err(in_the_way)?;
    }
    commit(work, change, &[], folder.user).await?.ok_or(SessionError::Internal)
}

pub(super) async fn rename(work: &Work, link: Option<&AgentLink>, change: Move) -> Result<Item, SessionError> {
    let Move { from, to, user } = change;
    let change = ItemChange::Move { from: from.clone(), to: to.clone() };
    if work.rehearse(&work.db.interactive().await?, std::slice::from_ref(&change)).await?.changes.is_empty() {
        // Only what is moved to where it is changes nothing.
        return Err(SessionError::Exists);
    }
    if let Some(link) = link {
        link.command(Request::Move { from, to }).await?;
    }
    commit(work, change, &[], user).await?.ok_or(SessionError::Internal)
}

/// Commits one change and what it needs, and tells the pages.
async fn commit(
    work: &Work,
    change: ItemChange,
    blobs: &[blobs::EncodedBlob],
    user: UserId,
) -> Result<Option<Item>, SessionError> {
    let mut connection = work.db.for_bytes(blobs.iter().map(|blob| blob.size).sum()).await?;
    let transaction = connection.transaction().await?;
    blobs::put_many(&transaction, blobs).await?;
    let applied =
        items::apply(&transaction, &work.lease, &[change], Origin::Editor, Some(user), &work.bounds()).await?;
    work.fits(&transaction, &applied).await?;
    transaction.commit().await?;
    work.tell_tree(applied.changes);
    Ok(applied.items.into_iter().next().flatten())
}

/// When a file or folder cannot be put in place, "not found" can only mean a part of the path.
fn in_the_way(error: LinkError) -> SessionError {
    match error {
        LinkError::Agent(AgentError::NotFound | AgentError::WrongKind) => SessionError::NotFolder,
        error => error.into(),
    }
}
