//! WorkspaceSyncActor: the order of one workspace's changes, between the database and the sandbox.
//!
//! ```text
//!   saves, removals … of users (bounded) ────┐
//!   a batch of the agent (at most one) ──────┼──▶ line ──▶ one job runs ──▶ database, agent ──▶ reply, notices
//!   listings (at most one), Connect, Flush ──┘
//! ```
//!
//! **Invariants**: one job runs at a time, in the order of arrival; a listing is asked for at most once more while one waits. A user's
//! write is in the sandbox before it is committed, and both before it is answered: a crash between the two leaves a change that the next
//! listing finds, never an older content in the place of an acknowledged one. While a sandbox lives and its agent is away, users' writes
//! are refused. A batch is confirmed to the agent only when it is committed
//! or a listing is due that will find it again. Only users' writes are refused when the line is full: batches are one at a time (an agent
//! that sends a second before the first was confirmed loses its link), and Connect and Flush come from the one SessionActor.
//!
//! **Talks to**: the database and the agent's link, through [`work`]. Held by its SessionActor alone; it holds nobody.

mod bundle;
mod collect;
mod edit;
mod encode;
mod intent;
mod jobs;
mod lost;
mod place;
mod restore;
mod stray;
mod template;
mod told;
mod transfer;
mod unkept;
mod work;
mod written;

use std::collections::VecDeque;
use std::time::Duration;

use actix::prelude::*;
use carrel_protocol::Entry;
use tokio::sync::oneshot;

pub use restore::RestoreProgress;
pub use unkept::Unkept;
pub use work::Work;

use self::jobs::{Answer, Job, Outcome, run};
use self::told::Told;
use self::written::Written;
use super::api::{EditFiles, Edited, SaveFile, Saved, SessionError};
use super::describe::{ActorDescription, Describe, Tally};
use super::watch::watched;
use crate::link::AgentLink;
use crate::model::backoff::Backoff;
use crate::model::unkept::UnkeptList;
use crate::model::{Item, UserId, WorkspacePath};

/// Pauses before a listing is tried again after the database or the agent failed.
const RETRY: Backoff = Backoff { first: Duration::from_millis(250), most: Duration::from_secs(10) };

/// Orders one workspace's changes.
pub struct WorkspaceSyncActor {
    work: Work,
    told: Told,
    line: VecDeque<Job>,
    capacity: usize,
    running: Option<&'static str>,
    link: Option<AgentLink>,
    /// The newest link, which the line may not have come to yet.
    newest: Option<AgentLink>,
    /// Links there have been: a batch of an earlier one is stale.
    links: u64,
    /// A batch has come of which it is not known whether it came over the link that was about to begin.
    orphan: bool,
    /// The present link's agent has sent a batch that is not confirmed yet.
    unconfirmed: bool,
    /// A sandbox holds the files. While its agent is away nothing can be written: a write into the database alone would be overtaken by
    /// what the sandbox still holds.
    live: bool,
    /// A listing waits in the line, or for its pause to be over.
    listing_due: bool,
    /// Listings that failed one after the other.
    failures: u32,
    /// What users have written that the next batch may not have seen.
    written: Written,
    tally: Tally,
}

/// The agent is connected: bring the sandbox and the database together. The reply comes when they agree; until then users' writes wait.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Connect {
    /// The link.
    pub link: AgentLink,
    /// Whether the sandbox already holds the whole workspace; if not it is restored, if so it is listed.
    pub restored: bool,
    /// Told how far a restore is.
    pub progress: RestoreProgress,
}

/// The link is gone; the agent may call again. Users' writes are refused until it does.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Disconnect;

/// The sandbox is gone. From here on users' writes go into the database alone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Release;

/// Save a file; the reply comes when it is committed and in place.
#[derive(Message)]
#[rtype(result = "Result<Saved, SessionError>")]
pub struct Save(pub SaveFile);

/// Make a folder and its parents; the reply comes when that is committed and done.
#[derive(Message)]
#[rtype(result = "Result<Item, SessionError>")]
pub struct MakeFolder {
    /// Which.
    pub path: WorkspacePath,
    /// Who.
    pub user: UserId,
}

/// Rename a file or folder, replacing nothing; the reply comes when that is committed and done.
#[derive(Message)]
#[rtype(result = "Result<Item, SessionError>")]
pub struct Move {
    /// From here.
    pub from: WorkspacePath,
    /// To here.
    pub to: WorkspacePath,
    /// Who.
    pub user: UserId,
}

/// The agent has noticed changes. Confirmed to the agent, not to the sender.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Changed {
    /// Number of the batch.
    pub batch: u64,
    /// State now; unchecked.
    pub entries: Vec<Entry>,
    /// Only a listing tells the truth.
    pub rescan: bool,
}

/// Collect every change programs have made. The reply comes when the database has them all.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Flush;

/// The same for a user who is about to look at everything; where nothing runs the database has it already.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Settle;

impl WorkspaceSyncActor {
    /// Orders the changes of `work`'s workspace; `capacity` users' writes may wait. `live`: a sandbox holds the files already.
    #[must_use]
    pub fn new(work: Work, capacity: usize, live: bool) -> Self {
        Self {
            work,
            told: Told::default(),
            line: VecDeque::new(),
            capacity,
            running: None,
            link: None,
            newest: None,
            links: 0,
            orphan: false,
            unconfirmed: false,
            live,
            listing_due: false,
            failures: 0,
            written: Written::default(),
            tally: Tally::default(),
        }
    }

    /// Puts a user's write in the line, or refuses it. The job runs even when nobody waits for its answer any more.
    fn submit<T: 'static>(
        &mut self,
        ctx: &mut Context<Self>,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> ResponseFuture<Result<T, SessionError>> {
        self.tally.handled += 1;
        if self.line.iter().filter(|job| job.is_wish()).count() >= self.capacity {
            self.tally.refused += 1;
            return Box::pin(async { Err(SessionError::Busy) });
        }
        let (answer, answered) = oneshot::channel();
        self.line.push_back(job(answer));
        self.run_next(ctx);
        Box::pin(async { answered.await.unwrap_or(Err(SessionError::Internal)) })
    }

    fn run_next(&mut self, ctx: &mut Context<Self>) {
        if self.running.is_some() {
            return;
        }
        let Some((job, link)) = self.next_job() else { return };
        self.running = Some(job.name());
        if matches!(job, Job::Listing) {
            self.listing_due = false;
        }
        let (work, told) = (self.work.clone(), self.told.clone());
        let paths = job.paths();
        let (written, batch) = match &job {
            // Whatever is written from here on is written before the agent begins the batch after this one.
            Job::Changed(changed, number) => {
                (std::mem::take(&mut self.written), link.clone().zip(Some((changed.batch, *number))))
            }
            _ => (Written::default(), None),
        };
        // On the I/O runtime: hashing and compressing must not hold up the actors of this thread.
        let running = self.work.io.spawn(async move {
            let _turn = work.turn.lock().await;
            run(&work, &told, link, job, &written).await
        });
        ctx.spawn(running.into_actor(self).map(|outcome, actor, ctx| {
            actor.running = None;
            match &outcome {
                Ok(Outcome::Saved(path, kind)) => actor.written.note_saved(path.clone(), kind.clone()),
                _ => actor.written.note(paths),
            }
            match outcome {
                Ok(Outcome::Done | Outcome::Saved(..)) => {}
                Ok(Outcome::Agreed) => actor.failures = 0,
                Ok(Outcome::ListingDue) => actor.list_later(ctx),
                Err(error) => {
                    tracing::error!(session.id = %actor.work.session, error = %error, "a job on a workspace fell over");
                    actor.list_later(ctx);
                }
            }
            if let Some((link, (batch, number))) = batch {
                // Before the agent can send another. What was not brought over will be found by the listing that is due now.
                actor.unconfirmed &= number != actor.links;
                link.changes_taken(batch);
            }
            actor.run_next(ctx);
        }));
    }

    /// The next job that can be done, and the link it is done with.
    fn next_job(&mut self) -> Option<(Job, Option<AgentLink>)> {
        while let Some(job) = self.line.pop_front() {
            if let Job::Connect(connect, _) = &job {
                self.link = Some(connect.link.clone());
                self.live = true;
            }
            let link = self.link.clone().filter(|link| !link.is_closed());
            let job = match job {
                // The listing that the newer link begins with sees what it tells; its number may mean another batch there.
                Job::Changed(_, number) if number != self.links => continue,
                job if self.live && link.is_none() => job.refuse(),
                job => Some(job),
            };
            if let Some(job) = job {
                return Some((job, link));
            }
        }
        None
    }

    /// Asks for a listing after a pause, unless one is due already.
    fn list_later(&mut self, ctx: &mut Context<Self>) {
        if self.listing_due {
            return;
        }
        self.listing_due = true;
        let pause = RETRY.pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        ctx.run_later(pause, |actor, ctx| {
            actor.line.push_back(Job::Listing);
            actor.run_next(ctx);
        });
    }
}

impl Actor for WorkspaceSyncActor {
    type Context = Context<Self>;

    /// Runs before the first message.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.capacity);
    }
}

watched!(WorkspaceSyncActor);

impl Handler<Connect> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<(), SessionError>>;

    fn handle(&mut self, connect: Connect, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        self.links += 1;
        self.unconfirmed = false;
        if std::mem::take(&mut self.orphan) {
            // Nobody would ever confirm that batch, and the agent would wait for ever: the next link begins anew.
            connect.link.close();
        }
        self.newest = Some(connect.link.clone());
        if !connect.restored {
            // An empty sandbox; a job of the one before may have spoken last.
            self.work.unkept.change(&self.work, |list| *list = UnkeptList::default());
        }
        let (answer, answered) = oneshot::channel();
        // Before what waits, which needs this link or was meant for the database alone; after an older link, which has ended.
        let place = self.line.iter().take_while(|job| matches!(job, Job::Connect(..))).count();
        self.line.insert(place, Job::Connect(connect, answer));
        self.run_next(ctx);
        Box::pin(async { answered.await.unwrap_or(Err(SessionError::Internal)) })
    }
}

impl Handler<Disconnect> for WorkspaceSyncActor {
    type Result = ();

    fn handle(&mut self, _: Disconnect, _: &mut Self::Context) {
        self.tally.handled += 1;
        self.link = None;
        self.newest = None;
        // Whatever the ended link had to say came before this.
        self.orphan = false;
    }
}

impl Handler<Release> for WorkspaceSyncActor {
    type Result = ();

    fn handle(&mut self, _: Release, _: &mut Self::Context) {
        self.tally.handled += 1;
        self.link = None;
        self.newest = None;
        self.orphan = false;
        self.live = false;
        // A job that is still under way finds its agent gone, and nothing more.
        self.work.unkept.change(&self.work, |list| *list = UnkeptList::default());
    }
}

impl Handler<Save> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<Saved, SessionError>>;

    fn handle(&mut self, Save(save): Save, ctx: &mut Self::Context) -> Self::Result {
        self.submit(ctx, |answer| Job::Save(save, answer))
    }
}

impl Handler<MakeFolder> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<Item, SessionError>>;

    fn handle(&mut self, folder: MakeFolder, ctx: &mut Self::Context) -> Self::Result {
        self.submit(ctx, |answer| Job::MakeFolder(folder, answer))
    }
}

impl Handler<Move> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<Item, SessionError>>;

    fn handle(&mut self, change: Move, ctx: &mut Self::Context) -> Self::Result {
        self.submit(ctx, |answer| Job::Move(change, answer))
    }
}

impl Handler<EditFiles> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<Edited, SessionError>>;

    fn handle(&mut self, edit: EditFiles, ctx: &mut Self::Context) -> Self::Result {
        self.submit(ctx, |answer| Job::Edit(edit, answer))
    }
}

impl Handler<Settle> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<(), SessionError>>;

    fn handle(&mut self, _: Settle, ctx: &mut Self::Context) -> Self::Result {
        self.submit(ctx, Job::Settle)
    }
}

impl Handler<Changed> for WorkspaceSyncActor {
    type Result = ();

    fn handle(&mut self, changed: Changed, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        let Some(link) = self.newest.as_ref().filter(|link| !link.is_closed()) else {
            self.orphan = true;
            return;
        };
        if self.unconfirmed {
            // An honest agent has one batch in flight; what it has to say is found by the listing its next link begins with.
            self.tally.refused += 1;
            tracing::warn!(session.id = %self.work.session, "an agent sends changes before the last were confirmed; its link is closed");
            link.close();
            return;
        }
        self.unconfirmed = true;
        self.line.push_back(Job::Changed(changed, self.links));
        self.run_next(ctx);
    }
}

impl Handler<Flush> for WorkspaceSyncActor {
    type Result = ResponseFuture<Result<(), SessionError>>;

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        let (answer, answered) = oneshot::channel();
        self.line.push_back(Job::Flush(answer));
        self.run_next(ctx);
        Box::pin(async { answered.await.unwrap_or(Err(SessionError::Internal)) })
    }
}

impl Handler<Describe> for WorkspaceSyncActor {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(
            ActorDescription {
                kind: "WorkspaceSyncActor",
                name: self.work.session.to_string(),
                phase: self.running.unwrap_or("idle").to_owned(),
                generation: 1,
                handled: self.tally.handled,
                refused: self.tally.refused,
                queued: self.line.len(),
                failures: u64::from(self.failures),
                ..ActorDescription::default()
            }
            .watched(&self.work.watch),
        )
    }
}
