//! The JSON that WebSockets send: `carrel.session.v1`, and the control frames of `carrel.terminal.v1`.

use serde::Serialize;
use time::OffsetDateTime;

use super::wire::{Item, Session, SessionState, Terminal};
use crate::model::terminal::{ExitState, TerminalSize};
use crate::model::{self, Announcement, EndsWhy, Progress, SessionNotice};

/// Server to client in `carrel.session.v1`, one per text frame.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SessionMessage {
    /// The first message.
    Hello {
        /// The session as it is.
        session: Box<Session>,
    },
    /// It stands somewhere else now.
    State {
        /// Where.
        state: SessionState,
        /// Why, in words for its user.
        reason: Option<String>,
    },
    /// Starting has come this far.
    Progress {
        /// `queued`, `image`, `container`, `agent`, `restore` or `ready`.
        stage: &'static str,
        /// The same in words.
        text: &'static str,
        /// Steps done.
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        /// Steps altogether.
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// Files have changed.
    Tree(TreeChange),
    /// What of its sandbox is not kept has changed: fetch that list again.
    Unkept,
    /// These are its terminals now.
    Terminals {
        /// All of them.
        items: Vec<Terminal>,
    },
    /// It ends by itself; both null: not any more.
    Ending {
        /// When.
        #[serde(with = "time::serde::rfc3339::option")]
        at: Option<OffsetDateTime>,
        /// Why.
        why: Option<EndsWhy>,
    },
    /// What its sandbox takes at the moment.
    Usage(model::Load),
    /// Something its user should know.
    Notice {
        /// `info`, `warning` or `error`.
        level: &'static str,
        /// In words.
        text: String,
    },
}

/// How files have changed.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum TreeChange {
    /// These.
    Changes {
        /// One per path.
        changes: Vec<PathChange>,
    },
    /// In more ways than can be told.
    Refetch {
        /// Always true.
        refetch: bool,
    },
}

/// What became of a path.
#[derive(Debug, Serialize)]
pub struct PathChange {
    /// Which.
    pub path: String,
    /// What is there now; null when it is gone, with all below it.
    pub item: Option<Item>,
}

impl SessionMessage {
    /// The message that tells `notice`; `None` when the session is gone for its user, or from this server.
    #[must_use]
    pub fn of(notice: SessionNotice) -> Option<Self> {
        Some(match notice {
            SessionNotice::State { state, reason } => Self::State { state: SessionState::of(state)?, reason },
            SessionNotice::Progress(progress) => progress.into(),
            SessionNotice::Tree(changes) => {
                let change = |(path, item): (model::WorkspacePath, Option<model::Item>)| PathChange {
                    path: path.into(),
                    item: item.map(Into::into),
                };
                Self::Tree(TreeChange::Changes { changes: changes.into_iter().map(change).collect() })
            }
            SessionNotice::TreeStale => Self::Tree(TreeChange::Refetch { refetch: true }),
            SessionNotice::Unkept => Self::Unkept,
            SessionNotice::Terminals(items) => Self::terminals(items),
            SessionNotice::Elsewhere => return None,
            SessionNotice::Ending(ending) => {
                Self::Ending { at: ending.map(|ending| ending.at), why: ending.map(|ending| ending.why) }
            }
            SessionNotice::Load(load) => Self::Usage(load),
            SessionNotice::Message { level, text } => Self::Notice { level: level.as_str(), text },
        })
    }

    /// The message that tells which terminals there are.
    #[must_use]
    pub fn terminals(items: Vec<model::terminal::Terminal>) -> Self {
        Self::Terminals { items: items.into_iter().map(Into::into).collect() }
    }
}

impl From<Progress> for SessionMessage {
    fn from(Progress { stage, done, total }: Progress) -> Self {
        Self::Progress { stage: stage.as_str(), text: stage.text(), done, total }
    }
}

/// Server to client in `carrel.terminal.v1`, each after the tag of a control frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// The first frame.
    Hello {
        /// Sequence number of the first output byte that comes.
        seq: u64,
        /// Sequence number of the next byte the program prints.
        end: u64,
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
        /// The terminal's name.
        name: String,
        /// Output bytes sent beyond what is acknowledged.
        window: u32,
        /// `since` could not be served; a `reset` follows.
        reset: bool,
    },
    /// Clear the screen: output goes on at `seq`, and what was before it is forgotten.
    Reset {
        /// Sequence number of the next output byte.
        seq: u64,
    },
    /// The program ended; all its output came before. One of the two is null.
    Exit {
        /// By itself, with this code.
        code: Option<u8>,
        /// Killed by this signal.
        signal: Option<u8>,
    },
    /// The terminal has a new size.
    Size {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// Input after the first `accepted` bytes of this connection was refused.
    Busy {
        /// See there.
        accepted: u64,
    },
    /// The terminal has taken the first `accepted` bytes of this connection; after a refusal: resume.
    Input {
        /// See there.
        accepted: u64,
    },
    /// Something to tell the user, beside what the program prints.
    Notice {
        /// `info`, `warning` or `error`.
        level: &'static str,
        /// In words.
        text: String,
    },
}

impl From<Announcement> for Control {
    fn from(announcement: Announcement) -> Self {
        Self::Notice { level: announcement.level.as_str(), text: announcement.text }
    }
}

impl From<ExitState> for Control {
    fn from(exit: ExitState) -> Self {
        match exit {
            ExitState::Code(code) => Self::Exit { code: Some(code), signal: None },
            ExitState::Signal(signal) => Self::Exit { code: None, signal: Some(signal) },
        }
    }
}

impl From<TerminalSize> for Control {
    fn from(size: TerminalSize) -> Self {
        Self::Size { cols: size.cols, rows: size.rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Stage};

    #[test]
    fn session_messages_are_what_the_page_expects() {
        let path = model::WorkspacePath::new("a/b").expect("legal");
        for (notice, expected) in [
            (SessionNotice::TreeStale, r#"{"type":"tree","refetch":true}"#),
            (SessionNotice::Tree(vec![(path, None)]), r#"{"type":"tree","changes":[{"path":"a/b","item":null}]}"#),
            (
                SessionNotice::Progress(Progress { stage: Stage::Restore, done: Some(1), total: None }),
                r#"{"type":"progress","stage":"restore","text":"Putting your files in place","done":1}"#,
            ),
            (
                SessionNotice::State { state: model::SessionState::Failed, reason: Some("x".into()) },
                r#"{"type":"state","state":"failed","reason":"x"}"#,
            ),
            (SessionNotice::Unkept, r#"{"type":"unkept"}"#),
            (SessionNotice::Ending(None), r#"{"type":"ending","at":null,"why":null}"#),
            (
                SessionNotice::Ending(Some(model::Ending { at: OffsetDateTime::UNIX_EPOCH, why: EndsWhy::Idle })),
                r#"{"type":"ending","at":"1970-01-01T00:00:00Z","why":"idle"}"#,
            ),
            (
                SessionNotice::Load(model::Load {
                    cpu_percent: 12.5,
                    cpus: 1.0,
                    processes: 3,
                    ..model::Load::default()
                }),
                r#"{"type":"usage","cpu_percent":12.5,"cpus":1.0,"memory_bytes":0,"memory_limit_bytes":0,"disk_bytes":0,"disk_limit_bytes":0,"processes":3,"processes_limit":0}"#,
            ),
            (SessionNotice::Terminals(Vec::new()), r#"{"type":"terminals","items":[]}"#),
            (
                SessionNotice::Message { level: Level::Warning, text: "<b>".into() },
                r#"{"type":"notice","level":"warning","text":"<b>"}"#,
            ),
        ] {
            let message = SessionMessage::of(notice).expect("told");
            assert_eq!(serde_json::to_string(&message).expect("JSON"), expected);
        }
        let deleted = SessionNotice::State { state: model::SessionState::Deleted, reason: None };
        assert!(SessionMessage::of(deleted).is_none());
    }

    #[test]
    fn control_messages_are_what_the_terminal_expects() {
        for (control, expected) in [
            (Control::from(ExitState::Code(3)), r#"{"type":"exit","code":3,"signal":null}"#),
            (Control::from(ExitState::Signal(9)), r#"{"type":"exit","code":null,"signal":9}"#),
            (
                Control::from(Announcement { level: Level::Warning, text: "x".into() }),
                r#"{"type":"notice","level":"warning","text":"x"}"#,
            ),
            (Control::Busy { accepted: 7 }, r#"{"type":"busy","accepted":7}"#),
            (Control::Size { cols: 80, rows: 24 }, r#"{"type":"size","cols":80,"rows":24}"#),
        ] {
            assert_eq!(serde_json::to_string(&control).expect("JSON"), expected);
        }
    }
}
