//! `sessions/{id}/{tree,files,folders,move}`.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use crate::actors::api::{EditFiles, GivenUp, Intent, SaveFile};
use crate::db;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Discard, Json, Page, query};
use crate::http::past_trees;
use crate::http::paths::{UrlPath, workspace_path};
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::{HttpState, State};
use crate::http::transfer::{Download, Upload, announced};
use crate::http::wire::{CreateFolder, Item, Move, Tree};
use crate::model::{self, ContentHash, ItemKind, Precondition, SessionId, UserId, WorkspacePath};

/// Items in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 1000;
const MAX_LIMIT: u32 = 5000;

/// Bytes that are looked through on a thread that serves others, which takes it some tens of µs.
const LOOKED_AT_ON_THE_SPOT: usize = 256 * 1024;

/// Answers may be kept, but must be asked about before each use, and by nobody but their owner.
const ASK_FIRST: &str = "private, no-cache";

/// Keeps compression away: contents are sent as they are.
pub(super) const AS_IT_IS: (HeaderName, &str) = (header::CONTENT_ENCODING, "identity");

/// The files, folders and links of a session, by path.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/tree", tag = "files",
    params(("id" = uuid::Uuid, Path),
           ("at" = Option<String>, Query, description = "As it was at this time (RFC 3339)."),
           ("limit" = Option<u32>, Query, description = "At most 5000; 1000 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Tree)))]
pub async fn tree(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?;
    let page: Page = query(&request)?;
    let At { at } = query(&request)?;
    Ok(HttpResponse::Ok().json(page_of_items(&state, session.id, at, page).await?))
}

/// A file's content.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/files/{path}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes."),
           ("If-None-Match" = Option<String>, Header, description = "An entity tag: 304 if it is still that.")),
    responses((status = 200, description = "Its bytes.", body = Vec<u8>, content_type = "application/octet-stream",
               headers(("ETag" = String, description = "The hash of the content."))),
              (status = 304, description = "It has not changed.")))]
pub async fn get_file(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?;
    let (hash, size) = find_file(&state, session.id, &path.0).await?;
    if is_known(request.headers(), hash) {
        return Ok(HttpResponse::NotModified().insert_header(etag(hash)).finish());
    }
    let content = read_file(&state, who.user.id, hash, size).await?;
    content_answer(hash, &path.0, content).await
}

/// Saves a file. Answered when it is committed and, in a live session, in place in the sandbox.
#[utoipa::path(put, path = "/api/v1/sessions/{id}/files/{path}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes; missing folders are made."),
           ("executable" = Option<bool>, Query, description = "Whether it may be run; left as it is when absent."),
           ("If-Match" = Option<String>, Header, description = "The entity tag it must have now."),
           ("If-None-Match" = Option<String>, Header, description = "`*`: there must be no such file yet.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "Replaced.", body = Item), (status = 201, description = "New.", body = Item)))]
pub async fn put_file(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?.id;
    let precondition = precondition(request.headers())?;
    let Executable { executable } = query(&request)?;
    let upload = Upload::read(&state.budget, who.user.id, body, announced(request.headers())).await?;
    let (content, share) = upload.into_parts();
    let save = SaveFile { path: path.0, content, precondition, executable, user: who.user.id };
    let sessions = state.sessions.clone();
    let saved = state
        .finish(async move {
            let saved = sessions.save(session, save).await;
            drop(share);
            saved
        })
        .await?;
    let created = saved.created;
    Ok(saved_answer(&Item::from(saved), created))
}

/// Deletes a file, a link, or a folder with all it holds; in a live session also what is only in its sandbox. It can be had back with `restore`,
/// but for what was in the sandbox alone.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}/files/{path}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes."),
           ("discard" = Option<bool>, Query, description = "Gives up what a folder holds in the sandbox alone and is not ignored; without it that is refused with 409 `holds_unkept`, and nothing is deleted.")),
    responses((status = 204, description = "It is gone.")))]
pub async fn delete_item(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
) -> Result<HttpResponse, ApiError> {
    let Discard { discard } = query(&request)?;
    let session = authorize_session(&state.db, &who.user, &id.0).await?.id;
    let edit = EditFiles {
        intent: Intent::Remove { paths: vec![path.0], given_up: GivenUp::all_if(discard) },
        user: who.user.id,
    };
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.edit(session, edit).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a folder and its parents.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/folders", tag = "files", request_body = CreateFolder,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The folder.", body = Item)))]
pub async fn create_folder(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<CreateFolder>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let path = workspace_path(body.0.path)?;
    let (sessions, user) = (state.sessions.clone(), who.user.id);
    let item = state.finish(async move { sessions.make_folder(session, path, user).await }).await?;
    Ok(HttpResponse::Created().json(Item::from(item)))
}

/// Renames or moves a file, link or folder. Replaces nothing.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/move", tag = "files", request_body = Move,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It, in its new place.", body = Item)))]
pub async fn move_item(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<Move>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let (from, to) = (workspace_path(body.0.from)?, workspace_path(body.0.to)?);
    let (sessions, user) = (state.sessions.clone(), who.user.id);
    let item = state.finish(async move { sessions.move_item(session, from, to, user).await }).await?;
    Ok(HttpResponse::Ok().json(Item::from(item)))
}

async fn page_of_items(
    state: &HttpState,
    session: SessionId,
    at: Option<OffsetDateTime>,
    page: Page,
) -> Result<Tree, ApiError> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let cursor = page.cursor.map(WorkspacePath::new).transpose();
    let cursor = cursor.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?;
    let connection = state.db.interactive().await?;
    let (items, next) = match at {
        None => db::items::list(&connection, session, limit, cursor.as_ref()).await?,
        Some(at) => {
            drop(connection);
            past_page(state, session, at, limit, cursor.as_ref()).await?
        }
    };
    Ok(Tree { items: items.into_iter().map(Into::into).collect(), next: next.map(Into::into) })
}

/// A page of a workspace as it was; the first of them is of what the history says now.
async fn past_page(
    state: &HttpState,
    session: SessionId,
    at: OffsetDateTime,
    limit: u32,
    cursor: Option<&WorkspacePath>,
) -> Result<(Vec<model::Item>, Option<WorkspacePath>), ApiError> {
    if let Some(items) = cursor.and_then(|_| state.past_trees.get(session, at)) {
        return Ok(past_trees::page(&items, limit, cursor));
    }
    let connection = state.db.bulk().await?;
    let items = Arc::new(db::past::tree(&connection, session, None, at).await?);
    drop(connection);
    let (page, next) = past_trees::page(&items, limit, cursor);
    if next.is_some() {
        state.past_trees.keep(session, at, &items);
    }
    Ok((page, next))
}

async fn find_file(
    state: &HttpState,
    session: SessionId,
    path: &WorkspacePath,
) -> Result<(ContentHash, u64), ApiError> {
    let connection = state.db.interactive().await?;
    match db::items::get(&connection, session, path).await? {
        Some(model::Item { kind: ItemKind::File { hash, size, .. }, .. }) => Ok((hash, size)),
        Some(model::Item { kind: ItemKind::Folder, .. }) => Err(ApiError::new(Code::IsFolder)),
        Some(model::Item { kind: ItemKind::Symlink { target }, .. }) => {
            Err(ApiError::because(Code::IsSymlink, format_args!("This is a symbolic link to {target:?}.")))
        }
        None => Err(ApiError::not_found()),
    }
}

pub(super) async fn read_file(
    state: &HttpState,
    user: UserId,
    hash: ContentHash,
    size: u64,
) -> Result<Download, ApiError> {
    let share = state.budget.share_for_saved(user, size)?;
    let connection = state.db.for_bytes(size).await?;
    let content = db::blobs::get(&connection, hash).await?;
    let content = content.ok_or_else(|| ApiError::internal(format!("blob {hash} is missing")))?;
    Ok(Download::new(content, share))
}

pub(super) async fn content_answer(
    hash: ContentHash,
    path: &WorkspacePath,
    content: Download,
) -> Result<HttpResponse, ApiError> {
    let bytes = content.content();
    let text = if bytes.len() <= LOOKED_AT_ON_THE_SPOT {
        is_text(&bytes)
    } else {
        spawn_blocking(move || is_text(&bytes)).await.map_err(ApiError::internal)?
    };
    Ok(HttpResponse::Ok()
        .insert_header(etag(hash))
        .insert_header(AS_IT_IS)
        .insert_header((header::CACHE_CONTROL, ASK_FIRST))
        .insert_header((header::CONTENT_DISPOSITION, disposition(path.name())))
        .content_type(if text { "text/plain; charset=utf-8" } else { "application/octet-stream" })
        .body(content))
}

/// What a save is answered.
pub(super) fn saved_answer(item: &Item, created: bool) -> HttpResponse {
    let mut answer = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    if let Some(etag) = &item.etag {
        answer.insert_header((header::ETAG, etag.as_str()));
    }
    answer.json(item)
}

pub(super) fn etag(hash: ContentHash) -> (HeaderName, String) {
    (header::ETAG, format!("\"{hash}\""))
}

/// Whether all of it can be shown as text.
fn is_text(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| !text.contains('\0'))
}

/// A download, never a page; the name in the form that takes any character (RFC 8187).
pub(super) fn disposition(name: &str) -> String {
    let mut text = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A parameter of a tree.
#[derive(Deserialize)]
struct At {
    #[serde(default, with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
}

/// Parameters of a save.
#[derive(Deserialize)]
struct Executable {
    executable: Option<bool>,
}

/// Whether the client has this content already.
pub(super) fn is_known(headers: &HeaderMap, hash: ContentHash) -> bool {
    let current = format!("\"{hash}\"");
    let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == current)
}

/// What the client requires of the file it replaces.
fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    let refuse = |why| Err(ApiError::because(Code::InvalidPrecondition, why));
    let only = |name| match headers.get_all(name).collect::<Vec<_>>()[..] {
        [] => Ok(None),
        [value] => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    };
    match (only(header::IF_MATCH), only(header::IF_NONE_MATCH)) {
        (Ok(None), Ok(None)) => Ok(Precondition::None),
        (Ok(None), Ok(Some("*"))) => Ok(Precondition::Absent),
        (Ok(Some(tag)), Ok(None)) => match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')?.parse().ok()) {
            Some(hash) => Ok(Precondition::Content(hash)),
            None => refuse("If-Match takes one entity tag as we gave it."),
        },
        (Ok(Some(_)), Ok(Some(_))) => refuse("If-Match and If-None-Match exclude each other."),
        _ => refuse("If-Match takes one entity tag, If-None-Match takes *."),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.clone(), HeaderValue::from_str(value).expect("legal"));
        }
        map
    }

    #[test]
    fn preconditions_are_those_we_can_check_or_refused() {
        let hash = ContentHash::of(b"x");
        let tag = format!("\"{hash}\"");
        for (pairs, expected) in [
            (vec![], Some(Precondition::None)),
            (vec![(header::IF_MATCH, tag.as_str())], Some(Precondition::Content(hash))),
            (vec![(header::IF_NONE_MATCH, "*")], Some(Precondition::Absent)),
            (vec![(header::IF_MATCH, "*")], None),
            (vec![(header::IF_MATCH, "\"xyz\"")], None),
            (vec![(header::IF_MATCH, &hash.to_string())], None),
            (vec![(header::IF_MATCH, "")], None),
            (vec![(header::IF_NONE_MATCH, tag.as_str())], None),
            (vec![(header::IF_MATCH, tag.as_str()), (header::IF_MATCH, tag.as_str())], None),
            (vec![(header::IF_MATCH, tag.as_str()), (header::IF_NONE_MATCH, "*")], None),
        ] {
            assert_eq!(precondition(&headers(&pairs)).ok(), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_known_content_is_recognised() {
        let hash = ContentHash::of(b"x");
        for (value, known) in [
            (format!("\"{hash}\""), true),
            (format!("W/\"{hash}\""), true),
            (format!("\"a\", \"{hash}\""), true),
            ("*".to_owned(), true),
            (hash.to_string(), false),
            ("\"a\"".to_owned(), false),
        ] {
            assert_eq!(is_known(&headers(&[(header::IF_NONE_MATCH, &value)]), hash), known, "{value}");
        }
    }

    #[test]
    fn a_downloads_name_cannot_leave_its_header() {
        assert_eq!(disposition("a b\"\r\n;é.py"), "attachment; filename*=UTF-8''a%20b%22%0D%0A%3B%C3%A9.py");
    }
}
