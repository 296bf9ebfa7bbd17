//! Lists of reviews: what somebody sees on their page.

use std::time::Duration;

use super::{columns, read};
use crate::db::{Client, DbError};
use crate::model::review::Review;
use crate::model::{ReviewId, UserId};

/// Which reviews are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Open ones of one's own, the newest first.
    Mine,
    /// Those in which the next step is one's own, the newest first.
    Waiting,
    /// Those one may be asked for, by priority, due time and age.
    Queue,
    /// Closed ones of one's own, and those one has decided, the newest first.
    Done,
}

macro_rules! newest_first {
    ($condition:literal) => {
        concat!(
            "select ",
            columns!(),
            " from reviews r where (",
            $condition,
            ") and r.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by r.id desc limit $3"
        )
    };
}

/// The reviews on one of `user`'s shelves, from after `cursor` on, with the cursor of the next page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn on_shelf(
    client: &impl Client,
    shelf: Shelf,
    user: UserId,
    limit: u32,
    cursor: Option<ReviewId>,
) -> Result<(Vec<Review>, Option<ReviewId>), DbError> {
    let sql = match shelf {
        Shelf::Mine => {
            newest_first!("r.author_id = $1 and r.state in ('draft', 'pending', 'in_review', 'changes_requested')")
        }
        Shelf::Waiting => newest_first!(
            "(r.author_id = $1 and r.state in ('draft', 'changes_requested')) or (r.holder_id = $1 and r.state = 'in_review')
                or (r.state = 'pending' and exists (select from review_wanted w
                    where w.review_id = r.id and w.user_id = $1 and w.declined_at is null))"
        ),
        // Only what they might claim; the page says where their level does not do.
        Shelf::Queue => concat!(
            "select ",
            columns!(),
            " from reviews r where r.state = 'pending' and r.author_id <> $1
                and (exists (select from review_wanted w where w.review_id = r.id and w.user_id = $1 and w.declined_at is null)
                    or not exists (select from review_wanted w where w.review_id = r.id and w.declined_at is null))
                and ($2::uuid is null or (-r.priority, coalesce(r.due_at, 'infinity'), r.id) >
                    (select -c.priority, coalesce(c.due_at, 'infinity'), c.id from reviews c where c.id = $2))
            order by r.priority desc, coalesce(r.due_at, 'infinity'), r.id limit $3"
        ),
        Shelf::Done => newest_first!(
            "(r.author_id = $1 or r.holder_id = $1) and r.state in ('approved', 'rejected', 'withdrawn')"
        ),
    };
    let limit = limit.max(1);
    let rows = client.query(sql, &[&user.0, &cursor.map(|id| id.0), &(i64::from(limit) + 1)]).await?;
    let mut reviews = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let more = reviews.len() > limit as usize;
    reviews.truncate(limit as usize);
    let next = reviews.last().filter(|_| more).map(|review| review.id);
    Ok((reviews, next))
}

/// Reviews whose reviewer has done nothing to them for so long, the longest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn overdue(client: &impl Client, after: Duration, limit: u32) -> Result<Vec<ReviewId>, DbError> {
    let sql = "select id from reviews where state = 'in_review' and holder_seen_at < now() - make_interval(secs => $1)
        order by holder_seen_at limit $2";
    let rows = client.query(sql, &[&after.as_secs_f64(), &i64::from(limit)]).await?;
    rows.iter().map(|row| Ok(ReviewId(row.try_get(0)?))).collect()
}

/// What a reviewer holds.
///
/// # Errors
/// When the database cannot be asked.
pub async fn held_by(client: &impl Client, user: UserId) -> Result<Vec<ReviewId>, DbError> {
    let sql = "select id from reviews where holder_id = $1 and state = 'in_review' order by id";
    let rows = client.query(sql, &[&user.0]).await?;
    rows.iter().map(|row| Ok(ReviewId(row.try_get(0)?))).collect()
}
