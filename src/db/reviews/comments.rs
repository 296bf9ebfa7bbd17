//! Tables `review_threads`, `review_comments` and `review_comment_edits`: what is said of rounds.
//!
//! **Invariant**: what may decide a review, a thread that blocks it, changes together with the review's version; a step that was decided before
//! is decided anew.

use std::collections::HashMap;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::number;
use crate::db::past::legal;
use crate::db::{Client, DbError, Transaction};
use crate::model::review::{Comment, Lines, Place, Side, Suggestion, Thread, ThreadKind, ThreadStanding, ThreadState};
use crate::model::{CommentId, ReviewId, ThreadId, UserId};

/// Most threads of a review, comments in one of them, and drafts of one user in a review.
const MAX_THREADS: i64 = 1000;
const MAX_COMMENTS: i64 = 200;
const MAX_DRAFTS: i64 = 500;

/// What somebody wants to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// Of what.
    pub on: Target,
    /// In Markdown.
    pub text: String,
    /// What its thread's lines should be.
    pub replacement: Option<String>,
    /// Only for themselves, until they publish it.
    pub draft: bool,
}

/// What a comment is put to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A thread that is there.
    Thread(ThreadId),
    /// A new one.
    New(ThreadKind, Place),
}

/// What came of a wish to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was said.
    Done(ThreadId),
    /// There is no such thread, or it is somebody else's draft.
    NoThread,
    /// There are as many as there may be.
    Limit,
}

/// Raises a review's version, so that whatever was decided on the one before is decided anew; whoever holds the review has done something to
/// it. Holds the row until the transaction ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn touch(tx: &Transaction<'_>, review: ReviewId, by: UserId) -> Result<(), DbError> {
    let sql = "update reviews set version = version + 1, updated_at = now(),
        holder_seen_at = case when state = 'in_review' and holder_id = $2 then now() else holder_seen_at end where id = $1";
    tx.execute(sql, &[&review.0, &by.0]).await.map(drop)
}

/// Holds a review's row until the transaction ends: threads and comments are counted one after the other.
async fn hold(tx: &Transaction<'_>, review: ReviewId) -> Result<(), DbError> {
    tx.execute("select from reviews where id = $1 for no key update", &[&review.0]).await.map(drop)
}

/// Says something, for oneself or for all.
///
/// # Errors
/// When the database cannot be asked.
pub async fn add(tx: &Transaction<'_>, review: ReviewId, by: UserId, new: &NewComment) -> Result<Added, DbError> {
    if new.draft {
        hold(tx, review).await?;
    } else {
        touch(tx, review, by).await?;
    }
    let sql = "select count(*) from review_comments c join review_threads t on t.id = c.thread_id
        where t.review_id = $1 and c.author_id = $2 and c.published_at is null";
    if new.draft && count(tx, sql, &[&review.0, &by.0]).await? >= MAX_DRAFTS {
        return Ok(Added::Limit);
    }
    let thread = match &new.on {
        Target::Thread(thread) => {
            let sql = "select (select count(*) from review_comments c where c.thread_id = t.id) from review_threads t
                where t.id = $1 and t.review_id = $2 and (t.published_at is not null or t.opened_by = $3)";
            match tx.query_opt(sql, &[&thread.0, &review.0, &by.0]).await? {
                None => return Ok(Added::NoThread),
                Some(row) if row.try_get::<_, i64>(0)? >= MAX_COMMENTS => return Ok(Added::Limit),
                Some(_) => *thread,
            }
        }
        Target::New(kind, place) => {
            if count(tx, "select count(*) from review_threads where review_id = $1", &[&review.0]).await? >= MAX_THREADS
            {
                return Ok(Added::Limit);
            }
            let (thread, Place { round, side, path, lines }) = (ThreadId::new(), place);
            let sql = "insert into review_threads (id, review_id, opened_by, kind, round, side, path, first_line, last_line, published_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then null else now() end)";
            let line = |line: u32| i32::try_from(line).unwrap_or(i32::MAX);
            let params: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
                &thread.0,
                &review.0,
                &by.0,
                &kind.as_str(),
                &line(*round),
                &side.as_str(),
                &path.as_ref().map(|path| path.as_str()),
                &lines.map(|lines| line(lines.start)),
                &lines.map(|lines| line(lines.end)),
                &new.draft,
            ];
            tx.execute(sql, &params).await?;
            thread
        }
    };
    // What is said to a draft for all has its thread published with it.
    if !new.draft {
        let sql = "update review_threads set published_at = coalesce(published_at, now()) where id = $1";
        tx.execute(sql, &[&thread.0]).await?;
    }
    let sql = "insert into review_comments (id, thread_id, author_id, text, replacement, published_at)
        values ($1, $2, $3, $4, $5, case when $6 then null else now() end)";
    tx.execute(sql, &[&CommentId::new().0, &thread.0, &by.0, &new.text, &new.replacement, &new.draft]).await?;
    Ok(Added::Done(thread))
}

async fn count(
    tx: &Transaction<'_>,
    sql: &'static str,
    params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<i64, DbError> {
    Ok(tx.query_one(sql, params).await?.try_get(0)?)
}

/// Publishes what `by` has kept to themselves so far; answers how many comments that are. The review's version is the caller's to raise.
///
/// # Errors
/// When the database cannot be asked.
pub async fn publish(tx: &Transaction<'_>, review: ReviewId, by: UserId) -> Result<u64, DbError> {
    let sql = "with mine as (
            update review_comments c set published_at = now() from review_threads t
            where t.id = c.thread_id and t.review_id = $1 and c.author_id = $2 and c.published_at is null
            returning c.thread_id),
        shown as (
            update review_threads set published_at = now()
            where review_id = $1 and opened_by = $2 and published_at is null and id in (select thread_id from mine))
        select count(*) from mine";
    let published: i64 = tx.query_one(sql, &[&review.0, &by.0]).await?.try_get(0)?;
    Ok(published.cast_unsigned())
}

/// How many issues `by` has begun and not published yet.
///
/// # Errors
/// When the database cannot be asked.
pub async fn draft_issues(client: &impl Client, review: ReviewId, by: UserId) -> Result<u32, DbError> {
    let sql = "select count(*) from review_threads
        where review_id = $1 and opened_by = $2 and kind = 'issue' and state <> 'verified' and published_at is null";
    let count: i64 = client.query_one(sql, &[&review.0, &by.0]).await?.try_get(0)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Changes what a comment of `by` says; what a published one said before stays to be read. `false` when they have no such comment.
///
/// # Errors
/// When the database cannot be asked.
pub async fn edit(
    tx: &Transaction<'_>,
    review: ReviewId,
    by: UserId,
    comment: CommentId,
    text: &str,
    replacement: Option<&str>,
) -> Result<bool, DbError> {
    hold(tx, review).await?;
    let sql = "insert into review_comment_edits (comment_id, number, text, replacement, written_at)
        select c.id, (select count(*) from review_comment_edits e where e.comment_id = c.id) + 1, c.text, c.replacement,
            coalesce(c.edited_at, c.published_at)
        from review_comments c join review_threads t on t.id = c.thread_id
        where c.id = $1 and t.review_id = $2 and c.author_id = $3 and c.published_at is not null";
    tx.execute(sql, &[&comment.0, &review.0, &by.0]).await?;
    let sql = "update review_comments c set text = $4, replacement = $5,
            edited_at = case when c.published_at is not null then now() end from review_threads t
        where t.id = c.thread_id and t.review_id = $2 and c.id = $1 and c.author_id = $3 and c.applied_at is null";
    Ok(tx.execute(sql, &[&comment.0, &review.0, &by.0, &text, &replacement]).await? > 0)
}

/// What a published comment has said before, the first first, with when each was written.
///
/// # Errors
/// When the database cannot be asked.
pub async fn former(
    client: &impl Client,
    review: ReviewId,
    comment: CommentId,
) -> Result<Vec<(String, Option<String>, OffsetDateTime)>, DbError> {
    let sql = "select e.text, e.replacement, e.written_at from review_comment_edits e
        join review_comments c on c.id = e.comment_id join review_threads t on t.id = c.thread_id
        where e.comment_id = $1 and t.review_id = $2 order by e.number";
    let rows = client.query(sql, &[&comment.0, &review.0]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// Removes a draft of `by`, and its thread if nothing is left in it. `false` when they have no such draft.
///
/// # Errors
/// When the database cannot be asked.
pub async fn discard(tx: &Transaction<'_>, review: ReviewId, by: UserId, comment: CommentId) -> Result<bool, DbError> {
    hold(tx, review).await?;
    let sql = "delete from review_comments c using review_threads t
        where t.id = c.thread_id and t.review_id = $2 and c.id = $1 and c.author_id = $3 and c.published_at is null returning t.id";
    let Some(row) = tx.query_opt(sql, &[&comment.0, &review.0, &by.0]).await? else { return Ok(false) };
    let sql = "delete from review_threads t where id = $1 and published_at is null
        and not exists (select from review_comments c where c.thread_id = t.id)";
    tx.execute(sql, &[&row.try_get::<_, Uuid>(0)?]).await?;
    Ok(true)
}

/// Moves a thread to another state, in a transaction that holds its review ([`touch`]).
///
/// # Errors
/// When the database cannot be asked.
pub async fn settle(tx: &Transaction<'_>, thread: ThreadId, to: ThreadState) -> Result<(), DbError> {
    tx.execute("update review_threads set state = $2 where id = $1", &[&thread.0, &to.as_str()]).await.map(drop)
}

/// Notes that these suggested edits were taken over.
///
/// # Errors
/// When the database cannot be asked.
pub async fn note_applied(client: &impl Client, comments: &[CommentId]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = comments.iter().map(|comment| comment.0).collect();
    client.execute("update review_comments set applied_at = now() where id = any($1)", &[&ids]).await.map(drop)
}

/// A thread as `viewer` sees it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn thread(
    client: &impl Client,
    review: ReviewId,
    viewer: UserId,
    thread: ThreadId,
) -> Result<Option<Thread>, DbError> {
    Ok(threads(client, review, viewer, Some(thread)).await?.pop())
}

/// A review's threads as `viewer` sees them, the oldest first: what is published, and what they have kept to themselves.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_review(client: &impl Client, review: ReviewId, viewer: UserId) -> Result<Vec<Thread>, DbError> {
    threads(client, review, viewer, None).await
}

async fn threads(
    client: &impl Client,
    review: ReviewId,
    viewer: UserId,
    only: Option<ThreadId>,
) -> Result<Vec<Thread>, DbError> {
    let only = only.map(|thread| thread.0);
    let sql = "select c.id, c.thread_id, c.author_id, c.text, c.replacement, c.created_at, c.published_at, c.edited_at, c.applied_at
        from review_comments c join review_threads t on t.id = c.thread_id
        where t.review_id = $1 and (c.published_at is not null or c.author_id = $2) and ($3::uuid is null or t.id = $3) order by c.id";
    let mut comments: HashMap<Uuid, Vec<Comment>> = HashMap::new();
    for row in client.query(sql, &[&review.0, &viewer.0, &only]).await? {
        comments.entry(row.try_get("thread_id")?).or_default().push(read_comment(&row)?);
    }
    let sql = "select id, opened_by, kind, state, round, side, path, first_line, last_line, published_at from review_threads
        where review_id = $1 and (published_at is not null or opened_by = $2) and ($3::uuid is null or id = $3) order by id";
    let rows = client.query(sql, &[&review.0, &viewer.0, &only]).await?;
    rows.iter().map(|row| read_thread(row, &mut comments)).collect()
}

fn read_comment(row: &Row) -> Result<Comment, DbError> {
    let applied_at = row.try_get("applied_at")?;
    let replacement: Option<String> = row.try_get("replacement")?;
    Ok(Comment {
        id: CommentId(row.try_get("id")?),
        author: UserId(row.try_get("author_id")?),
        text: row.try_get("text")?,
        suggestion: replacement.map(|replacement| Suggestion { replacement, applied_at }),
        created_at: row.try_get("created_at")?,
        published_at: row.try_get("published_at")?,
        edited_at: row.try_get("edited_at")?,
    })
}

fn read_thread(row: &Row, comments: &mut HashMap<Uuid, Vec<Comment>>) -> Result<Thread, DbError> {
    let id: Uuid = row.try_get("id")?;
    let unknown = |what: &str, name: &str| DbError::Corrupt(format!("a thread's {what} is {name:?}"));
    let (kind, state, side): (&str, &str, &str) = (row.try_get("kind")?, row.try_get("state")?, row.try_get("side")?);
    let line = |name: &str| row.try_get::<_, Option<i32>>(name)?.map(number).transpose();
    let path: Option<String> = row.try_get("path")?;
    Ok(Thread {
        id: ThreadId(id),
        standing: ThreadStanding {
            kind: ThreadKind::from_name(kind).ok_or_else(|| unknown("kind", kind))?,
            state: ThreadState::from_name(state).ok_or_else(|| unknown("state", state))?,
            opened_by: UserId(row.try_get("opened_by")?),
        },
        place: Place {
            round: number(row.try_get("round")?)?,
            side: Side::from_name(side).ok_or_else(|| unknown("side", side))?,
            path: path.map(legal).transpose()?,
            lines: line("first_line")?.zip(line("last_line")?).and_then(|(start, end)| Lines::new(start, end)),
        },
        published: row.try_get::<_, Option<OffsetDateTime>>("published_at")?.is_some(),
        comments: comments.remove(&id).unwrap_or_default(),
    })
}
