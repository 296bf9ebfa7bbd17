//! ReviewActor: the order of what is done to reviews.
//!
//! ```text
//!   steps ── admitted ──▶ line of their review (bounded) ──▶ one at a time: read, decide, compare and set ──▶ reply
//! ```
//!
//! **Invariants**: what is done to one review is done in the order of arrival; reviews do not wait for each other. What guards a review is the
//! version its row is at, not this order: another server's step is seen, and this one decided anew. A step is written with all that comes of
//! it in one transaction, or not at all, so a crash leaves no half of one, and who follows an actor that fell begins with nothing.
//!
//! **Talks to**: the database. Held by [`Reviews`](super::reviews::Reviews).

use std::collections::{HashMap, VecDeque};

use actix::prelude::*;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::api::SessionError;
use super::describe::{ActorDescription, Describe, Tally};
use super::watch::{Watch, watched};
use crate::db::Db;
use crate::db::reviews::{self, comments, rounds, steps};
use crate::model::review::{Actor as Who, Event, Review, ReviewError, Standing, Verdict};
use crate::model::{ReviewId, UserId};

/// Steps of one review that may wait; one more is refused as busy.
const MAX_LINE: usize = 64;

/// How often a step is decided anew because another server was faster.
const ATTEMPTS: u32 = 16;

/// What somebody wants done to a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Submit what its session holds.
    Submit,
    /// Take it.
    Claim,
    /// Not be asked for it.
    Decline,
    /// Give it back.
    Release,
    /// Give it to somebody.
    HandOver(UserId),
    /// Decide it, having looked at this round.
    Decide(Verdict, u32),
    /// Take it back.
    Withdraw,
    /// Take it up again.
    Reopen,
}

/// A step of a review. The reply comes when it is committed, or refused by the rules.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Taken, SessionError>")]
pub struct TakeStep {
    /// Which review.
    pub review: ReviewId,
    /// Who; `None` is time.
    pub by: Option<UserId>,
    /// What.
    pub wish: Wish,
    /// Why, in the words of who does it.
    pub why: String,
}

/// The review after a step, or the rule that refused it.
pub type Taken = Result<Review, ReviewError>;

type Waiting = (TakeStep, oneshot::Sender<Result<Taken, SessionError>>);

/// Orders what is done to reviews.
pub struct ReviewActor {
    db: Db,
    io: Handle,
    watch: Watch,
    /// What waits, by review; a review is in it while a step of it is under way.
    lines: HashMap<ReviewId, VecDeque<Waiting>>,
    tally: Tally,
}

impl ReviewActor {
    /// One that has nothing to do yet.
    #[must_use]
    pub fn new(db: Db, io: Handle, watch: Watch) -> Self {
        Self { db, io, watch, lines: HashMap::new(), tally: Tally::default() }
    }

    /// Takes the next step of a review, if one waits.
    fn next(&mut self, review: ReviewId, ctx: &mut Context<Self>) {
        let Some((step, answer)) = self.lines.get_mut(&review).and_then(VecDeque::pop_front) else {
            self.lines.remove(&review);
            return;
        };
        let (db, io) = (self.db.clone(), self.io.clone());
        // On the runtime for I/O: this thread only keeps the order.
        let taking = async move {
            let taken = io.spawn(async move { take(&db, &step).await }).await;
            answer.send(taken.unwrap_or(Err(SessionError::Internal))).ok();
        };
        ctx.spawn(taking.into_actor(self).map(move |(), actor, ctx| actor.next(review, ctx)));
    }
}

impl Actor for ReviewActor {
    type Context = Context<Self>;
}

watched!(ReviewActor);

impl Handler<TakeStep> for ReviewActor {
    type Result = ResponseFuture<Result<Taken, SessionError>>;

    fn handle(&mut self, step: TakeStep, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        let review = step.review;
        let (answer, answered) = oneshot::channel();
        match self.lines.get_mut(&review) {
            Some(line) if line.len() >= MAX_LINE => {
                self.tally.refused += 1;
                return Box::pin(async { Err(SessionError::Busy) });
            }
            Some(line) => line.push_back((step, answer)),
            None => {
                self.lines.insert(review, VecDeque::from([(step, answer)]));
                self.next(review, ctx);
            }
        }
        Box::pin(async { answered.await.unwrap_or(Err(SessionError::Internal)) })
    }
}

impl Handler<Describe> for ReviewActor {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(
            ActorDescription {
                kind: "ReviewActor",
                phase: if self.lines.is_empty() { "idle" } else { "stepping" }.to_owned(),
                generation: 1,
                handled: self.tally.handled,
                refused: self.tally.refused,
                queued: self.lines.values().map(VecDeque::len).sum(),
                ..ActorDescription::default()
            }
            .watched(&self.watch),
        )
    }
}

/// Reads where the review stands, decides, and writes that down, again while others are faster.
async fn take(db: &Db, step: &TakeStep) -> Result<Taken, SessionError> {
    for _ in 0..ATTEMPTS {
        let is_submission = step.wish == Wish::Submit;
        let mut connection = if is_submission { db.bulk().await? } else { db.interactive().await? };
        let review = reviews::get(&connection, step.review).await?.ok_or(SessionError::NotFound)?;
        let to = if let Wish::HandOver(to) = step.wish { Some(to) } else { None };
        let asked: Vec<UserId> = step.by.into_iter().chain(to).collect();
        let known = reviews::actors(&connection, &asked).await?;
        let find = |user: UserId| known.iter().find(|actor| actor.user() == Some(user)).copied();
        let by = step.by.map_or(Some(Who::Time), find).ok_or(SessionError::NotFound)?;
        let event = match &step.wish {
            Wish::Submit => Event::Submit,
            Wish::Claim => Event::Claim,
            Wish::Decline => Event::Decline,
            Wish::Release => Event::Release,
            Wish::HandOver(to) => match find(*to) {
                Some(to) => Event::HandOver { to },
                None => return Ok(Err(ReviewError::NotReviewer)),
            },
            Wish::Decide(verdict, round) => Event::Decide { verdict: *verdict, round: *round },
            Wish::Withdraw => Event::Withdraw,
            Wish::Reopen => Event::Reopen,
        };
        let drafts = match (&event, step.by) {
            // What they have kept to themselves is published with it, and blocks as what is published does.
            (Event::Decide { verdict: Verdict::Approve, .. }, Some(by)) => {
                comments::draft_issues(&connection, review.id, by).await?
            }
            _ => 0,
        };
        let now = Standing { open_issues: review.standing.open_issues + drafts, ..review.standing.clone() };
        let standing = match now.after(&event, &by) {
            Ok(standing) => standing,
            Err(refused) => return Ok(Err(refused)),
        };
        let (action, why) = (event.action(), step.why.as_str());
        if let (Event::Decide { .. }, Some(by)) = (&event, step.by) {
            let transaction = connection.transaction().await?;
            if steps::take(&transaction, &review, &standing, action, step.by, why).await?.is_none() {
                continue;
            }
            comments::publish(&transaction, review.id, by).await?;
            let decided = reviews::get(&transaction, review.id).await?.ok_or(SessionError::NotFound)?;
            transaction.commit().await?;
            return Ok(Ok(decided));
        }
        if !is_submission {
            match steps::take(&connection, &review, &standing, action, step.by, why).await? {
                Some(at) => return Ok(Ok(after(review, standing, at))),
                None => continue,
            }
        }
        let Some(session) = review.session else { return Ok(Err(ReviewError::NoSession)) };
        let transaction = connection.transaction().await?;
        // The step first, so that the row is held while the round is frozen: of two that come together one waits.
        let Some(at) = steps::take(&transaction, &review, &standing, action, step.by, why).await? else { continue };
        match rounds::submit(&transaction, &review, standing.round, session, why).await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Err(ReviewError::NoSession)),
            // Stored and swept in the same moment: the next attempt finds it whole.
            Err(error) if error.is_swept_content() => continue,
            Err(error) => return Err(error.into()),
        }
        transaction.commit().await?;
        return Ok(Ok(after(review, standing, at)));
    }
    Err(SessionError::Busy)
}

fn after(review: Review, standing: Standing, at: OffsetDateTime) -> Review {
    Review { standing, version: review.version + 1, updated_at: at, ..review }
}
