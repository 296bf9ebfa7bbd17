//! What a user deletes by name and only the sandbox has: found after all it holds has been collected, and gone for good then.
//!
//! The agent is asked for each by name. The list of what is not kept is bounded, and names of an ignored folder nothing but its top.

use carrel_protocol::{AgentError, Request};

use super::Work;
use crate::actors::api::SessionError;
use crate::actors::edits::Intent;
use crate::db::items;
use crate::link::{AgentLink, LinkError};
use crate::model::WorkspacePath;

/// Beyond the end of every file: it is looked at, and nothing of it is read.
const BEYOND: u64 = u64::MAX;

/// Something that is only in the sandbox.
pub(super) struct Stray {
    pub(super) path: WorkspacePath,
    /// It may hold more.
    pub(super) is_folder: bool,
}

/// Takes out of a removal what the database does not know.
///
/// # Errors
/// [`SessionError::NoItem`] when the sandbox does not have one of them, either; [`SessionError::Refused`] for what lies beyond a link.
pub(super) async fn take_out(work: &Work, link: &AgentLink, intent: &mut Intent) -> Result<Vec<Stray>, SessionError> {
    let Intent::Remove { paths, .. } = intent else { return Ok(Vec::new()) };
    let kept = items::get_many(&work.db.bulk().await?, work.session, paths).await?;
    let (known, unknown): (Vec<_>, Vec<_>) =
        std::mem::take(paths).into_iter().partition(|path| kept.contains_key(path));
    *paths = known;
    let mut strays = Vec::with_capacity(unknown.len());
    for path in unknown {
        let is_folder = find(link, &path).await?;
        strays.push(Stray { path, is_folder });
    }
    Ok(strays)
}

/// Removes them with all they hold, and tells the pages that they are gone.
pub(super) async fn remove(work: &Work, link: &AgentLink, strays: &[Stray]) -> Result<(), SessionError> {
    let (mut gone, mut result) = (Vec::with_capacity(strays.len()), Ok(()));
    for Stray { path, .. } in strays {
        if let Err(error) = link.command(Request::Remove { path: path.clone() }).await {
            result = Err(error.into());
            break;
        }
        gone.push(path);
    }
    work.unkept.change(work, |list| gone.iter().for_each(|path| list.remove(path.as_str())));
    result
}

/// Whether what is there may be a folder.
async fn find(link: &AgentLink, path: &WorkspacePath) -> Result<bool, SessionError> {
    match look(link, path).await? {
        Err(AgentError::NotFound) => Err(SessionError::NoItem),
        // The same is said of what lies below a file or beyond a link, where nothing may be removed.
        Err(error @ (AgentError::WrongKind | AgentError::Refused)) => {
            for folder in path.ancestors() {
                match look(link, &folder).await? {
                    Ok(()) | Err(AgentError::NotFound) => return Err(SessionError::NoItem),
                    Err(AgentError::Refused) => return Err(SessionError::Refused),
                    Err(_) => {}
                }
            }
            Ok(error == AgentError::WrongKind)
        }
        Ok(()) | Err(_) => Ok(false),
    }
}

/// What the agent has to say of reading a file there.
///
/// # Errors
/// When it says nothing.
pub(super) async fn look(link: &AgentLink, path: &WorkspacePath) -> Result<Result<(), AgentError>, SessionError> {
    match link.request(Request::ReadFile { path: path.clone(), offset: BEYOND }).await {
        Ok(_) => Ok(Ok(())),
        Err(LinkError::Agent(error)) => Ok(Err(error)),
        Err(error) => Err(error.into()),
    }
}
