//! Only Carrel's own page may change things: the `Origin` check on unsafe methods and WebSockets.
//!
//! A browser sends `Origin` with every unsafe request and every WebSocket handshake, and no page can change it. Cookies are
//! `SameSite=Lax` besides, but neighbours under the same domain are the same *site*; origins are exact.
//!
//! Without `server.public_url` our origin is what `Host` says, and anybody's name can be made to lead to this machine (DNS rebinding). So
//! then only hosts are accepted that nobody can give another meaning: addresses and `localhost`.

use std::net::{Ipv4Addr, Ipv6Addr};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, ResponseError, web};

use super::error::{ApiError, Code};
use super::state::HttpState;

/// What a browser says about where a request comes from, independently of `Origin`.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the check looks at.
#[derive(Clone, Copy, Debug)]
struct Claims<'a> {
    /// `Origin`; `Err` when it is there more than once or unreadable.
    origin: Result<Option<&'a str>, ()>,
    /// `Sec-Fetch-Site`.
    site: Option<&'a str>,
    /// `Host`.
    host: Option<&'a str>,
}

/// Middleware: refuses what does not come from our own page, before anything else looks at it.
pub async fn check<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<EitherBody<B>>> {
    if is_checked(request.method(), request.headers())
        && let Err(error) = require_own(request.request())
    {
        return Ok(request.into_response(error.error_response()).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Whether the request comes from our own page, or (where that is allowed) from no page at all.
///
/// # Errors
/// [`Code::ForbiddenOrigin`].
pub fn require_own(request: &HttpRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    let claims = Claims {
        origin: single(headers, &header::ORIGIN),
        site: headers.get(SEC_FETCH_SITE).map(|site| site.to_str().unwrap_or("unreadable")),
        host: headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    };
    let public_url =
        request.app_data::<web::Data<HttpState>>().and_then(|state| state.config.server.public_url.as_deref());
    if public_url.is_none() && !claims.host.is_some_and(is_safe_host) {
        let detail = "Under this name the server can be used only when server.public_url says so.";
        return Err(ApiError::because(Code::ForbiddenOrigin, detail));
    }
    if is_own(claims, public_url, is_upgrade(headers)) { Ok(()) } else { Err(ApiError::new(Code::ForbiddenOrigin)) }
}

/// Whether the `Host` of a request is one that cannot be made to lead elsewhere.
pub(super) fn has_safe_host(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_safe_host)
}

/// An address (as `server.listen` always is), `localhost`, or a name below it, with or without a port.
fn is_safe_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.starts_with(':'))
        });
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<Ipv4Addr>().is_ok()
}

fn is_checked(method: &Method, headers: &HeaderMap) -> bool {
    !matches!(*method, Method::GET | Method::HEAD) || is_upgrade(headers)
}

/// Whether a WebSocket may be meant; other upgrades are nothing we do.
fn is_upgrade(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE);
    upgrades.any(|upgrade| upgrade.as_bytes().to_ascii_lowercase().windows(9).any(|part| part == b"websocket"))
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

fn is_own(claims: Claims<'_>, public_url: Option<&str>, websocket: bool) -> bool {
    let own = match (public_url, claims.host) {
        (Some(url), _) => Some(canonical(url)),
        (None, Some(host)) => Some(canonical(&format!("http://{host}"))),
        (None, None) => None,
    };
    match claims.origin {
        Ok(Some(origin)) => own.is_some_and(|own| own == canonical(origin)),
        // Command-line clients send neither; a page's form on an old browser sends `Sec-Fetch-Site` at least.
        Ok(None) => !websocket && matches!(claims.site, None | Some("same-origin" | "none")),
        Err(()) => false,
    }
}

/// An origin as browsers write it: lower case, without the scheme's own port.
fn canonical(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let default_port = if origin.starts_with("https://") { ":443" } else { ":80" };
    origin.strip_suffix(default_port).map(str::to_owned).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Option<&str> = Some("localhost:8080");

    #[track_caller]
    fn check(origin: Option<&str>, site: Option<&str>, public_url: Option<&str>, websocket: bool, own: bool) {
        let claims = Claims { origin: Ok(origin), site, host: HOST };
        assert_eq!(is_own(claims, public_url, websocket), own, "{claims:?} {public_url:?} {websocket}");
    }

    #[test]
    fn only_the_exact_own_origin_passes() {
        for (origin, own) in [
            ("http://localhost:8080", true),
            ("HTTP://LOCALHOST:8080", true),
            ("https://localhost:8080", false),
            ("http://localhost", false),
            ("http://localhost:80801", false),
            ("http://localhost:8080.evil.example", false),
            ("http://evil.example", false),
            ("http://evil.example/http://localhost:8080", false),
            ("null", false),
            ("", false),
        ] {
            for websocket in [false, true] {
                check(Some(origin), None, None, websocket, own);
            }
        }
    }

    #[test]
    fn the_public_url_replaces_the_host() {
        let public = Some("https://carrel.example.org");
        for (origin, own) in [
            ("https://carrel.example.org", true),
            ("https://carrel.example.org:443", true),
            ("http://carrel.example.org", false),
            ("https://carrel.example.org.evil.example", false),
            ("https://evil-carrel.example.org", false),
            ("http://localhost:8080", false),
        ] {
            check(Some(origin), None, public, true, own);
        }
    }

    #[test]
    fn without_an_origin_only_clients_that_are_no_page_pass_and_never_to_a_websocket() {
        for (site, own) in [
            (None, true),
            (Some("same-origin"), true),
            (Some("none"), true),
            (Some("same-site"), false),
            (Some("cross-site"), false),
            (Some("unreadable"), false),
        ] {
            check(None, site, None, false, own);
            check(None, site, None, true, false);
        }
    }

    #[test]
    fn without_a_public_url_only_addresses_and_localhost_are_hosts_of_ours() {
        for (host, safe) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("carrel.localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("192.168.1.7", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("[::1].evil.example", false),
            ("[evil.example]", false),
            ("2130706433", false),
            ("", false),
        ] {
            assert_eq!(is_safe_host(host), safe, "{host}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let claims = Claims { origin: Err(()), site: None, host: HOST };
        assert!(!is_own(claims, None, false) && !is_own(claims, None, true));
        let claims = Claims { origin: Ok(Some("http://")), site: None, host: None };
        assert!(!is_own(claims, None, false), "without a host nothing is our own");
    }

    #[test]
    fn safe_requests_are_left_alone_unless_they_open_a_websocket() {
        let mut headers = HeaderMap::new();
        for (method, checked) in [
            (Method::GET, false),
            (Method::HEAD, false),
            (Method::POST, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::PATCH, true),
            (Method::OPTIONS, true),
        ] {
            assert_eq!(is_checked(&method, &headers), checked, "{method}");
        }
        headers.insert(header::UPGRADE, header::HeaderValue::from_static("WebSocket"));
        assert!(is_checked(&Method::GET, &headers));
        headers.insert(header::UPGRADE, header::HeaderValue::from_static("h2c"));
        assert!(!is_checked(&Method::GET, &headers));
        headers.append(header::UPGRADE, header::HeaderValue::from_static("foo, websocket"));
        assert!(is_checked(&Method::GET, &headers));
    }
}
