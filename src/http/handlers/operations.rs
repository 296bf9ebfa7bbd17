//! `/healthz`, `/readyz`, `/metrics`, the API's own description, and what only operators see.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};

use crate::actors::describe::ActorDescription;
use crate::http::client;
use crate::http::error::ApiError;
use crate::http::openapi;
use crate::http::signed_in::{SignedIn, authorize_operator};
use crate::http::state::{Readiness, State};

/// The process is up.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether sessions can be started.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "They can.", body = Readiness),
              (status = 503, description = "Something is missing.", body = Readiness)))]
pub async fn readyz(state: State) -> HttpResponse {
    let readiness = *state.readiness.borrow();
    let mut answer = if readiness.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(readiness)
}

/// Figures in Prometheus' text format, for operators and for programs on this machine.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain")))]
pub async fn metrics(
    request: HttpRequest,
    state: State,
    who: Result<SignedIn, ApiError>,
) -> Result<HttpResponse, ApiError> {
    if !client::is_local(&request, &state) {
        authorize_operator(&who.map_err(|_| ApiError::not_found())?.user)?;
    }
    let mut actors = state.sessions.describe().await;
    actors.extend(state.sockets.describe().await);
    let text = state.metrics.text(&actors).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)))]
pub async fn openapi_document() -> HttpResponse {
    HttpResponse::Ok().json(openapi::openapi())
}

/// What every actor is doing.
#[utoipa::path(get, path = "/api/v1/admin/actors", tag = "operations",
    responses((status = 200, description = "All actors, sockets last.", body = ActorList)))]
pub async fn list_actors(state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let mut items = state.sessions.describe().await;
    items.extend(state.sockets.describe().await);
    let mut counts = BTreeMap::new();
    for actor in &items {
        *counts.entry(actor.kind.to_owned()).or_default() += 1;
    }
    let unhealthy = items.iter().filter(|actor| !actor.healthy).count();
    Ok(HttpResponse::Ok().json(ActorList { items, counts, unhealthy, next: None }))
}

/// All actors.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ActorList {
    /// The actors.
    pub items: Vec<ActorDescription>,
    /// How many there are, by kind.
    pub counts: BTreeMap<String, usize>,
    /// How many were silent the last two times they were asked.
    pub unhealthy: usize,
    /// Always null.
    pub next: Option<String>,
}
