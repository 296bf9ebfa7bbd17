//! `reviews`: requests, their rounds and their trail.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::actors::review::{TakeStep, Wish};
use crate::db;
use crate::db::reviews::queue::{Shelf, on_shelf};
use crate::db::reviews::{self, Description, rounds, steps};
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, Page, query};
use crate::http::signed_in::{SignedIn, authorize_review, authorize_session};
use crate::http::state::State;
use crate::http::wire::reviews as wire;
use crate::model::review::{self, Action, Actor, Priority, Topics, Verdict};
use crate::model::{SessionId, UserId, UserName};

/// Reviews, or steps, in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Longest texts, in characters.
const MAX_TITLE_CHARS: usize = 200;
const MAX_DESCRIPTION_CHARS: usize = 20_000;
const MAX_WHY_CHARS: usize = 2000;

/// Most reviewers who are asked by name.
const MAX_WANTED: usize = 10;

/// Which reviews are listed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    Mine,
    Waiting,
    Queue,
    Done,
}

#[derive(Debug, Deserialize)]
struct Which {
    list: Option<List>,
}

/// Reviews: `mine` that are open, those `waiting` for you, the `queue` you may claim from, or what is `done`.
#[utoipa::path(get, path = "/api/v1/reviews", tag = "reviews",
    params(("list" = Option<String>, Query, description = "`mine` (when absent), `waiting`, `queue` or `done`."),
           ("limit" = Option<u32>, Query, description = "At most 200; 50 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = wire::ReviewList)))]
pub async fn list_reviews(request: HttpRequest, state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    let page: Page = query(&request)?;
    let shelf = match query::<Which>(&request)?.list.unwrap_or(List::Mine) {
        List::Mine => Shelf::Mine,
        List::Waiting => Shelf::Waiting,
        List::Queue => Shelf::Queue,
        List::Done => Shelf::Done,
    };
    let cursor = page.cursor.as_deref().map(str::parse).transpose();
    let cursor = cursor.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let connection = state.db.interactive().await?;
    let viewer = actor(&connection, who.user.id).await?;
    let is_reviewer = matches!(viewer, Actor::User { level, .. } if level > review::ReviewerLevel::None);
    let (found, next) = match shelf {
        Shelf::Queue if !is_reviewer => (Vec::new(), None),
        _ => on_shelf(&connection, shelf, who.user.id, limit, cursor).await?,
    };
    let names = names(&connection, &found).await?;
    let items = found.into_iter().map(|review| wire::Review::seen_by(review, &viewer, &names)).collect();
    Ok(HttpResponse::Ok().json(wire::ReviewList { items, next: next.map(|id| id.to_string()) }))
}

/// Makes a draft of a review request for a session of yours. Nobody else sees it before its first round.
#[utoipa::path(post, path = "/api/v1/reviews", tag = "reviews", request_body = wire::CreateReview,
    responses((status = 201, description = "The draft.", body = wire::Review)))]
pub async fn create_review(
    state: State,
    who: SignedIn,
    body: Json<wire::CreateReview>,
) -> Result<HttpResponse, ApiError> {
    let wire::CreateReview { session, title, description, priority, topics, due_at, wanted } = body.0;
    let what = described(who.user.id, title, description, priority, topics, due_at, wanted)?;
    let session: SessionId = authorize_session(&state.db, &who.user, &session.to_string()).await?.id;
    let (reviews, author) = (state.reviews.clone(), who.user.id);
    let review = state.finish(async move { reviews.create(author, session, &what).await }).await?;
    Ok(HttpResponse::Created().json(told(&state, author, review).await?))
}

/// One review.
#[utoipa::path(get, path = "/api/v1/reviews/{id}", tag = "reviews", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The review.", body = wire::Review)))]
pub async fn get_review(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    Ok(HttpResponse::Ok().json(told(&state, who.user.id, review).await?))
}

/// Changes what you say of a review of yours that is open.
#[utoipa::path(patch, path = "/api/v1/reviews/{id}", tag = "reviews", request_body = wire::ChangeReview,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The review.", body = wire::Review)))]
pub async fn change_review(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::ChangeReview>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    if review.standing.author != who.user.id {
        return Err(review::ReviewError::NotAuthor.into());
    }
    if !review.standing.state.is_open() {
        let possible = review.standing.possible(&actor(&state.db.interactive().await?, who.user.id).await?);
        return Err(review::ReviewError::Illegal { state: review.standing.state, possible }.into());
    }
    let wire::ChangeReview { version, title, description, priority, topics, due_at, wanted } = body.0;
    let what = described(who.user.id, title, description, priority, topics, due_at, wanted)?;
    let reviews = state.reviews.clone();
    let changed = state.finish(async move { reviews.describe(review.id, version, &what).await }).await?;
    let changed = changed.ok_or_else(|| ApiError::new(Code::ReviewChanged))?;
    Ok(HttpResponse::Ok().json(told(&state, who.user.id, changed).await?))
}

/// A review's rounds, the first first.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/rounds", tag = "reviews", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "All of them.", body = wire::RoundList)))]
pub async fn list_rounds(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let connection = state.db.interactive().await?;
    let items = rounds::of_review(&connection, review.id).await?.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(wire::RoundList { items, next: None }))
}

/// Submits what the session holds as the next round; what its programs have written is collected first.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/rounds", tag = "reviews", request_body = wire::SubmitRound,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The review.", body = wire::Review)))]
pub async fn submit_round(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::SubmitRound>,
) -> Result<HttpResponse, ApiError> {
    let review = step(&state, &who, &id, Wish::Submit, &body.0.note).await?;
    Ok(HttpResponse::Created().json(told(&state, who.user.id, review).await?))
}

/// What was done to a review, the first first.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/events", tag = "reviews",
    params(("id" = uuid::Uuid, Path),
           ("limit" = Option<u32>, Query, description = "At most 200; 50 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = wire::StepList)))]
pub async fn list_steps(
    request: HttpRequest,
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let page: Page = query(&request)?;
    let after = page.cursor.as_deref().map(str::parse).transpose();
    let after: u32 =
        after.map_err(|_| ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."))?.unwrap_or_default();
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let connection = state.db.interactive().await?;
    let mut found = steps::of_review(&connection, review.id, after, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|step| step.number.to_string());
    let people: Vec<UserId> = found.iter().flat_map(|step| step.by.into_iter().chain(step.holder)).collect();
    let names = db::users::names(&connection, &people).await?;
    let items = found.into_iter().map(|step| wire::Step::named(step, &names)).collect();
    Ok(HttpResponse::Ok().json(wire::StepList { items, next }))
}

/// Does something to a review: claim, decline, release, hand over, decide, withdraw, reopen.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/events", tag = "reviews", request_body = wire::TakeStep,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The review.", body = wire::Review)))]
pub async fn take_step(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::TakeStep>,
) -> Result<HttpResponse, ApiError> {
    let wire::TakeStep { action, round, to, why } = body.0;
    let missing = |what| ApiError::because(Code::InvalidReview, what);
    let verdict = |verdict| {
        let round = round.ok_or_else(|| missing("A verdict names the `round` that was looked at."))?;
        Ok::<_, ApiError>(Wish::Decide(verdict, round))
    };
    let wish = match action {
        Action::Submit => return Err(missing("A round is submitted by POST to `rounds`.")),
        Action::Claim => Wish::Claim,
        Action::Decline => Wish::Decline,
        Action::Release => Wish::Release,
        Action::HandOver => {
            Wish::HandOver(UserId(to.ok_or_else(|| missing("A hand-over names who gets it in `to`."))?))
        }
        Action::Approve => verdict(Verdict::Approve)?,
        Action::Reject => verdict(Verdict::Reject)?,
        Action::RequestChanges => verdict(Verdict::RequestChanges)?,
        Action::Withdraw => Wish::Withdraw,
        Action::Reopen => Wish::Reopen,
    };
    let review = step(&state, &who, &id, wish, &why).await?;
    Ok(HttpResponse::Ok().json(told(&state, who.user.id, review).await?))
}

async fn step(state: &State, who: &SignedIn, id: &str, wish: Wish, why: &str) -> Result<review::Review, ApiError> {
    let review = authorize_review(&state.db, &who.user, id).await?.id;
    let why = text(why, MAX_WHY_CHARS, "What you say of a step")?;
    let (reviews, by) = (state.reviews.clone(), Some(who.user.id));
    let taken = state.finish(async move { reviews.step(TakeStep { review, by, wish, why }).await }).await?;
    Ok(taken?)
}

/// What an author says of a review, if it keeps the rules.
fn described(
    author: UserId,
    title: String,
    description: String,
    priority: Priority,
    topics: Vec<String>,
    due_at: Option<OffsetDateTime>,
    wanted: Vec<Uuid>,
) -> Result<Description, ApiError> {
    let title = text(&title, MAX_TITLE_CHARS, "A title")?;
    if title.is_empty() {
        return Err(ApiError::because(Code::InvalidReview, "A review needs a title."));
    }
    let description = text(&description, MAX_DESCRIPTION_CHARS, "A description")?;
    let topics = Topics::new(topics).map_err(|error| ApiError::because(Code::InvalidReview, error))?;
    let mut wanted: Vec<UserId> = wanted.into_iter().map(UserId).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.len() > MAX_WANTED {
        return Err(ApiError::because(Code::InvalidReview, "At most 10 reviewers are asked by name."));
    }
    if wanted.contains(&author) {
        return Err(review::ReviewError::SelfReview.into());
    }
    Ok(Description { title, description, priority, topics, due_at, wanted })
}

/// `text` without surrounding white space, if the database can keep it.
fn text(text: &str, most: usize, what: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.chars().count() > most || text.contains('\0') {
        let detail = format!("{what} has at most {most} characters, none of them NUL.");
        return Err(ApiError::because(Code::InvalidReview, detail));
    }
    Ok(text.to_owned())
}

async fn actor(connection: &db::Connection, user: UserId) -> Result<Actor, ApiError> {
    reviews::actors(connection, &[user]).await?.pop().ok_or_else(ApiError::not_found)
}

async fn names(connection: &db::Connection, of: &[review::Review]) -> Result<HashMap<UserId, UserName>, ApiError> {
    let standings = of.iter().map(|review| &review.standing);
    let people =
        standings.flat_map(|standing| standing.wanted.iter().copied().chain(standing.holder).chain([standing.author]));
    Ok(db::users::names(connection, &people.collect::<Vec<_>>()).await?)
}

/// A review as `viewer` sees it.
async fn told(state: &State, viewer: UserId, review: review::Review) -> Result<wire::Review, ApiError> {
    let connection = state.db.interactive().await?;
    let viewer = actor(&connection, viewer).await?;
    let names = names(&connection, std::slice::from_ref(&review)).await?;
    Ok(wire::Review::seen_by(review, &viewer, &names))
}
