//! Tables `reviews` and `review_wanted`: what is to be reviewed, and where it stands.
//!
//! **Invariant**: what [`crate::model::review::apply`] decided on one version of a review is written on top of that version, with the step that
//! tells of it, or not at all ([`steps::take`]).

pub mod comments;
pub mod queue;
pub mod reading;
pub mod rounds;
pub mod runs;
pub mod steps;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Client, DbError, Transaction};
use crate::model::review::{
    Actor, Availability, Checks, Priority, Review, ReviewState, ReviewerLevel, Standing, Topics,
};
use crate::model::{ReviewId, SessionId, UserId};

/// The constraint that refuses a second open request for a session.
pub const OPEN_KEY: &str = "reviews_open_key";

/// The constraint that refuses to ask somebody who does not exist.
pub const WANTED_KEY: &str = "review_wanted_user_fkey";

/// The columns of a review; a macro because a statement's text is a constant.
macro_rules! columns {
    () => {
        "r.id, r.author_id, r.session_id, r.title, r.description, r.priority, r.topics, r.state, r.holder_id, r.round, r.version, r.due_at,
        r.created_at, r.updated_at, (select count(*) from review_threads t where t.review_id = r.id and t.kind = 'issue'
            and t.state <> 'verified' and t.published_at is not null) as open_issues, array(select w.user_id from review_wanted w
            where w.review_id = r.id and w.declined_at is null order by w.user_id) as wanted"
    };
}
use columns;

/// What its author says of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is called.
    pub title: String,
    /// What is to be looked at, in Markdown.
    pub description: String,
    /// How much it is wanted.
    pub priority: Priority,
    /// What it is about.
    pub topics: Topics,
    /// When a verdict is wanted.
    pub due_at: Option<OffsetDateTime>,
    /// Who is asked for it; anybody when empty.
    pub wanted: Vec<UserId>,
}

/// Makes a draft for a session of `author`; `None` when they have no such session, or only run a round in it.
///
/// # Errors
/// [`DbError::Conflict`] with [`OPEN_KEY`] when the session has an open one, and when somebody who is wanted does not exist.
pub async fn insert(
    tx: &Transaction<'_>,
    id: ReviewId,
    author: UserId,
    session: SessionId,
    what: &Description,
) -> Result<Option<Review>, DbError> {
    // The revision is held, so that whoever removes it waits and finds it named.
    let sql = "insert into reviews (id, author_id, session_id, title, description, priority, topics, due_at, start_snapshot_id)
        select $1, s.owner_id, s.id, $4, $5, $6, $7, $8, (select t.snapshot_id from template_revisions t
            where t.template_id = s.template_id and t.revision = s.template_revision for key share)
        from sessions s
        where s.id = $3 and s.owner_id = $2 and s.state <> 'deleted'
            and not exists (select from review_runs u where u.session_id = s.id)";
    let Description { title, description, priority, topics, due_at, .. } = what;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [&id.0, &author.0, &session.0, title, description, &priority.rank(), &topics.as_slice(), due_at];
    if tx.execute(sql, &params).await? == 0 {
        return Ok(None);
    }
    ask(tx, id, &what.wanted).await?;
    get(tx, id).await
}

/// Changes what a review's author says of it, if it is still at `version`. `false` when it is not.
///
/// # Errors
/// When the database cannot be asked, and when somebody who is wanted does not exist.
pub async fn describe(tx: &Transaction<'_>, id: ReviewId, version: i64, what: &Description) -> Result<bool, DbError> {
    let sql = "update reviews set title = $3, description = $4, priority = $5, topics = $6, due_at = $7, version = version + 1,
        updated_at = now() where id = $1 and version = $2";
    let Description { title, description, priority, topics, due_at, .. } = what;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&id.0, &version, title, description, &priority.rank(), &topics.as_slice(), due_at];
    if tx.execute(sql, &params).await? == 0 {
        return Ok(false);
    }
    let wanted: Vec<Uuid> = what.wanted.iter().map(|user| user.0).collect();
    // Who has declined stays out, unless their name is put in anew.
    let sql = "delete from review_wanted where review_id = $1 and declined_at is null and user_id <> all($2)";
    tx.execute(sql, &[&id.0, &wanted]).await?;
    ask(tx, id, &what.wanted).await?;
    Ok(true)
}

async fn ask(tx: &Transaction<'_>, id: ReviewId, wanted: &[UserId]) -> Result<(), DbError> {
    let wanted: Vec<Uuid> = wanted.iter().map(|user| user.0).collect();
    let sql = "insert into review_wanted (review_id, user_id) select $1, unnest($2::uuid[])
        on conflict (review_id, user_id) do update set declined_at = null";
    tx.execute(sql, &[&id.0, &wanted]).await.map(drop)
}

/// The review with this id.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, id: ReviewId) -> Result<Option<Review>, DbError> {
    let sql = concat!("select ", columns!(), " from reviews r where r.id = $1");
    client.query_opt(sql, &[&id.0]).await?.as_ref().map(read).transpose()
}

/// Whether a step of a review is `user`'s, or something that was said of it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn took_part(client: &impl Client, id: ReviewId, user: UserId) -> Result<bool, DbError> {
    let sql = "select exists (select from review_steps where review_id = $1 and by_id = $2)
        or exists (select from review_threads t join review_comments c on c.thread_id = t.id
            where t.review_id = $1 and c.author_id = $2 and c.published_at is not null)";
    Ok(client.query_one(sql, &[&id.0, &user.0]).await?.try_get(0)?)
}

/// These users as the machine sees them, in this order; those there are not are left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn actors(client: &impl Client, users: &[UserId]) -> Result<Vec<Actor>, DbError> {
    let sql = "select u.id, u.role = 'admin', coalesce(v.level, 0::smallint), coalesce(v.paused, false),
            coalesce((select count(*) from reviews r where r.holder_id = u.id and r.state = 'in_review') >= v.capacity, false)
        from unnest($1::uuid[]) with ordinality as asked (id, place) join users u on u.id = asked.id
        left join reviewers v on v.user_id = u.id order by asked.place";
    let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let read = |row: &Row| {
        let availability = match (row.try_get(3)?, row.try_get(4)?) {
            (true, _) => Availability::Paused,
            (false, true) => Availability::Full,
            (false, false) => Availability::Free,
        };
        let (id, operator, level) = (UserId(row.try_get(0)?), row.try_get(1)?, self::level(row.try_get(2)?)?);
        Ok(Actor::User { id, level, availability, operator })
    };
    client.query(sql, &[&ids]).await?.iter().map(read).collect()
}

pub(super) fn level(number: i16) -> Result<ReviewerLevel, DbError> {
    ReviewerLevel::try_from(number).map_err(|_| DbError::Corrupt(format!("a reviewer's level is {number}")))
}

pub(super) fn topics(row: &Row) -> Result<Topics, DbError> {
    let topics: Vec<String> = row.try_get("topics")?;
    Topics::new(&topics).map_err(|error| DbError::Corrupt(format!("the topics {topics:?}: {error}")))
}

fn state(name: &str) -> Result<ReviewState, DbError> {
    ReviewState::from_name(name).ok_or_else(|| DbError::Corrupt(format!("a review's state is {name:?}")))
}

fn number(number: i32) -> Result<u32, DbError> {
    u32::try_from(number).map_err(|_| DbError::Corrupt(format!("a number in a review is {number}")))
}

fn read(row: &Row) -> Result<Review, DbError> {
    let priority: i16 = row.try_get("priority")?;
    let wanted: Vec<Uuid> = row.try_get("wanted")?;
    Ok(Review {
        id: ReviewId(row.try_get("id")?),
        session: row.try_get::<_, Option<_>>("session_id")?.map(SessionId),
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        topics: topics(row)?,
        standing: Standing {
            state: state(row.try_get("state")?)?,
            author: UserId(row.try_get("author_id")?),
            holder: row.try_get::<_, Option<_>>("holder_id")?.map(UserId),
            wanted: wanted.into_iter().map(UserId).collect(),
            priority: Priority::from_rank(priority)
                .ok_or_else(|| DbError::Corrupt(format!("a review's priority is {priority}")))?,
            round: number(row.try_get("round")?)?,
            open_issues: u32::try_from(row.try_get::<_, i64>("open_issues")?).unwrap_or(u32::MAX),
            checks: Checks::Passed,
        },
        version: row.try_get("version")?,
        due_at: row.try_get("due_at")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
