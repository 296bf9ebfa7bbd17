//! Tables `reviewers` and `reviewer_requests`: who reviews what, and who wants to.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::reviews::{level, topics};
use super::{Client, DbError, Transaction};
use crate::model::UserId;
use crate::model::review::{LevelRequest, Reviewer, ReviewerLevel, Topics};

/// The constraint that refuses a second open request of one user.
pub const OPEN_REQUEST_KEY: &str = "reviewer_requests_open_key";

/// Reviews a new reviewer holds at the same time.
pub const DEFAULT_CAPACITY: i32 = 5;

/// The columns of a reviewer; a macro because a statement's text is a constant.
macro_rules! columns {
    () => {
        "u.id as user_id, u.username, u.display_name, coalesce(v.level, 0::smallint) as level, v.since, coalesce(v.paused, false) as paused,
        coalesce(v.capacity, 5) as capacity, coalesce(v.topics, '{}') as topics,
        (select count(*) from reviews r where r.holder_id = u.id and r.state = 'in_review') as load"
    };
}

/// What a user may review; level 0 where they have never asked. `None` when there is no such user.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, user: UserId) -> Result<Option<Reviewer>, DbError> {
    let sql = concat!("select ", columns!(), " from users u left join reviewers v on v.user_id = u.id where u.id = $1");
    client.query_opt(sql, &[&user.0]).await?.as_ref().map(read).transpose()
}

/// Gives a user a level; their `since` begins anew when it is another than they had.
///
/// # Errors
/// When the database cannot be asked.
pub async fn set_level(client: &impl Client, user: UserId, level: ReviewerLevel) -> Result<(), DbError> {
    let sql =
        "insert into reviewers as v (user_id, level, capacity) values ($1, $2, $3) on conflict (user_id) do update
        set level = excluded.level, since = case when v.level = excluded.level then v.since else now() end";
    client.execute(sql, &[&user.0, &i16::from(level), &DEFAULT_CAPACITY]).await.map(drop)
}

/// Changes what a reviewer says of themselves; what is `None` stays.
///
/// # Errors
/// When the database cannot be asked.
pub async fn describe(
    client: &impl Client,
    user: UserId,
    paused: Option<bool>,
    capacity: Option<u32>,
    topics: Option<&Topics>,
) -> Result<(), DbError> {
    let sql = "insert into reviewers as v (user_id, level, paused, capacity, topics)
        values ($1, 0, coalesce($2::boolean, false), coalesce($3::integer, $5), coalesce($4::text[], '{}'))
        on conflict (user_id) do update set paused = coalesce($2, v.paused), capacity = coalesce($3, v.capacity),
            topics = coalesce($4, v.topics)";
    let capacity = capacity.map(|capacity| i32::try_from(capacity).unwrap_or(i32::MAX));
    let topics = topics.map(Topics::as_slice);
    client.execute(sql, &[&user.0, &paused, &capacity, &topics, &DEFAULT_CAPACITY]).await.map(drop)
}

/// Which reviewers a directory shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// At least of this level.
    pub level: ReviewerLevel,
    /// Who knows this topic.
    pub topic: Option<String>,
    /// Only who takes something new.
    pub free: bool,
}

/// Reviewers, those with the most room first, from after number `offset` on.
///
/// # Errors
/// When the database cannot be asked.
pub async fn directory(
    client: &impl Client,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> Result<Vec<Reviewer>, DbError> {
    let sql = concat!(
        "select * from (select ",
        columns!(),
        " from users u join reviewers v on v.user_id = u.id where v.level >= greatest($1::smallint, 1::smallint)
            and ($2::text is null or $2 = any(v.topics))) as known
        where not $3 or (not paused and load < capacity)
        order by paused, level desc, load::float8 / capacity, user_id limit $4 offset $5"
    );
    let (level, limit, offset) = (i16::from(filter.level), i64::from(limit), i64::from(offset));
    client.query(sql, &[&level, &filter.topic, &filter.free, &limit, &offset]).await?.iter().map(read).collect()
}

/// Asks for a level where operators decide.
///
/// # Errors
/// [`DbError::Conflict`] with [`OPEN_REQUEST_KEY`] when one is open.
pub async fn ask(client: &impl Client, user: UserId, level: ReviewerLevel) -> Result<LevelRequest, DbError> {
    let sql = "with asked as (insert into reviewer_requests (id, user_id, level) values ($1, $2, $3) returning *)
        select a.*, u.username from asked a join users u on u.id = a.user_id";
    read_request(&client.query_one(sql, &[&Uuid::now_v7(), &user.0, &i16::from(level)]).await?)
}

/// Takes an open request back. `false` when there is none.
///
/// # Errors
/// When the database cannot be asked.
pub async fn take_back(client: &impl Client, user: UserId) -> Result<bool, DbError> {
    let sql = "delete from reviewer_requests where user_id = $1 and decided_at is null";
    Ok(client.execute(sql, &[&user.0]).await? > 0)
}

/// The newest request of a user, open or decided.
///
/// # Errors
/// When the database cannot be asked.
pub async fn request_of(client: &impl Client, user: UserId) -> Result<Option<LevelRequest>, DbError> {
    let sql = "select a.*, u.username from reviewer_requests a join users u on u.id = a.user_id
        where a.user_id = $1 order by a.id desc limit 1";
    client.query_opt(sql, &[&user.0]).await?.as_ref().map(read_request).transpose()
}

/// Open requests, the oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn open_requests(client: &impl Client, limit: u32) -> Result<Vec<LevelRequest>, DbError> {
    let sql = "select a.*, u.username from reviewer_requests a join users u on u.id = a.user_id
        where a.decided_at is null order by a.id limit $1";
    client.query(sql, &[&i64::from(limit)]).await?.iter().map(read_request).collect()
}

/// Decides an open request, and gives the level when it is granted; `None` when there is no such open request.
///
/// # Errors
/// When the database cannot be asked.
pub async fn decide(
    tx: &Transaction<'_>,
    request: Uuid,
    by: UserId,
    granted: bool,
    reason: &str,
) -> Result<Option<LevelRequest>, DbError> {
    let sql =
        "with decided as (update reviewer_requests set decided_at = now(), decided_by = $2, granted = $3, reason = $4
            where id = $1 and decided_at is null returning *)
        select d.*, u.username from decided d join users u on u.id = d.user_id";
    let row = tx.query_opt(sql, &[&request, &by.0, &granted, &reason]).await?;
    let Some(request) = row.as_ref().map(read_request).transpose()? else { return Ok(None) };
    if granted {
        set_level(tx, request.user, request.level).await?;
    }
    Ok(Some(request))
}

fn read(row: &Row) -> Result<Reviewer, DbError> {
    let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Reviewer {
        user: UserId(row.try_get("user_id")?),
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
        level: level(row.try_get("level")?)?,
        since: row.try_get("since")?,
        paused: row.try_get("paused")?,
        capacity: number(row.try_get::<_, i32>("capacity")?.into()),
        topics: topics(row)?,
        load: number(row.try_get("load")?),
    })
}

fn read_request(row: &Row) -> Result<LevelRequest, DbError> {
    let decided_at: Option<OffsetDateTime> = row.try_get("decided_at")?;
    Ok(LevelRequest {
        id: row.try_get("id")?,
        user: UserId(row.try_get("user_id")?),
        username: row.try_get("username")?,
        level: level(row.try_get("level")?)?,
        asked_at: row.try_get("asked_at")?,
        decided_at,
        granted: row.try_get("granted")?,
        reason: row.try_get("reason")?,
    })
}
