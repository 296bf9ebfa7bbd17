//! Every code is unique, used and answered as promised.

use std::collections::HashSet;
use std::path::Path;

use actix_web::body::to_bytes;

use super::*;
use crate::db::Unavailable;

#[test]
fn every_code_has_its_own_name_and_a_status_of_failure() {
    let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).expect("JSON"), code.as_str());
        assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code:?}");
    }
}

#[test]
fn every_code_is_used() {
    let mut source = String::new();
    read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut source);
    for code in Code::ALL {
        let used = format!("Code::{code:?}");
        assert!(source.contains(&used), "{used} is answered nowhere");
    }
}

fn read_all(folder: &Path, source: &mut String) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            read_all(&path, source);
        } else if !path.ends_with("error_tests.rs") {
            source.push_str(&std::fs::read_to_string(path).expect("source"));
        }
    }
}

#[actix_web::test]
async fn a_failure_of_ours_tells_nothing() {
    let error = ApiError::internal(std::io::Error::other("password of the database"));
    let response = error.error_response();
    assert_eq!(response.status(), 500);
    let body = to_bytes(response.into_body()).await.expect("body");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({ "type": "about:blank", "title": "Something went wrong on our side", "status": 500,
            "code": "internal", "detail": "It has been logged under the request's id." })
    );
}

#[actix_web::test]
async fn not_found_is_the_same_whatever_was_not_found() {
    let mut bodies = HashSet::new();
    for error in [
        ApiError::not_found(),
        SessionError::NotFound.into(),
        SessionError::NoTerminal.into(),
        SessionError::NoItem.into(),
    ] {
        bodies.insert(to_bytes(error.error_response().into_body()).await.expect("body"));
    }
    assert_eq!(bodies.len(), 1);
}

#[test]
fn headers_say_when_and_how_to_try_again() {
    let header = |error: ApiError, name: &str| {
        error.error_response().headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(header(SessionError::Busy.into(), "retry-after"), Some("1".into()));
    let unavailable = DbError::from(Unavailable::Closed);
    assert_eq!(header(unavailable.into(), "retry-after"), Some("1".into()));
    let limited = AccountsError::TooMany { retry_after: Duration::from_millis(5_001) };
    assert_eq!(header(limited.into(), "retry-after"), Some("6".into()));
    let allowed = ApiError::method_not_allowed(&[Method::GET, Method::PUT]);
    assert_eq!(header(allowed, "allow"), Some("GET, PUT".into()));
    let hash = ContentHash::of(b"x");
    let changed = SessionError::PreconditionFailed { current: Some(hash) };
    assert_eq!(header(changed.into(), "etag"), Some(format!("\"{hash}\"")));
    assert_eq!(header(SessionError::NotFound.into(), "retry-after"), None);
}

#[test]
fn what_the_façades_say_has_its_code() {
    for (error, code) in [
        (SessionError::NotReady { state: crate::model::SessionState::Stopping }, Code::NotReady),
        (SessionError::StartFailed("x".into()), Code::StartFailed),
        (SessionError::FileTooLarge { limit_bytes: 1 }, Code::BodyTooLarge),
        (SessionError::TooManyBytes, Code::QuotaExceeded),
        (SessionError::TooManyItems, Code::QuotaExceeded),
        (SessionError::NotSaved("big.bin".into()), Code::NotSaved),
        (SessionError::Uncollected("its agent stays silent".into()), Code::NotSaved),
        (SessionError::Refused, Code::InvalidPath),
        (SessionError::IntoItself, Code::InvalidPath),
        (
            SessionError::BadPath {
                path: carrel_protocol::WorkspacePath::new("a").expect("a path"),
                why: carrel_protocol::PathError::TooDeep,
            },
            Code::InvalidPath,
        ),
        (SessionError::ViewerLimit, Code::TooManyRequests),
        (SessionError::Internal, Code::Internal),
    ] {
        assert_eq!(ApiError::from(error).code(), code);
    }
    for (error, code) in [
        (AccountsError::from(AccountError::PasswordTooLong), Code::PasswordTooLong),
        (AccountsError::UsernameTaken, Code::UsernameTaken),
        (AccountsError::Hashing("x".into()), Code::Internal),
        (AccountsError::Db(DbError::Corrupt("x".into())), Code::Internal),
    ] {
        assert_eq!(ApiError::from(error).code(), code);
    }
}
