//! `templates`, `admin/templates` and `sessions/{id}/template/update`.

use actix_web::{HttpResponse, web};

use super::sessions::checked;
use crate::db;
use crate::db::templates::Publication;
use crate::http::error::{ApiError, Code};
use crate::http::json::Json;
use crate::http::signed_in::{SignedIn, authorize_operator, authorize_session};
use crate::http::state::State;
use crate::http::wire::{PublishTemplate, Template, TemplateList, TemplateUpdated};
use crate::model::TemplateId;

/// Longest description of a template, in characters.
const MAX_DESCRIPTION_CHARS: usize = 1000;

/// What sessions can begin with, by title.
#[utoipa::path(get, path = "/api/v1/templates", tag = "templates",
    responses((status = 200, description = "All of them.", body = TemplateList)))]
pub async fn list_templates(state: State, _who: SignedIn) -> Result<HttpResponse, ApiError> {
    let connection = state.db.interactive().await?;
    let items = db::templates::all(&connection).await?.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(TemplateList { items, next: None }))
}

/// Publishes the files of a session of yours as a template, or as the next revision of the one with this name.
#[utoipa::path(post, path = "/api/v1/admin/templates", tag = "operations", request_body = PublishTemplate,
    responses((status = 201, description = "The template.", body = Template)))]
pub async fn publish_template(
    state: State,
    who: SignedIn,
    body: Json<PublishTemplate>,
) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let session = authorize_session(&state.db, &who.user, &body.0.session.to_string()).await?.id;
    let description = body.0.description.trim().to_owned();
    if description.chars().count() > MAX_DESCRIPTION_CHARS || description.contains('\0') {
        return Err(ApiError::because(
            Code::InvalidName,
            "A description has at most 1000 characters, none of them NUL.",
        ));
    }
    let what = Publication { name: checked(&body.0.name)?, title: checked(&body.0.title)?, description, session };
    let sessions = state.sessions.clone();
    let template = state.finish(async move { sessions.publish(&what).await }).await?;
    Ok(HttpResponse::Created().json(Template::from(template)))
}

/// Removes a template. Sessions that began with it keep their files.
#[utoipa::path(delete, path = "/api/v1/admin/templates/{id}", tag = "operations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn delete_template(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    authorize_operator(&who.user)?;
    let template: TemplateId = id.parse().map_err(|_| ApiError::not_found())?;
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.remove_template(template).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Has a session follow the template it began with to its newest revision, where its user has changed nothing. What both have changed
/// stays, and the template's is put beside it.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/template/update", tag = "templates",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What that has changed.", body = TemplateUpdated)))]
pub async fn update_from_template(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let (sessions, user) = (state.sessions.clone(), who.user.id);
    let edited = state.finish(async move { sessions.update_from_template(session, user).await }).await?;
    Ok(HttpResponse::Ok().json(TemplateUpdated::from(edited)))
}
