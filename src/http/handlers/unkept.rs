//! `sessions/{id}/unkept`: what is in a sandbox and nowhere else.

use actix_web::{HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use crate::http::wire::UnkeptItems;

/// What is in a live sandbox and is not kept, and why; nothing while the session has no sandbox. The session's socket says `unkept` when the
/// list has changed.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/unkept", tag = "files",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "By name, at most a thousand.", body = UnkeptItems)))]
pub async fn list_unkept(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let (list, limits) = state.sessions.unkept(session).await?;
    Ok(HttpResponse::Ok().json(UnkeptItems::of(&list, &limits)))
}
