//! `sessions/{id}/undelete`: having a deleted session back.

use actix_web::{HttpResponse, web};

use super::sessions::told;
use crate::http::error::ApiError;
use crate::http::signed_in::{SignedIn, authorize_deleted_session};
use crate::http::state::State;
use crate::http::wire::Session;

/// Takes a deletion back. The session is cold then, with the files it had.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/undelete", tag = "sessions",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The session.", body = Session)))]
pub async fn undelete_session(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = authorize_deleted_session(&state.db, &who.user, &id).await?.id;
    let sessions = state.sessions.clone();
    let session = state.finish(async move { sessions.undelete(id).await }).await?;
    Ok(HttpResponse::Ok().json(told(&state, &who.user, session)?))
}
