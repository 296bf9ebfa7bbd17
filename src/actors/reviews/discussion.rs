//! What is said of a review: written down together with what it means for whoever decides it.

use super::{Reviews, SessionError};
use crate::db::reviews;
use crate::db::reviews::comments::{self, Added, NewComment};
use crate::db::{Client, DbError};
use crate::model::review::{Actor, Review, ReviewError, Thread, ThreadAction, ThreadStanding, may_discuss};
use crate::model::{CommentId, ReviewId, ThreadId, UserId};

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub enum CommentError {
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] ReviewError),
    /// There is no such thread or comment, or not for them.
    #[error("there is no such comment")]
    NotFound,
    /// There are as many as there may be.
    #[error("a review has at most 1,000 threads, a thread 200 comments, and you 500 drafts in a review")]
    Limit,
    /// Lines that would be replaced are not there any more as they were written on.
    #[error(
        "the lines these would replace have changed, overlap, or have no such edit that is not applied yet; nothing was changed"
    )]
    Outdated(Vec<CommentId>),
    /// Something else.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<DbError> for CommentError {
    fn from(error: DbError) -> Self {
        Self::Session(error.into())
    }
}

impl Reviews {
    /// Says something, for oneself or for all. Answers the thread.
    ///
    /// # Errors
    /// [`CommentError`].
    pub async fn comment(&self, review: ReviewId, by: UserId, new: &NewComment) -> Result<Thread, CommentError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        let added = comments::add(&transaction, review, by, new).await?;
        // After it: the review's row is held now.
        may_be_discussed(&transaction, review, by).await?;
        let thread = match added {
            Added::Done(thread) => thread,
            Added::NoThread => return Err(CommentError::NotFound),
            Added::Limit => return Err(CommentError::Limit),
        };
        let thread = comments::thread(&transaction, review, by, thread).await?.ok_or(CommentError::NotFound)?;
        transaction.commit().await?;
        Ok(thread)
    }

    /// Publishes what `by` has kept to themselves; answers how many comments that are.
    ///
    /// # Errors
    /// [`CommentError`].
    pub async fn publish(&self, review: ReviewId, by: UserId) -> Result<u64, CommentError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        comments::touch(&transaction, review, by).await?;
        may_be_discussed(&transaction, review, by).await?;
        let published = comments::publish(&transaction, review, by).await?;
        transaction.commit().await?;
        Ok(published)
    }

    /// Changes what a comment of `by` says.
    ///
    /// # Errors
    /// [`CommentError`].
    pub async fn edit_comment(
        &self,
        review: ReviewId,
        by: UserId,
        comment: CommentId,
        text: &str,
        replacement: Option<&str>,
    ) -> Result<(), CommentError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        if !comments::edit(&transaction, review, by, comment, text, replacement).await? {
            return Err(CommentError::NotFound);
        }
        may_be_discussed(&transaction, review, by).await?;
        Ok(transaction.commit().await?)
    }

    /// Removes a draft of `by`.
    ///
    /// # Errors
    /// [`CommentError`].
    pub async fn discard_draft(&self, review: ReviewId, by: UserId, comment: CommentId) -> Result<(), CommentError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        if !comments::discard(&transaction, review, by, comment).await? {
            return Err(CommentError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    /// Does something to a thread. Answers it as it is then.
    ///
    /// # Errors
    /// [`CommentError`].
    pub async fn settle_thread(
        &self,
        review: ReviewId,
        by: UserId,
        thread: ThreadId,
        action: ThreadAction,
    ) -> Result<Thread, CommentError> {
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        // The review's row first: who settles at the same time waits for it, and finds the thread as it is then.
        comments::touch(&transaction, review, by).await?;
        let found = comments::thread(&transaction, review, by, thread).await?;
        let found = found.filter(|thread| thread.published).ok_or(CommentError::NotFound)?;
        let (review_now, actor) = standing(&transaction, review, by).await?;
        let to = found.standing.after(action, &actor, &review_now.standing)?;
        comments::settle(&transaction, thread, to).await?;
        transaction.commit().await?;
        Ok(Thread { standing: ThreadStanding { state: to, ..found.standing }, ..found })
    }
}

/// The review and who acts, as they are in this transaction.
pub(super) async fn standing(
    client: &impl Client,
    review: ReviewId,
    by: UserId,
) -> Result<(Review, Actor), CommentError> {
    let review = reviews::get(client, review).await?.ok_or(CommentError::NotFound)?;
    let actor = reviews::actors(client, &[by]).await?.pop().ok_or(CommentError::NotFound)?;
    Ok((review, actor))
}

async fn may_be_discussed(client: &impl Client, review: ReviewId, by: UserId) -> Result<(), CommentError> {
    let (review, actor) = standing(client, review, by).await?;
    Ok(may_discuss(&review.standing, &actor)?)
}
