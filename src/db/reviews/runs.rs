//! Table `review_runs`: sessions in which somebody runs a round.

use std::time::Duration;

use super::number;
use crate::db::{Client, DbError, Transaction};
use crate::model::{ReviewId, SessionId, UserId};

/// A session that runs a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The session.
    pub session: SessionId,
    /// Which round.
    pub round: u32,
}

/// Notes that a session, which was just made in this transaction, runs a round for `user`, unless they have `most` runs already; `false` then.
/// Their row is held, so that runs that begin together are counted one after the other.
///
/// # Errors
/// [`DbError::Conflict`] when there is no such round.
pub async fn insert(
    tx: &Transaction<'_>,
    user: UserId,
    review: ReviewId,
    run: Run,
    most: u32,
) -> Result<bool, DbError> {
    let sql = "insert into review_runs (session_id, review_id, round, user_id) select $1, $2, $3, $4
        where (select count(*) from review_runs r join sessions s on s.id = r.session_id
            where r.user_id = $4 and s.state <> 'deleted') < $5";
    let round = i32::try_from(run.round).unwrap_or(i32::MAX);
    let inserted = tx.execute(sql, &[&run.session.0, &review.0, &round, &user.0, &i64::from(most)]).await?;
    Ok(inserted > 0)
}

/// The run `user` has of a review.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, user: UserId, review: ReviewId) -> Result<Option<Run>, DbError> {
    let sql = "select r.session_id, r.round from review_runs r join sessions s on s.id = r.session_id
        where r.user_id = $1 and r.review_id = $2 and s.state <> 'deleted' order by r.session_id desc limit 1";
    let row = client.query_opt(sql, &[&user.0, &review.0]).await?;
    row.map(|row| Ok(Run { session: SessionId(row.try_get(0)?), round: number(row.try_get(1)?)? })).transpose()
}

/// Runs that nobody works in any more: without a sandbox, and not used for so long. The longest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn left(client: &impl Client, unused: Duration, limit: u32) -> Result<Vec<SessionId>, DbError> {
    let sql = "select s.id from review_runs r join sessions s on s.id = r.session_id
        where s.state in ('cold', 'failed') and s.last_active_at < now() - make_interval(secs => $1)
        order by s.last_active_at limit $2";
    let rows = client.query(sql, &[&unused.as_secs_f64(), &i64::from(limit)]).await?;
    rows.iter().map(|row| Ok(SessionId(row.try_get(0)?))).collect()
}
