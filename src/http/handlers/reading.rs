//! `reviews/{id}/{diff,tree,files,viewed,seen}`: what was submitted, and what has changed in it.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::files::{content_answer, etag, is_known, read_file};
use crate::db::reviews::{reading, rounds};
use crate::db::{Connection, snapshots};
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, Page, query};
use crate::http::paths::UrlPath;
use crate::http::signed_in::{SignedIn, authorize_review};
use crate::http::state::State;
use crate::http::wire::reading as wire;
use crate::model::review::{self, Difference, Manifest, Review, Round};
use crate::model::{ItemKind, SnapshotId, UserId, WorkspacePath};

/// Items in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 1000;
const MAX_LIMIT: u32 = 5000;

/// What a round is compared with, as a client says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum From {
    /// The round before; what the session had begun with for the first.
    #[default]
    Previous,
    /// The last round this viewer has looked at.
    Seen,
    /// What the session had begun with.
    Start,
    /// This round.
    Round(u32),
}

impl FromStr for From {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        Ok(match text {
            "previous" => Self::Previous,
            "seen" => Self::Seen,
            "start" => Self::Start,
            number => Self::Round(number.parse().map_err(|_| {
                ApiError::because(Code::InvalidQuery, "`from` is `previous`, `seen`, `start` or the number of a round.")
            })?),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
struct Compared {
    round: Option<u32>,
    from: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Which {
    round: Option<String>,
}

/// What a round has changed, against the one before, the one you have looked at last, or what the session had begun with.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/diff", tag = "reviews",
    params(("id" = uuid::Uuid, Path),
           ("round" = Option<u32>, Query, description = "The newest when absent."),
           ("from" = Option<String>, Query, description = "`previous` (when absent; `start` for the first round), `seen` (the last round you have looked at), `start` (the template its session began with, else nothing), or a round's number."),
           ("limit" = Option<u32>, Query, description = "At most 5000; 1000 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = wire::Diff)))]
pub async fn get_diff(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let (limit, cursor) = page(&request)?;
    let Compared { round, from } = query(&request)?;
    let from = from.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let connection = state.db.bulk().await?;
    let round = find_round(&connection, &review, round).await?;
    let (base, old) = find_base(&connection, &review, &round, from, who.user.id).await?;
    let old = match old {
        Some(snapshot) => snapshots::items(&connection, snapshot).await?,
        None => Manifest::new(),
    };
    let new = snapshots::items(&connection, round.snapshot).await?;
    let marks = reading::viewed(&connection, review.id, who.user.id).await?;
    drop(connection);
    // Some tens of thousands of paths take some tens of milliseconds.
    let differences = spawn_blocking(move || review::differences(&old, &new)).await.map_err(ApiError::internal)?;
    let limit = limit as usize;
    let totals = wire::Totals::of(&differences);
    let first = cursor.map_or(0, |cursor| differences.partition_point(|difference| difference.path <= cursor));
    let page: Vec<Difference> = differences.into_iter().skip(first).take(limit + 1).collect();
    let next = (page.len() > limit).then(|| page[limit - 1].path.clone().into());
    let told = |difference: Difference| {
        let viewed = marks.get(&difference.path) == Some(&review::mark(difference.new.as_ref()));
        wire::ChangedItem::new(difference, viewed)
    };
    let items = page.into_iter().take(limit).map(told).collect();
    Ok(HttpResponse::Ok().json(wire::Diff { round: round.number, from: base, totals, items, next }))
}

/// All that is in a round.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/tree", tag = "reviews",
    params(("id" = uuid::Uuid, Path),
           ("round" = Option<u32>, Query, description = "The newest when absent."),
           ("limit" = Option<u32>, Query, description = "At most 5000; 1000 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = wire::RoundTree)))]
pub async fn get_round_tree(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let (limit, cursor) = page(&request)?;
    let Compared { round, .. } = query(&request)?;
    let connection = state.db.interactive().await?;
    let round = find_round(&connection, &review, round).await?;
    let mut items = snapshots::page(&connection, round.snapshot, limit, cursor.as_ref()).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|(path, _)| path.clone());
    Ok(HttpResponse::Ok().json(wire::RoundTree::new(round.number, items, next)))
}

/// A file's content in a round.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/files/{path}", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes."),
           ("round" = Option<String>, Query, description = "A round's number, or `start`: what the session had begun with. The newest when absent."),
           ("If-None-Match" = Option<String>, Header, description = "An entity tag: 304 if it is still that.")),
    responses((status = 200, description = "Its bytes.", body = Vec<u8>, content_type = "application/octet-stream",
               headers(("ETag" = String, description = "The hash of the content."))),
              (status = 304, description = "It is that.")))]
pub async fn get_round_file(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?;
    let connection = state.db.interactive().await?;
    let snapshot = match query::<Which>(&request)?.round.as_deref() {
        Some("start") => reading::start(&connection, review.id).await?.ok_or_else(ApiError::not_found)?,
        Some(number) => {
            let number =
                number.parse().map_err(|_| ApiError::because(Code::InvalidQuery, "`round` is `start` or a number."))?;
            find_round(&connection, &review, Some(number)).await?.snapshot
        }
        None => find_round(&connection, &review, None).await?.snapshot,
    };
    let item = snapshots::item(&connection, snapshot, &path.0).await?;
    drop(connection);
    let (hash, size) = match item.ok_or_else(ApiError::not_found)? {
        ItemKind::File { hash, size, .. } => (hash, size),
        ItemKind::Folder => return Err(ApiError::new(Code::IsFolder)),
        ItemKind::Symlink { target } => {
            return Err(ApiError::because(Code::IsSymlink, format_args!("This is a symbolic link to {target:?}.")));
        }
    };
    if is_known(request.headers(), hash) {
        return Ok(HttpResponse::NotModified().insert_header(etag(hash)).finish());
    }
    let content = read_file(&state, who.user.id, hash, size).await?;
    content_answer(hash, &path.0, content).await
}

/// Marks an item as viewed by you, in every round in which it is the same.
#[utoipa::path(put, path = "/api/v1/reviews/{id}/viewed/{path}", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes."),
           ("round" = Option<u32>, Query, description = "The round you have looked at; the newest when absent.")),
    responses((status = 204, description = "It is marked.")))]
pub async fn mark_viewed(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?;
    let Compared { round, .. } = query(&request)?;
    let connection = state.db.interactive().await?;
    let round = find_round(&connection, &review, round).await?;
    let item = snapshots::item(&connection, round.snapshot, &path.0).await?;
    drop(connection);
    let mark = review::mark(item.as_ref());
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let marked = state.finish(async move { reviews.view(review.id, user, &path.0, mark).await }).await?;
    if marked { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

/// Takes your mark away again.
#[utoipa::path(delete, path = "/api/v1/reviews/{id}/viewed/{path}", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("path" = String, Path, description = "May contain slashes.")),
    responses((status = 204, description = "It is not marked any more.")))]
pub async fn unmark_viewed(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    path: UrlPath,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?.id;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    state.finish(async move { reviews.unview(review, user, &path.0).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Notes that you have looked at a round; never goes back to an older one.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/seen", tag = "reviews", request_body = wire::SeeRound,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is noted.")))]
pub async fn see_round(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::SeeRound>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?.id;
    let (reviews, user, round) = (state.reviews.clone(), who.user.id, body.0.round);
    let seen = state.finish(async move { reviews.see(review, user, round).await }).await?;
    if seen { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

fn page(request: &HttpRequest) -> Result<(u32, Option<WorkspacePath>), ApiError> {
    let page: Page = query(request)?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let cursor = page.cursor.map(WorkspacePath::new).transpose();
    let cursor = cursor.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?;
    Ok((limit, cursor))
}

/// A review's round, the newest when none is named.
async fn find_round(connection: &Connection, review: &Review, number: Option<u32>) -> Result<Round, ApiError> {
    let number = number.unwrap_or(review.standing.round);
    rounds::get(connection, review.id, number).await?.ok_or_else(ApiError::not_found)
}

/// What `round` is compared with, and what that holds.
async fn find_base(
    connection: &Connection,
    review: &Review,
    round: &Round,
    from: From,
    viewer: UserId,
) -> Result<(wire::Base, Option<SnapshotId>), ApiError> {
    let before = round.number.checked_sub(1).filter(|number| *number > 0);
    let number = match from {
        From::Start => None,
        From::Previous => before,
        From::Seen => match reading::seen(connection, review.id, viewer).await? {
            // Who has looked at this one, or a later, sees what it has changed.
            Some(seen) if seen < round.number => Some(seen),
            _ => before,
        },
        From::Round(number) => Some(number),
    };
    if let Some(number) = number {
        let base = find_round(connection, review, Some(number)).await?;
        return Ok((wire::Base { kind: wire::BaseKind::Round, round: Some(number) }, Some(base.snapshot)));
    }
    let start = reading::start(connection, review.id).await?;
    let kind = if start.is_some() { wire::BaseKind::Template } else { wire::BaseKind::Empty };
    Ok((wire::Base { kind, round: None }, start))
}
