//! Table `logins`: signed-in browsers.

use time::OffsetDateTime;

use super::{Client, DbError, users};
use crate::model::{LoginId, User, UserId};

/// What a new login is made of.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Its id.
    pub id: LoginId,
    /// Whose it is.
    pub user: UserId,
    /// Hash of the cookie's token.
    pub token_hash: [u8; 32],
    /// When it ends unless it is used; every use puts that off by as much as there is between now and then.
    pub expires_at: OffsetDateTime,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Where it came from.
    pub address: String,
}

/// Adds a login.
///
/// # Errors
/// [`DbError::Conflict`] when the user is gone or `expires_at` is not in the future.
pub async fn insert(client: &impl Client, login: &NewLogin) -> Result<(), DbError> {
    let sql = "insert into logins (id, user_id, token_hash, expires_at, lifetime, user_agent, address)
        values ($1, $2, $3, $4, $4 - now(), $5, $6)";
    let hash = login.token_hash.as_slice();
    client
        .execute(sql, &[&login.id.0, &login.user.0, &hash, &login.expires_at, &login.user_agent, &login.address])
        .await
        .map(drop)
}

/// The login with this token and its user, unless it has expired. Notes that it was seen, at most once a minute, and puts its end off.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_token_hash(client: &impl Client, token_hash: &[u8; 32]) -> Result<Option<(LoginId, User)>, DbError> {
    let find = concat!(
        "select l.id as login_id, l.last_seen_at < now() - interval '1 minute' as stale, ",
        users::columns!(),
        " from logins l join users u on u.id = l.user_id where l.token_hash = $1 and l.expires_at > now()"
    );
    let Some(row) = client.query_opt(find, &[&token_hash.as_slice()]).await? else { return Ok(None) };
    let id = LoginId(row.try_get("login_id")?);
    if row.try_get("stale")? {
        let touch = "update logins set last_seen_at = now(), expires_at = now() + lifetime where id = $1";
        client.execute(touch, &[&id.0]).await?;
    }
    Ok(Some((id, users::read(&row)?)))
}

/// Ends a login. Whether there was one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn delete(client: &impl Client, id: LoginId) -> Result<bool, DbError> {
    Ok(client.execute("delete from logins where id = $1", &[&id.0]).await? > 0)
}

/// Those of `logins` that have ended. Being asked about is no use of a login.
///
/// # Errors
/// When the database cannot be asked.
pub async fn ended_of(client: &impl Client, logins: &[LoginId]) -> Result<Vec<LoginId>, DbError> {
    let sql = "select asked.id from unnest($1::uuid[]) as asked (id)
        where not exists (select from logins where logins.id = asked.id and expires_at > now())";
    let logins: Vec<_> = logins.iter().map(|login| login.0).collect();
    client.query(sql, &[&logins]).await?.iter().map(|row| Ok(LoginId(row.try_get(0)?))).collect()
}

/// Removes logins that have ended; how many.
///
/// # Errors
/// When the database cannot be asked.
pub async fn delete_expired(client: &impl Client) -> Result<u64, DbError> {
    client.execute("delete from logins where expires_at <= now()", &[]).await
}
