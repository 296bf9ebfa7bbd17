//! Who makes a request, and what they may see: the one place that decides.

use actix_web::{FromRequest, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use super::client;
use super::error::{ApiError, Code};
use super::state::State;
use crate::accounts::LoginToken;
use crate::db::{self, Db, reviews};
use crate::model::review::{Review, may_see};
use crate::model::{LoginId, ReviewId, Role, Session, SessionId, TerminalId, User};

/// Extractor: a signed-in user; anybody else gets 401.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which login.
    pub login: LoginId,
    /// Its secret.
    pub token: LoginToken,
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let state = request.app_data::<State>().cloned();
        let token = state.as_ref().and_then(|state| client::token(request, state.is_tls()));
        Box::pin(async move {
            let state = state.ok_or_else(|| ApiError::internal("no state"))?;
            let token = token.ok_or_else(|| ApiError::new(Code::Unauthenticated))?;
            let found = state.accounts.by_token(&token).await?;
            let (login, user) = found.ok_or_else(|| ApiError::new(Code::Unauthenticated))?;
            Ok(Self { user, login, token })
        })
    }
}

/// The session called `id`, if it is `user`'s. Somebody else's, an absent one and what is no id at all are the same: 404, after the same
/// one query.
///
/// # Errors
/// [`Code::NotFound`], or that the database cannot be asked.
pub async fn authorize_session(db: &Db, user: &User, id: &str) -> Result<Session, ApiError> {
    let id = SessionId(id.parse().unwrap_or(Uuid::nil()));
    let connection = db.interactive().await?;
    let session = db::sessions::get(&connection, id).await?;
    session.filter(|session| session.owner == user.id).ok_or_else(ApiError::not_found)
}

/// The deleted session called `id`, if it is `user`'s and can still be had back; otherwise as [`authorize_session`].
///
/// # Errors
/// [`Code::NotFound`], or that the database cannot be asked.
pub async fn authorize_deleted_session(db: &Db, user: &User, id: &str) -> Result<Session, ApiError> {
    let id = SessionId(id.parse().unwrap_or(Uuid::nil()));
    let connection = db.interactive().await?;
    let session = db::deleted::get(&connection, id).await?;
    session.filter(|session| session.owner == user.id).ok_or_else(ApiError::not_found)
}

/// The review called `id`, if `user` may see it; otherwise as [`authorize_session`].
///
/// # Errors
/// [`Code::NotFound`], or that the database cannot be asked.
pub async fn authorize_review(db: &Db, user: &User, id: &str) -> Result<Review, ApiError> {
    let id = ReviewId(id.parse().unwrap_or(Uuid::nil()));
    let connection = db.interactive().await?;
    let review = reviews::get(&connection, id).await?;
    let actor = reviews::actors(&connection, &[user.id]).await?.pop();
    let took_part = reviews::took_part(&connection, id, user.id).await?;
    let sees = |review: &Review| actor.is_some_and(|actor| may_see(&review.standing, &actor, took_part));
    review.filter(sees).ok_or_else(ApiError::not_found)
}

/// The id of a terminal in a URL. Terminals belong to their session: authorise that one first.
///
/// # Errors
/// [`Code::NotFound`].
pub fn terminal_id(id: &str) -> Result<TerminalId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found())
}

/// Operators pass; for others their pages do not exist.
///
/// # Errors
/// [`Code::NotFound`].
pub fn authorize_operator(user: &User) -> Result<(), ApiError> {
    match user.role {
        Role::Admin => Ok(()),
        Role::User => Err(ApiError::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::UserId;

    #[test]
    fn only_operators_see_operators_pages() {
        let user = |role| User {
            id: UserId::new(),
            username: "ada".into(),
            email: "a@b".into(),
            display_name: "Ada".into(),
            role,
            quotas: crate::model::UserQuotas::default(),
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        assert!(authorize_operator(&user(Role::Admin)).is_ok());
        assert_eq!(authorize_operator(&user(Role::User)).expect_err("hidden").code(), Code::NotFound);
    }

    #[test]
    fn what_is_no_terminal_id_is_not_found() {
        for text in ["", "x", "../..", "0190a5e0"] {
            assert_eq!(terminal_id(text).expect_err(text).code(), Code::NotFound);
        }
    }
}
