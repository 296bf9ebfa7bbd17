//! Around every request: an id, a tracing span, figures, and the headers every answer carries.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument;
use uuid::Uuid;

use super::state::State;

/// Under which a request is found in the log.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a page may look and what it may load. Monaco, xterm and radix need inline styles; nothing needs inline script.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; object-src 'none'";

/// For everything that is not a page: even if a browser shows it as one, it can do nothing.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// What an answer has unless its handler decided otherwise.
const DEFAULTS: [(HeaderName, &str); 9] = [
    (header::CONTENT_SECURITY_POLICY, DATA_POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
];

/// A year, subdomains left to their owner.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Middleware, the outermost.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let id = Uuid::now_v7();
    let method = request.method().clone();
    let state = request.app_data::<State>().cloned();
    let in_flight = state.as_ref().map(|state| state.metrics.begun());
    let span = tracing::info_span!("request", http.id = %id, http.method = %method, http.path = request.path());
    let begun = Instant::now();
    let mut response = next.call(request).instrument(span.clone()).await?;
    drop(in_flight);

    let took = begun.elapsed();
    let status = response.status().as_u16();
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    span.in_scope(|| {
        tracing::debug!(http.status = status, http.route = route, http.took_ms = took.as_millis(), "answered")
    });
    let tls = state.as_ref().is_some_and(|state| state.is_tls());
    if let Some(state) = state {
        state.metrics.answered(label(&method), &route, status, took);
    }
    complete(response.headers_mut(), id, tls);
    Ok(response)
}

/// A method as a label: there is no end to the methods a client can make up.
fn label(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "other" }
}

fn complete(headers: &mut HeaderMap, id: Uuid, tls: bool) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(X_REQUEST_ID, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_hardened_and_a_handlers_own_choice_stands() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        complete(&mut headers, Uuid::nil(), false);
        for (name, value) in DEFAULTS {
            let expected = if name == header::CACHE_CONTROL { "no-cache" } else { value };
            assert_eq!(headers.get(&name).map(HeaderValue::as_bytes), Some(expected.as_bytes()), "{name}");
        }
        assert!(headers.contains_key(X_REQUEST_ID) && !headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
        complete(&mut headers, Uuid::nil(), true);
        assert!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn the_pages_policy_allows_no_inline_script_and_no_foreign_source() {
        let script = PAGE_POLICY.split(';').map(str::trim).find(|rule| rule.starts_with("script-src"));
        assert_eq!(script, Some("script-src 'self'"));
        assert!(!PAGE_POLICY.contains("http") && !PAGE_POLICY.contains('*') && !PAGE_POLICY.contains("eval"));
    }

    #[test]
    fn made_up_methods_share_a_label() {
        let method = Method::from_bytes(b"BREW").expect("legal");
        assert_eq!((label(&method), label(&Method::PUT)), ("other", "PUT"));
    }
}
