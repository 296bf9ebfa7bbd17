//! `me/reviewer`, `reviewers` and `admin/reviewer-requests`: who reviews, and who wants to.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use uuid::Uuid;

use crate::config::SelfService;
use crate::db::reviewers::{self, Filter};
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, Page, query};
use crate::http::signed_in::{SignedIn, authorize_operator};
use crate::http::state::State;
use crate::http::wire::reviews::{
    ChangeReviewer, DecideLevel, LevelRequest, LevelRequestList, Me, Reviewer, ReviewerList,
};
use crate::model::UserId;
use crate::model::review::{MAX_CAPACITY, ReviewerLevel, Topics};

/// Reviewers in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Open requests in one answer.
const MAX_REQUESTS: u32 = 500;

/// Longest reason of an operator, in characters.
const MAX_REASON_CHARS: usize = 500;

/// What you may review, and what you want.
#[utoipa::path(get, path = "/api/v1/me/reviewer", tag = "reviews",
    responses((status = 200, description = "You, as a reviewer.", body = Me)))]
pub async fn get_my_reviewing(state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(me(&state, who.user.id).await?))
}

/// Changes what you review: become a reviewer, step down, pause, say how much and what about.
#[utoipa::path(patch, path = "/api/v1/me/reviewer", tag = "reviews", request_body = ChangeReviewer,
    responses((status = 200, description = "You, as a reviewer.", body = Me)))]
pub async fn change_my_reviewing(
    state: State,
    who: SignedIn,
    body: Json<ChangeReviewer>,
) -> Result<HttpResponse, ApiError> {
    let ChangeReviewer { level, paused, capacity, topics } = body.0;
    let wrong = |why: &dyn std::fmt::Display| ApiError::because(Code::InvalidReviewer, why);
    let level = level.map(ReviewerLevel::try_from).transpose().map_err(|error| wrong(&error))?;
    if capacity.is_some_and(|capacity| !(1..=MAX_CAPACITY).contains(&capacity)) {
        return Err(wrong(&"A capacity is 1 to 100 reviews."));
    }
    let topics = topics.map(Topics::new).transpose().map_err(|error| wrong(&error))?;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    if let Some(level) = level {
        let policy = state.config.review.self_service;
        let changing = reviews.clone();
        state.finish(async move { changing.change_level(user, level, policy).await }).await?;
    }
    if paused.is_some() || capacity.is_some() || topics.is_some() {
        state.finish(async move { reviews.describe_reviewer(user, paused, capacity, topics).await }).await?;
    }
    Ok(HttpResponse::Ok().json(me(&state, user).await?))
}

async fn me(state: &State, user: UserId) -> Result<Me, ApiError> {
    let connection = state.db.interactive().await?;
    let reviewer = reviewers::get(&connection, user).await?.ok_or_else(ApiError::not_found)?;
    let self_service = state.config.review.self_service;
    let request = match self_service {
        SelfService::Approval => reviewers::request_of(&connection, user).await?.map(LevelRequest::from),
        SelfService::Open | SelfService::Off => None,
    };
    Ok(Me { reviewer: reviewer.into(), self_service, request })
}

/// What a directory is asked for.
#[derive(Debug, Deserialize)]
struct Wanted {
    level: Option<i16>,
    topic: Option<String>,
    #[serde(default)]
    free: bool,
}

/// Who reviews: those who take something new first, then by level and load.
#[utoipa::path(get, path = "/api/v1/reviewers", tag = "reviews",
    params(("level" = Option<i16>, Query, description = "At least of this level."),
           ("topic" = Option<String>, Query, description = "Who knows this."),
           ("free" = Option<bool>, Query, description = "Only who takes something new."),
           ("limit" = Option<u32>, Query, description = "At most 200; 50 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = ReviewerList)))]
pub async fn list_reviewers(request: HttpRequest, state: State, _who: SignedIn) -> Result<HttpResponse, ApiError> {
    let page: Page = query(&request)?;
    let wanted: Wanted = query(&request)?;
    let wrong = |why: &dyn std::fmt::Display| ApiError::because(Code::InvalidQuery, why);
    let level = ReviewerLevel::try_from(wanted.level.unwrap_or_default()).map_err(|error| wrong(&error))?;
    let topic = wanted.topic.map(|topic| Topics::new([topic])).transpose().map_err(|error| wrong(&error))?;
    let topic = topic.and_then(|topic| topic.as_slice().first().cloned());
    let offset: u32 = match page.cursor.as_deref().map(str::parse).transpose() {
        Ok(offset) => offset.unwrap_or_default(),
        Err(_) => return Err(wrong(&"The cursor is not one of ours.")),
    };
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let connection = state.db.interactive().await?;
    let filter = Filter { level, topic, free: wanted.free };
    let found = reviewers::directory(&connection, &filter, limit + 1, offset).await?;
    let next = (found.len() > limit as usize).then(|| offset.saturating_add(limit).to_string());
    let items = found.into_iter().take(limit as usize).map(Reviewer::from).collect();
    Ok(HttpResponse::Ok().json(ReviewerList { items, next }))
}

/// Levels users have asked for, the oldest first.
#[utoipa::path(get, path = "/api/v1/admin/reviewer-requests", tag = "operations",
    responses((status = 200, description = "Those that are open.", body = LevelRequestList)))]
pub async fn list_level_requests(state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let connection = state.db.interactive().await?;
    let open = reviewers::open_requests(&connection, MAX_REQUESTS).await?;
    Ok(HttpResponse::Ok()
        .json(LevelRequestList { items: open.into_iter().map(LevelRequest::from).collect(), next: None }))
}

/// Grants or refuses a level somebody has asked for.
#[utoipa::path(patch, path = "/api/v1/admin/reviewer-requests/{id}", tag = "operations", request_body = DecideLevel,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The request, decided.", body = LevelRequest)))]
pub async fn decide_level_request(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<DecideLevel>,
) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let id: Uuid = id.parse().map_err(|_| ApiError::not_found())?;
    let DecideLevel { granted, reason } = body.0;
    if reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0') {
        return Err(ApiError::because(Code::InvalidReviewer, "A reason has at most 500 characters, none of them NUL."));
    }
    let (reviews, by) = (state.reviews.clone(), who.user.id);
    let decided = state.finish(async move { reviews.decide_level(id, by, granted, &reason).await }).await?;
    Ok(HttpResponse::Ok().json(LevelRequest::from(decided.ok_or_else(ApiError::not_found)?)))
}
