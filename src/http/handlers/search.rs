//! `sessions/{id}/{search,replace}`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::http::error::{ApiError, Code};
use crate::http::json::{query, with_paths};
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use crate::http::wire::{Pattern, Replacement, Replacements, SearchResult};
use crate::http::{replace, search};

/// Longest text put in the place of a match, in bytes.
const MAX_REPLACEMENT_BYTES: usize = 4096;

/// How many matches.
#[derive(Deserialize)]
struct Limit {
    limit: Option<u32>,
}

/// Looks through the files of a session: in its sandbox while it has one.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/search", tag = "files",
    params(("id" = uuid::Uuid, Path),
           ("q" = String, Query, description = "A text or a regular expression, for one line."),
           ("regex" = Option<bool>, Query, description = "Whether it is a regular expression."),
           ("case" = Option<bool>, Query, description = "Whether case matters."),
           ("word" = Option<bool>, Query, description = "Whole words only."),
           ("include" = Option<String>, Query, description = "Globs with commas between them: only these files."),
           ("exclude" = Option<String>, Query, description = "Globs with commas between them: not these files and folders."),
           ("limit" = Option<u32>, Query, description = "At most 2000; 500 when absent.")),
    responses((status = 200, description = "What was found within 5 s.", body = SearchResult)))]
pub async fn search_files(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let Limit { limit } = query(&request)?;
    let (query, search) = search::query(query::<Pattern>(&request)?, limit)?;
    let found = search::find(&state, who.user.id, session, query, search).await?;
    Ok(HttpResponse::Ok().json(SearchResult::from(found)))
}

/// Replaces what is found in files, or shows what would be replaced. A file that changes meanwhile is left as it is, and named.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/replace", tag = "files", request_body = Replacement,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What was, or would be, replaced.", body = Replacements)))]
pub async fn replace_in_files(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let (mut wanted, slot) = with_paths::<Replacement>(&request, &state.lists, who.user.id, body).await?;
    if wanted.replacement.len() > MAX_REPLACEMENT_BYTES {
        return Err(ApiError::because(Code::InvalidQuery, "The replacement is longer than 4096 bytes."));
    }
    let (_, search) = search::query(std::mem::take(&mut wanted.pattern), None)?;
    let user = who.user.id;
    let replaced = if wanted.preview {
        replace::replace(&state, user, session, search, wanted).await?
    } else {
        let working = state.clone();
        state.finish(async move { replace::replace(&working, user, session, search, wanted).await }).await?
    };
    drop(slot);
    Ok(HttpResponse::Ok().json(replaced))
}
