//! Files, paths and bodies of every kind, right and wrong.

use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::eventually;
use crate::support::server::{TestServer, problem};
use crate::support::terminal::PATIENCE;

#[tokio::test]
async fn a_file_is_saved_read_and_kept_from_being_lost() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let file = format!("{base}/files/src/a%20b%C3%A9.py");
    let put = |body: &'static [u8]| ada.request(Method::PUT, &file).body(body);

    let answer = put(b"print(1)").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let first = answer.headers()["etag"].to_str().unwrap().to_owned();
    let item: Value = answer.json().await.unwrap();
    assert_eq!((&item["path"], &item["kind"], &item["etag"]), (&json!("src/a bé.py"), &json!("file"), &json!(first)));

    let answer = ada.get(&file).await;
    assert_eq!(answer.headers()["etag"], first);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''a%20b%C3%A9.py");
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(answer.bytes().await.unwrap(), "print(1)");
    let again = ada.request(Method::GET, &file).header("if-none-match", &first).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.bytes().await.unwrap().len()), (304, 0));
    let head = ada.request(Method::HEAD, &file).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "8"));

    let answer = put(b"\xff\x00binary").header("if-match", &first).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let second = answer.headers()["etag"].to_str().unwrap().to_owned();
    let lost = put(b"mine").header("if-match", &first).send().await.unwrap();
    assert_eq!(lost.headers()["etag"], second, "what is there now");
    assert_eq!(problem(lost).await, "precondition_failed");
    let taken = put(b"mine").header("if-none-match", "*").send().await.unwrap();
    assert_eq!(problem(taken).await, "precondition_failed");
    let nonsense = put(b"mine").header("if-match", "\"x\"").send().await.unwrap();
    assert_eq!(problem(nonsense).await, "invalid_precondition");
    let answer = ada.get(&file).await;
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert_eq!(answer.bytes().await.unwrap(), &b"\xff\x00binary"[..]);

    let tree: Value = ada.get(&format!("{base}/tree")).await.json().await.unwrap();
    let paths: Vec<_> = tree["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["src", "src/a bé.py"]);
    assert_eq!(problem(ada.get(&format!("{base}/files/src")).await).await, "is_folder");
    assert_eq!(ada.request(Method::DELETE, &file).send().await.unwrap().status(), 204);
    assert_eq!(problem(ada.get(&file).await).await, "not_found");
}

#[tokio::test]
async fn folders_are_made_moved_and_listed_by_page() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    assert_eq!(ada.post(&format!("{base}/folders"), &json!({ "path": "a/b" })).await.status(), 201);
    let moved = ada.post(&format!("{base}/move"), &json!({ "from": "a/b", "to": "c" })).await;
    assert_eq!(moved.json::<Value>().await.unwrap()["path"], "c");
    let answer = ada.post(&format!("{base}/move"), &json!({ "from": "c", "to": "a" })).await;
    assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (409, "already_exists"));
    assert_eq!(problem(ada.post(&format!("{base}/move"), &json!({ "from": "x", "to": "y" })).await).await, "not_found");
    assert_eq!(problem(ada.post(&format!("{base}/folders"), &json!({ "path": "../x" })).await).await, "invalid_path");
    let page: Value = ada.get(&format!("{base}/tree?limit=1")).await.json().await.unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["path"]), (1, &json!("a")));
    let cursor = page["next"].as_str().unwrap();
    let page: Value = ada.get(&format!("{base}/tree?limit=1&cursor={cursor}")).await.json().await.unwrap();
    assert_eq!((&page["items"][0]["path"], &page["next"]), (&json!("c"), &Value::Null));
    for query in ["limit=x", "cursor=..%2F", "cursor="] {
        assert_eq!(problem(ada.get(&format!("{base}/tree?{query}")).await).await, "invalid_query", "{query}");
    }
}

#[tokio::test]
async fn sessions_are_named_renamed_and_deleted() {
    let server = TestServer::start_with(|config| config.auth.max_sessions = 2).await;
    let ada = server.user("ada").await;
    let id = ada.session("  One ").await;
    let path = format!("/api/v1/sessions/{id}");
    let session: Value = ada.get(&path).await.json().await.unwrap();
    assert_eq!((&session["name"], &session["state"]), (&json!("One"), &json!("cold")));
    let rename = |name: &str| ada.request(Method::PATCH, &path).json(&json!({ "name": name })).send();
    assert_eq!(rename("Two").await.unwrap().json::<Value>().await.unwrap()["name"], "Two");
    for name in ["", " ", "a\nb", &"x".repeat(81)] {
        assert_eq!(problem(rename(name).await.unwrap()).await, "invalid_name", "{name:?}");
    }
    ada.session("Three").await;
    let answer = ada.post("/api/v1/sessions", &json!({ "name": "Four" })).await;
    assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (429, "session_limit"));
    assert_eq!(ada.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(problem(ada.get(&path).await).await, "not_found");
    let list: Value = ada.get("/api/v1/sessions").await.json().await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

/// Clients normalise `..` before they send it, so these go out by hand.
#[tokio::test]
async fn paths_that_lead_out_are_refused_as_they_come() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let cookie = ada.cookie().unwrap();
    for (path, status) in [
        ("../x", "400"),
        ("..", "400"),
        ("a/../../x", "400"),
        ("%2e%2e/x", "400"),
        ("%2e%2e%2fx", "400"),
        ("%2E%2E", "400"),
        ("/etc/passwd", "400"),
        ("%2fetc/passwd", "400"),
        ("a%00b", "400"),
        ("a%", "400"),
        ("%ff", "400"),
        ("%c0%ae%c0%ae/x", "400"),
        ("", "400"),
        ("%252e%252e", "201"),
        ("..%5cx", "201"),
    ] {
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        let request = format!(
            "PUT /api/v1/sessions/{session}/files/{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nContent-Length: 1\r\n\
             Connection: close\r\n\r\nx",
            cookie.to_str().unwrap()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{path}: {answer}");
        assert_eq!(answer.contains("\"invalid_path\""), status == "400", "{path}: {answer}");
    }
}

#[tokio::test]
async fn somebody_who_reads_slowly_keeps_nobody_from_saving() {
    // More than sockets take by themselves.
    const FILE: usize = 16 << 20;
    let server = TestServer::start_with(|config| config.workspace.max_file_mb = 16).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let [adas, bobs] =
        [ada.session("One").await, bob.session("Two").await].map(|id| format!("/api/v1/sessions/{id}/files"));
    let put = async |request: reqwest::RequestBuilder, bytes| request.body(vec![b'y'; bytes]).send().await.unwrap();
    let file = format!("{adas}/great");
    assert_eq!(put(ada.request(Method::PUT, &file), FILE).await.status(), 201);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        let cookie = ada.cookie().unwrap();
        let head = format!("GET {file} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", cookie.to_str().unwrap());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        slow.push(stream);
    }
    let refused = ada.get(&file).await;
    assert_eq!((refused.status().as_u16(), problem(refused).await.as_str()), (503, "busy"), "her part is spent");
    let small = put(ada.request(Method::PUT, &format!("{adas}/small")), 10_000).await;
    assert_eq!(small.status(), 201, "a program of her own");
    let others = put(bob.request(Method::PUT, &format!("{bobs}/great")), FILE).await;
    assert_eq!(others.status(), 201, "somebody else's file");
    drop(slow);
    let given_back = async || (ada.get(&file).await.status() == 200).then_some(());
    eventually(PATIENCE, "what hung up gives its part back", given_back).await;
}

#[tokio::test]
async fn bodies_that_are_too_large_or_malformed_have_their_problem() {
    let server = TestServer::start_with(|config| config.workspace.max_file_mb = 1).await;
    let ada = server.user("ada").await;
    let file = format!("/api/v1/sessions/{}/files/big", ada.session("One").await);
    let most = vec![b'x'; 1024 * 1024];
    let put = |body: Body| ada.request(Method::PUT, &file).body(body).send();
    assert_eq!(put(most.clone().into()).await.unwrap().status(), 201);
    let mut more = most;
    more.push(b'x');
    let announced = put(more.clone().into()).await.unwrap();
    assert_eq!((announced.status().as_u16(), problem(announced).await.as_str()), (413, "body_too_large"));
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = more.chunks(60_000).map(|piece| Ok(piece.to_vec())).collect();
    let chunked = put(Body::wrap_stream(futures_util::stream::iter(pieces))).await.unwrap();
    assert_eq!((chunked.status().as_u16(), problem(chunked).await.as_str()), (413, "body_too_large"));
    let login = |body: String, kind: &'static str| {
        ada.request(Method::POST, "/api/v1/auth/login").header("content-type", kind).body(body).send()
    };
    for (body, kind, status, code) in [
        ("{".to_owned(), "application/json", 400, "invalid_json"),
        ("[]".to_owned(), "application/json", 400, "invalid_json"),
        ("{\"login\":\"a\"}".to_owned(), "application/json", 400, "invalid_json"),
        ("\u{feff}{}".to_owned(), "application/json", 400, "invalid_json"),
        ("login=a".to_owned(), "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (format!("{{\"login\":\"{}\"}}", "x".repeat(70_000)), "application/json", 413, "body_too_large"),
    ] {
        let answer = login(body, kind).await.unwrap();
        assert_eq!((answer.status().as_u16(), problem(answer).await.as_str()), (status, code), "{kind}");
    }
}
