//! What holds for every route, gone through from the route table itself.

use carrel::http::routes::{Access, Kind, ROUTES, RouteInfo};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::server::{Browser, TestServer, problem};

const NOBODYS: &str = "0190a5e0-0000-7000-8000-000000000000";

/// The route's path with these ids in it.
fn path(route: &RouteInfo, session: &str) -> String {
    route
        .path
        .replace("{id}", session)
        .replace("{tid}", NOBODYS)
        .replace("{pid}", "4242")
        .replace("{sid}", NOBODYS)
        .replace("{path}", "main.py")
        .replace("{uid}", NOBODYS)
        .replace("{cid}", NOBODYS)
}

fn method(route: &RouteInfo) -> Method {
    Method::from_bytes(route.method.as_str().as_bytes()).unwrap()
}

/// A request that would be fine from the right person.
fn valid(browser: &Browser<'_>, route: &RouteInfo, session: &str) -> RequestBuilder {
    let request = browser.request(method(route), &path(route, session));
    match (route.method.as_str(), route.path.rsplit('/').next().unwrap()) {
        ("POST", "register") => {
            request.json(&json!({ "username": "new", "email": "new@example.org", "password": "12345678" }))
        }
        ("POST", "login") => request.json(&json!({ "login": "new", "password": "12345678" })),
        ("PATCH", _) if route.path.contains("reviewer-requests") => request.json(&json!({ "granted": true })),
        ("PATCH", "reviewer") => request.json(&json!({ "paused": true })),
        ("PATCH", "{id}") if route.path.contains("reviews") => request.json(&json!({ "version": 0, "title": "x" })),
        ("POST", "reviews") => request.json(&json!({ "title": "x", "session": NOBODYS })),
        ("POST", "rounds") => request.json(&json!({ "note": "x" })),
        ("POST", "events") => request.json(&json!({ "action": "claim" })),
        ("POST", "comments") => request.json(&json!({ "text": "x" })),
        ("PATCH", "{cid}") => request.json(&json!({ "text": "x" })),
        ("POST", "{tid}") if route.path.contains("reviews") => request.json(&json!({ "action": "resolve" })),
        ("POST", "apply") => request.json(&json!({ "comments": [NOBODYS] })),
        ("POST", "run") => request.json(&json!({})),
        ("POST", "seen") => request.json(&json!({ "round": 1 })),
        ("PATCH", _) if route.access == Access::Operator => request.json(&json!({ "quotas": {} })),
        ("POST", "templates") => request.json(&json!({ "name": "x", "title": "x", "session": NOBODYS })),
        ("POST", "sessions" | "snapshots") | ("PATCH", _) => request.json(&json!({ "name": "x" })),
        ("POST", "folders") => request.json(&json!({ "path": "x" })),
        ("POST", "move" | "copy") => request.json(&json!({ "from": "x", "to": "y" })),
        ("POST", "delete") => request.json(&json!({ "paths": ["x"] })),
        ("POST", "restore") => request.json(&json!({ "path": "x" })),
        ("POST", "replace") => request.json(&json!({ "q": "x", "replacement": "y" })),
        ("GET", "search") => request.query(&[("q", "x")]),
        ("POST", "import") => request.query(&[("kind", "zip")]).body("x"),
        ("POST", "upload") => request.json(&json!({ "path": "x", "size": 1 })),
        ("POST", "terminals") => request.json(&json!({ "cols": 80, "rows": 24 })),
        ("PUT", "{uid}") => request.query(&[("offset", "0")]).body("x"),
        ("PUT", _) => request.body("print()"),
        _ => request,
    }
}

#[tokio::test]
async fn what_changes_something_is_refused_from_other_origins() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let unsafe_routes: Vec<_> = ROUTES.iter().filter(|route| !route.method.is_safe()).collect();
    assert!(unsafe_routes.len() > 10);
    for route in unsafe_routes {
        for origin in ["http://evil.example", "null", "https://127.0.0.1", &format!("{}.evil.example", server.url)] {
            let request = valid(&ada, route, &session).header("origin", origin);
            assert_eq!(problem(request.send().await.unwrap()).await, "forbidden_origin", "{route:?} {origin}");
        }
        for site in ["cross-site", "same-site"] {
            let request =
                reqwest::Client::new().request(method(route), format!("{}{}", server.url, path(route, &session)));
            let request = request.header("cookie", ada.cookie().unwrap()).header("sec-fetch-site", site);
            assert_eq!(problem(request.send().await.unwrap()).await, "forbidden_origin", "{route:?} {site}");
        }
    }
    assert_eq!(ada.get(&format!("/api/v1/sessions/{session}")).await.status(), 200, "nothing has happened to it");
}

#[tokio::test]
async fn without_a_login_every_users_route_says_so() {
    let server = TestServer::start().await;
    let nobody = server.browser();
    for route in ROUTES.iter().filter(|route| route.access != Access::Public && route.path != "/metrics") {
        let answer = valid(&nobody, route, NOBODYS).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (401, "unauthenticated"), "{route:?}");
        let forged = valid(&nobody, route, NOBODYS).header("cookie", format!("carrel_login={}", "0".repeat(64)));
        assert_eq!(problem(forged.send().await.unwrap()).await, "unauthenticated", "{route:?}");
    }
}

#[tokio::test]
async fn somebody_elses_thing_looks_exactly_like_none() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let eve = server.user("eve").await;
    let session = ada.session("One").await;
    for route in ROUTES.iter().filter(|route| route.path.contains("{id}")) {
        let mut answers = Vec::new();
        for id in [&session, NOBODYS, "not-an-id", "%20", "00000000-0000-0000-0000-000000000000"] {
            let answer = valid(&eve, route, id).send().await.unwrap();
            let status = answer.status().as_u16();
            // Whether the connection closes depends on how much of the body had come, not on what was asked for.
            let names = answer.headers().keys().map(ToString::to_string).filter(|name| name != "connection");
            let mut names: Vec<_> = names.collect();
            names.sort();
            answers.push((status, names, answer.text().await.unwrap()));
        }
        assert_eq!(answers[0].0, 404, "{route:?} {answers:?}");
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{route:?} {answers:?}");
    }
    assert_eq!(ada.get(&format!("/api/v1/sessions/{session}")).await.status(), 200, "nothing has happened to it");
    assert_eq!(problem(eve.get("/api/v1/admin/actors").await).await, "not_found", "there are no operators' pages");
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let mut paths: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    for pattern in paths {
        let routes: Vec<_> = ROUTES.iter().filter(|route| route.path == pattern).collect();
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ] {
            let known = routes.iter().any(|route| {
                route.method.as_str() == method.as_str()
                    || (method == Method::HEAD && route.method.as_str() == "GET" && route.kind != Kind::Socket)
            });
            if known {
                continue;
            }
            let answer = ada.request(method.clone(), &path(routes[0], NOBODYS)).send().await.unwrap();
            assert_eq!(answer.status(), 405, "{method} {pattern}");
            let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
            assert!(
                routes.iter().all(|route| allow.split(", ").any(|allowed| allowed == route.method.as_str())),
                "{allow}"
            );
        }
    }
    assert_eq!(problem(ada.get("/api/v1/nothing").await).await, "not_found");
    assert_eq!(problem(ada.post("/api/v1/nothing", &json!({})).await).await, "not_found");
    assert_eq!(problem(ada.post("/nothing", &json!({})).await).await, "method_not_allowed");
    assert_eq!(ada.get("/nothing/").await.status(), 404, "a page");
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    for route in ROUTES.iter().filter(|route| route.method.as_str() == "GET") {
        let answer = ada.get(&path(route, NOBODYS)).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.headers()[name], value, "{route:?}");
        }
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{route:?}");
        assert!(answer.headers().contains_key("x-request-id"), "{route:?}");
    }
    let page = ada.get("/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn figures_and_readiness_are_there_for_programs_on_this_machine() {
    let server = TestServer::start().await;
    let browser = server.browser();
    assert_eq!(browser.get("/healthz").await.text().await.unwrap(), "ok\n");
    let ready: serde_json::Value = browser.get("/readyz").await.json().await.unwrap();
    assert!(ready["database"].is_boolean() && ready["engine"].is_boolean() && ready["image"].is_boolean());
    let figures = browser.get("/metrics").await.text().await.unwrap();
    assert!(
        figures.contains(r#"carrel_http_requests_total{method="GET",route="/healthz",status="200"} 1"#),
        "{figures}"
    );
    for line in [
        r#"carrel_db_connections_allowed{lane="bulk"}"#,
        r#"carrel_engine_calls_total{call="ping"}"#,
        r#"carrel_actors{kind="SessionSupervisor"}"#,
    ] {
        assert!(figures.contains(line), "{line} is not in\n{figures}");
    }
    for host in ["evil.example:8080", "localhost.evil.example"] {
        let rebound = browser.request(Method::GET, "/metrics").header("host", host);
        assert_eq!(problem(rebound.send().await.unwrap()).await, "not_found", "not to a page of {host}");
        let rebound = browser.request(Method::POST, "/api/v1/auth/logout").header("host", host);
        let rebound = rebound.header("origin", format!("http://{host}"));
        assert_eq!(problem(rebound.send().await.unwrap()).await, "forbidden_origin", "{host}");
    }
    let forwarded = browser.request(Method::GET, "/metrics").header("x-forwarded-for", "1.2.3.4");
    assert_eq!(problem(forwarded.send().await.unwrap()).await, "not_found", "not through a proxy");
    let document: serde_json::Value = browser.get("/api/v1/openapi.json").await.json().await.unwrap();
    assert!(document["paths"]["/api/v1/sessions/{id}/files/{path}"]["put"].is_object());
}
