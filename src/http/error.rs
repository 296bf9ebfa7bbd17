//! The one place that turns failures into HTTP answers: a status, a stable `code`, `application/problem+json`.
//!
//! **Invariants**: the body of a 500 tells nothing; whatever answers 500 is logged here, once, and nowhere else. Two
//! failures with the same [`Code`] and detail cannot be told apart from outside.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use carrel_protocol::PathError;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::AccountsError;
use crate::actors::api::SessionError;
use crate::actors::quarantine::QUARANTINE;
use crate::actors::reviews::{CommentError, LevelError, NewReviewError};
use crate::db::DbError;
use crate::model::ContentHash;
use crate::model::review::{Action, ReviewError, ReviewState};
use crate::model::user::AccountError;
use crate::staging::StagingError;

/// `Retry-After` of a 503 that passes by itself: long enough for a queue to drain or a connection to come back.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// What [`Code::NotFound`] says, always, so that another user's thing looks exactly like nothing.
const NOT_FOUND_DETAIL: &str = "There is nothing here, or it is not yours.";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $title:literal;)*) => {
        /// What went wrong, under a name clients may rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The status it is answered with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// Its stable name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The same in words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// Not JSON, or not the JSON that belongs here.
    InvalidJson = BAD_REQUEST, "invalid_json", "The body is not the JSON expected here";
    /// The body is not declared as JSON.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json";
    /// The body could not be read to its end.
    InvalidBody = BAD_REQUEST, "invalid_body", "The body could not be read";
    /// The body came too slowly.
    RequestTimeout = REQUEST_TIMEOUT, "request_timeout", "The body came too slowly";
    /// The query string.
    InvalidQuery = BAD_REQUEST, "invalid_query", "The query string is not valid";
    /// A path of a file or folder.
    InvalidPath = BAD_REQUEST, "invalid_path", "The path is not valid";
    /// `If-Match` or `If-None-Match`.
    InvalidPrecondition = BAD_REQUEST, "invalid_precondition", "The precondition is not one we can check";
    /// A WebSocket handshake that is none, or without our subprotocol.
    WebsocketRequired = BAD_REQUEST, "websocket_required", "A WebSocket handshake is needed here";
    /// The name of a session or terminal.
    InvalidName = UNPROCESSABLE_ENTITY, "invalid_name", "The name is not valid";
    /// A username.
    InvalidUsername = UNPROCESSABLE_ENTITY, "invalid_username", "The username is not valid";
    /// An e-mail address.
    InvalidEmail = UNPROCESSABLE_ENTITY, "invalid_email", "The e-mail address is not valid";
    /// A display name.
    InvalidDisplayName = UNPROCESSABLE_ENTITY, "invalid_display_name", "The display name is not valid";
    /// Quotas with which no sandbox can work.
    InvalidQuotas = UNPROCESSABLE_ENTITY, "invalid_quotas", "The quotas are not valid";
    /// A terminal's command.
    InvalidCommand = UNPROCESSABLE_ENTITY, "invalid_command", "The command is not valid";
    /// Under the least length.
    PasswordTooShort = UNPROCESSABLE_ENTITY, "password_too_short", "The password is too short";
    /// Over what bcrypt reads.
    PasswordTooLong = UNPROCESSABLE_ENTITY, "password_too_long", "The password is too long";
    /// Holds a character no password may hold.
    InvalidPassword = UNPROCESSABLE_ENTITY, "invalid_password", "The password is not valid";
    /// No login, or one that has ended.
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Sign in first";
    /// Unknown user or wrong password; which of them is not told.
    WrongCredentials = UNAUTHORIZED, "wrong_credentials", "Unknown user or wrong password";
    /// The request comes from another site's page.
    ForbiddenOrigin = FORBIDDEN, "forbidden_origin", "This request does not come from Carrel's own page";
    /// The operator has closed registration.
    RegistrationClosed = FORBIDDEN, "registration_closed", "Registration is closed";
    /// Absent, or somebody else's.
    NotFound = NOT_FOUND, "not_found", "Not found";
    /// The route has no such method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "This method is not allowed here";
    /// Somebody has that username.
    UsernameTaken = CONFLICT, "username_taken", "The username is taken";
    /// Somebody has that address.
    EmailTaken = CONFLICT, "email_taken", "The e-mail address is taken";
    /// An archive that is damaged, too large, or holds what leads out of the workspace.
    BadArchive = UNPROCESSABLE_ENTITY, "bad_archive", "The archive was refused";
    /// Something is in the way.
    AlreadyExists = CONFLICT, "already_exists", "Something of that name already exists";
    /// What is only in a sandbox would be lost with the folder it lies in; of a deletion `discard=true` gives it up.
    HoldsUnkept = CONFLICT, "holds_unkept", "A folder that would go holds what is only in the sandbox";
    /// What is only in a sandbox for want of room would be lost; `discard=true` gives it up.
    NotSaved = CONFLICT, "not_saved", "The sandbox holds what could not be saved; discard=true gives it up";
    /// A folder where a file is needed.
    IsFolder = CONFLICT, "is_folder", "This is a folder";
    /// A file where a folder is needed.
    NotFolder = CONFLICT, "not_folder", "A file is where a folder would have to be";
    /// A symbolic link, which has no content of its own.
    IsSymlink = CONFLICT, "is_symlink", "This is a symbolic link";
    /// The session's state does not allow it.
    NotReady = CONFLICT, "not_ready", "The session is not in a state for this";
    /// Another server has the session; `server_url` says which.
    SessionElsewhere = CONFLICT, "session_elsewhere", "The session runs on another server";
    /// A chunk that does not follow what is there; `offset` says where the next begins.
    WrongOffset = CONFLICT, "wrong_offset", "The chunk does not begin where the last one ended";
    /// `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed = PRECONDITION_FAILED, "precondition_failed", "The file has changed meanwhile";
    /// The body is over its limit.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    /// The workspace is full by count or by bytes.
    QuotaExceeded = PAYLOAD_TOO_LARGE, "quota_exceeded", "The workspace's limit is reached";
    /// The sandbox's disk is full.
    NoSpace = INSUFFICIENT_STORAGE, "no_space", "No space left in the sandbox";
    /// What is said of a review.
    InvalidReview = UNPROCESSABLE_ENTITY, "invalid_review", "What is said of the review is not valid";
    /// What a reviewer says of themselves.
    InvalidReviewer = UNPROCESSABLE_ENTITY, "invalid_reviewer", "What is said of the reviewer is not valid";
    /// The operator gives levels, or nobody does.
    ReviewerLevelsClosed = FORBIDDEN, "reviewer_levels_closed", "Nobody becomes a reviewer here by themselves";
    /// A level was asked for already.
    LevelRequested = CONFLICT, "level_requested", "You have asked for a level already";
    /// Only its author may.
    NotAuthor = FORBIDDEN, "not_author", "Only the author of a review can do this";
    /// One's own work.
    SelfReview = FORBIDDEN, "self_review", "You cannot review your own work";
    /// Level 0, who asks or who is named.
    NotReviewer = FORBIDDEN, "not_reviewer", "Only reviewers can do this";
    /// The review's priority needs a higher level.
    LevelTooLow = FORBIDDEN, "level_too_low", "This review needs a senior reviewer";
    /// Others have been asked.
    NotWanted = FORBIDDEN, "not_wanted", "Other reviewers have been asked for this review";
    /// The reviewer takes nothing new.
    ReviewerBusy = CONFLICT, "reviewer_busy", "The reviewer takes nothing new at the moment";
    /// Not in this state; `state` says which, `possible` what can be done.
    ReviewState = CONFLICT, "review_state", "This cannot be done to a review in this state";
    /// Somebody else holds it; `held_by` says who.
    ReviewHeld = CONFLICT, "review_held", "Another reviewer holds this review";
    /// A newer round; `newest_round` says which.
    StaleRound = CONFLICT, "stale_round", "A newer round has been submitted";
    /// Comments block it.
    IssuesOpen = CONFLICT, "issues_open", "Comments block this";
    /// Required checks.
    ChecksNotPassed = CONFLICT, "checks_not_passed", "A required check has not passed";
    /// Somebody else's comment or thread.
    NotYours = FORBIDDEN, "not_yours", "This is not yours to do";
    /// Not to a thread in this state.
    ThreadState = CONFLICT, "thread_state", "This cannot be done to a thread in this state";
    /// What a comment says breaks a rule.
    InvalidComment = UNPROCESSABLE_ENTITY, "invalid_comment", "A comment breaks a rule";
    /// Too many comments.
    CommentLimit = TOO_MANY_REQUESTS, "comment_limit", "There are as many comments as there may be";
    /// Lines a suggestion would replace have changed; `comments` says of which.
    SuggestionOutdated = CONFLICT, "suggestion_outdated", "The lines this would replace have changed";
    /// The session is gone.
    NoSession = CONFLICT, "no_session", "The session of this review is gone";
    /// One open request per session.
    ReviewOpen = CONFLICT, "review_open", "This session has an open review already";
    /// Somebody was faster.
    ReviewChanged = CONFLICT, "review_changed", "The review has changed since you saw it";
    /// Too many attempts.
    TooManyRequests = TOO_MANY_REQUESTS, "too_many_requests", "Too many requests";
    /// Too many sessions.
    SessionLimit = TOO_MANY_REQUESTS, "session_limit", "You have as many sessions as you may have";
    /// Too many runs.
    RunLimit = TOO_MANY_REQUESTS, "run_limit", "You run as many rounds as you may";
    /// Too many terminals.
    TerminalLimit = TOO_MANY_REQUESTS, "terminal_limit", "The session has as many terminals as it may have";
    /// Too many snapshots.
    SnapshotLimit = TOO_MANY_REQUESTS, "snapshot_limit", "The session has as many snapshots as it may have";
    /// Too many templates.
    TemplateLimit = TOO_MANY_REQUESTS, "template_limit", "There are as many templates as there may be";
    /// Too many uploads under way, or too much in them.
    UploadLimit = TOO_MANY_REQUESTS, "upload_limit", "You have as much under way as you may";
    /// A queue or budget of ours is full.
    Busy = SERVICE_UNAVAILABLE, "busy", "Carrel is busy";
    /// This kind of request has made the session fall over repeatedly.
    Quarantined = SERVICE_UNAVAILABLE, "quarantined", "This request is kept away from the session for a while";
    /// Something we need is not reachable.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Carrel cannot do this at the moment";
    /// The sandbox could not be started.
    StartFailed = SERVICE_UNAVAILABLE, "start_failed", "The sandbox could not be started";
    /// Our own fault.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side";
}

/// A failure on its way to the client.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    // Boxed: a failure is returned everywhere, and clippy wants it small.
    detail: Option<Box<str>>,
    retry_after: Option<Duration>,
    allow: Option<Box<str>>,
    etag: Option<Box<ContentHash>>,
    server_url: Option<Box<str>>,
    offset: Option<u64>,
    review: Option<Box<ReviewFacts>>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a refused step of a review is told of it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct ReviewFacts {
    /// With `review_state`: where the review stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ReviewState>,
    /// With `review_state`: what you can do to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possible: Option<Vec<Action>>,
    /// With `review_held`: who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Uuid>,
    /// With `stale_round`: the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_round: Option<u32>,
    /// With `suggestion_outdated`: of which comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<Vec<uuid::Uuid>>,
}

/// The body of every failure (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` is the identifier.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The code in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, under a stable name.
    pub code: Code,
    /// What went wrong in this case, for people.
    pub detail: String,
    /// With `session_elsewhere`: where people reach the server that has the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// With `wrong_offset`: where the next chunk begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// With what reviews refuse.
    #[serde(flatten)]
    pub review: ReviewFacts,
}

impl ApiError {
    /// A failure about which the code says everything.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_SOON);
        Self {
            code,
            detail: None,
            retry_after,
            allow: None,
            etag: None,
            server_url: None,
            offset: None,
            review: None,
            cause: None,
        }
    }

    /// A failure that tells the client more.
    #[must_use]
    pub fn because(code: Code, detail: impl fmt::Display) -> Self {
        Self { detail: Some(detail.to_string().into()), ..Self::new(code) }
    }

    /// Absent, or somebody else's: there is only one way to say it.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound)
    }

    /// Our own fault; `cause` goes to the log and nowhere else.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Self::new(Code::Internal) }
    }

    /// May be tried again after `pause`.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// The route knows only these methods.
    #[must_use]
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Self { allow: Some(allow.into()), ..Self::new(Code::MethodNotAllowed) }
    }

    /// A precondition does not hold; `current` is what is there.
    #[must_use]
    pub fn precondition_failed(current: Option<ContentHash>) -> Self {
        Self { etag: current.map(Box::new), ..Self::new(Code::PreconditionFailed) }
    }

    /// Another server, reached at `url`, has the session.
    #[must_use]
    pub fn elsewhere(url: String) -> Self {
        let detail = format!("This session runs on {url}.");
        Self { server_url: Some(url.into()), ..Self::because(Code::SessionElsewhere, detail) }
    }

    /// Where to go instead, with [`Code::SessionElsewhere`].
    #[must_use]
    pub fn server_url(&self) -> Option<&str> {
        self.server_url.as_deref()
    }

    /// What went wrong.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    fn detail(&self) -> String {
        match self.code {
            Code::NotFound => NOT_FOUND_DETAIL.to_owned(),
            Code::Internal => "It has been logged under the request's id.".to_owned(),
            code => self.detail.as_deref().map_or_else(|| format!("{}.", code.title()), str::to_owned),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(cause) = &self.cause {
            tracing::error!(error.code = self.code.as_str(), error.cause = %chain(cause.as_ref()), "request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if let Some(pause) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds_up(pause)));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            response.insert_header((header::ALLOW, allow));
        }
        if let Some(hash) = &self.etag {
            response.insert_header((header::ETAG, format!("\"{hash}\"")));
        }
        let body = Problem {
            kind: "about:blank",
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code,
            detail: self.detail(),
            server_url: self.server_url().map(str::to_owned),
            offset: self.offset,
            review: self.review.as_deref().cloned().unwrap_or_default(),
        };
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

/// Whole seconds, rounded up: a client that waits so long is not turned away again.
fn seconds_up(pause: Duration) -> u64 {
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

/// An error and what caused it, on one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(error.cause = %chain(&error), "database unavailable");
            Self::because(Code::Unavailable, "The database does not answer; try again.")
        } else {
            Self::internal(error)
        }
    }
}

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        Self::because(Code::InvalidPath, error)
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let code = match error {
            AccountError::Username => Code::InvalidUsername,
            AccountError::Email => Code::InvalidEmail,
            AccountError::DisplayName => Code::InvalidDisplayName,
            AccountError::PasswordTooShort => Code::PasswordTooShort,
            AccountError::PasswordTooLong => Code::PasswordTooLong,
            AccountError::PasswordNul => Code::InvalidPassword,
        };
        Self::because(code, error)
    }
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Field(error) => error.into(),
            AccountsError::UsernameTaken => Self::new(Code::UsernameTaken),
            AccountsError::EmailTaken => Self::new(Code::EmailTaken),
            AccountsError::WrongCredentials => Self::new(Code::WrongCredentials),
            AccountsError::RegistrationClosed => Self::new(Code::RegistrationClosed),
            AccountsError::TooMany { retry_after } => Self::new(Code::TooManyRequests).retry_after(retry_after),
            AccountsError::Db(error) => error.into(),
            AccountsError::Hashing(_) => Self::internal(error),
        }
    }
}

impl From<ReviewError> for ApiError {
    fn from(error: ReviewError) -> Self {
        let (code, facts) = match &error {
            ReviewError::Illegal { state, possible } => {
                let facts =
                    ReviewFacts { state: Some(*state), possible: Some(possible.clone()), ..ReviewFacts::default() };
                (Code::ReviewState, Some(facts))
            }
            ReviewError::Held { by } => {
                (Code::ReviewHeld, Some(ReviewFacts { held_by: Some(by.0), ..ReviewFacts::default() }))
            }
            ReviewError::StaleRound { newest } => {
                (Code::StaleRound, Some(ReviewFacts { newest_round: Some(*newest), ..ReviewFacts::default() }))
            }
            ReviewError::NotAuthor => (Code::NotAuthor, None),
            ReviewError::SelfReview => (Code::SelfReview, None),
            ReviewError::NotReviewer => (Code::NotReviewer, None),
            ReviewError::Paused { .. } | ReviewError::Full { .. } => (Code::ReviewerBusy, None),
            ReviewError::LevelTooLow => (Code::LevelTooLow, None),
            ReviewError::NotWanted => (Code::NotWanted, None),
            ReviewError::NotYours => (Code::NotYours, None),
            ReviewError::ThreadState { .. } => (Code::ThreadState, None),
            ReviewError::NoSession => (Code::NoSession, None),
            ReviewError::IssuesOpen { .. } => (Code::IssuesOpen, None),
            ReviewError::ChecksNotPassed { .. } => (Code::ChecksNotPassed, None),
        };
        Self { review: facts.map(Box::new), ..Self::because(code, error) }
    }
}

impl From<NewReviewError> for ApiError {
    fn from(error: NewReviewError) -> Self {
        match error {
            NewReviewError::NoSession => Self::not_found(),
            NewReviewError::Open => Self::because(Code::ReviewOpen, error),
            NewReviewError::NoUser => Self::because(Code::InvalidReview, error),
            NewReviewError::Db(error) => error.into(),
        }
    }
}

impl From<CommentError> for ApiError {
    fn from(error: CommentError) -> Self {
        match error {
            CommentError::Rule(rule) => rule.into(),
            CommentError::NotFound => Self::not_found(),
            CommentError::Limit => Self::because(Code::CommentLimit, error),
            CommentError::Outdated(ref comments) => {
                let comments = comments.iter().map(|comment| comment.0).collect();
                let facts = ReviewFacts { comments: Some(comments), ..ReviewFacts::default() };
                Self { review: Some(Box::new(facts)), ..Self::because(Code::SuggestionOutdated, error) }
            }
            CommentError::Session(error) => error.into(),
        }
    }
}

impl From<LevelError> for ApiError {
    fn from(error: LevelError) -> Self {
        match error {
            LevelError::Closed => Self::because(Code::ReviewerLevelsClosed, error),
            LevelError::Asked => Self::because(Code::LevelRequested, error),
            LevelError::Session(error) => error.into(),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        let code = match &error {
            SessionError::Elsewhere { url } => return Self::elsewhere(url.clone()),
            SessionError::NotFound | SessionError::NoTerminal | SessionError::NoItem => Code::NotFound,
            SessionError::NoProgram => Code::InvalidCommand,
            SessionError::NotReady { .. } => Code::NotReady,
            SessionError::StartFailed(_) => Code::StartFailed,
            SessionError::PreconditionFailed { current } => return Self::precondition_failed(*current),
            SessionError::Exists => Code::AlreadyExists,
            SessionError::HoldsUnkept(_) => Code::HoldsUnkept,
            SessionError::NotSaved(_) | SessionError::Uncollected(_) => Code::NotSaved,
            SessionError::IsFolder => Code::IsFolder,
            SessionError::NotFolder => Code::NotFolder,
            SessionError::FileTooLarge { .. } => Code::BodyTooLarge,
            SessionError::TooManyItems | SessionError::TooManyBytes => Code::QuotaExceeded,
            SessionError::NoSpace => Code::NoSpace,
            SessionError::Refused | SessionError::BadPath { .. } | SessionError::IntoItself => Code::InvalidPath,
            SessionError::SessionLimit => Code::SessionLimit,
            SessionError::RunLimit => Code::RunLimit,
            SessionError::TerminalLimit => Code::TerminalLimit,
            SessionError::SnapshotLimit => Code::SnapshotLimit,
            SessionError::TemplateLimit => Code::TemplateLimit,
            SessionError::ViewerLimit => Code::TooManyRequests,
            SessionError::Quarantined => {
                return Self::because(Code::Quarantined, error).retry_after(QUARANTINE);
            }
            SessionError::Busy | SessionError::Moved => Code::Busy,
            SessionError::Unavailable(_) => Code::Unavailable,
            // Logged where it happened.
            SessionError::Internal => Code::Internal,
        };
        Self::because(code, error)
    }
}

impl From<StagingError> for ApiError {
    fn from(error: StagingError) -> Self {
        let code = match &error {
            StagingError::NotFound => return Self::not_found(),
            StagingError::Disk(_) => return Self::internal(error),
            StagingError::WrongOffset(offset) => {
                return Self { offset: Some(*offset), ..Self::because(Code::WrongOffset, error) };
            }
            StagingError::TooManyUploads(_) | StagingError::TooManyBytes => Code::UploadLimit,
            StagingError::Full | StagingError::Busy => Code::Busy,
            StagingError::TooLong => Code::BodyTooLarge,
        };
        Self::because(code, error)
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
