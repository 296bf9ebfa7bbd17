//! Tables `review_seen` and `review_viewed`: what somebody has looked at; and what a review began with.

use std::collections::HashMap;

use super::number;
use crate::db::past::legal;
use crate::db::{Client, DbError};
use crate::model::{ContentHash, ReviewId, SnapshotId, UserId, WorkspacePath};

/// What a review's session had begun with; `None` when that was nothing, or no template.
///
/// # Errors
/// When the database cannot be asked.
pub async fn start(client: &impl Client, review: ReviewId) -> Result<Option<SnapshotId>, DbError> {
    let row = client.query_opt("select start_snapshot_id from reviews where id = $1", &[&review.0]).await?;
    Ok(row.map(|row| row.try_get::<_, Option<_>>(0)).transpose()?.flatten().map(SnapshotId))
}

/// The newest round `user` has looked at.
///
/// # Errors
/// When the database cannot be asked.
pub async fn seen(client: &impl Client, review: ReviewId, user: UserId) -> Result<Option<u32>, DbError> {
    let sql = "select round from review_seen where review_id = $1 and user_id = $2";
    client.query_opt(sql, &[&review.0, &user.0]).await?.map(|row| number(row.try_get(0)?)).transpose()
}

/// Notes that `user` has looked at `round`; never goes back to an older one. `false` when there is no such round.
///
/// # Errors
/// When the database cannot be asked.
pub async fn see(client: &impl Client, review: ReviewId, user: UserId, round: u32) -> Result<bool, DbError> {
    let Ok(round) = i32::try_from(round) else { return Ok(false) };
    let sql = "insert into review_seen (review_id, user_id, round)
        select review_id, $2, number from review_rounds where review_id = $1 and number = $3
        on conflict (review_id, user_id) do update set round = greatest(review_seen.round, excluded.round)";
    Ok(client.execute(sql, &[&review.0, &user.0, &round]).await? > 0)
}

/// What `user` has marked as viewed, by path, with what each mark is of.
///
/// # Errors
/// When the database cannot be asked.
pub async fn viewed(
    client: &impl Client,
    review: ReviewId,
    user: UserId,
) -> Result<HashMap<WorkspacePath, ContentHash>, DbError> {
    let sql = "select path, mark from review_viewed where review_id = $1 and user_id = $2";
    let rows = client.query(sql, &[&review.0, &user.0]).await?;
    let read = |row: &tokio_postgres::Row| {
        let mark: &[u8] = row.try_get("mark")?;
        let mark = mark.try_into().map_err(|_| DbError::Corrupt("a mark is too short or too long".into()))?;
        Ok((legal(row.try_get("path")?)?, ContentHash(mark)))
    };
    rows.iter().map(read).collect()
}

/// Marks what is at `path` as viewed by `user`. `false` when nothing ever was there in a round or at the start: so there are never more
/// marks than paths.
///
/// # Errors
/// When the database cannot be asked.
pub async fn view(
    client: &impl Client,
    review: ReviewId,
    user: UserId,
    path: &WorkspacePath,
    mark: ContentHash,
) -> Result<bool, DbError> {
    let sql = "insert into review_viewed (review_id, user_id, path, mark)
        select $1, $2, $3, $4 where exists (select from snapshot_items i where i.path = $3 and i.snapshot_id in (
            select snapshot_id from review_rounds where review_id = $1
            union all select start_snapshot_id from reviews where id = $1))
        on conflict (review_id, user_id, path) do update set mark = excluded.mark";
    Ok(client.execute(sql, &[&review.0, &user.0, &path.as_str(), &mark.0.as_slice()]).await? > 0)
}

/// Takes a mark away again.
///
/// # Errors
/// When the database cannot be asked.
pub async fn unview(client: &impl Client, review: ReviewId, user: UserId, path: &WorkspacePath) -> Result<(), DbError> {
    let sql = "delete from review_viewed where review_id = $1 and user_id = $2 and path = $3";
    client.execute(sql, &[&review.0, &user.0, &path.as_str()]).await.map(drop)
}
