//! Group commit: small changes to several workspaces that come at the same time are written in one statement, and share its cost.
//!
//! ```text
//!   change ──▶ line ──▶ a pen is free: all that wait, up to a bound ──▶ one statement ──▶ each is answered
//!                       none is: waits for the next                       └─ refused: each by itself
//! ```
//!
//! **Invariants**: nobody waits for others to come: what comes alone is written alone, at once. A change is answered when it is on the disk.
//! What one of them is refused for is no other's business, and neither a session that somebody has locked nor a content that somebody has begun
//! to store keeps those waiting for long who want something else.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::apply::{self, Decided};
use super::write::{Writing, write_all};
use super::{Applied, ApplyError};
use crate::db::blobs::{self, EncodedBlob};
use crate::db::leases::Lease;
use crate::db::versions::Origin;
use crate::db::{Db, DbError, Unavailable};
use crate::model::UserId;

/// Statements under way: while one waits for the disk the next is made.
const PENS: usize = 2;

/// Changes that were not written with the others and are at it by themselves, where each may have to wait for a lock; more wait for these.
const ALONE: usize = 4;

/// How long those that are written together wait for a content that another, of another server perhaps, has begun to store; then each goes by
/// itself. Storing one takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Changes in one statement.
const MOST: usize = 32;

/// Changes that wait; one more is refused. A session has one at most.
const LINE: usize = 4096;

/// Larger changes go by themselves: a content of more bytes as it is stored, or more rows.
const SMALL_BYTES: usize = 64 * 1024;
const SMALL_ROWS: usize = 16;

/// More rows than this are written through the lane of bulk work.
const MANY_ROWS: usize = 256;

/// Writes small changes together. Clones are the same.
#[derive(Clone)]
pub struct GroupCommit(Arc<Inner>);

struct Inner {
    db: Db,
    io: Handle,
    pens: Arc<Semaphore>,
    alone: Arc<Semaphore>,
    line: Mutex<VecDeque<Waiting>>,
}

/// A change to one workspace that was decided, and what it needs.
pub struct Wish {
    /// The right to write.
    pub lease: Lease,
    /// What.
    pub decided: Decided,
    /// The content it puts in place, if it is not stored yet.
    pub content: Option<EncodedBlob>,
    /// Where it came from.
    pub origin: Origin,
    /// Who made it.
    pub user: Option<UserId>,
}

struct Waiting {
    wish: Wish,
    answer: oneshot::Sender<Result<Applied, ApplyError>>,
}

impl Wish {
    fn is_small(&self) -> bool {
        let bytes = self.content.as_ref().map_or(0, |blob| blob.encoded.len());
        bytes <= SMALL_BYTES && self.decided.rows() <= SMALL_ROWS
    }

    fn writing(&self) -> Writing<'_> {
        let Self { lease, decided, content, origin, user } = self;
        Writing { lease, decided, content: content.as_ref(), origin: *origin, user: *user }
    }

    /// Whether it has a content that is better stored as a difference, which takes more than a statement.
    fn has_difference(&self) -> bool {
        self.content.as_ref().is_some_and(|blob| blob.delta.is_some())
    }
}

impl GroupCommit {
    /// Writes to `db`, on the runtime `io`.
    #[must_use]
    pub fn new(db: Db, io: Handle) -> Self {
        let [pens, alone] = [PENS, ALONE].map(|most| Arc::new(Semaphore::new(most)));
        Self(Arc::new(Inner { db, io, pens, alone, line: Mutex::default() }))
    }

    /// Writes a change; answers when it is committed. It may be written though nobody waits for the answer any more.
    ///
    /// # Errors
    /// As [`apply::write`]; [`Unavailable::LineFull`].
    pub async fn write(&self, wish: Wish) -> Result<Applied, ApplyError> {
        if !wish.is_small() || wish.has_difference() {
            return alone(&self.0.db, &wish).await;
        }
        let (answer, answered) = oneshot::channel();
        {
            let mut line = self.0.line();
            if line.len() >= LINE {
                return Err(DbError::from(Unavailable::LineFull).into());
            }
            line.push_back(Waiting { wish, answer });
        }
        self.0.take_a_pen();
        answered.await.unwrap_or_else(|_| {
            let why = "whoever wrote it has ended before it was answered";
            Err(DbError::from(Unavailable::Lost(why.into())).into())
        })
    }
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        // Nothing that may panic is done with it.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, unless as many as may are at it.
    fn take_a_pen(self: &Arc<Self>) {
        if let Ok(pen) = Arc::clone(&self.pens).try_acquire_owned() {
            let this = Arc::clone(self);
            self.io.spawn(async move { this.write_all(pen).await });
        }
    }

    async fn write_all(self: Arc<Self>, pen: OwnedSemaphorePermit) {
        // Dropped with it, whatever happens.
        let _pen = Pen { pen: Some(pen), of: Arc::clone(&self) };
        loop {
            let together = self.next();
            if together.is_empty() {
                break;
            }
            self.write_together(together).await;
        }
    }

    /// The first in the line, one of each session.
    fn next(&self) -> Vec<Waiting> {
        let mut line = self.line();
        let (mut sessions, mut together, mut later) = (HashSet::new(), Vec::new(), Vec::new());
        while together.len() < MOST
            && let Some(waiting) = line.pop_front()
        {
            let is_first = sessions.insert(waiting.wish.lease.session());
            if is_first { together.push(waiting) } else { later.push(waiting) }
        }
        later.into_iter().rev().for_each(|waiting| line.push_front(waiting));
        together
    }

    async fn write_together(&self, together: Vec<Waiting>) {
        let written = async {
            let connection = self.db.interactive().await?;
            let writings: Vec<_> = together.iter().map(|waiting| waiting.wish.writing()).collect();
            write_all(&connection, &writings, Some(PATIENCE)).await
        };
        let written = match written.await {
            Ok(written) => written,
            // Nobody knows whether it was done, or it cannot be now.
            Err(DbError::Unavailable(why)) if !is_about_one(&why) => {
                for Waiting { answer, .. } in together {
                    answer.send(Err(DbError::from(why.clone()).into())).ok();
                }
                return;
            }
            // Refused because of one of them; should it be done yet, their edition is over.
            Err(_) => Default::default(),
        };
        let mut left: Vec<Vec<Waiting>> = Vec::new();
        for waiting in together {
            if let Some(at) = written.get(&waiting.wish.lease.session()) {
                // Whoever asked may have stopped waiting.
                waiting.answer.send(Ok(waiting.wish.decided.applied(*at))).ok();
                continue;
            }
            let content = waiting.wish.content.as_ref().map(|blob| blob.hash);
            let wants_it = |one: &&mut Vec<Waiting>| {
                content.is_some()
                    && one.iter().any(|other| other.wish.content.as_ref().map(|blob| blob.hash) == content)
            };
            match left.iter_mut().find(wants_it) {
                Some(same) => same.push(waiting),
                None => left.push(vec![waiting]),
            }
        }
        // Those of one content one after the other: however many have to wait for it, they take one turn.
        for same in left {
            let (db, turn) = (self.db.clone(), Arc::clone(&self.alone));
            self.io.spawn(async move {
                let _turn = turn.acquire_owned().await;
                for Waiting { wish, answer } in same {
                    answer.send(alone(&db, &wish).await).ok();
                }
            });
        }
    }
}

/// A pen in use.
struct Pen {
    pen: Option<OwnedSemaphorePermit>,
    of: Arc<Inner>,
}

impl Drop for Pen {
    fn drop(&mut self) {
        drop(self.pen.take());
        // Whoever came after the last look and found no pen.
        if !self.of.line().is_empty() {
            self.of.take_a_pen();
        }
    }
}

/// Whether one of several changes may be the cause: the others can still be written.
fn is_about_one(why: &Unavailable) -> bool {
    matches!(why, Unavailable::Contention(_) | Unavailable::StatementTimeout)
}

/// Writes one change in a transaction of its own, where others may have to be waited for.
async fn alone(db: &Db, wish: &Wish) -> Result<Applied, ApplyError> {
    let bytes = wish.content.as_ref().map_or(0, |blob| blob.size);
    let mut connection = if wish.decided.rows() > MANY_ROWS { db.bulk().await? } else { db.for_bytes(bytes).await? };
    let transaction = connection.transaction().await?;
    blobs::put_many(&transaction, wish.content.as_slice()).await?;
    let applied = apply::write(&transaction, &wish.lease, &wish.decided, wish.origin, wish.user).await?;
    transaction.commit().await?;
    Ok(applied)
}
