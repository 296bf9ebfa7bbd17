//! `reviews/{id}/{comments,threads,publish,apply}`: what is said of a review.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::db::reviews::comments::{self, Target};
use crate::db::{self, Connection};
use crate::http::carried::{carried, check};
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, query};
use crate::http::paths::workspace_path;
use crate::http::signed_in::{SignedIn, authorize_review};
use crate::http::state::{HttpState, State};
use crate::http::wire::comments as wire;
use crate::model::review::{Lines, Place, Review, Side, Thread, ThreadKind};
use crate::model::{CommentId, ThreadId, UserId, UserName};

/// Longest texts, in characters.
const MAX_TEXT_CHARS: usize = 20_000;
const MAX_REPLACEMENT_CHARS: usize = 100_000;

/// Suggested edits that are taken over at a time.
const MAX_APPLIED: usize = 100;

#[derive(Debug, Default, Deserialize)]
struct Shown {
    round: Option<u32>,
}

/// What is said of a review, with where that is in a round: published threads, and your own drafts.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/comments", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("round" = Option<u32>, Query, description = "The newest when absent.")),
    responses((status = 200, description = "All of it.", body = wire::ThreadList)))]
pub async fn list_threads(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let round = query::<Shown>(&request)?.round.unwrap_or(review.standing.round);
    let connection = state.db.interactive().await?;
    if db::reviews::rounds::get(&connection, review.id, round).await?.is_none() {
        return Err(ApiError::not_found());
    }
    let threads = comments::of_review(&connection, review.id, who.user.id).await?;
    drop(connection);
    let items = told(&state, who.user.id, &review, round, threads).await?;
    Ok(HttpResponse::Ok().json(wire::ThreadList { items, next: None }))
}

/// Says something: in a thread, or in a new one on lines of a file, on a file, or on all of a round. A draft is yours alone until you publish
/// it, or decide the review.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/comments", tag = "reviews", request_body = wire::NewComment,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The thread.", body = wire::Thread)))]
pub async fn add_comment(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::NewComment>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let wire::NewComment { thread, kind, round, path, side, lines, text, suggestion, draft } = body.0;
    let text = checked(text)?;
    let on = match thread {
        Some(thread) if kind.is_none() && round.is_none() && path.is_none() && side.is_none() && lines.is_none() => {
            Target::Thread(ThreadId(thread))
        }
        Some(_) => {
            return Err(refused("An answer is where its thread is: leave out everything but `thread` and `text`."));
        }
        None => {
            let lines = lines.map(|lines| {
                Lines::new(lines.start, lines.end).ok_or_else(|| refused("Lines are from `start` to `end`, from 1 on."))
            });
            let place = Place {
                round: round.unwrap_or(review.standing.round),
                side: side.unwrap_or(Side::New),
                path: path.map(workspace_path).transpose()?,
                lines: lines.transpose()?,
            };
            check(&state.db.interactive().await?, &review, &place).await?.map_err(refused)?;
            Target::New(kind.unwrap_or(ThreadKind::General), place)
        }
    };
    let replacement = edit_of(&state.db.interactive().await?, &review, who.user.id, &on, suggestion).await?;
    let new = comments::NewComment { on, text, replacement, draft };
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let thread = state.finish(async move { reviews.comment(review.id, user, &new).await }).await?;
    let review = authorize_review(&state.db, &who.user, &id).await?;
    Ok(HttpResponse::Created().json(one(&state, user, &review, thread).await?))
}

/// Changes what a comment of yours says. What a published one said before stays to be read.
#[utoipa::path(patch, path = "/api/v1/reviews/{id}/comments/{cid}", tag = "reviews", request_body = wire::EditComment,
    params(("id" = uuid::Uuid, Path), ("cid" = uuid::Uuid, Path)),
    responses((status = 204, description = "It says that.")))]
pub async fn edit_comment(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    body: Json<wire::EditComment>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?;
    let comment = comment_id(&id.1)?;
    let wire::EditComment { text, suggestion } = body.0;
    let text = checked(text)?;
    let connection = state.db.interactive().await?;
    let threads = comments::of_review(&connection, review.id, who.user.id).await?;
    let is_in = |thread: &Thread| thread.comments.iter().any(|it| it.id == comment && it.author == who.user.id);
    let thread = threads.iter().find(|thread| is_in(thread)).ok_or_else(ApiError::not_found)?;
    let on = Target::Thread(thread.id);
    let replacement = edit_of(&connection, &review, who.user.id, &on, suggestion).await?;
    drop(connection);
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let edit = async move { reviews.edit_comment(review.id, user, comment, &text, replacement.as_deref()).await };
    state.finish(edit).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes a draft of yours.
#[utoipa::path(delete, path = "/api/v1/reviews/{id}/comments/{cid}", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("cid" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn discard_draft(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?.id;
    let comment = comment_id(&id.1)?;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    state.finish(async move { reviews.discard_draft(review, user, comment).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a comment has said before it was edited.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/comments/{cid}/history", tag = "reviews",
    params(("id" = uuid::Uuid, Path), ("cid" = uuid::Uuid, Path)),
    responses((status = 200, description = "All of it.", body = wire::FormerCommentList)))]
pub async fn list_former(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?.id;
    let comment = comment_id(&id.1)?;
    let connection = state.db.interactive().await?;
    let former = comments::former(&connection, review, comment).await?.into_iter();
    let items = former.map(|(text, replacement, written_at)| wire::FormerComment { text, replacement, written_at });
    Ok(HttpResponse::Ok().json(wire::FormerCommentList { items: items.collect(), next: None }))
}

/// Says that a thread is settled, that you have seen that it is, or that it is not.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/threads/{tid}", tag = "reviews", request_body = wire::SettleThread,
    params(("id" = uuid::Uuid, Path), ("tid" = uuid::Uuid, Path)),
    responses((status = 200, description = "The thread.", body = wire::Thread)))]
pub async fn settle_thread(
    state: State,
    who: SignedIn,
    id: web::Path<(String, String)>,
    body: Json<wire::SettleThread>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id.0).await?;
    let thread = ThreadId(id.1.parse().map_err(|_| ApiError::not_found())?);
    let (reviews, user, action) = (state.reviews.clone(), who.user.id, body.0.action);
    let settle = async move { reviews.settle_thread(review.id, user, thread, action).await };
    let thread = state.finish(settle).await?;
    let review = authorize_review(&state.db, &who.user, &id.0).await?;
    Ok(HttpResponse::Ok().json(one(&state, user, &review, thread).await?))
}

/// Publishes your drafts.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/publish", tag = "reviews", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "How many.", body = wire::Published)))]
pub async fn publish_drafts(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?.id;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let published = state.finish(async move { reviews.publish(review, user).await }).await?;
    Ok(HttpResponse::Ok().json(wire::Published { published }))
}

/// Takes suggested edits over into your session: all of them, or none where the lines of one have changed since.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/apply", tag = "reviews", request_body = wire::ApplySuggestions,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What that has changed.", body = wire::Applied)))]
pub async fn apply_suggestions(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::ApplySuggestions>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?.id;
    let mut wanted: Vec<CommentId> = body.0.comments.into_iter().map(CommentId).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() || wanted.len() > MAX_APPLIED {
        return Err(refused("1 to 100 suggested edits are taken over at a time."));
    }
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let paths = state.finish(async move { reviews.apply(review, user, &wanted).await }).await?;
    Ok(HttpResponse::Ok().json(wire::Applied { paths: paths.into_iter().map(Into::into).collect() }))
}

fn refused(why: &'static str) -> ApiError {
    ApiError::because(Code::InvalidComment, why)
}

fn comment_id(id: &str) -> Result<CommentId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found())
}

/// A text the database can keep.
fn checked(text: String) -> Result<String, ApiError> {
    let is_empty = text.trim().is_empty();
    if is_empty || text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
        return Err(refused("A comment has 1 to 20,000 characters, none of them NUL."));
    }
    Ok(text)
}

/// What lines should be, where there are lines of the round to be replaced.
async fn edit_of(
    connection: &Connection,
    review: &Review,
    user: UserId,
    on: &Target,
    suggestion: Option<wire::NewSuggestion>,
) -> Result<Option<String>, ApiError> {
    let Some(wire::NewSuggestion { replacement }) = suggestion else { return Ok(None) };
    if replacement.chars().count() > MAX_REPLACEMENT_CHARS || replacement.contains('\0') {
        return Err(refused("A suggested edit has at most 100,000 characters, none of them NUL."));
    }
    let found;
    let place = match on {
        Target::New(_, place) => place,
        Target::Thread(thread) => {
            found = comments::thread(connection, review.id, user, *thread).await?.ok_or_else(ApiError::not_found)?;
            &found.place
        }
    };
    if place.lines.is_none() || place.side != Side::New {
        return Err(refused("A suggested edit is of lines of the round."));
    }
    Ok(Some(replacement))
}

/// A thread as it is in the newest round.
async fn one(state: &HttpState, user: UserId, review: &Review, thread: Thread) -> Result<wire::Thread, ApiError> {
    let told = told(state, user, review, review.standing.round, vec![thread]).await?.pop();
    told.ok_or_else(|| ApiError::internal("a thread is not there"))
}

async fn told(
    state: &HttpState,
    user: UserId,
    review: &Review,
    round: u32,
    threads: Vec<Thread>,
) -> Result<Vec<wire::Thread>, ApiError> {
    let places: Vec<Place> = threads.iter().map(|thread| thread.place.clone()).collect();
    let at = carried(state, user, review, round, &places).await?;
    let mut people: Vec<UserId> =
        threads.iter().flat_map(|thread| thread.comments.iter().map(|comment| comment.author)).collect();
    people.sort_unstable();
    people.dedup();
    let names: HashMap<UserId, UserName> = db::users::names(&state.db.interactive().await?, &people).await?;
    Ok(threads.into_iter().zip(at).map(|(thread, at)| wire::Thread::new(thread, at, &names)).collect())
}
