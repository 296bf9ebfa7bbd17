//! What a request tells of its sender: network address and login cookie.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::state::HttpState;
use crate::accounts::{LoginToken, Origin};

/// The cookie's name without TLS.
const COOKIE: &str = "carrel_login";
/// The cookie's name under TLS: browsers then insist on `Secure`, `Path=/` and no `Domain`.
const SECURE_COOKIE: &str = "__Host-carrel_login";

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a login comes from.
#[must_use]
pub fn origin(request: &HttpRequest, state: &HttpState) -> Origin {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Origin { address: address(request, state), user_agent: user_agent.unwrap_or_default().to_owned() }
}

/// The client's address.
#[must_use]
pub fn address(request: &HttpRequest, state: &HttpState) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    forwarded(peer, request.headers(), state.config.server.public_url.is_some())
}

/// Whether the request was made on this machine, not through a proxy on it nor by a page of somebody else's. Where a proxy is configured
/// nothing counts as local: it may well forward without saying for whom.
#[must_use]
pub fn is_local(request: &HttpRequest, state: &HttpState) -> bool {
    state.config.server.public_url.is_none()
        && request.peer_addr().is_some_and(|peer| peer.ip().is_loopback())
        && !request.headers().contains_key(X_FORWARDED_FOR)
        && super::origin::has_safe_host(request.headers())
}

/// Whom a proxy speaks for: believed only when one is configured and sits on this machine, and only the entry it added itself,
/// the last one. Everything before it comes from the client.
fn forwarded(peer: IpAddr, headers: &HeaderMap, proxied: bool) -> IpAddr {
    if !proxied || !peer.is_loopback() {
        return peer;
    }
    let last = headers.get_all(X_FORWARDED_FOR).last().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}

/// The token in the request's login cookie.
#[must_use]
pub fn token(request: &HttpRequest, tls: bool) -> Option<LoginToken> {
    request.cookie(name(tls)).and_then(|cookie| LoginToken::from_cookie(cookie.value()))
}

/// The cookie that keeps somebody signed in for `lifetime`.
#[must_use]
pub fn login_cookie(token: &LoginToken, lifetime: std::time::Duration, tls: bool) -> Cookie<'static> {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    cookie(token.to_cookie(), CookieDuration::seconds(seconds), tls)
}

/// The cookie that makes a browser forget its login.
#[must_use]
pub fn no_cookie(tls: bool) -> Cookie<'static> {
    cookie(String::new(), CookieDuration::ZERO, tls)
}

fn cookie(value: String, max_age: CookieDuration, tls: bool) -> Cookie<'static> {
    Cookie::build(name(tls), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(tls)
        .max_age(max_age)
        .finish()
}

fn name(tls: bool) -> &'static str {
    if tls { SECURE_COOKIE } else { COOKIE }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_forwarded_address_is_believed_from_a_configured_proxy_on_this_machine_only() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, header::HeaderValue::from_static("1.1.1.1"));
        headers.append(X_FORWARDED_FOR, header::HeaderValue::from_static("2.2.2.2, 3.3.3.3"));
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        for (peer, proxied, expected) in
            [("127.0.0.1", true, "3.3.3.3"), ("127.0.0.1", false, "127.0.0.1"), ("9.9.9.9", true, "9.9.9.9")]
        {
            assert_eq!(forwarded(ip(peer), &headers, proxied), ip(expected), "{peer} {proxied}");
        }
        assert_eq!(forwarded(ip("::1"), &HeaderMap::new(), true), ip("::1"));
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let token = LoginToken::generate().expect("randomness");
        let day = std::time::Duration::from_secs(86_400);
        let value = token.to_cookie();
        assert_eq!(
            login_cookie(&token, day, false).to_string(),
            format!("carrel_login={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400")
        );
        assert_eq!(
            login_cookie(&token, day, true).to_string(),
            format!("__Host-carrel_login={value}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400")
        );
        assert!(no_cookie(false).to_string().contains("Max-Age=0"));
    }

    #[test]
    fn under_tls_a_cookie_set_without_it_counts_for_nothing() {
        let token = LoginToken::generate().expect("randomness");
        let request = TestRequest::default().cookie(login_cookie(&token, std::time::Duration::ZERO, false));
        let request = request.to_http_request();
        assert_eq!(super::token(&request, false), Some(token));
        assert_eq!(super::token(&request, true), None);
    }
}
