//! Requests that name as many paths as they may, each as long as it may be.

use carrel_archives::Packer;
use carrel_protocol::WorkspacePath;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::server::{Browser, TestServer, problem};

/// Paths of about 3000 bytes.
fn paths(count: usize) -> Vec<String> {
    let folder = vec!["x".repeat(250); 11].join("/");
    (0..count).map(|number| format!("{folder}/{number:0230}")).collect()
}

/// As long as JSON can be: every character as an escape.
fn escaped(paths: &[String]) -> String {
    let quoted = paths.iter().map(|path| {
        let escapes: String = path.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{escapes}\"")
    });
    quoted.collect::<Vec<_>>().join(",")
}

async fn post(ada: &Browser<'_>, path: &str, body: String) -> Response {
    let request = ada.request(Method::POST, path).header("content-type", "application/json");
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_thousand_of_the_longest_paths_are_taken_and_no_more() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let all = paths(1000);
    assert!(all[0].len() > 2900);
    let mut packer = Packer::new(Vec::new());
    for path in &all {
        packer.file(&WorkspacePath::new(path.clone()).unwrap(), b"old", false, 0).unwrap();
    }
    let zip = packer.finish().unwrap();
    let imported = ada.request(Method::POST, &format!("{base}/import?kind=zip")).body(zip).send().await.unwrap();
    assert_eq!(imported.status(), 200);

    // Replaced in all of them, as they were shown.
    let wanted = json!({ "q": "old", "replacement": "new", "preview": true });
    let shown: Value = ada.post(&format!("{base}/replace"), &wanted).await.json().await.unwrap();
    let seen = |shown: &Value| -> Vec<Value> {
        let files = shown["files"].as_array().unwrap().iter();
        files.map(|file| json!({ "path": file["path"], "etag": file["etag"] })).collect()
    };
    let mut seen = seen(&shown);
    assert_eq!(seen.len(), 1000);
    let replace = json!({ "q": "old", "replacement": "new", "seen": seen });
    let replaced: Value = ada.post(&format!("{base}/replace"), &replace).await.json().await.unwrap();
    assert_eq!((&replaced["replacements"], &replaced["conflicts"]), (&json!(1000), &json!([])));
    seen.push(seen[0].clone());
    let refused = ada.post(&format!("{base}/replace"), &json!({ "q": "old", "replacement": "x", "seen": seen })).await;
    assert_eq!(problem(refused).await, "invalid_json");

    let delete = format!("{base}/delete");
    let refused = post(&ada, &delete, json!({ "paths": paths(1001) }).to_string()).await;
    assert_eq!((refused.status().as_u16(), problem(refused).await.as_str()), (400, "invalid_json"));
    let body = format!("{{\"paths\":[{}]}}", escaped(&all));
    assert!(body.len() > 10_000_000);
    let deleted = post(&ada, &delete, body).await;
    assert_eq!(deleted.status(), 200);
    assert_eq!(deleted.json::<Value>().await.unwrap()["removed"], 1000);
    let endless = post(&ada, &delete, format!("{{\"paths\":[\"{}\"]}}", "x".repeat(19_000_000))).await;
    assert_eq!((endless.status().as_u16(), problem(endless).await.as_str()), (413, "body_too_large"));
}
