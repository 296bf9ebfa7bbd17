//! Other users' things: as if they were not there, over HTTP and WebSocket.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use uuid::Uuid;

use carrel::http::routes::{Access, Kind, ROUTES};

use crate::support::client::Client;
use crate::support::process::Server;

/// Status and body of a refused handshake.
async fn refusal(request: Request) -> (u16, Value) {
    match connect_async(request).await {
        Err(Error::Http(answer)) => (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default(),
        ),
        other => panic!("{other:?}"),
    }
}

/// What a route answers to somebody who names this session and terminal.
async fn answer(
    client: &Client,
    route: &carrel::http::routes::RouteInfo,
    session: &str,
    terminal: &str,
) -> (u16, Value) {
    let path = route
        .path
        .replace("{id}", session)
        .replace("{tid}", terminal)
        .replace("{pid}", "4242")
        .replace("{sid}", terminal)
        .replace("{path}", "main.py");
    if route.kind == Kind::Socket {
        let protocol = if path.contains("/terminals/") { "carrel.terminal.v1" } else { "carrel.session.v1" };
        return refusal(client.handshake(&path, protocol)).await;
    }
    let body = match route.path.rsplit('/').next().unwrap() {
        "folders" => json!({ "path": "new" }),
        "move" | "copy" => json!({ "from": "main.py", "to": "stolen.py" }),
        "delete" => json!({ "paths": ["main.py"] }),
        "restore" => json!({ "at": "2026-01-01T00:00:00Z" }),
        "terminals" => json!({ "cols": 80, "rows": 24 }),
        "upload" => json!({ "path": "main.py", "size": 0, "replace": true }),
        "replace" => json!({ "q": "print", "replacement": "stolen" }),
        _ => json!({ "name": "Mine now" }),
    };
    let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
    let request = client.request(method, &path).query(&[("q", "x"), ("kind", "zip"), ("offset", "0")]);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_live_session_of_somebody_else_looks_exactly_like_none_on_every_route() {
    let server = Server::shared().await;
    let (ada, eve) = (server.user().await, server.user().await);
    let session = ada.ready_session().await;
    session.save("main.py", "print(1)").await;
    let mut shell = session.shell().await;
    let (absent, no_terminal) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let routes = ROUTES.iter().filter(|route| route.path.contains("/sessions/{id}") && route.access == Access::User);
    let mut count = 0;
    for route in routes {
        count += 1;
        let theirs = answer(&eve, route, &session.id, &shell.id).await;
        let nobodys = answer(&eve, route, &absent, &no_terminal).await;
        assert_eq!(theirs, nobodys, "{} {}", route.method, route.path);
        assert_eq!((theirs.0, &theirs.1["code"]), (404, &json!("not_found")), "{} {}", route.method, route.path);
    }
    assert!(count >= 15, "only {count} routes");
    // Somebody else's terminal through a session of one's own.
    let own = eve.ready_session().await;
    for terminal in [&shell.id, &no_terminal] {
        let path = own.path(&format!("/terminals/{terminal}/socket"));
        assert_eq!(refusal(eve.handshake(&path, "carrel.terminal.v1")).await.0, 404);
        let path = own.path(&format!("/terminals/{terminal}"));
        let closed = eve.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(closed.status(), 404);
    }
    // Nothing of hers has suffered.
    assert_eq!(shell.run("cat main.py").await.0, "print(1)");
    assert_eq!(session.get().await["name"], "Test");
}

#[tokio::test]
async fn a_terminals_socket_opens_only_from_our_own_origin_and_for_the_signed_in() {
    let server = Server::shared().await;
    let session = server.user().await.ready_session().await;
    let shell = session.shell().await;
    let paths = [
        (session.path(&format!("/terminals/{}/socket", shell.id)), "carrel.terminal.v1"),
        (session.path("/socket"), "carrel.session.v1"),
    ];
    for (path, protocol) in paths {
        let look_alike = format!("{}.evil.example", server.url);
        for origin in [Some("http://evil.example"), Some("null"), Some(""), Some(look_alike.as_str()), None] {
            let mut request = session.client.handshake(&path, protocol);
            request.headers_mut().remove("origin");
            if let Some(origin) = origin {
                request.headers_mut().insert("origin", origin.parse().unwrap());
            }
            let (status, body) = refusal(request).await;
            assert_eq!((status, &body["code"]), (403, &json!("forbidden_origin")), "{origin:?} {path}");
        }
        let mut request = session.client.handshake(&path, protocol);
        request.headers_mut().remove("cookie");
        let (status, body) = refusal(request).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")));
    }
}

#[tokio::test]
async fn passwords_that_bcrypt_would_cut_are_refused() {
    let client = Client::new(&Server::shared().await.url);
    let name = format!("p{}", &Uuid::new_v4().simple().to_string()[..12]);
    for (password, status) in
        [("é".repeat(37), 422), ("x".repeat(73), 422), ("short".into(), 422), ("x".repeat(72), 201)]
    {
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": password });
        let answer = client.request(Method::POST, "/api/v1/auth/register").json(&account).send().await.unwrap();
        assert_eq!(answer.status(), status, "{} bytes", password.len());
    }
}
