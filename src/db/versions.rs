//! Table `workspace_versions`: every change of every path, until it is thinned ([`history`](super::history)). Written by [`items::apply`](super::items::apply) alone.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::blobs::read_hash;
use super::items::read_kind;
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
    /// What happened.
    pub change: Change,
    /// What there was after it; before it, for something that went.
    pub kind: ItemKind,
    /// Where it came from.
    pub origin: Origin,
    /// Who did it, if it was a user who still exists.
    pub user: Option<UserId>,
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

/// The versions of a path, newest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_path(
    client: &impl Client,
    session: SessionId,
    path: &WorkspacePath,
    limit: u32,
) -> Result<Vec<Version>, DbError> {
    let sql = "select id, change, kind, blob_hash, size, executable, link_target, other_path, origin, user_id, at
        from workspace_versions where session_id = $1 and path = $2::text collate \"C\" order by id desc limit $3";
    let rows = client.query(sql, &[&session.0, &path.as_str(), &i64::from(limit)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let (change, origin): (&str, &str) = (row.try_get("change")?, row.try_get("origin")?);
        let other = || -> Result<WorkspacePath, DbError> {
            let text: String = row.try_get("other_path")?;
            WorkspacePath::new(text).map_err(|e| DbError::Corrupt(format!("a path in a version: {e}")))
        };
        Ok(Version {
            id: row.try_get("id")?,
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
            user: row.try_get::<_, Option<_>>("user_id")?.map(UserId),
            at: row.try_get("at")?,
        })
    };
    rows.iter().map(read).collect()
}
