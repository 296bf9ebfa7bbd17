//! `sessions/{id}/archive.zip`.

use super::files::{AS_IT_IS, disposition};
use crate::http::archive::{self, Selection};
use crate::http::error::{ApiError, Code};
use crate::http::json::query;
use crate::http::paths::{MAX_PATHS, optional_path};
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

/// A workspace, or parts of it, as a zip archive, made while it is sent: as of the last commit, which is at most a second behind what
/// programs write. Who takes less than 128 KiB/s on the whole is given up.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/archive.zip", tag = "files",
    params(("id" = uuid::Uuid, Path),
           ("path" = Option<Vec<String>>, Query, description = "A file or folder, at most 1000 times; the whole workspace when absent.")),
    responses((status = 200, description = "The archive; one that cannot be made to its end breaks off.", body = Vec<u8>,
               content_type = "application/zip")))]
pub async fn get_archive(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?;
    let selection = selection(&request)?;
    let name = disposition(&format!("{}.zip", selection.name().unwrap_or(&session.name)));
    let body = archive::stream(&state, who.user.id, session.id, &selection).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(AS_IT_IS).insert_header((header::CONTENT_DISPOSITION, name)).content_type("application/zip");
    Ok(answer.streaming(body))
}

/// The parts a query names, each with a `path` of its own.
fn selection(request: &HttpRequest) -> Result<Selection, ApiError> {
    let pairs: Vec<(String, String)> = query(request)?;
    let named = pairs.into_iter().filter(|(key, _)| key == "path").map(|(_, path)| optional_path(Some(path)));
    let paths = named.collect::<Result<Option<Vec<_>>, _>>()?.unwrap_or_default();
    if paths.len() > MAX_PATHS {
        return Err(ApiError::because(
            Code::InvalidQuery,
            format_args!("At most {MAX_PATHS} paths are named at once."),
        ));
    }
    Ok(Selection::new(paths))
}
