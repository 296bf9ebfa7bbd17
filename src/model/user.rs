//! People and what they may call themselves.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{UserId, UserQuotas};

/// Shortest password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password, in bytes: bcrypt reads no further, and we refuse rather than ignore the rest. (The algorithm's 72 bytes
/// include a terminating NUL in some implementations; ours hashes all 72.)
pub const MAX_PASSWORD_BYTES: usize = 72;
/// Longest e-mail address, in bytes (RFC 5321's path limit).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest display name, in characters.
pub const MAX_DISPLAY_NAME_CHARS: usize = 80;

/// What a user may do beyond their own things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Their own sessions and reviews.
    User,
    /// Everything: an operator.
    Admin,
}

impl Role {
    /// Its persisted name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// How others know a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserName {
    /// What they sign in with.
    pub username: String,
    /// What others see.
    pub display_name: String,
}

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they sign in with; unique without regard to case.
    pub username: String,
    /// Their address; unique without regard to case.
    pub email: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// What an operator has given their sandboxes instead of everybody's quotas.
    pub quotas: UserQuotas,
    /// When they registered.
    pub created_at: OffsetDateTime,
}

/// Why a registration's field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not 2 to 32 of the allowed characters.
    #[error("a username has 2 to 32 letters, digits, dots, dashes or underscores and starts with a letter or digit")]
    Username,
    /// Not `name@host`.
    #[error("this is not an e-mail address")]
    Email,
    /// Under [`MIN_PASSWORD_CHARS`].
    #[error("a password has at least 8 characters")]
    PasswordTooShort,
    /// Over [`MAX_PASSWORD_BYTES`].
    #[error("a password has at most 72 bytes")]
    PasswordTooLong,
    /// bcrypt ends a password at NUL.
    #[error("a password may not contain a NUL character")]
    PasswordNul,
    /// Over [`MAX_DISPLAY_NAME_CHARS`] or with control characters.
    #[error("a display name has at most 80 characters and no control characters")]
    DisplayName,
}

/// Checks a username.
///
/// # Errors
/// [`AccountError::Username`].
pub fn check_username(text: &str) -> Result<(), AccountError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if (2..=32).contains(&text.len()) && starts && text.chars().all(legal) {
        Ok(())
    } else {
        Err(AccountError::Username)
    }
}

/// Checks that a text has the shape of an e-mail address; only a message sent there could tell more.
///
/// # Errors
/// [`AccountError::Email`].
pub fn check_email(text: &str) -> Result<(), AccountError> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    match text.rsplit_once('@') {
        Some((name, host))
            if !name.is_empty()
                && !host.is_empty()
                && text.len() <= MAX_EMAIL_BYTES
                && !text.contains(odd)
                && !name.contains('@') =>
        {
            Ok(())
        }
        _ => Err(AccountError::Email),
    }
}

/// Checks a new password.
///
/// # Errors
/// The password rules of [`AccountError`].
pub fn check_password(text: &str) -> Result<(), AccountError> {
    if text.chars().count() < MIN_PASSWORD_CHARS {
        Err(AccountError::PasswordTooShort)
    } else if text.len() > MAX_PASSWORD_BYTES {
        Err(AccountError::PasswordTooLong)
    } else if text.contains('\0') {
        Err(AccountError::PasswordNul)
    } else {
        Ok(())
    }
}

/// Checks a display name.
///
/// # Errors
/// [`AccountError::DisplayName`].
pub fn check_display_name(text: &str) -> Result<(), AccountError> {
    let fits = !text.trim().is_empty()
        && text.chars().count() <= MAX_DISPLAY_NAME_CHARS
        && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(AccountError::DisplayName) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_emails_and_passwords_are_checked_as_the_table_says() {
        for (name, legal) in [
            ("ada", true),
            ("a.b-c_9", true),
            ("a", false),
            ("-rf", false),
            ("ad a", false),
            ("ädä", false),
            ("", false),
        ] {
            assert_eq!(check_username(name).is_ok(), legal, "{name}");
        }
        assert!(check_username(&"x".repeat(33)).is_err());
        for (email, legal) in [
            ("a@b", true),
            ("a.b+c@example.org", true),
            ("a", false),
            ("@b", false),
            ("a@", false),
            ("a@b@c", false),
            ("a b@c", false),
        ] {
            assert_eq!(check_email(email).is_ok(), legal, "{email}");
        }
        for (password, expected) in [
            ("1234567".to_owned(), Err(AccountError::PasswordTooShort)),
            ("12345678".to_owned(), Ok(())),
            ("x".repeat(72), Ok(())),
            ("x".repeat(73), Err(AccountError::PasswordTooLong)),
            ("é".repeat(37), Err(AccountError::PasswordTooLong)),
            ("1234\x005678".to_owned(), Err(AccountError::PasswordNul)),
        ] {
            assert_eq!(check_password(&password), expected, "{password:?}");
        }
    }
}
