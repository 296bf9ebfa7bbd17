//! `sessions/{id}/import`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::http::error::ApiError;
use crate::http::import::{self, Target};
use crate::http::json::query;
use crate::http::paths::optional_path;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use crate::http::transfer::announced;
use crate::http::wire::{ArchiveKind, Imported};

/// What is imported, and where to.
#[derive(Deserialize)]
struct Wanted {
    path: Option<String>,
    kind: ArchiveKind,
    #[serde(default)]
    replace: bool,
}

/// Makes files of an archive. One that is damaged, too large, or holds what leads out of the workspace is refused whole.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/import", tag = "files",
    params(("id" = uuid::Uuid, Path),
           ("path" = Option<String>, Query, description = "The folder it goes to; the workspace itself when absent."),
           ("kind" = ArchiveKind, Query, description = "`zip`, or `git` for a bundle as `git bundle create FILE --all` makes it."),
           ("replace" = Option<bool>, Query, description = "Whether files that are there are replaced; they are skipped when absent.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "What has become of it.", body = Imported)))]
pub async fn import_archive(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let Wanted { path, kind, replace } = query(&request)?;
    let target = Target { session, user: who.user.id, folder: optional_path(path)?, kind, replace };
    // Who cannot have a place is told so before anything is sent, but holds none while it is: a slow client would for hours.
    drop(state.imports.take(who.user.id)?);
    let import = import::receive(&state, who.user.id, body, announced(request.headers())).await?;
    let working = state.clone();
    let imported = state.finish(async move {
        let slot = working.imports.wait(target.user, import::WAIT).await?;
        let imported = import::carry_out(&working, target, import).await;
        drop(slot);
        imported
    });
    Ok(HttpResponse::Ok().json(imported.await?))
}
