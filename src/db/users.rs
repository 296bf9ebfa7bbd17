//! Table `users`.

use std::collections::HashMap;

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Client, DbError, sessions::count};
use crate::model::{Role, SessionId, User, UserId, UserName, UserQuotas};

/// The constraint that refuses a username somebody has.
pub const USERNAME_KEY: &str = "users_username_key";
/// The constraint that refuses an e-mail address somebody has.
pub const EMAIL_KEY: &str = "users_email_key";

/// The columns of a user; a macro because a statement's text is a constant.
macro_rules! columns {
    () => {
        "u.id, u.username, u.email, u.display_name, u.role, u.created_at, u.quota_memory_mb, u.quota_cpus, u.quota_pids"
    };
}
pub(super) use columns;

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
    let sql = concat!(
        "insert into users as u (id, username, email, password_hash, display_name, role) values ($1, $2, $3, $4, $5, $6)
        returning ",
        columns!()
    );
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
    let sql = concat!(
        "select ",
        columns!(),
        ", u.password_hash from users u
        where lower(u.username collate \"C\") = lower($1::text collate \"C\")
           or lower(u.email collate \"C\") = lower($1::text collate \"C\")"
    );
    let Some(row) = client.query_opt(sql, &[&login]).await? else { return Ok(None) };
    Ok(Some((read(&row)?, row.try_get("password_hash")?)))
}

/// How others know these users.
///
/// # Errors
/// When the database cannot be asked.
pub async fn names(client: &impl Client, users: &[UserId]) -> Result<HashMap<UserId, UserName>, DbError> {
    let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let rows = client.query("select id, username, display_name from users where id = any($1)", &[&ids]).await?;
    let read = |row: &Row| {
        let name = UserName { username: row.try_get(1)?, display_name: row.try_get(2)? };
        Ok((UserId(row.try_get(0)?), name))
    };
    rows.iter().map(read).collect()
}

/// Users by name, from after `cursor` on, with the cursor of the next page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(
    client: &impl Client,
    limit: u32,
    cursor: Option<&str>,
) -> Result<(Vec<User>, Option<String>), DbError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from users u where lower(u.username collate \"C\") > coalesce(lower($1::text collate \"C\"), '')
          order by lower(u.username collate \"C\") limit $2"
    );
    let limit = limit.max(1);
    let rows = client.query(sql, &[&cursor, &(i64::from(limit) + 1)]).await?;
    let mut users = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let more = users.len() > limit as usize;
    users.truncate(limit as usize);
    let next = users.last().filter(|_| more).map(|user| user.username.clone());
    Ok((users, next))
}

/// Gives a user's sandboxes quotas of their own; `None` when there is no such user.
///
/// # Errors
/// When the database cannot be asked.
pub async fn set_quotas(client: &impl Client, id: UserId, quotas: UserQuotas) -> Result<Option<User>, DbError> {
    let sql = concat!(
        "update users u set quota_memory_mb = $2, quota_cpus = $3, quota_pids = $4 where u.id = $1 returning ",
        columns!()
    );
    // Checked to be far below.
    let memory = quotas.memory_mb.map(|memory| i64::try_from(memory).unwrap_or(i64::MAX));
    client.query_opt(sql, &[&id.0, &memory, &quotas.cpus, &quotas.pids]).await?.as_ref().map(read).transpose()
}

/// What the sandboxes of a session's owner may use; as everybody's when there is no such session.
///
/// # Errors
/// When the database cannot be asked.
pub async fn quotas_of_owner(client: &impl Client, session: SessionId) -> Result<UserQuotas, DbError> {
    let sql = "select u.quota_memory_mb, u.quota_cpus, u.quota_pids
        from users u join sessions s on s.owner_id = u.id where s.id = $1";
    let row = client.query_opt(sql, &[&session.0]).await?;
    row.as_ref().map_or(Ok(UserQuotas::default()), read_quotas)
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
        quotas: read_quotas(row)?,
        created_at: row.try_get("created_at")?,
    })
}

fn read_quotas(row: &Row) -> Result<UserQuotas, DbError> {
    Ok(UserQuotas {
        memory_mb: row.try_get::<_, Option<i64>>("quota_memory_mb")?.map(count).transpose()?,
        cpus: row.try_get("quota_cpus")?,
        pids: row.try_get("quota_pids")?,
    })
}
