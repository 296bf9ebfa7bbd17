//! The door to reviews, for `http` and `app`.

mod applying;
mod discussion;
mod running;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use tokio::runtime::Handle;
use uuid::Uuid;

pub use discussion::CommentError;

use super::api::SessionError;
use super::review::{ReviewActor, TakeStep, Taken, Wish};
use super::watch::{Asked, Watch};
use super::{Deps, Sessions};
use crate::config::SelfService;
use crate::db::reviews::{self, Description, reading};
use crate::db::{Db, DbError, reviewers};
use crate::model::review::{LevelRequest, Review, ReviewerLevel, Topics};
use crate::model::{ContentHash, ReviewId, SessionId, UserId, WorkspacePath};

/// How long a step waits for its answer: for longer than those before it and its own statements may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Reviews that have lain too long with their reviewer and are given back at a time.
const MOST_OVERDUE: u32 = 200;

/// Where reviews are asked for. Clones are the same door.
#[derive(Clone)]
pub struct Reviews(Arc<Inner>);

struct Inner {
    db: Db,
    io: Handle,
    sessions: Sessions,
    arbiter: ArbiterHandle,
    watch: Watch,
    actor: Mutex<Addr<ReviewActor>>,
}

impl Reviews {
    /// The door; its actor lives on `arbiter`.
    #[must_use]
    pub fn new(deps: &Deps, sessions: Sessions, arbiter: ArbiterHandle) -> Self {
        let watch = Watch::new(deps.config.actors.review_mailbox);
        let actor = Mutex::new(begin(&arbiter, &deps.db, &deps.io, &watch));
        Self(Arc::new(Inner { db: deps.db.clone(), io: deps.io.clone(), sessions, arbiter, watch, actor }))
    }

    /// Makes a draft for a session of `author`.
    ///
    /// # Errors
    /// [`NewReviewError`].
    pub async fn create(
        &self,
        author: UserId,
        session: SessionId,
        what: &Description,
    ) -> Result<Review, NewReviewError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        let review = reviews::insert(&transaction, ReviewId::new(), author, session, what).await;
        let review = review.map_err(NewReviewError::of)?.ok_or(NewReviewError::NoSession)?;
        transaction.commit().await?;
        Ok(review)
    }

    /// Changes what its author says of a review that is at `version`; `None` when it is not any more.
    ///
    /// # Errors
    /// [`NewReviewError`].
    pub async fn describe(
        &self,
        id: ReviewId,
        version: i64,
        what: &Description,
    ) -> Result<Option<Review>, NewReviewError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        if !reviews::describe(&transaction, id, version, what).await.map_err(NewReviewError::of)? {
            return Ok(None);
        }
        let review = reviews::get(&transaction, id).await?;
        transaction.commit().await?;
        Ok(review)
    }

    /// Does something to a review; what is submitted is what its session holds now, programs' last changes included.
    ///
    /// # Errors
    /// [`SessionError`]; what the rules refuse is no error but the answer.
    pub async fn step(&self, step: TakeStep) -> Result<Taken, SessionError> {
        if step.wish == Wish::Submit {
            let connection = self.0.db.interactive().await?;
            let review = reviews::get(&connection, step.review).await?.ok_or(SessionError::NotFound)?;
            drop(connection);
            // Nobody has another's sandbox collected by asking for what they may not do.
            if let Some(session) = review.session.filter(|_| step.by == Some(review.standing.author)) {
                match self.0.sessions.settle(session).await {
                    // The rules say so when the session is gone.
                    Ok(()) | Err(SessionError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let asked = Asked::new(step, self.0.watch.clone())?;
        let asking = self.actor().send(asked);
        match tokio::time::timeout(STEP_TIMEOUT, asking).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SessionError::Internal),
            Err(_) => Err(SessionError::Unavailable("the review does not answer: look again in a moment".into())),
        }
    }

    /// Notes that `user` has looked at a round. `false` when there is no such round.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn see(&self, review: ReviewId, user: UserId, round: u32) -> Result<bool, SessionError> {
        Ok(reading::see(&self.0.db.interactive().await?, review, user, round).await?)
    }

    /// Marks what is at a path as viewed by `user`. `false` when nothing ever was there.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn view(
        &self,
        review: ReviewId,
        user: UserId,
        path: &WorkspacePath,
        mark: ContentHash,
    ) -> Result<bool, SessionError> {
        Ok(reading::view(&self.0.db.interactive().await?, review, user, path, mark).await?)
    }

    /// Takes such a mark away again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn unview(&self, review: ReviewId, user: UserId, path: &WorkspacePath) -> Result<(), SessionError> {
        Ok(reading::unview(&self.0.db.interactive().await?, review, user, path).await?)
    }

    /// Gives back what its reviewer has not touched for so long. Answers how many.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn release_overdue(&self, after: Duration) -> Result<usize, SessionError> {
        let connection = self.0.db.interactive().await?;
        let overdue = reviews::queue::overdue(&connection, after, MOST_OVERDUE).await?;
        drop(connection);
        let mut released = 0;
        for review in overdue {
            let why = format!("not touched for {} hours", after.as_secs() / 3600);
            // Decided in the very moment, by whoever held it: the rules say no.
            released += usize::from(self.step(TakeStep { review, by: None, wish: Wish::Release, why }).await?.is_ok());
        }
        Ok(released)
    }

    /// Gives a user another level as far as `policy` lets them, or asks an operator for it. Who steps down gives back what they hold.
    ///
    /// # Errors
    /// [`LevelError`].
    pub async fn change_level(
        &self,
        user: UserId,
        level: ReviewerLevel,
        policy: SelfService,
    ) -> Result<(), LevelError> {
        let connection = self.0.db.interactive().await?;
        let now = reviewers::get(&connection, user).await?.ok_or(SessionError::NotFound)?.level;
        match policy {
            _ if level <= now => {}
            SelfService::Open => {}
            SelfService::Off => return Err(LevelError::Closed),
            SelfService::Approval => {
                return match reviewers::ask(&connection, user, level).await {
                    Err(error) if error.is_conflict(reviewers::OPEN_REQUEST_KEY) => Err(LevelError::Asked),
                    asked => Ok(asked.map(drop)?),
                };
            }
        }
        reviewers::take_back(&connection, user).await?;
        reviewers::set_level(&connection, user, level).await?;
        if level > ReviewerLevel::None {
            return Ok(());
        }
        let held = reviews::queue::held_by(&connection, user).await?;
        drop(connection);
        for review in held {
            let step = TakeStep { review, by: Some(user), wish: Wish::Release, why: "no reviewer any more".into() };
            // Decided, or given to somebody else, in the very moment.
            self.step(step).await?.ok();
        }
        Ok(())
    }

    /// Changes what a reviewer says of themselves; what is `None` stays.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn describe_reviewer(
        &self,
        user: UserId,
        paused: Option<bool>,
        capacity: Option<u32>,
        topics: Option<Topics>,
    ) -> Result<(), DbError> {
        let connection = self.0.db.interactive().await?;
        reviewers::describe(&connection, user, paused, capacity, topics.as_ref()).await
    }

    /// Decides what somebody has asked for; `None` when there is no such open request.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn decide_level(
        &self,
        request: Uuid,
        by: UserId,
        granted: bool,
        reason: &str,
    ) -> Result<Option<LevelRequest>, DbError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        let decided = reviewers::decide(&transaction, request, by, granted, reason).await?;
        transaction.commit().await?;
        Ok(decided)
    }

    /// The actor; another in the place of one that fell, which had nothing that is not in the database.
    fn actor(&self) -> Addr<ReviewActor> {
        let mut actor = self.0.actor.lock().unwrap_or_else(PoisonError::into_inner);
        if !actor.connected() {
            tracing::error!(handling = self.0.watch.handling(), "the ReviewActor fell; another takes its place");
            *actor = begin(&self.0.arbiter, &self.0.db, &self.0.io, &self.0.watch);
        }
        actor.clone()
    }
}

fn begin(arbiter: &ArbiterHandle, db: &Db, io: &Handle, watch: &Watch) -> Addr<ReviewActor> {
    let (db, io, watch) = (db.clone(), io.clone(), watch.clone());
    ReviewActor::start_in_arbiter(arbiter, move |_| ReviewActor::new(db, io, watch))
}

/// Why a review could not be written down as its author wants it.
#[derive(Debug, thiserror::Error)]
pub enum NewReviewError {
    /// No session of theirs.
    #[error("there is no such session")]
    NoSession,
    /// One open request per session.
    #[error("this session has an open review already: submit another round of that, or withdraw it")]
    Open,
    /// Somebody who is to be asked does not exist.
    #[error("one of the reviewers you name does not exist")]
    NoUser,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl NewReviewError {
    fn of(error: DbError) -> Self {
        if error.is_conflict(reviews::OPEN_KEY) {
            Self::Open
        } else if error.is_conflict(reviews::WANTED_KEY) {
            Self::NoUser
        } else {
            Self::Db(error)
        }
    }
}

/// Why a user has no other level.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The policy.
    #[error("nobody becomes a reviewer here by themselves: ask an operator")]
    Closed,
    /// One open request at a time.
    #[error("you have asked for a level already: an operator will decide")]
    Asked,
    /// The database, or a review that was to be given back.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<DbError> for LevelError {
    fn from(error: DbError) -> Self {
        Self::Session(error.into())
    }
}
