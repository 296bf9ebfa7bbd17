//! `sessions/{id}/{versions,restore,copy,delete}`: a workspace's history, and what changes many of its files at once.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::files::{content_answer, etag, is_known, read_file};
use crate::actors::api::{EditFiles, Edited, GivenUp, Intent};
use crate::db;
use crate::db::versions::Query;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Discard, Json, query, with_paths};
use crate::http::paths::{MAX_PATHS, UrlTail, workspace_path};
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::{HttpState, State};
use crate::http::wire::{Changed, Copy, Delete, Item, Restore, VersionList};
use crate::model::{ItemKind, SessionId, UserId, WorkspacePath};

/// Versions in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// Which versions.
#[derive(Deserialize)]
struct Wanted {
    limit: Option<u32>,
    cursor: Option<String>,
    under: Option<bool>,
    change: Option<Only>,
    version: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    Removed,
}

/// The versions of a path, newest first; or the content of one of them.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/versions/{path}", tag = "history",
    params(("id" = uuid::Uuid, Path),
           ("path" = String, Path, description = "May contain slashes. Empty: the whole workspace."),
           ("under" = Option<bool>, Query, description = "Also of all below it; always so for the whole workspace."),
           ("change" = Option<String>, Query, description = "`removed`: only what is gone still."),
           ("limit" = Option<u32>, Query, description = "At most 1000; 100 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before."),
           ("version" = Option<i64>, Query, description = "Answers the bytes of this version of the file instead.")),
    responses((status = 200, description = "A page of them; a content as GET `files` gives it, for a `version`.", body = VersionList)))]
pub async fn list_versions(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlTail,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?.id;
    let wanted: Wanted = query(&request)?;
    match (wanted.version, path.0) {
        (Some(version), Some(path)) => content(&request, &state, (who.user.id, session), &path, version).await,
        (Some(_), None) => Err(ApiError::new(Code::IsFolder)),
        (None, path) => Ok(HttpResponse::Ok().json(page(&state, session, path, &wanted).await?)),
    }
}

async fn page(
    state: &HttpState,
    session: SessionId,
    path: Option<WorkspacePath>,
    wanted: &Wanted,
) -> Result<VersionList, ApiError> {
    let before = wanted.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?;
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let below = path.is_none() || wanted.under.unwrap_or(false);
    // One more than asked for tells whether there is a next page.
    let query = Query { path: path.as_ref(), below, removed: wanted.change.is_some(), before, limit: limit + 1 };
    let mut versions = db::versions::list(&state.db.interactive().await?, session, query).await?;
    let more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let next = versions.last().filter(|_| more).map(|version| version.id.to_string());
    Ok(VersionList { items: versions.into_iter().map(Into::into).collect(), next })
}

async fn content(
    request: &HttpRequest,
    state: &HttpState,
    (user, session): (UserId, SessionId),
    path: &WorkspacePath,
    version: i64,
) -> Result<HttpResponse, ApiError> {
    let connection = state.db.interactive().await?;
    let version = db::versions::get(&connection, session, path, version).await?.ok_or_else(ApiError::not_found)?;
    drop(connection);
    let (hash, size) = match version.kind {
        ItemKind::File { hash, size, .. } => (hash, size),
        ItemKind::Folder => return Err(ApiError::new(Code::IsFolder)),
        ItemKind::Symlink { .. } => return Err(ApiError::new(Code::IsSymlink)),
    };
    if is_known(request.headers(), hash) {
        return Ok(HttpResponse::NotModified().insert_header(etag(hash)).finish());
    }
    content_answer(hash, path, read_file(state, user, hash, size).await?).await
}

/// Has a file, a folder or the whole workspace as it was. What is there now stays in the history.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/restore", tag = "history", request_body = Restore,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What that has changed.", body = Changed)))]
pub async fn restore(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<Restore>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let path = body.0.path.map(workspace_path).transpose()?;
    let intent = match (path, body.0.version, body.0.at) {
        (path, None, Some(at)) => Intent::AsOf { path, at },
        (Some(path), Some(version), None) => Intent::Version { path, version },
        (Some(path), None, None) => Intent::Undelete { path },
        (_, Some(_), Some(_)) => return Err(refused("`version` and `at` exclude each other.")),
        (None, _, None) => return Err(refused("`path` may be absent only beside `at`.")),
    };
    let edited = edit(&state, session, EditFiles { intent, user: who.user.id }).await?;
    Ok(HttpResponse::Ok().json(Changed::from(edited)))
}

/// Copies a file, link or folder with all it holds. Replaces nothing.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/copy", tag = "files", request_body = Copy,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The copy.", body = Item)))]
pub async fn copy_item(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<Copy>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let intent = Intent::Copy { from: workspace_path(body.0.from)?, to: workspace_path(body.0.to)? };
    let edited = edit(&state, session, EditFiles { intent, user: who.user.id }).await?;
    let copy = edited.items.into_iter().next().flatten();
    let copy = copy.ok_or_else(|| ApiError::internal("a copy is not there"))?;
    Ok(HttpResponse::Created().json(Item::from(copy)))
}

/// Deletes several files, links and folders with all they hold, all or none; in a live session also what is only in its sandbox. Each can be had
/// back with `restore`, but for what was in the sandbox alone.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/delete", tag = "files", request_body = Delete,
    params(("id" = uuid::Uuid, Path),
           ("discard" = Option<bool>, Query, description = "Gives up what folders hold in the sandbox alone and is not ignored; without it that is refused with 409 `holds_unkept`, and nothing is deleted.")),
    responses((status = 200, description = "What that has changed.", body = Changed)))]
pub async fn delete_items(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let Discard { discard } = query(&request)?;
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let (Delete { paths, give_up }, _slot) = with_paths(&request, &state.lists, who.user.id, body).await?;
    if paths.len() > MAX_PATHS || give_up.len() > MAX_PATHS {
        return Err(refused("At most 1000 paths are deleted, or given up, at once."));
    }
    let paths = paths.into_iter().map(workspace_path).collect::<Result<Vec<_>, _>>()?;
    let given_up = if discard { GivenUp::All } else { GivenUp::Named(give_up.into_iter().collect()) };
    let intent = Intent::Remove { paths: topmost(paths), given_up };
    let edited = edit(&state, session, EditFiles { intent, user: who.user.id }).await?;
    Ok(HttpResponse::Ok().json(Changed::from(edited)))
}

/// Without what lies in others of them, in order.
fn topmost(paths: Vec<WorkspacePath>) -> Vec<WorkspacePath> {
    let named: BTreeSet<_> = paths.into_iter().collect();
    let is_covered = |path: &WorkspacePath| {
        std::iter::successors(path.parent(), WorkspacePath::parent).any(|above| named.contains(&above))
    };
    named.iter().filter(|path| !is_covered(path)).cloned().collect()
}

async fn edit(state: &HttpState, session: SessionId, edit: EditFiles) -> Result<Edited, ApiError> {
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.edit(session, edit).await }).await
}

fn refused(why: &str) -> ApiError {
    ApiError::because(Code::InvalidJson, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_what_is_deleted_is_not_named_again() {
        let paths = ["a/b/c", "a-b", "a", "a/b", "a"].map(|text| WorkspacePath::new(text).expect(text));
        let top: Vec<_> = topmost(paths.to_vec()).into_iter().map(String::from).collect();
        assert_eq!(top, ["a", "a-b"]);
    }
}
