//! Running a round: a session of one's own with exactly what was submitted, thrown away afterwards.

use std::time::Duration;

use super::{Reviews, SessionError};
use crate::db::reviews::runs::{self, Run};
use crate::model::review::Round;
use crate::model::{ReviewId, Session, SessionId, UserId};

/// Runs nobody works in any more that are thrown away at a time.
const MOST_LEFT: u32 = 200;

impl Reviews {
    /// Begins to run a round for `user`, or goes on with that; a run of another round of the same review ends. Also tells whether it is a new one.
    ///
    /// # Errors
    /// [`SessionError::RunLimit`], or of the database and what keeps a session from starting.
    pub async fn run(
        &self,
        review: ReviewId,
        user: UserId,
        round: &Round,
        name: &str,
    ) -> Result<(Session, bool), SessionError> {
        let former = self.run_of(review, user).await?;
        if let Some(run) = former {
            if run.round == round.number {
                return Ok((self.0.sessions.start(run.session).await?, false));
            }
            self.throw_away(run.session).await?;
        }
        let made = self.0.sessions.create_run(user, name, review, round).await?;
        match self.0.sessions.start(made.id).await {
            Ok(session) => Ok((session, true)),
            Err(error) => {
                // It would be found and thrown away later; nobody should meet it until then.
                if let Err(error) = self.throw_away(made.id).await {
                    tracing::warn!(session.id = %made.id, error = %error, "cannot throw away a run that did not start; trying again later");
                }
                Err(error)
            }
        }
    }

    /// The run `user` has of a review.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn run_of(&self, review: ReviewId, user: UserId) -> Result<Option<Run>, SessionError> {
        Ok(runs::get(&self.0.db.interactive().await?, user, review).await?)
    }

    /// Ends the run `user` has of a review. `false` when they have none.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn end_run(&self, review: ReviewId, user: UserId) -> Result<bool, SessionError> {
        match self.run_of(review, user).await? {
            Some(run) => self.throw_away(run.session).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Throws away runs nobody works in any more. Answers how many.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn end_left_runs(&self, unused: Duration) -> Result<usize, SessionError> {
        let left = runs::left(&self.0.db.interactive().await?, unused, MOST_LEFT).await?;
        let mut ended = 0;
        for session in left {
            match self.throw_away(session).await {
                Ok(()) => ended += 1,
                // Another server's to throw away, or somebody works in it again.
                Err(SessionError::Elsewhere { .. }) => {}
                Err(error) => {
                    tracing::warn!(session.id = %session, error = %error, "cannot throw away a run; trying again later")
                }
            }
        }
        Ok(ended)
    }

    async fn throw_away(&self, session: SessionId) -> Result<(), SessionError> {
        match self.0.sessions.delete(session, true).await {
            Ok(()) | Err(SessionError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
