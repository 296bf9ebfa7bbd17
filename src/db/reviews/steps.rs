//! Table `review_steps`: what was done to reviews, and the compare-and-set that does it.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{number, state};
use crate::db::{Client, DbError};
use crate::model::review::{Action, Review, Standing, Step};
use crate::model::{ReviewId, UserId};

/// Writes where a review stands now, and the step that led there, if it is still at the version `from` has; answers when. `None` when it is
/// not: somebody was faster, and nothing is written.
///
/// # Errors
/// When the database cannot be asked.
pub async fn take(
    client: &impl Client,
    from: &Review,
    to: &Standing,
    action: Action,
    by: Option<UserId>,
    why: &str,
) -> Result<Option<OffsetDateTime>, DbError> {
    let sql = "with moved as (
            update reviews set state = $3, holder_id = $4, round = $5, steps = steps + 1, version = version + 1, updated_at = now(),
                holder_seen_at = case when $3 = 'in_review' then now() end
            where id = $1 and version = $2 returning id, steps),
        declined as (
            update review_wanted w set declined_at = now() from moved
            where w.review_id = moved.id and w.declined_at is null and w.user_id <> all($6::uuid[])),
        asked as (
            insert into review_wanted (review_id, user_id) select moved.id, wanted from moved, unnest($6::uuid[]) as wanted
            on conflict (review_id, user_id) do update set declined_at = null where review_wanted.declined_at is not null)
        insert into review_steps (review_id, number, action, by_id, from_state, to_state, holder_id, round, why)
        select id, steps, $7, $8, $9, $3, $4, $5, $10 from moved returning at";
    let wanted: Vec<Uuid> = to.wanted.iter().map(|user| user.0).collect();
    let round = i32::try_from(to.round).unwrap_or(i32::MAX);
    let holder = to.holder.map(|user| user.0);
    let by = by.map(|user| user.0);
    let (state, former) = (to.state.as_str(), from.standing.state.as_str());
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
        [&from.id.0, &from.version, &state, &holder, &round, &wanted, &action.as_str(), &by, &former, &why];
    Ok(client.query_opt(sql, &params).await?.map(|row| row.try_get(0)).transpose()?)
}

/// A review's steps from after number `after` on, the first first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_review(client: &impl Client, id: ReviewId, after: u32, limit: u32) -> Result<Vec<Step>, DbError> {
    let sql = "select number, action, by_id, from_state, to_state, holder_id, round, why, at from review_steps
        where review_id = $1 and number > $2 order by number limit $3";
    let after = i32::try_from(after).unwrap_or(i32::MAX);
    client.query(sql, &[&id.0, &after, &i64::from(limit)]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Step, DbError> {
    let action: &str = row.try_get("action")?;
    Ok(Step {
        number: number(row.try_get("number")?)?,
        action: Action::from_name(action)
            .ok_or_else(|| DbError::Corrupt(format!("a step of a review is {action:?}")))?,
        by: row.try_get::<_, Option<_>>("by_id")?.map(UserId),
        from: state(row.try_get("from_state")?)?,
        to: state(row.try_get("to_state")?)?,
        holder: row.try_get::<_, Option<_>>("holder_id")?.map(UserId),
        round: number(row.try_get("round")?)?,
        why: row.try_get("why")?,
        at: row.try_get("at")?,
    })
}
