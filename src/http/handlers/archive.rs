//! `sessions/{id}/archive.zip`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::files::{AS_IT_IS, disposition};
use crate::http::archive;
use crate::http::error::ApiError;
use crate::http::json::query;
use crate::http::paths::optional_path;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;

/// Which part of a workspace.
#[derive(Deserialize)]
struct Part {
    path: Option<String>,
}

/// A workspace, or a part of it, as a zip archive, made while it is sent: as of the last commit, which is at most a second behind what
/// programs write.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/archive.zip", tag = "files",
    params(("id" = uuid::Uuid, Path),
           ("path" = Option<String>, Query, description = "A file or folder; the whole workspace when absent.")),
    responses((status = 200, description = "The archive; one that cannot be made to its end breaks off.", body = Vec<u8>,
               content_type = "application/zip")))]
pub async fn get_archive(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?;
    let path = optional_path(query::<Part>(&request)?.path)?;
    let name = path.as_ref().map_or(session.name.as_str(), |path| path.name());
    let name = disposition(&format!("{name}.zip"));
    let body = archive::stream(&state, who.user.id, session.id, path.as_ref()).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(AS_IT_IS).insert_header((header::CONTENT_DISPOSITION, name)).content_type("application/zip");
    Ok(answer.streaming(body))
}
