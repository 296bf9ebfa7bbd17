//! `sessions` and `sessions/{id}`, and its socket.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::actors::api::Subscription;
use crate::actors::sessions::Source;
use crate::db;
use crate::http::elsewhere;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Discard, Json, Page, query};
use crate::http::session_socket::{self, SessionSocket};
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::socket;
use crate::http::state::{HttpState, State};
use crate::http::wire::{CreateSession, RenameSession, Session, SessionList, Terms};
use crate::model::{self, SessionId, SnapshotId, TemplateId, session};

/// Sessions in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// The reason a session's user reads afterwards.
const STOPPED_BY_USER: &str = "stopped by you";

/// Your sessions, newest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions",
    params(("limit" = Option<u32>, Query, description = "At most 500; 100 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before."),
           ("deleted" = Option<bool>, Query, description = "Instead those that were deleted and can be had back.")),
    responses((status = 200, description = "A page of them.", body = SessionList)))]
pub async fn list_sessions(request: HttpRequest, state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    let page: Page = query(&request)?;
    let only: Only = query(&request)?;
    Ok(HttpResponse::Ok().json(page_of_sessions(&state, &who.user, page, only).await?))
}

/// Makes a session. Nothing is started yet.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", request_body = CreateSession,
    responses((status = 201, description = "The new session.", body = Session)))]
pub async fn create_session(state: State, who: SignedIn, body: Json<CreateSession>) -> Result<HttpResponse, ApiError> {
    let name = checked(&body.0.name)?;
    let source = source(&state, &who.user, &body.0).await?;
    let (sessions, owner) = (state.sessions.clone(), who.user.id);
    let created = state.finish(async move { sessions.create(owner, &name, source).await }).await?;
    Ok(HttpResponse::Created().json(told(&state, &who.user, created)?))
}

/// One of your sessions.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The session.", body = Session)))]
pub async fn get_session(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?;
    Ok(HttpResponse::Ok().json(told(&state, &who.user, session)?))
}

/// Gives a session another name.
#[utoipa::path(patch, path = "/api/v1/sessions/{id}", tag = "sessions", request_body = RenameSession,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The session.", body = Session)))]
pub async fn rename_session(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<RenameSession>,
) -> Result<HttpResponse, ApiError> {
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let name = checked(&body.0.name)?;
    let sessions = state.sessions.clone();
    let renamed = state.finish(async move { sessions.rename(id, name).await }).await?;
    Ok(HttpResponse::Ok().json(told(&state, &who.user, renamed)?))
}

/// Deletes a session and ends what runs in it. Its files can be had back until its `purge_at`.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = uuid::Uuid, Path),
           ("discard" = Option<bool>, Query, description = "Gives up what cannot be saved, or not now; without it that is refused with 409 `not_saved`, and the session stays.")),
    responses((status = 204, description = "It is deleted.")))]
pub async fn delete_session(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let Discard { discard } = query(&request)?;
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.delete(id, discard).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Starts a session, unless it is starting or ready. Its socket tells how it goes.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/start", tag = "sessions",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 202, description = "It is starting or ready.", body = Session)))]
pub async fn start_session(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    let session = state.finish(async move { sessions.start(id).await }).await?;
    Ok(HttpResponse::Accepted().json(told(&state, &who.user, session)?))
}

/// Stops a session; its files are kept.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/stop", tag = "sessions",
    params(("id" = uuid::Uuid, Path),
           ("discard" = Option<bool>, Query, description = "Gives up what cannot be saved; without it that is refused with 409 `not_saved`, or the session stays as it is.")),
    responses((status = 202, description = "It is stopping or has stopped.", body = Session)))]
pub async fn stop_session(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let Discard { discard } = query(&request)?;
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    let session = state.finish(async move { sessions.stop(id, STOPPED_BY_USER, discard).await }).await?;
    Ok(HttpResponse::Accepted().json(told(&state, &who.user, session)?))
}

/// Stops a session and starts it again in a new sandbox; its files are kept.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/restart", tag = "sessions",
    params(("id" = uuid::Uuid, Path),
           ("discard" = Option<bool>, Query, description = "Gives up what cannot be saved; without it that is refused with 409 `not_saved`, or the session stays as it is.")),
    responses((status = 202, description = "It is on its way.", body = Session)))]
pub async fn restart_session(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let Discard { discard } = query(&request)?;
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    let session = state.finish(async move { sessions.restart(id, discard).await }).await?;
    Ok(HttpResponse::Accepted().json(told(&state, &who.user, session)?))
}

/// Keeps a session that is used, and puts off an announced end: for another `idle_seconds`, or for one hour where its maximum life is over.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/extend", tag = "sessions",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The session as it is now.", body = Session)))]
pub async fn extend_session(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    let session = state.finish(async move { sessions.extend(id).await }).await?;
    Ok(HttpResponse::Ok().json(told(&state, &who.user, session)?))
}

/// What happens to a session, as it happens: WebSocket `carrel.session.v1`.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/socket", tag = "sockets",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 101, description = "JSON text frames.")))]
pub async fn session_socket(
    request: HttpRequest,
    payload: web::Payload,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = authorize_session(&state.db, &who.user, &id).await?.id;
    let admission = socket::admit(&request, &state, &who, session_socket::PROTOCOL).await?;
    let subscription = match state.sessions.subscribe(id).await {
        Ok(subscription) => refreshed(&state, &who.user, subscription).await?,
        Err(error) => return elsewhere::instead(error, &request, payload, session_socket::PROTOCOL),
    };
    let actor = SessionSocket::new(id, admission, subscription, terms_of(&state, &who.user));
    socket::start(actor, &request, payload, session_socket::PROTOCOL, session_socket::MAX_FRAME_BYTES)
}

/// Which sessions are listed.
#[derive(Deserialize)]
struct Only {
    #[serde(default)]
    deleted: bool,
}

/// What a new session begins with, if its user may see that.
async fn source(state: &HttpState, user: &model::User, wish: &CreateSession) -> Result<Source, ApiError> {
    match (wish.template, wish.session, wish.snapshot) {
        (None, None, None) => Ok(Source::Empty),
        (Some(template), None, None) => Ok(Source::Template(TemplateId(template))),
        (None, Some(session), None) => {
            Ok(Source::Session(authorize_session(&state.db, user, &session.to_string()).await?.id))
        }
        (None, None, Some(snapshot)) => {
            let snapshot = SnapshotId(snapshot);
            let session = db::snapshots::session_of(&state.db.interactive().await?, snapshot).await?;
            let session = session.ok_or_else(ApiError::not_found)?;
            authorize_session(&state.db, user, &session.to_string()).await?;
            Ok(Source::Snapshot(snapshot))
        }
        _ => Err(ApiError::because(Code::InvalidJson, "`template`, `session` and `snapshot` exclude each other.")),
    }
}

async fn page_of_sessions(
    state: &HttpState,
    user: &model::User,
    page: Page,
    only: Only,
) -> Result<SessionList, ApiError> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let cursor = page.cursor.map(|cursor| cursor.parse::<SessionId>()).transpose();
    let cursor = cursor.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?;
    let connection = state.db.interactive().await?;
    let (sessions, next) = if only.deleted {
        db::deleted::of_owner(&connection, user.id, limit, cursor).await?
    } else {
        db::sessions::of_owner(&connection, user.id, limit, cursor).await?
    };
    let terms = terms_of(state, user);
    let items = sessions.into_iter().map(|session| Session::with_deleted(session, terms)).collect();
    Ok(SessionList { items, next: next.map(|id| id.to_string()) })
}

/// A session of `user` as the API tells it.
pub(super) fn told(state: &HttpState, user: &model::User, session: model::Session) -> Result<Session, ApiError> {
    Session::of(session, terms_of(state, user)).ok_or_else(ApiError::not_found)
}

/// What applies to the sessions of `user`.
fn terms_of(state: &HttpState, user: &model::User) -> Terms {
    let workspace = &state.config.workspace;
    let quotas = user.quotas.over(state.sessions.quotas());
    Terms { quotas, limits: workspace.limits(), undelete_days: workspace.undelete_days }
}

/// With what changes without the session's actor, which knows it as of its own start. Read after the subscription: what changes from then on
/// is told.
async fn refreshed(
    state: &HttpState,
    user: &model::User,
    subscription: Subscription,
) -> Result<Subscription, ApiError> {
    let now = authorize_session(&state.db, user, &subscription.session.id.to_string()).await?;
    let session = model::Session { template: now.template, usage: now.usage, ..subscription.session };
    Ok(Subscription { session, ..subscription })
}

pub(super) fn checked(name: &str) -> Result<String, ApiError> {
    session::session_name(name).map_err(|error| ApiError::because(Code::InvalidName, error))
}
