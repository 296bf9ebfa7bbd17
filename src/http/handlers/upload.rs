//! `sessions/{id}/upload`: a file in chunks, which may be sent again where a connection has broken, the last one too.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::files::saved_answer;
use crate::actors::api::{EditFiles, Intent, SessionError};
use crate::db::items::{self, ItemChange};
use crate::db::{blobs, versions::Origin};
use crate::http::budget::Share;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, query};
use crate::http::paths::workspace_path;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::{HttpState, State};
use crate::http::transfer::{Upload as Body, announced};
use crate::http::wire::{BeginUpload, Item, Upload, UploadAnswer, UploadOffset};
use crate::model::{self, ItemKind, Precondition, Session, SessionId, WorkspacePath};
use crate::staging::{self, Held, NewUpload, StagingError};

/// The largest chunk: little is sent again, and few round trips are needed.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// Where a chunk goes.
#[derive(Deserialize)]
struct Chunk {
    offset: u64,
}

/// Begins a file that comes in chunks.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/upload", tag = "files", request_body = BeginUpload,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "Its id; it stays for a day after its last chunk.", body = Upload)))]
pub async fn begin_upload(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<BeginUpload>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?;
    let new = may_begin(&state, &session, body.0).await?;
    let staging = state.staging.clone();
    let upload = state.finish(async move { staging.begin(new).await }).await?;
    Ok(HttpResponse::Created().json(Upload::new(upload, CHUNK_BYTES)))
}

/// Takes a chunk. The one that makes the file whole saves it; where that fails, an empty chunk at the end tries again. For an hour that chunk
/// may be sent again, and is answered the same.
#[utoipa::path(put, path = "/api/v1/sessions/{id}/upload/{uid}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("uid" = uuid::Uuid, Path),
           ("offset" = u64, Query, description = "Where the chunk begins: the upload's `offset`.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, description = "More is to come.", body = UploadOffset),
              (status = 200, description = "Whole, and replaced what was there.", body = Item),
              (status = 201, description = "Whole, and new.", body = Item)))]
pub async fn put_chunk(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?;
    let upload = upload_id(&id.1)?;
    let Chunk { offset } = query(&request)?;
    let announced = announced(request.headers());
    let body = Body::read_up_to(CHUNK_BYTES, &state.budget, who.user.id, body, announced).await?;
    let (chunk, share) = body.into_parts();
    let taken = match state.staging.hold(upload, session.id, who.user.id) {
        Ok(held) => {
            let whole = state.clone();
            state.finish(async move { take(&whole, held, offset, chunk, share).await }).await?
        }
        Err(StagingError::NotFound) => repeated(&state, &session, upload, offset.saturating_add(chunk.len() as u64))?,
        Err(error) => return Err(error.into()),
    };
    match taken {
        Taken::More(offset) => Ok(HttpResponse::Accepted().json(UploadOffset { offset })),
        Taken::Whole(answer) => Ok(saved_answer(&answer.item, answer.created)),
    }
}

/// How far an upload is.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/upload/{uid}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("uid" = uuid::Uuid, Path)),
    responses((status = 200, description = "The upload.", body = Upload)))]
pub async fn get_upload(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?;
    let id = upload_id(&id.1)?;
    let upload = match state.staging.upload(id, session.id, who.user.id) {
        Err(StagingError::NotFound) => {
            let (new, answer) = answered(&state, &session, id)?;
            let upload = staging::Upload { id, offset: new.size, new };
            Upload { saved: Some(answer.item), ..Upload::new(upload, CHUNK_BYTES) }
        }
        upload => Upload::new(upload?, CHUNK_BYTES),
    };
    Ok(HttpResponse::Ok().json(upload))
}

/// Gives an upload up.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}/upload/{uid}", tag = "files",
    params(("id" = uuid::Uuid, Path), ("uid" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn give_upload_up(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id.0).await?;
    let held = state.staging.hold(upload_id(&id.1)?, session.id, who.user.id)?;
    let removing = async move {
        held.remove().await;
        Ok::<_, ApiError>(())
    };
    state.finish(removing).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn upload_id(text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}

/// Whether a file may be sent, as far as can be told before it is there.
async fn may_begin(state: &HttpState, session: &Session, wanted: BeginUpload) -> Result<NewUpload, ApiError> {
    let BeginUpload { path, size, executable, replace } = wanted;
    let path = workspace_path(path)?;
    let most = state.budget.max_file_bytes() as u64;
    if size > most {
        return Err(SessionError::FileTooLarge { limit_bytes: most }.into());
    }
    let connection = state.db.interactive().await?;
    match items::get(&connection, session.id, &path).await?.map(|item| item.kind) {
        Some(_) if !replace => Err(ApiError::new(Code::AlreadyExists)),
        Some(ItemKind::Folder) => Err(ApiError::new(Code::IsFolder)),
        _ => Ok(NewUpload { session: session.id, user: session.owner, path, size, executable, replace }),
    }
}

/// What a chunk has come to.
enum Taken {
    More(u64),
    Whole(Box<UploadAnswer>),
}

/// An upload that has become a file not long ago, and what was answered then.
fn answered(state: &HttpState, session: &Session, id: Uuid) -> Result<(NewUpload, UploadAnswer), ApiError> {
    let finished = state.staging.finished(id, session.id, session.owner)?;
    let answer = UploadAnswer::deserialize(&finished.answer).map_err(ApiError::internal)?;
    Ok((finished.upload.clone(), answer))
}

/// The last chunk once more, which ends at `end`: its sender has not heard the answer.
fn repeated(state: &HttpState, session: &Session, id: Uuid, end: u64) -> Result<Taken, ApiError> {
    let (new, answer) = answered(state, session, id)?;
    if end == new.size { Ok(Taken::Whole(Box::new(answer))) } else { Err(StagingError::WrongOffset(new.size).into()) }
}

async fn take(
    state: &HttpState,
    mut held: Held,
    offset: u64,
    chunk: Bytes,
    mut share: Share,
) -> Result<Taken, ApiError> {
    let offset = held.append(offset, chunk).await?;
    if !held.is_whole() {
        return Ok(Taken::More(offset));
    }
    let new = held.upload().clone();
    share.grow_to(usize::try_from(new.size).unwrap_or(usize::MAX))?;
    let content = held.content().await?;
    let answer = save(state, new, content).await?;
    held.finish(serde_json::to_value(&answer).map_err(ApiError::internal)?).await;
    Ok(Taken::Whole(Box::new(answer)))
}

/// Saves what has come, as an upload.
async fn save(state: &HttpState, new: NewUpload, content: Bytes) -> Result<UploadAnswer, ApiError> {
    let NewUpload { session, user, path, executable, replace, .. } = new;
    let blob = blobs::encode(content).await?;
    blobs::stage(&state.db, std::slice::from_ref(&blob)).await?;
    let current = items::get(&state.db.interactive().await?, session, &path).await?;
    let was_executable = matches!(&current, Some(item) if matches!(item.kind, ItemKind::File { executable: true, .. }));
    let executable = executable.unwrap_or(was_executable);
    let kind = ItemKind::File { hash: blob.hash, size: blob.size, executable };
    let precondition = if replace { Precondition::None } else { Precondition::Absent };
    let changes = vec![ItemChange::Put { path: path.clone(), kind: kind.clone(), precondition }];
    let edit = EditFiles { intent: Intent::Changes { changes, origin: Origin::Upload }, user };
    match state.sessions.edit(session, edit).await {
        Ok(edited) => {
            let item = edited.items.into_iter().next().flatten().ok_or_else(|| ApiError::internal("no item"))?;
            let conflict_copy = edited.conflict_copies.into_iter().next().map(|(_, copy)| copy.into());
            Ok(UploadAnswer { item: Item { conflict_copy, ..item.into() }, created: current.is_none() })
        }
        Err(SessionError::PreconditionFailed { .. }) => match already(state, session, &path, &kind).await? {
            // An earlier attempt of this very upload has saved it, and the server ended before it could say so.
            Some(item) => Ok(UploadAnswer { item: item.into(), created: true }),
            // Somebody was faster.
            None => Err(ApiError::new(Code::AlreadyExists)),
        },
        Err(error) => Err(error.into()),
    }
}

/// What is at a path, if it is just this.
async fn already(
    state: &HttpState,
    session: SessionId,
    path: &WorkspacePath,
    kind: &ItemKind,
) -> Result<Option<model::Item>, ApiError> {
    let there = items::get(&state.db.interactive().await?, session, path).await?;
    Ok(there.filter(|item| item.kind == *kind))
}
