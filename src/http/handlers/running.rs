//! `reviews/{id}/run`: what was submitted, run by who looks at it.

use actix_web::{HttpResponse, web};

use super::sessions::told;
use crate::db::{self, reviews::rounds};
use crate::http::error::ApiError;
use crate::http::json::Json;
use crate::http::signed_in::{SignedIn, authorize_review};
use crate::http::state::State;
use crate::http::wire::running as wire;

/// Longest name of a session, in characters.
const MAX_NAME_CHARS: usize = 80;

/// Runs a round: in a session of your own with exactly what was submitted, which is neither listed nor counted, and is thrown away with all
/// you did in it when you close it or nobody uses it. It starts at once; asked for again it goes on. A run of another round ends.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/run", tag = "reviews", request_body = wire::RunRound,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It runs already.", body = wire::Run),
              (status = 201, description = "It is starting.", body = wire::Run)))]
pub async fn run_round(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<wire::RunRound>,
) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?;
    let number = body.0.round.unwrap_or(review.standing.round);
    let round = rounds::get(&state.db.interactive().await?, review.id, number).await?;
    let round = round.ok_or_else(ApiError::not_found)?;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let name: String = format!("Round {number}: {}", review.title).chars().take(MAX_NAME_CHARS).collect();
    let (session, is_new) = state.finish(async move { reviews.run(review.id, user, &round, &name).await }).await?;
    let run = wire::Run { session: told(&state, &who.user, session)?, round: number };
    Ok(if is_new { HttpResponse::Created().json(run) } else { HttpResponse::Ok().json(run) })
}

/// The run you have of a review.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/run", tag = "reviews", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It.", body = wire::Run)))]
pub async fn get_run(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?.id;
    let run = state.reviews.run_of(review, who.user.id).await?.ok_or_else(ApiError::not_found)?;
    let session = db::sessions::get(&state.db.interactive().await?, run.session).await?;
    let session = session.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(wire::Run { session: told(&state, &who.user, session)?, round: run.round }))
}

/// Ends the run you have of a review, with all you did in it.
#[utoipa::path(delete, path = "/api/v1/reviews/{id}/run", tag = "reviews", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn end_run(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let review = authorize_review(&state.db, &who.user, &id).await?.id;
    let (reviews, user) = (state.reviews.clone(), who.user.id);
    let ended = state.finish(async move { reviews.end_run(review, user).await }).await?;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}
