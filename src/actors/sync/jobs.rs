//! What waits in a workspace's line, and how each is done.

use tokio::sync::oneshot;

use super::told::Told;
use super::written::Written;
use super::{Changed, Connect, MakeFolder, Move, Work, collect, edit, place, restore};
use crate::actors::api::{EditFiles, Edited, SaveFile, Saved, SessionError};
use crate::link::AgentLink;
use crate::model::{Item, ItemKind, WorkspacePath};

/// Where whoever asked waits.
pub(super) type Answer<T> = oneshot::Sender<Result<T, SessionError>>;

/// What the line is made of.
pub(super) enum Job {
    Connect(Connect, Answer<()>),
    Save(SaveFile, Answer<Saved>),
    MakeFolder(MakeFolder, Answer<Item>),
    Move(Move, Answer<Item>),
    Edit(EditFiles, Answer<Edited>),
    Settle(Answer<()>),
    /// A batch, and over which of the links it came.
    Changed(Changed, u64),
    Flush(Answer<()>),
    Listing,
}

impl Job {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Connect(..) => "bringing sandbox and database together",
            Self::Save(..) => "saving",
            Self::MakeFolder(..) => "making a folder",
            Self::Move(..) => "moving",
            Self::Edit(..) => "changing files",
            Self::Changed(..) => "collecting changes",
            Self::Flush(_) | Self::Settle(_) => "collecting everything",
            Self::Listing => "comparing",
        }
    }

    /// Whether it is a user's wish: of those only so many may wait.
    pub(super) fn is_wish(&self) -> bool {
        match self {
            Self::Save(..) | Self::MakeFolder(..) | Self::Move(..) | Self::Edit(..) | Self::Settle(_) => true,
            Self::Connect(..) | Self::Changed(..) | Self::Flush(_) | Self::Listing => false,
        }
    }

    /// The paths a user's write writes; `None` is any of them.
    pub(super) fn paths(&self) -> Option<Vec<WorkspacePath>> {
        Some(match self {
            Self::Save(save, _) => vec![save.path.clone()],
            Self::MakeFolder(folder, _) => vec![folder.path.clone()],
            Self::Move(change, _) => vec![change.from.clone(), change.to.clone()],
            Self::Edit(edit, _) => return edit.paths(),
            _ => Vec::new(),
        })
    }

    /// Answers a user's wish that cannot be done without the agent; gives back what is none.
    pub(super) fn refuse(self) -> Option<Self> {
        let away = || SessionError::from(crate::link::LinkError::Closed);
        // Whoever asked may have stopped waiting.
        match self {
            Self::Save(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::MakeFolder(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::Move(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::Edit(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::Settle(answer) => answer.send(Err(away())).map_or((), drop),
            job => return Some(job),
        }
        None
    }
}

/// What a job leaves behind.
pub(super) enum Outcome {
    Done,
    /// A file is in place and kept as this.
    Saved(WorkspacePath, ItemKind),
    /// Database and sandbox have been seen to agree.
    Agreed,
    /// Something could not be brought over; only a listing will tell what.
    ListingDue,
}

/// Answers a user's write. One that failed half-way may have changed the sandbox and not the database.
fn answered<T>(link: Option<&AgentLink>, result: Result<T, SessionError>, answer: Answer<T>) -> Outcome {
    let half_way = matches!(result, Err(SessionError::Unavailable(_) | SessionError::Internal)) && link.is_some();
    answer.send(result).ok();
    if half_way { Outcome::ListingDue } else { Outcome::Done }
}

/// What comes of a listing, or one that was not answered.
fn listed(result: &Result<Vec<WorkspacePath>, SessionError>) -> Outcome {
    match result {
        Ok(torn) if torn.is_empty() => Outcome::Agreed,
        _ => Outcome::ListingDue,
    }
}

/// Does a job; whoever asked for it is answered.
pub(super) async fn run(work: &Work, told: &Told, link: Option<AgentLink>, job: Job, written: &Written) -> Outcome {
    let link = link.as_ref();
    // Whoever asked may have stopped waiting; what was done stays done.
    match job {
        Job::Connect(connect, answer) if connect.restored => {
            let result = collect::listing(work, told, &connect.link).await;
            let outcome = listed(&result);
            // What the sandbox holds is whole, so its user may go on while the comparison is tried again.
            let usable = result.is_ok() || !connect.link.is_closed();
            if usable && let Err(error) = &result {
                told.trouble(
                    work,
                    format!("Files and database cannot be compared at the moment: {error}. Trying again."),
                );
            }
            answer.send(if usable { Ok(()) } else { result.map(drop) }).ok();
            outcome
        }
        Job::Connect(connect, answer) => {
            answer.send(restore::all(work, &connect).await).ok();
            Outcome::Done
        }
        Job::Save(save, answer) => {
            let result = place::save(work, link, save).await;
            let saved = result.as_ref().ok().map(|saved| (saved.item.path.clone(), saved.item.kind.clone()));
            match (answered(link, result, answer), saved) {
                (Outcome::Done, Some((path, kind))) => Outcome::Saved(path, kind),
                (outcome, _) => outcome,
            }
        }
        Job::MakeFolder(folder, answer) => answered(link, place::make_folder(work, link, folder).await, answer),
        Job::Move(change, answer) => answered(link, place::rename(work, link, change).await, answer),
        Job::Edit(wish, answer) => {
            let (result, begun) = edit::carry_out(work, told, link, wish).await;
            let outcome = if begun && result.is_err() { Outcome::ListingDue } else { Outcome::Done };
            answer.send(result).ok();
            outcome
        }
        // Confirmed either way by whoever runs this: what was not brought over will be found by the listing.
        Job::Changed(changed, ..) => {
            let Some(link) = link else { return Outcome::Done };
            match collect::batch(work, told, link, &changed.entries, written).await {
                Ok(true) if !changed.rescan => Outcome::Done,
                _ => Outcome::ListingDue,
            }
        }
        // Nobody waits for it any more.
        Job::Flush(answer) if answer.is_closed() => Outcome::Done,
        Job::Flush(answer) => {
            let result = match link {
                Some(link) => collect::everything(work, told, link).await,
                None => Err(crate::link::LinkError::Closed.into()),
            };
            // Whoever collects everything decides what a failure means: the sandbox may be about to go.
            let outcome = if result.is_ok() { Outcome::Agreed } else { Outcome::Done };
            answer.send(result).ok();
            outcome
        }
        Job::Settle(answer) => {
            let result = match link {
                Some(link) => collect::listing(work, told, link).await,
                None => Ok(Vec::new()),
            };
            let outcome = listed(&result);
            // Of a file that is being written without end there is what was kept of it last.
            answer.send(result.map(drop)).ok();
            outcome
        }
        Job::Listing => match link {
            Some(link) => listed(&collect::listing(work, told, link).await),
            // The next connection begins with one.
            None => Outcome::Done,
        },
    }
}
