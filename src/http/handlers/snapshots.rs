//! `sessions/{id}/snapshots`.

use actix_web::{HttpResponse, web};

use super::sessions::checked;
use crate::db;
use crate::http::error::ApiError;
use crate::http::json::Json;
use crate::http::signed_in::{SignedIn, authorize_session};
use crate::http::state::State;
use crate::http::wire::{CreateSnapshot, Snapshot, SnapshotList};
use crate::model::SnapshotId;

/// A session's snapshots, newest first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/snapshots", tag = "snapshots",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "All of them.", body = SnapshotList)))]
pub async fn list_snapshots(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let connection = state.db.interactive().await?;
    let items = db::snapshots::of_session(&connection, session).await?.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(SnapshotList { items, next: None }))
}

/// Freezes what a session holds. What its programs have written is collected first.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/snapshots", tag = "snapshots", request_body = CreateSnapshot,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The snapshot.", body = Snapshot)))]
pub async fn create_snapshot(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<CreateSnapshot>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let name = checked(&body.0.name)?;
    let sessions = state.sessions.clone();
    let snapshot = state.finish(async move { sessions.freeze(session, &name).await }).await?;
    Ok(HttpResponse::Created().json(Snapshot::from(snapshot)))
}

/// Removes a snapshot. Sessions that began with it keep their files.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}/snapshots/{sid}", tag = "snapshots",
    params(("id" = uuid::Uuid, Path), ("sid" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn delete_snapshot(
    state: State,
    who: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &path.0).await?.id;
    let snapshot: SnapshotId = path.1.parse().map_err(|_| ApiError::not_found())?;
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.remove_snapshot(session, snapshot).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}
