//! Table `workspace_versions`: every change of every path, until it is thinned ([`history`](super::history)). Written by [`items::apply`](super::items::apply) alone.

use std::collections::HashMap;

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::blobs::read_hash;
use super::items::read_kind;
use super::past::{legal, within};
use super::sessions::count;
use super::{Client, DbError};
use crate::model::{ContentHash, ItemKind, SessionId, UserId, WorkspacePath};

/// Where a change came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The page's editor or tree.
    Editor,
    /// A program in the sandbox.
    Terminal,
    /// An upload.
    Upload,
    /// An older version brought back.
    Restore,
    /// A review.
    Review,
}

impl Origin {
    /// Its persisted name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Terminal => "terminal",
            Self::Upload => "upload",
            Self::Restore => "restore",
            Self::Review => "review",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Editor, Self::Terminal, Self::Upload, Self::Restore, Self::Review]
            .into_iter()
            .find(|origin| origin.as_str() == name)
    }
}

/// What happened to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It has another content, kind or flag.
    Modified,
    /// It is gone; the version says what it was.
    Removed,
    /// It came from the path named.
    MovedHere(WorkspacePath),
    /// It went to the path named.
    MovedAway(WorkspacePath),
}

impl Change {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Removed => "removed",
            Self::MovedHere(_) => "moved_here",
            Self::MovedAway(_) => "moved_away",
        }
    }

    pub(super) fn other_path(&self) -> Option<&str> {
        match self {
            Self::MovedHere(path) | Self::MovedAway(path) => Some(path.as_str()),
            Self::Created | Self::Modified | Self::Removed => None,
        }
    }
}

/// One version of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Later versions have greater ones.
    pub id: i64,
    /// Of what.
    pub path: WorkspacePath,
    /// What happened.
    pub change: Change,
    /// What there was after it; before it, for something that went.
    pub kind: ItemKind,
    /// Where it came from.
    pub origin: Origin,
    /// Who did it, and what others see of them, if it was a user who still exists.
    pub user: Option<(UserId, String)>,
    /// When.
    pub at: OffsetDateTime,
}

/// Which of `hashes` this workspace has, or has had, among its contents, with their sizes in bytes.
///
/// # Errors
/// When the database cannot be asked.
pub async fn known_contents(
    client: &impl Client,
    session: SessionId,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, u64>, DbError> {
    let sql = "select distinct blob_hash, size from workspace_versions where session_id = $1 and blob_hash = any($2)";
    let wanted: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    let rows = client.query(sql, &[&session.0, &wanted]).await?;
    rows.iter().map(|row| Ok((read_hash(row.try_get(0)?)?, count(row.try_get(1)?)?))).collect()
}

/// Which versions are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Of this path; `None` is the whole workspace.
    pub path: Option<&'a WorkspacePath>,
    /// Of all below it, too.
    pub below: bool,
    /// Only those that say that something is gone, and of what is gone still: what can be had back.
    pub removed: bool,
    /// Only older ones than this.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// What a version's row is read from.
macro_rules! select {
    () => {
        "select v.id, path, change, v.kind, blob_hash, v.size, executable, link_target, other_path, origin, user_id, u.display_name, at
        from workspace_versions v left join users u on u.id = user_id where session_id = $1"
    };
}

/// Versions, newest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(client: &impl Client, session: SessionId, query: Query<'_>) -> Result<Vec<Version>, DbError> {
    macro_rules! newest_first {
        () => {
            " and v.id < coalesce($3::bigint, 9223372036854775807) and (not $4::boolean or (
                change = 'removed' and not exists (select from workspace_versions later
                    where later.session_id = $1 and later.path = v.path and later.id > v.id)))
            order by v.id desc limit $5"
        };
    }
    let sql = if query.below {
        concat!(select!(), " and ", within!(), newest_first!())
    } else {
        concat!(select!(), " and path = $2::text collate \"C\"", newest_first!())
    };
    let path = query.path.map(WorkspacePath::as_str);
    let rows = client.query(sql, &[&session.0, &path, &query.before, &query.removed, &i64::from(query.limit)]).await?;
    rows.iter().map(read).collect()
}

/// One version of a path.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(
    client: &impl Client,
    session: SessionId,
    path: &WorkspacePath,
    id: i64,
) -> Result<Option<Version>, DbError> {
    let sql = concat!(select!(), " and path = $2::text collate \"C\" and v.id = $3");
    client.query_opt(sql, &[&session.0, &path.as_str(), &id]).await?.as_ref().map(read).transpose()
}

/// What was removed last under this name with all that went with it, by path; nothing when the last that happened to it was something else.
///
/// What a program removes piece by piece is noticed in several batches: of its removals those of the minute before belong to it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn removed_last(
    client: &impl Client,
    session: SessionId,
    path: &WorkspacePath,
) -> Result<Vec<(WorkspacePath, ItemKind)>, DbError> {
    let sql = concat!(
        "with top as (
            select at, change, origin from workspace_versions
            where session_id = $1 and path = $2::text collate \"C\" order by id desc limit 1
        ), last as (
            select distinct on (path) path, change, kind, blob_hash, size, executable, link_target, origin, at
            from workspace_versions where session_id = $1 and ",
        within!(),
        " order by path, id desc
        )
        select last.path, last.kind, last.blob_hash, last.size, last.executable, last.link_target from last, top
        where last.change = 'removed' and top.change = 'removed' and (last.at = top.at
            or (last.origin = 'terminal' and top.origin = 'terminal' and last.at > top.at - interval '1 minute'))
        order by last.path"
    );
    let rows = client.query(sql, &[&session.0, &path.as_str()]).await?;
    rows.iter().map(|row| Ok((legal(row.try_get("path")?)?, read_kind(row)?))).collect()
}

fn read(row: &Row) -> Result<Version, DbError> {
    let (change, origin): (&str, &str) = (row.try_get("change")?, row.try_get("origin")?);
    let other = || -> Result<WorkspacePath, DbError> { legal(row.try_get("other_path")?) };
    let user = row.try_get::<_, Option<_>>("user_id")?.map(UserId);
    Ok(Version {
        id: row.try_get("id")?,
        path: legal(row.try_get("path")?)?,
        change: match change {
            "created" => Change::Created,
            "modified" => Change::Modified,
            "removed" => Change::Removed,
            "moved_here" => Change::MovedHere(other()?),
            "moved_away" => Change::MovedAway(other()?),
            unknown => return Err(DbError::Corrupt(format!("a version's change is {unknown:?}"))),
        },
        kind: read_kind(row)?,
        origin: Origin::from_name(origin)
            .ok_or_else(|| DbError::Corrupt(format!("a version's origin is {origin:?}")))?,
        user: user.zip(row.try_get("display_name")?),
        at: row.try_get("at")?,
    })
}
