//! `sessions/{id}/processes`: what runs in a sandbox.

use actix_web::{HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use crate::http::wire::ProcessList;

/// The programs that run in a session; none while it has no sandbox.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/processes", tag = "processes",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "All of them.", body = ProcessList)))]
pub async fn list_processes(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let items = state.sessions.processes(session).await?;
    Ok(HttpResponse::Ok().json(ProcessList { items, next: None }))
}

/// Stops a program: asks it to end, and ends it after two seconds.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}/processes/{pid}", tag = "processes",
    params(("id" = uuid::Uuid, Path), ("pid" = u32, Path)),
    responses((status = 204, description = "It was asked to end.")))]
pub async fn stop_process(
    state: State,
    who: SignedIn,
    ids: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &ids.0).await?.id;
    let pid: u32 = ids.1.parse().map_err(|_| ApiError::not_found())?;
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.stop_process(session, pid).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}
