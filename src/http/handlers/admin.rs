//! `admin/users`: what operators see of people, and may give them.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::db;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, Page, query};
use crate::http::signed_in::{SignedIn, authorize_operator};
use crate::http::state::State;
use crate::http::wire::{AdminUser, AdminUserList, ChangeUser};
use crate::model::UserId;

/// Users in one answer, when the client does not say, and at the most.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// Everybody with an account, by name.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "operations",
    params(("limit" = Option<u32>, Query, description = "At most 500; 100 when absent."),
           ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = AdminUserList)))]
pub async fn list_users(request: HttpRequest, state: State, who: SignedIn) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let page: Page = query(&request)?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    if page.cursor.as_deref().is_some_and(|cursor| cursor.contains('\0')) {
        return Err(ApiError::because(Code::InvalidQuery, "The cursor is not one of ours."));
    }
    let connection = state.db.interactive().await?;
    let (users, next) = db::users::list(&connection, limit, page.cursor.as_deref()).await?;
    let items = users.into_iter().map(AdminUser::from).collect();
    Ok(HttpResponse::Ok().json(AdminUserList { items, next }))
}

/// Gives a user's sandboxes quotas of their own, from their next start on; what is absent or null is as for everybody.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "operations", request_body = ChangeUser,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The user.", body = AdminUser)))]
pub async fn change_user(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<ChangeUser>,
) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let id = UserId(id.parse().map_err(|_| ApiError::not_found())?);
    let quotas = body.0.quotas;
    quotas
        .check(state.config.sandbox.least_memory_mb())
        .map_err(|error| ApiError::because(Code::InvalidQuotas, error))?;
    let accounts = state.accounts.clone();
    let changed = state.finish(async move { accounts.set_quotas(id, quotas).await }).await?;
    Ok(HttpResponse::Ok().json(AdminUser::from(changed.ok_or_else(ApiError::not_found)?)))
}
