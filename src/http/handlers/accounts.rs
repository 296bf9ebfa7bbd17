//! `auth/*` and `me`.

use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::NewAccount;
use crate::http::client;
use crate::http::error::ApiError;
use crate::http::json::Json;
use crate::http::signed_in::SignedIn;
use crate::http::state::{HttpState, State};
use crate::http::wire::{Login, Register, User};

/// Makes an account and signs its owner in.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "accounts", request_body = Register,
    responses((status = 201, description = "Signed in; sets the login cookie.", body = User)))]
pub async fn register(request: HttpRequest, state: State, body: Json<Register>) -> Result<HttpResponse, ApiError> {
    let origin = client::origin(&request, &state);
    let Register { username, email, password, display_name } = body.0;
    let account = NewAccount { username, email, password, display_name };
    let accounts = state.accounts.clone();
    let signed_in = state.finish(async move { accounts.register(account, &origin).await }).await?;
    Ok(welcome(HttpResponse::Created(), &state, signed_in))
}

/// Signs in with username or e-mail address and password.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "accounts", request_body = Login,
    responses((status = 200, description = "Signed in; sets the login cookie.", body = User)))]
pub async fn login(request: HttpRequest, state: State, body: Json<Login>) -> Result<HttpResponse, ApiError> {
    let origin = client::origin(&request, &state);
    let Login { login, password } = body.0;
    let signed_in = state.accounts.login(&login, password, &origin).await?;
    // Whoever signs in again has no use for the login before.
    end_login_of(&request, &state).await?;
    Ok(welcome(HttpResponse::Ok(), &state, signed_in))
}

/// Signs out. Closes the WebSockets of this login.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "accounts",
    responses((status = 204, description = "Signed out, or was not signed in.")))]
pub async fn logout(request: HttpRequest, state: State) -> Result<HttpResponse, ApiError> {
    end_login_of(&request, &state).await?;
    Ok(HttpResponse::NoContent().cookie(client::no_cookie(state.is_tls())).finish())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts",
    responses((status = 200, description = "You.", body = User)))]
pub async fn me(state: State, who: SignedIn) -> HttpResponse {
    // The login was just prolonged in the database; the cookie has to last as long.
    let cookie = client::login_cookie(&who.token, state.accounts.login_lifetime(), state.is_tls());
    HttpResponse::Ok().cookie(cookie).json(User::from(who.user))
}

async fn end_login_of(request: &HttpRequest, state: &HttpState) -> Result<(), ApiError> {
    let Some(token) = client::token(request, state.is_tls()) else { return Ok(()) };
    let accounts = state.accounts.clone();
    let end = async move {
        match accounts.by_token(&token).await? {
            Some((login, _)) => accounts.logout(login).await,
            None => Ok(()),
        }
    };
    state.finish(end).await
}

fn welcome(
    mut answer: actix_web::HttpResponseBuilder,
    state: &HttpState,
    signed_in: crate::accounts::SignedIn,
) -> HttpResponse {
    let cookie = client::login_cookie(&signed_in.token, state.accounts.login_lifetime(), state.is_tls());
    answer.cookie(cookie).json(User::from(signed_in.user))
}
