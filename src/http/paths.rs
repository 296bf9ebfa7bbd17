//! The one way from a URL to a [`WorkspacePath`].
//!
//! Percent-encoding is undone exactly once, on the raw path as it came. What is then no legal path is refused, never mended:
//! `%2e%2e` is `..` and refused, `%252e%252e` is the odd but legal name `%2e%2e`.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev};

use super::error::{ApiError, Code};
use crate::model::WorkspacePath;

/// Paths that may be named in one request.
pub const MAX_PATHS: usize = 1000;

/// Pieces of `/api/v1/sessions/{id}/files/{path}`, and of the like, before the path: the empty one, `api`, `v1`, `sessions`, the id, `files`.
const PIECES_BEFORE: usize = 6;

/// Extractor: the path at the end of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPath(pub WorkspacePath);

impl FromRequest for UrlPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(tail(request.uri().path()).map(Self))
    }
}

/// Extractor: the same where nothing stands for the whole workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTail(pub Option<WorkspacePath>);

impl FromRequest for UrlTail {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let raw = request.uri().path();
        ready(if raw_tail(raw).is_empty() { Ok(Self(None)) } else { tail(raw).map(|path| Self(Some(path))) })
    }
}

fn tail(raw: &str) -> Result<WorkspacePath, ApiError> {
    Ok(WorkspacePath::new(percent_decoded(raw_tail(raw))?)?)
}

fn raw_tail(raw: &str) -> &str {
    raw.splitn(PIECES_BEFORE + 1, '/').nth(PIECES_BEFORE).unwrap_or_default()
}

/// `text` with its percent-encoding undone.
///
/// # Errors
/// [`Code::InvalidPath`] when it is malformed or does not give UTF-8.
pub fn percent_decoded(text: &str) -> Result<String, ApiError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let (Some(high), Some(low)) =
                (after.first().copied().and_then(digit), after.get(1).copied().and_then(digit))
            else {
                return Err(ApiError::because(Code::InvalidPath, "The path has a % that encodes nothing."));
            };
            bytes.push(high * 16 + low);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError::because(Code::InvalidPath, "The path is not UTF-8."))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A path in a JSON body.
///
/// # Errors
/// [`Code::InvalidPath`].
pub fn workspace_path(text: String) -> Result<WorkspacePath, ApiError> {
    Ok(WorkspacePath::new(text)?)
}

/// A path in a query string, where an absent or empty one stands for the whole workspace.
///
/// # Errors
/// [`Code::InvalidPath`].
pub fn optional_path(text: Option<String>) -> Result<Option<WorkspacePath>, ApiError> {
    text.filter(|text| !text.is_empty()).map(workspace_path).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "/api/v1/sessions/0190a5e0-0000-7000-8000-000000000000/files/";

    #[test]
    fn a_path_is_decoded_exactly_once_and_then_taken_or_refused() {
        for (raw, expected) in [
            ("main.py", Some("main.py")),
            ("src/a%20b.py", Some("src/a b.py")),
            ("src%2Fa.py", Some("src/a.py")),
            ("%e6%97%a5%E6%9C%AC", Some("日本")),
            ("a+b", Some("a+b")),
            ("back%5cslash", Some("back\\slash")),
            ("..%5c..%5cx", Some("..\\..\\x")),
            ("%252e%252e/x", Some("%2e%2e/x")),
            ("new%0aline", Some("new\nline")),
            ("", None),
            ("../x", None),
            ("a/../../x", None),
            ("%2e%2e/x", None),
            ("%2e%2e%2fx", None),
            ("a/.%2e/x", None),
            ("./x", None),
            ("/etc/passwd", None),
            ("%2fetc/passwd", None),
            ("a//b", None),
            ("a/", None),
            ("a%00b", None),
            ("a%", None),
            ("a%2", None),
            ("a%zz", None),
            ("a%+1", None),
            ("%ff%fe", None),
            ("%c0%ae%c0%ae/x", None),
        ] {
            match (tail(&format!("{BEFORE}{raw}")), expected) {
                (Ok(path), Some(expected)) => assert_eq!(path.as_str(), expected, "{raw}"),
                (Err(error), None) => assert_eq!(error.code(), Code::InvalidPath, "{raw}"),
                (result, _) => panic!("{raw}: {result:?}"),
            }
        }
    }
}
