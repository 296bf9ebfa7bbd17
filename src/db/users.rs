//! Table `users`.

use tokio_postgres::Row;

use super::{Client, DbError};
use crate::model::{Role, User, UserId};

/// The constraint that refuses a username somebody has.
pub const USERNAME_KEY: &str = "users_username_key";
/// The constraint that refuses an e-mail address somebody has.
pub const EMAIL_KEY: &str = "users_email_key";

/// What a new user is made of.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Their id.
    pub id: UserId,
    /// What they sign in with.
    pub username: String,
    /// Their address.
    pub email: String,
    /// Of their password.
    pub password_hash: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
}

/// Adds a user.
///
/// # Errors
/// [`DbError::Conflict`] with [`USERNAME_KEY`] or [`EMAIL_KEY`].
pub async fn insert(client: &impl Client, user: &NewUser) -> Result<User, DbError> {
    let sql =
        "insert into users (id, username, email, password_hash, display_name, role) values ($1, $2, $3, $4, $5, $6)
        returning id, username, email, display_name, role, created_at";
    let role = user.role.as_str();
    let row = client
        .query_one(sql, &[&user.id.0, &user.username, &user.email, &user.password_hash, &user.display_name, &role])
        .await?;
    read(&row)
}

/// The user whose username or e-mail address is `login` without regard to case, with the hash of their password.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_login(client: &impl Client, login: &str) -> Result<Option<(User, String)>, DbError> {
    if login.contains('\0') {
        // PostgreSQL's texts cannot, so nobody is called that.
        return Ok(None);
    }
    // A username cannot contain an @, so the two never mean different people.
    let sql = "select id, username, email, display_name, role, created_at, password_hash from users
        where lower(username collate \"C\") = lower($1::text collate \"C\")
           or lower(email collate \"C\") = lower($1::text collate \"C\")";
    let Some(row) = client.query_opt(sql, &[&login]).await? else { return Ok(None) };
    Ok(Some((read(&row)?, row.try_get("password_hash")?)))
}

/// A user from a row that has their columns.
pub(super) fn read(row: &Row) -> Result<User, DbError> {
    let role: &str = row.try_get("role")?;
    Ok(User {
        id: UserId(row.try_get("id")?),
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        display_name: row.try_get("display_name")?,
        role: match role {
            "user" => Role::User,
            "admin" => Role::Admin,
            other => return Err(DbError::Corrupt(format!("a user's role is {other:?}"))),
        },
        created_at: row.try_get("created_at")?,
    })
}
