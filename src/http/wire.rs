//! Every JSON shape of the API, in one place. TypeScript types are generated from these.

pub mod comments;
mod frozen;
mod history;
mod live;
pub mod reading;
pub mod reviews;
pub mod running;
mod search;
mod transfer;
mod unkept;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

pub use frozen::{
    CreateSnapshot, PublishTemplate, Snapshot, SnapshotList, Template, TemplateConflict, TemplateList, TemplateUpdated,
    TemplateUse,
};
pub use history::{Change, Changed, Copy, Delete, Origin, Restore, Version, VersionList, Who};
pub use live::{ProcessList, RenameTerminal};
pub use search::{Pattern, ReplacedFile, Replacement, Replacements, SearchMatch, SearchResult, SeenFile};
pub use transfer::{ArchiveKind, BeginUpload, Imported, SkippedEntry, SkippedWhy, Upload, UploadAnswer, UploadOffset};
pub use unkept::UnkeptItems;

use crate::actors::api::Saved;
use crate::model::terminal::ExitState;
use crate::model::unkept::WorkspaceLimits;
use crate::model::{self, EndsWhy, ItemKind as Kind, Quotas, Role, Usage, UserQuotas};

/// Somebody with an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Their id.
    pub id: Uuid,
    /// What they sign in with.
    pub username: String,
    /// Their address.
    pub email: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// When they registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<model::User> for User {
    fn from(user: model::User) -> Self {
        let model::User { id, username, email, display_name, role, created_at, quotas: _ } = user;
        Self { id: id.0, username, email, display_name, role, created_at }
    }
}

/// A user as operators see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUser {
    /// What everybody may know of themselves.
    #[serde(flatten)]
    pub user: User,
    /// What their sandboxes may use instead of everybody's quotas; null is as for everybody.
    pub quotas: UserQuotas,
}

impl From<model::User> for AdminUser {
    fn from(user: model::User) -> Self {
        Self { quotas: user.quotas, user: user.into() }
    }
}

/// A page of users, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUserList {
    /// The users.
    pub items: Vec<AdminUser>,
    /// `cursor` of the next page.
    pub next: Option<String>,
}

/// What an operator gives a user.
#[derive(Deserialize, ToSchema)]
pub struct ChangeUser {
    /// All of them: what is absent or null is as for everybody.
    pub quotas: UserQuotas,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
pub struct Register {
    /// 2 to 32 letters, digits, dots, dashes or underscores.
    pub username: String,
    /// Unique without regard to case.
    pub email: String,
    /// 8 characters to 72 bytes.
    pub password: String,
    /// The username when absent.
    pub display_name: Option<String>,
}

/// Signing in.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// Username or e-mail address, in any case.
    pub login: String,
    /// The password.
    pub password: String,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// No sandbox; opening it starts one.
    Cold,
    /// A sandbox is being started and filled.
    Starting,
    /// It can be worked in.
    Ready,
    /// Its files are being collected.
    Stopping,
    /// It could not be started; the reason says why.
    Failed,
    /// It was deleted and can still be had back; only in the list of deleted sessions.
    Deleted,
}

impl SessionState {
    /// The state of a session that is there; `None` for one that is deleted.
    #[must_use]
    pub fn of(state: model::SessionState) -> Option<Self> {
        Some(state.into()).filter(|state| *state != Self::Deleted)
    }
}

impl From<model::SessionState> for SessionState {
    fn from(state: model::SessionState) -> Self {
        match state {
            model::SessionState::Cold => Self::Cold,
            model::SessionState::Starting => Self::Starting,
            model::SessionState::Ready => Self::Ready,
            model::SessionState::Stopping => Self::Stopping,
            model::SessionState::Failed => Self::Failed,
            model::SessionState::Deleted => Self::Deleted,
        }
    }
}

/// A workspace of one user.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// Where it stands.
    pub state: SessionState,
    /// Why it stands there, in words for its user.
    pub reason: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(with = "time::serde::rfc3339")]
    pub last_active_at: OffsetDateTime,
    /// What it may use and hold, and how long it is kept once it is deleted.
    #[serde(flatten)]
    pub terms: Terms,
    /// What its files take.
    pub usage: Usage,
    /// The template it began with, while that is published.
    pub template: Option<TemplateUse>,
    /// When it ends by itself; null unless that was announced.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// Why it does.
    pub ends_why: Option<EndsWhy>,
    /// When it was deleted.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// Until when a deleted session can be had back.
    #[serde(with = "time::serde::rfc3339::option")]
    pub purge_at: Option<OffsetDateTime>,
}

/// What applies to all sessions of a user.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Terms {
    /// What a sandbox may use, from its next start on.
    pub quotas: Quotas,
    /// What the files may come to.
    pub limits: WorkspaceLimits,
    /// Days a deleted session can be had back; 0: it is gone at once.
    pub undelete_days: u32,
}

impl Session {
    /// As the API tells it; `None` when it is deleted.
    #[must_use]
    pub fn of(session: model::Session, terms: Terms) -> Option<Self> {
        Some(Self::with_deleted(session, terms)).filter(|session| session.state != SessionState::Deleted)
    }

    /// The same for the list of deleted sessions.
    #[must_use]
    pub fn with_deleted(session: model::Session, terms: Terms) -> Self {
        Self {
            id: session.id.0,
            name: session.name,
            state: session.state.into(),
            reason: session.reason,
            created_at: session.created_at,
            last_active_at: session.last_active_at,
            terms,
            usage: session.usage,
            template: session.template.map(Into::into),
            ends_at: session.ending.map(|ending| ending.at),
            ends_why: session.ending.map(|ending| ending.why),
            deleted_at: session.deleted_at,
            purge_at: session.purge_at,
        }
    }
}

/// A page of sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// The sessions.
    pub items: Vec<Session>,
    /// `cursor` of the next page.
    pub next: Option<String>,
}

/// A new session. It begins with at most one of the others; with nothing when all are absent.
#[derive(Deserialize, ToSchema)]
pub struct CreateSession {
    /// 1 to 80 characters.
    pub name: String,
    /// A template, by its id.
    pub template: Option<Uuid>,
    /// Another session of yours, whose files are copied.
    pub session: Option<Uuid>,
    /// A snapshot of a session of yours.
    pub snapshot: Option<Uuid>,
}

/// Another name for a session.
#[derive(Deserialize, ToSchema)]
pub struct RenameSession {
    /// 1 to 80 characters.
    pub name: String,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link inside the workspace.
    Symlink,
}

/// A file, folder or link of a workspace.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Where it is.
    pub path: String,
    /// What it is.
    pub kind: ItemKind,
    /// Its size in bytes; 0 unless it is a file.
    pub size: u64,
    /// A file's entity tag, as `If-Match` takes it.
    pub etag: Option<String>,
    /// Whether it may be run as a program.
    pub executable: bool,
    /// Where a link points.
    pub target: Option<String>,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub modified_at: OffsetDateTime,
    /// Where a content its writer did not know of was kept; only in the answer to a save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_copy: Option<String>,
}

impl From<model::Item> for Item {
    fn from(item: model::Item) -> Self {
        let size = item.kind.size();
        let etag = item.kind.hash().map(|hash| format!("\"{hash}\""));
        let (kind, executable, target) = match item.kind {
            Kind::File { executable, .. } => (ItemKind::File, executable, None),
            Kind::Folder => (ItemKind::Folder, false, None),
            Kind::Symlink { target } => (ItemKind::Symlink, false, Some(target)),
        };
        let (path, modified_at) = (item.path.into(), item.modified_at);
        Self { path, kind, size, etag, executable, target, modified_at, conflict_copy: None }
    }
}

impl From<Saved> for Item {
    fn from(Saved { item, conflict_copy, .. }: Saved) -> Self {
        Self { conflict_copy: conflict_copy.map(Into::into), ..item.into() }
    }
}

/// A page of a workspace's items, sorted by path.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tree {
    /// The items.
    pub items: Vec<Item>,
    /// `cursor` of the next page.
    pub next: Option<String>,
}

/// A new folder.
#[derive(Deserialize, ToSchema)]
pub struct CreateFolder {
    /// Where; missing parents are made.
    pub path: String,
}

/// A file or folder in another place.
#[derive(Deserialize, ToSchema)]
pub struct Move {
    /// From here.
    pub from: String,
    /// To here, where nothing may be; missing parents are made.
    pub to: String,
}

/// How the program of a terminal ended: one of the two.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TerminalExit {
    /// By itself, with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// Killed by this signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
}

impl From<ExitState> for TerminalExit {
    fn from(exit: ExitState) -> Self {
        match exit {
            ExitState::Code(code) => Self { code: Some(code), signal: None },
            ExitState::Signal(signal) => Self { code: None, signal: Some(signal) },
        }
    }
}

/// A terminal of a live session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Terminal {
    /// Its id.
    pub id: Uuid,
    /// A name for people.
    pub name: String,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Process id, inside the sandbox, of its program.
    pub pid: u32,
    /// How the program ended, once it has.
    pub exit: Option<TerminalExit>,
    /// When it was opened.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<model::terminal::Terminal> for Terminal {
    fn from(terminal: model::terminal::Terminal) -> Self {
        Self {
            id: terminal.id.0,
            name: terminal.name,
            cols: terminal.size.cols,
            rows: terminal.size.rows,
            pid: terminal.pid,
            exit: terminal.exit.map(Into::into),
            created_at: terminal.created_at,
        }
    }
}

/// The terminals of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct TerminalList {
    /// The terminals, oldest first.
    pub items: Vec<Terminal>,
    /// Always null: there are only a few.
    pub next: Option<String>,
}

/// A new terminal.
#[derive(Deserialize, ToSchema)]
pub struct CreateTerminal {
    /// Columns, 1 to 1000.
    pub cols: u16,
    /// Rows, 1 to 1000.
    pub rows: u16,
    /// A name for people; one is made up when absent.
    pub name: Option<String>,
    /// A folder of the workspace to start in; the workspace itself when absent.
    pub cwd: Option<String>,
    /// What to run; a login shell when absent.
    pub command: Option<Command>,
}

/// A program to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Command {
    /// A line for `bash -lc`.
    Line(String),
    /// A program and its arguments.
    Words(Vec<String>),
}
