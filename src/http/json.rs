//! JSON bodies and query strings whose every failure is a problem of ours.

use std::time::Duration;

use actix_web::error::{JsonPayloadError, QueryPayloadError};
use actix_web::{FromRequest, HttpRequest, dev, web};
use carrel_protocol::path::MAX_PATH_BYTES;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::{ApiError, Code};
use super::paths::MAX_PATHS;
use super::slots::{Slot, Slots};
use super::transfer::{announced, linger};
use crate::model::UserId;

/// Largest JSON body, in bytes; the largest we expect is a terminal's command line.
pub const MAX_JSON_BYTES: usize = 64 * 1024;

/// Largest JSON body that names many paths: as many as may be named, each of the longest with every byte as an escape (`\u0001`), and with its
/// key, quotes and an entity tag beside it.
pub const MAX_PATHS_JSON_BYTES: usize = MAX_JSON_BYTES + MAX_PATHS * (6 * MAX_PATH_BYTES + 128);

/// How long such a body may take, and one with many paths.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const PATHS_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Extractor: a JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let body = web::Json::<T>::from_request(request, payload);
        Box::pin(async move {
            match timeout(BODY_TIMEOUT, body).await {
                Ok(Ok(body)) => Ok(Self(body.into_inner())),
                // Our own `JsonConfig` has made it an `ApiError` already.
                Ok(Err(error)) => Err(from_actix(&error)),
                Err(_) => Err(ApiError::new(Code::RequestTimeout)),
            }
        })
    }
}

/// What the JSON extractor of actix has to say.
fn from_actix(error: &actix_web::Error) -> ApiError {
    match error.as_error::<JsonPayloadError>() {
        Some(error) => json_error(error, MAX_JSON_BYTES),
        None => ApiError::because(Code::InvalidBody, error),
    }
}

/// A JSON body that may name many paths, for as long as the second answer is held if it is a large one.
///
/// # Errors
/// As for [`Json`]; [`Code::TooManyRequests`] and [`Code::Busy`] while as many large ones are held as may be.
pub async fn with_paths<T: DeserializeOwned + 'static>(
    request: &HttpRequest,
    lists: &Slots<UserId>,
    user: UserId,
    mut body: web::Payload,
) -> Result<(T, Option<Slot<UserId>>), ApiError> {
    let length = announced(request.headers());
    if length.is_some_and(|length| length > MAX_PATHS_JSON_BYTES) {
        linger(&mut body).await;
        return Err(too_large(MAX_PATHS_JSON_BYTES));
    }
    let slot = length.is_none_or(|length| length > MAX_JSON_BYTES).then(|| lists.take(user)).transpose()?;
    let mut payload = body.into_inner();
    let reading = dev::JsonBody::new(request, &mut payload, None, true).limit(MAX_PATHS_JSON_BYTES);
    let read = timeout(PATHS_BODY_TIMEOUT, reading).await.map_err(|_| ApiError::new(Code::RequestTimeout))?;
    Ok((read.map_err(|error| json_error(&error, MAX_PATHS_JSON_BYTES))?, slot))
}

fn too_large(most: usize) -> ApiError {
    ApiError::because(Code::BodyTooLarge, format_args!("This JSON body has at most {most} bytes."))
}

fn json_error(error: &JsonPayloadError, most: usize) -> ApiError {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => too_large(most),
        JsonPayloadError::ContentType => ApiError::new(Code::UnsupportedMediaType),
        JsonPayloadError::Deserialize(error) => ApiError::because(Code::InvalidJson, error),
        error => ApiError::because(Code::InvalidBody, error),
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Items at the most.
    pub limit: Option<u32>,
    /// From `next` of the page before.
    pub cursor: Option<String>,
}

/// Of the query of what may take along what is only in a sandbox.
#[derive(Debug, Deserialize)]
pub struct Discard {
    /// Give that up.
    #[serde(default)]
    pub discard: bool,
}

/// A query string.
///
/// # Errors
/// [`Code::InvalidQuery`].
pub fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    let query = web::Query::<T>::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|error| match error {
        QueryPayloadError::Deserialize(error) => ApiError::because(Code::InvalidQuery, error),
        error => ApiError::because(Code::InvalidQuery, error),
    })
}

/// Configures the extractor of actix that ours is made of.
#[must_use]
pub fn config() -> web::JsonConfig {
    web::JsonConfig::default().limit(MAX_JSON_BYTES)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Name {
        #[serde(rename = "name")]
        _name: String,
    }

    async fn read(content_type: &'static str, body: impl Into<bytes::Bytes>) -> Result<Json<Name>, ApiError> {
        let request = TestRequest::post().app_data(config()).insert_header(("content-type", content_type));
        let (request, mut payload) = request.set_payload(body).to_http_parts();
        Json::from_request(&request, &mut payload).await
    }

    #[actix_web::test]
    async fn a_body_is_the_json_expected_or_has_its_own_code() {
        assert!(read("application/json", r#"{"name":"x"}"#).await.is_ok());
        for (content_type, body, code) in [
            ("application/json", "{".to_owned(), Code::InvalidJson),
            ("application/json", "{}".to_owned(), Code::InvalidJson),
            ("application/json", r#"{"name":1}"#.to_owned(), Code::InvalidJson),
            ("application/json", String::new(), Code::InvalidJson),
            ("text/plain", r#"{"name":"x"}"#.to_owned(), Code::UnsupportedMediaType),
            ("application/json", format!(r#"{{"name":"{}"}}"#, "x".repeat(MAX_JSON_BYTES)), Code::BodyTooLarge),
        ] {
            let error = read(content_type, body.clone()).await.expect_err(&body);
            assert_eq!(error.code(), code, "{content_type} {}", &body[..body.len().min(40)]);
        }
    }

    #[actix_web::test]
    async fn a_body_with_many_paths_may_be_large_and_only_so_many_are_read_at_once() {
        let (lists, user) = (Slots::new(2, 1), UserId::new());
        let read = async |bytes: usize| {
            let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(bytes));
            let request = TestRequest::post().insert_header(("content-type", "application/json"));
            let request = request.insert_header(("content-length", body.len()));
            let (request, mut payload) = request.set_payload(body).to_http_parts();
            let payload = web::Payload::from_request(&request, &mut payload).await.expect("payload");
            with_paths::<Name>(&request, &lists, user, payload).await.map_err(|error| error.code())
        };
        let large = MAX_PATHS_JSON_BYTES - 20;
        let (_, held) = read(large).await.expect("as large as it may be");
        assert_eq!(read(large).await.map(drop), Err(Code::TooManyRequests));
        assert!(read(10).await.expect("small").1.is_none());
        drop(held);
        assert_eq!(read(MAX_PATHS_JSON_BYTES).await.map(drop), Err(Code::BodyTooLarge));
        read(large).await.expect("given back");
    }

    #[test]
    fn a_query_string_is_read_or_refused() {
        for (text, legal) in [("/?limit=5&cursor=x", true), ("/", true), ("/?limit=-1", false), ("/?limit=x", false)] {
            let request = TestRequest::with_uri(text).to_http_request();
            assert_eq!(query::<Page>(&request).is_ok(), legal, "{text}");
        }
    }
}
