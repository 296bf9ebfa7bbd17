//! The secret in a login's cookie. Only its hash is ever stored.

use std::fmt;

use rand::TryRngCore;
use rand::rngs::OsRng;

/// Bytes of a token: 256 bits, beyond guessing.
const TOKEN_BYTES: usize = 32;

/// A login's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginToken([u8; TOKEN_BYTES]);

impl LoginToken {
    /// A new one, from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, rand::rand_core::OsError> {
        let mut bytes = [0; TOKEN_BYTES];
        OsRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The token a cookie holds; `None` when it cannot be one.
    #[must_use]
    pub fn from_cookie(text: &str) -> Option<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }

    /// What the cookie holds.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        hex::encode(self.0)
    }

    /// What the database holds. The token is random, so one fast hash is enough: there is nothing to guess.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_cookie_and_is_never_shown_or_repeated() {
        let token = LoginToken::generate().expect("randomness");
        assert_eq!(LoginToken::from_cookie(&token.to_cookie()), Some(token.clone()));
        assert!(!format!("{token:?}").contains(&token.to_cookie()[..8]));
        assert_ne!(token, LoginToken::generate().expect("randomness"));
        for text in ["", "zz", &token.to_cookie()[1..], &format!("{}00", token.to_cookie())] {
            assert_eq!(LoginToken::from_cookie(text), None, "{text}");
        }
    }
}
