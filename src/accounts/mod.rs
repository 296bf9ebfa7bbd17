//! Who somebody is: registering, signing in, staying signed in, signing out.
//!
//! A login is a row in the database, found by the hash of a random token that only the browser's cookie holds. Every sign-in makes
//! a new one. Guessing is bounded three times: by account, by address, and by the line before bcrypt.
//!
//! **Architecture invariant**: knows nothing of HTTP. **Invariants**: a password is hashed or compared on a blocking thread only; an
//! unknown user costs as much as a known one; neither password nor token is ever logged.

mod ends;
mod limits;
mod password;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::config::AuthConfig;
use crate::db::users::NewUser;
use crate::db::{self, Db, DbError};
use crate::model::user::{self, AccountError};
use crate::model::{LoginId, Role, User, UserId, UserQuotas};

pub use ends::{LoginEnd, LoginEnds};
use limits::{AccountKey, KeyedLimit, address_key};
pub use password::PasswordError;
use password::PasswordHasher;
pub use token::LoginToken;

/// What somebody is told to wait when too many passwords wait to be hashed: about the time the line needs.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// Longest description of a browser kept with a login, in bytes.
const MAX_USER_AGENT_BYTES: usize = 256;

/// Accounts and logins. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    db: Db,
    config: AuthConfig,
    hasher: PasswordHasher,
    by_account: KeyedLimit<AccountKey>,
    by_address: KeyedLimit<IpAddr>,
    ends: LoginEnds,
}

/// What somebody registers with.
#[derive(Clone)]
pub struct NewAccount {
    /// What they sign in with.
    pub username: String,
    /// Their address.
    pub email: String,
    /// Their password, unchecked.
    pub password: String,
    /// What others see; the username when absent.
    pub display_name: Option<String>,
}

/// Where a login comes from, for its owner to recognise it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Network address.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// A user who has just signed in, and the secret for their cookie.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Goes into the cookie and nowhere else.
    pub token: LoginToken,
}

/// Why somebody could not register or sign in.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// A field breaks a rule.
    #[error(transparent)]
    Field(#[from] AccountError),
    /// Somebody has that username.
    #[error("the username is taken")]
    UsernameTaken,
    /// Somebody has that address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Unknown user or wrong password.
    #[error("unknown user or wrong password")]
    WrongCredentials,
    /// `auth.registration` is off.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Too many attempts, or too many passwords in line.
    #[error("too many attempts")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The database.
    #[error(transparent)]
    Db(DbError),
    /// bcrypt or the operating system's randomness.
    #[error("{0}")]
    Hashing(String),
}

impl Accounts {
    /// Accounts kept in `db` under the rules of `config`.
    #[must_use]
    pub fn new(db: Db, config: &AuthConfig) -> Self {
        Self(Arc::new(Inner {
            db,
            hasher: PasswordHasher::new(config.bcrypt_cost, config.bcrypt_workers, config.bcrypt_waiting_line),
            by_account: KeyedLimit::per_minute(config.attempts_per_account),
            by_address: KeyedLimit::per_minute(config.attempts_per_address),
            ends: LoginEnds::default(),
            config: config.clone(),
        }))
    }

    /// Removes logins that have ended; how many.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn forget_ended(&self) -> Result<u64, AccountsError> {
        let connection = self.0.db.bulk().await.map_err(AccountsError::Db)?;
        db::logins::delete_expired(&connection).await.map_err(AccountsError::Db)
    }

    /// Makes an account and signs its owner in.
    ///
    /// # Errors
    /// [`AccountsError`]; nothing is kept then.
    pub async fn register(&self, account: NewAccount, origin: &Origin) -> Result<SignedIn, AccountsError> {
        if !self.0.config.registration {
            return Err(AccountsError::RegistrationClosed);
        }
        check(&account)?;
        self.count_address(origin.address)?;
        let user = self.insert(account, Role::User).await?;
        self.sign_in(user, origin).await
    }

    /// Signs in whoever knows the password of `login`, a username or an e-mail address in any case.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn login(&self, login: &str, password: String, origin: &Origin) -> Result<SignedIn, AccountsError> {
        if password.len() > user::MAX_PASSWORD_BYTES {
            return Err(AccountError::PasswordTooLong.into());
        }
        let login = fold(login);
        self.count_address(origin.address)?;
        self.0.by_account.attempt(&AccountKey::of(&login)).map_err(too_many)?;
        let found = {
            let connection = self.0.db.interactive().await?;
            // What no registration accepts is not worth a query, but still worth the work below.
            if is_login(&login) { db::users::by_login(&connection, &login).await? } else { None }
        };
        // bcrypt repeats a password with a NUL between, so one with a NUL inside could equal a shorter one.
        let impossible = password.contains('\0');
        let (user, hash) = found.unzip();
        let right = self.0.hasher.verify(password, hash).await?;
        match user {
            Some(user) if right && !impossible => self.sign_in(user, origin).await,
            _ => Err(AccountsError::WrongCredentials),
        }
    }

    /// Whose login has this token; keeps it alive. `None` when there is none or it has ended.
    ///
    /// # Errors
    /// [`AccountsError::Db`].
    pub async fn by_token(&self, token: &LoginToken) -> Result<Option<(LoginId, User)>, AccountsError> {
        let connection = self.0.db.interactive().await?;
        Ok(db::logins::by_token_hash(&connection, &token.hash()).await?)
    }

    /// Ends a login: its token is worth nothing from now on, and whoever listens with [`Accounts::listen`] is told.
    ///
    /// # Errors
    /// [`AccountsError::Db`].
    pub async fn logout(&self, login: LoginId) -> Result<(), AccountsError> {
        let connection = self.0.db.interactive().await?;
        db::logins::delete(&connection, login).await?;
        drop(connection);
        self.0.ends.tell(login);
        Ok(())
    }

    /// Tells those who listen with [`Accounts::listen`] for a login that has expired, or that another server has ended; how many logins it were.
    ///
    /// # Errors
    /// [`AccountsError::Db`].
    pub async fn tell_ended(&self) -> Result<usize, AccountsError> {
        let listened = self.0.ends.listened();
        if listened.is_empty() {
            return Ok(0);
        }
        let connection = self.0.db.bulk().await?;
        let ended = db::logins::ended_of(&connection, &listened).await?;
        ended.iter().for_each(|login| self.0.ends.tell(*login));
        Ok(ended.len())
    }

    /// Listens for the end of `login`; look with [`Accounts::by_token`] afterwards whether it has not ended already.
    #[must_use]
    pub fn listen(&self, login: LoginId) -> LoginEnd {
        self.0.ends.listen(login)
    }

    /// How long a login lasts without being used.
    #[must_use]
    pub fn login_lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.config.login_days) * 24 * 60 * 60)
    }

    /// Makes an account with `role`, whether registration is open or not.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn create_user(&self, account: NewAccount, role: Role) -> Result<User, AccountsError> {
        check(&account)?;
        self.insert(account, role).await
    }

    /// Gives a user's sandboxes quotas of their own, from their next start on; `None` when there is no such user. The quotas are checked.
    ///
    /// # Errors
    /// [`AccountsError::Db`].
    pub async fn set_quotas(&self, user: UserId, quotas: UserQuotas) -> Result<Option<User>, AccountsError> {
        let connection = self.0.db.interactive().await?;
        Ok(db::users::set_quotas(&connection, user, quotas).await?)
    }

    async fn insert(&self, account: NewAccount, role: Role) -> Result<User, AccountsError> {
        let password_hash = self.0.hasher.hash(account.password).await?;
        let display_name = account.display_name.map(|name| name.trim().to_owned());
        let new = NewUser {
            id: UserId::new(),
            display_name: display_name.unwrap_or_else(|| account.username.clone()),
            username: account.username,
            email: account.email,
            password_hash,
            role,
        };
        let connection = self.0.db.interactive().await?;
        db::users::insert(&connection, &new).await.map_err(|error| match &error {
            error if error.is_conflict(db::users::USERNAME_KEY) => AccountsError::UsernameTaken,
            error if error.is_conflict(db::users::EMAIL_KEY) => AccountsError::EmailTaken,
            _ => AccountsError::Db(error),
        })
    }

    async fn sign_in(&self, user: User, origin: &Origin) -> Result<SignedIn, AccountsError> {
        let token = LoginToken::generate().map_err(|error| AccountsError::Hashing(error.to_string()))?;
        let connection = self.0.db.interactive().await?;
        let new = db::logins::NewLogin {
            id: LoginId::new(),
            user: user.id,
            token_hash: token.hash(),
            expires_at: self.expiry(),
            user_agent: shortened(&origin.user_agent).to_owned(),
            address: origin.address.to_string(),
        };
        db::logins::insert(&connection, &new).await?;
        Ok(SignedIn { user, token })
    }

    fn expiry(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.login_lifetime()
    }

    fn count_address(&self, address: IpAddr) -> Result<(), AccountsError> {
        self.0.by_address.attempt(&address_key(address)).map_err(too_many)
    }
}

fn too_many(retry_after: Duration) -> AccountsError {
    AccountsError::TooMany { retry_after }
}

/// Makes an account without the rest of Carrel running: `carrel user create`.
///
/// # Errors
/// [`AccountsError`].
pub async fn create_user(db: &Db, config: &AuthConfig, account: NewAccount, role: Role) -> Result<User, AccountsError> {
    Accounts::new(db.clone(), config).create_user(account, role).await
}

/// Gives the sandboxes of whoever signs in as `login` quotas of their own, without the rest of Carrel running: `carrel user quota`. `None` when
/// there is no such user.
///
/// # Errors
/// [`DbError`].
pub async fn set_quotas(db: &Db, login: &str, quotas: UserQuotas) -> Result<Option<User>, DbError> {
    let connection = db.interactive().await?;
    match db::users::by_login(&connection, &fold(login)).await? {
        Some((user, _)) => db::users::set_quotas(&connection, user.id, quotas).await,
        None => Ok(None),
    }
}

fn check(account: &NewAccount) -> Result<(), AccountError> {
    user::check_username(&account.username)?;
    user::check_email(&account.email)?;
    user::check_password(&account.password)?;
    account.display_name.as_deref().map_or(Ok(()), user::check_display_name)
}

/// Case-folded, as usernames and e-mail addresses are compared.
fn fold(login: &str) -> String {
    login.trim().to_lowercase()
}

fn is_login(login: &str) -> bool {
    user::check_username(login).is_ok() || user::check_email(login).is_ok()
}

/// The beginning of a text, cut between characters.
fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_USER_AGENT_BYTES)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

impl From<DbError> for AccountsError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<PasswordError> for AccountsError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::LineFull => too_many(LINE_PAUSE),
            PasswordError::Failed(_) => Self::Hashing(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_folded_and_a_browsers_name_cut_between_characters() {
        assert_eq!(fold("  ADA@Example.org "), "ada@example.org");
        assert!(is_login("ada") && is_login("ada@example.org") && !is_login("a b") && !is_login(""));
        let long = "é".repeat(200);
        assert_eq!(shortened(&long).len(), 256);
        assert_eq!(shortened(&format!("x{long}")).len(), 255);
        assert_eq!(shortened("short"), "short");
    }
}
