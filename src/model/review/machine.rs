//! A review's life.
//!
//! ```text
//!            Submit            Claim                Approve ──▶ approved
//!   draft ───────────▶ pending ──────▶ in_review ── Reject ───▶ rejected
//!     ▲                 ▲    ◀──────                RequestChanges ──▶ changes_requested
//!     │                 │    Release                                         │
//!     │                 └────────────────── Submit ──────────────────────────┘
//!   Reopen    pending, in_review ── Submit ──▶ the same: a newer round
//!     │       pending ── Decline ──▶ pending            in_review ── HandOver ──▶ in_review
//!     │       draft, pending, in_review, changes_requested ── Withdraw ──▶ withdrawn
//!     └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`apply`] is the only place that says who may do what when; what follows from it for who holds the review is [`Standing::after`].
//! What is approved or rejected stays so: another request begins another review.

use uuid::Uuid;

use super::{Action, Priority, ReviewState, ReviewerLevel, ThreadState, Verdict};
use crate::model::UserId;

/// What is done to a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A round, which is the newest from now on.
    Submit,
    /// Somebody takes it.
    Claim,
    /// Somebody it was meant for does not want it.
    Decline,
    /// It goes back to the queue.
    Release,
    /// It goes to somebody else.
    HandOver {
        /// Who.
        to: Actor,
    },
    /// It is decided.
    Decide {
        /// How.
        verdict: Verdict,
        /// The round that was looked at.
        round: u32,
    },
    /// It is taken back.
    Withdraw,
    /// It is taken up again.
    Reopen,
}

impl Event {
    /// What is done, without what it is done with.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Submit => Action::Submit,
            Self::Claim => Action::Claim,
            Self::Decline => Action::Decline,
            Self::Release => Action::Release,
            Self::HandOver { .. } => Action::HandOver,
            Self::Decide { verdict: Verdict::Approve, .. } => Action::Approve,
            Self::Decide { verdict: Verdict::Reject, .. } => Action::Reject,
            Self::Decide { verdict: Verdict::RequestChanges, .. } => Action::RequestChanges,
            Self::Withdraw => Action::Withdraw,
            Self::Reopen => Action::Reopen,
        }
    }
}

/// Whether a reviewer takes anything new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// They do.
    #[default]
    Free,
    /// They have paused.
    Paused,
    /// They hold as many reviews as they want to.
    Full,
}

/// Who acts, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody.
    User {
        /// Who.
        id: UserId,
        /// What they may review.
        level: ReviewerLevel,
        /// Whether they take anything new.
        availability: Availability,
        /// They run this Carrel.
        operator: bool,
    },
    /// A review has waited for its reviewer for too long.
    Time,
}

impl Actor {
    /// Who; `None` where time acts.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match *self {
            Self::User { id, .. } => Some(id),
            Self::Time => None,
        }
    }
}

/// What became of the checks a request names, as far as they gate its approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// All that are required have passed, or none is.
    #[default]
    Passed,
    /// One that is required has not ended.
    Running,
    /// One that is required has failed.
    Failed,
}

/// Where a review stands, and all that what may be done to it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: ReviewState,
    /// Who wants it reviewed.
    pub author: UserId,
    /// The reviewer who holds it, or held it when it was decided.
    pub holder: Option<UserId>,
    /// Who is asked for it and has not declined; anybody when empty.
    pub wanted: Vec<UserId>,
    /// How much it is wanted.
    pub priority: Priority,
    /// Its newest round; 0 before the first.
    pub round: u32,
    /// Comments that block its approval.
    pub open_issues: u32,
    /// What became of the checks of its newest round.
    pub checks: Checks,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Not as it stands.
    #[error("this cannot be done to a review that is {}", state.as_str())]
    Illegal {
        /// Where it stands.
        state: ReviewState,
        /// What the same user can do to it as it stands.
        possible: Vec<Action>,
    },
    /// Only its author may.
    #[error("only the author of a review can do this")]
    NotAuthor,
    /// Nobody reviews their own work.
    #[error("you cannot review your own work")]
    SelfReview,
    /// No reviewer.
    #[error("only reviewers can do this: become one on your reviewer page")]
    NotReviewer,
    /// A reviewer who takes nothing new.
    #[error("{}", if *.other { "this reviewer has paused" } else { "you have paused reviewing: resume on your reviewer page" })]
    Paused {
        /// Whether it is who should get it, not who asks.
        other: bool,
    },
    /// A reviewer who holds enough.
    #[error("{}", if *.other { "this reviewer holds as many reviews as they want to" } else { "you hold as many reviews as you want to: decide one, or raise that number on your reviewer page" })]
    Full {
        /// As in [`ReviewError::Paused`].
        other: bool,
    },
    /// A reviewer of too low a level.
    #[error("a review of this priority needs a senior reviewer")]
    LevelTooLow,
    /// It was meant for somebody else.
    #[error("other reviewers have been asked for this review, and one of them may still take it")]
    NotWanted,
    /// Somebody else began it, or looks after it.
    #[error(
        "this is for whoever began the thread and for the reviewer, and what is no verdict on it for the author as well"
    )]
    NotYours,
    /// Not to a thread that stands so.
    #[error("this cannot be done to a thread that is {}", state.as_str())]
    ThreadState {
        /// Where it stands.
        state: ThreadState,
    },
    /// Somebody else holds it.
    #[error("another reviewer holds this review")]
    Held {
        /// Who.
        by: UserId,
    },
    /// There is nothing to submit.
    #[error("the session of this review is gone: its files can no longer be submitted")]
    NoSession,
    /// There is a newer round than the one that was looked at.
    #[error("round {newest} has been submitted since: look at that one first")]
    StaleRound {
        /// Which.
        newest: u32,
    },
    /// Blocking comments.
    #[error("{open} comments block this: they must be resolved, and that be verified, first")]
    IssuesOpen {
        /// How many.
        open: u32,
    },
    /// Required checks.
    #[error("{}", if *.failed { "a required check has failed on this round" } else { "a required check has not ended yet" })]
    ChecksNotPassed {
        /// Whether one has failed.
        failed: bool,
    },
}

/// The state after `event`, if `actor` may do that to a review that stands so. Total: every other case says why not.
///
/// # Errors
/// The first reason of [`ReviewError`]: who one is comes before where it stands, and that before what is missing.
pub fn apply(standing: &Standing, event: &Event, actor: &Actor) -> Result<ReviewState, ReviewError> {
    decide(standing, event, actor)?
        .ok_or_else(|| ReviewError::Illegal { state: standing.state, possible: standing.possible(actor) })
}

/// As [`apply`]; `None` for what cannot be done to a review in this state.
fn decide(standing: &Standing, event: &Event, actor: &Actor) -> Result<Option<ReviewState>, ReviewError> {
    use ReviewState as S;
    may(standing, event, actor)?;
    let to = match (standing.state, event) {
        // Time only takes back what somebody holds.
        _ if *actor == Actor::Time && *event != Event::Release => return Ok(None),
        (S::Draft | S::Pending | S::ChangesRequested, Event::Submit) => S::Pending,
        (S::InReview, Event::Submit | Event::HandOver { .. }) => S::InReview,
        (S::Pending, Event::Claim) => S::InReview,
        (S::Pending, Event::Decline) => S::Pending,
        (S::InReview, Event::Release) => S::Pending,
        (S::InReview, Event::Decide { verdict, round }) => {
            is_ready_for(standing, *verdict, *round)?;
            match verdict {
                Verdict::Approve => S::Approved,
                Verdict::Reject => S::Rejected,
                Verdict::RequestChanges => S::ChangesRequested,
            }
        }
        (S::Draft | S::Pending | S::InReview | S::ChangesRequested, Event::Withdraw) => S::Withdrawn,
        (S::Withdrawn, Event::Reopen) => S::Draft,
        _ => return Ok(None),
    };
    Ok(Some(to))
}

/// Whether this is for `actor` to do at all, wherever the review stands.
fn may(standing: &Standing, event: &Event, actor: &Actor) -> Result<(), ReviewError> {
    let Actor::User { id, level, availability, operator } = *actor else { return Ok(()) };
    let is_author = id == standing.author;
    match event {
        Event::Submit | Event::Withdraw | Event::Reopen if is_author => return Ok(()),
        Event::Submit | Event::Withdraw | Event::Reopen => return Err(ReviewError::NotAuthor),
        // An operator frees what nobody else would, and nobody is kept from giving back what they hold.
        Event::Release if operator || standing.holder == Some(id) => return Ok(()),
        _ if is_author => return Err(ReviewError::SelfReview),
        _ if level == ReviewerLevel::None => return Err(ReviewError::NotReviewer),
        _ => {}
    }
    match event {
        Event::Claim => {
            held_by_another(standing, id)?;
            is_free(availability, false)?;
            has_level(standing, level)?;
            if standing.state == ReviewState::Pending && !standing.wanted.is_empty() && !standing.wanted.contains(&id) {
                return Err(ReviewError::NotWanted);
            }
        }
        Event::Decline if !standing.wanted.contains(&id) => return Err(ReviewError::NotWanted),
        Event::Release => held_by_another(standing, id)?,
        Event::HandOver { to } => {
            held_by_another(standing, id)?;
            let Actor::User { id, level, availability, .. } = *to else { return Err(ReviewError::NotReviewer) };
            if id == standing.author {
                return Err(ReviewError::SelfReview);
            }
            if level == ReviewerLevel::None {
                return Err(ReviewError::NotReviewer);
            }
            is_free(availability, true)?;
            has_level(standing, level)?;
        }
        Event::Decide { .. } => {
            held_by_another(standing, id)?;
            // Who has paused finishes what they hold.
            has_level(standing, level)?;
        }
        _ => {}
    }
    Ok(())
}

/// Whether a reviewer may be given one more; `other`: it is not they who ask.
fn is_free(availability: Availability, other: bool) -> Result<(), ReviewError> {
    match availability {
        Availability::Free => Ok(()),
        Availability::Paused => Err(ReviewError::Paused { other }),
        Availability::Full => Err(ReviewError::Full { other }),
    }
}

fn has_level(standing: &Standing, level: ReviewerLevel) -> Result<(), ReviewError> {
    if level < standing.priority.needs() { Err(ReviewError::LevelTooLow) } else { Ok(()) }
}

/// What is somebody's is nobody else's to claim, release, hand over or decide.
fn held_by_another(standing: &Standing, id: UserId) -> Result<(), ReviewError> {
    match standing.holder.filter(|holder| *holder != id) {
        Some(by) if standing.state == ReviewState::InReview => Err(ReviewError::Held { by }),
        _ => Ok(()),
    }
}

fn is_ready_for(standing: &Standing, verdict: Verdict, round: u32) -> Result<(), ReviewError> {
    if round != standing.round {
        return Err(ReviewError::StaleRound { newest: standing.round });
    }
    match (verdict, standing.checks) {
        (Verdict::Approve, _) if standing.open_issues > 0 => {
            Err(ReviewError::IssuesOpen { open: standing.open_issues })
        }
        (Verdict::Approve, Checks::Failed) => Err(ReviewError::ChecksNotPassed { failed: true }),
        (Verdict::Approve, Checks::Running) => Err(ReviewError::ChecksNotPassed { failed: false }),
        _ => Ok(()),
    }
}

impl Standing {
    /// Where it stands after `event`.
    ///
    /// # Errors
    /// As [`apply`].
    pub fn after(&self, event: &Event, actor: &Actor) -> Result<Self, ReviewError> {
        let mut next = Self { state: apply(self, event, actor)?, ..self.clone() };
        match event {
            Event::Submit => {
                next.round += 1;
                if self.state != ReviewState::InReview {
                    // Who asked for changes is asked whether they are made.
                    next.wanted.extend(next.holder.take().filter(|holder| !self.wanted.contains(holder)));
                }
            }
            Event::Claim => next.holder = actor.user(),
            Event::HandOver { to } => next.holder = to.user(),
            Event::Decline => next.wanted.retain(|wanted| Some(*wanted) != actor.user()),
            Event::Release => {
                // Whoever gives it back, or has let it lie, is not waited for again.
                let former = next.holder.take();
                next.wanted.retain(|wanted| Some(*wanted) != former);
            }
            Event::Withdraw | Event::Reopen => next.holder = None,
            Event::Decide { .. } => {}
        }
        Ok(next)
    }

    /// What `actor` can do to it as it stands. A hand-over counts if there were somebody to take it.
    #[must_use]
    pub fn possible(&self, actor: &Actor) -> Vec<Action> {
        let nobody_known = UserId(Uuid::nil());
        let somebody = Actor::User {
            id: nobody_known,
            level: ReviewerLevel::Senior,
            availability: Availability::Free,
            operator: false,
        };
        let verdict = |verdict| Event::Decide { verdict, round: self.round };
        let events = [
            Event::Submit,
            Event::Claim,
            Event::Decline,
            Event::Release,
            Event::HandOver { to: somebody },
            verdict(Verdict::Approve),
            verdict(Verdict::Reject),
            verdict(Verdict::RequestChanges),
            Event::Withdraw,
            Event::Reopen,
        ];
        let can = |event: &&Event| matches!(decide(self, event, actor), Ok(Some(_)));
        events.iter().filter(can).map(Event::action).collect()
    }
}

#[cfg(test)]
mod tests;
