//! Files that come in chunks.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::client::eventually;
use crate::support::server::{Browser, TestServer, problem};
use crate::support::terminal::PATIENCE;

/// A begun upload's path.
async fn begin(ada: &Browser<'_>, base: &str, new: &Value) -> String {
    let answer = ada.post(&format!("{base}/upload"), new).await;
    assert_eq!(answer.status(), 201);
    let upload: Value = answer.json().await.unwrap();
    assert_eq!((&upload["offset"], &upload["path"], &upload["size"]), (&json!(0), &new["path"], &new["size"]));
    assert_eq!(upload["chunk_bytes"], 4 << 20);
    format!("{base}/upload/{}", upload["id"].as_str().unwrap())
}

async fn put(ada: &Browser<'_>, upload: &str, offset: usize, chunk: &[u8]) -> Response {
    let path = format!("{upload}?offset={offset}");
    ada.request(Method::PUT, &path).body(chunk.to_vec()).send().await.unwrap()
}

#[tokio::test]
async fn a_file_comes_in_chunks_and_goes_on_where_it_was() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let content: Vec<u8> = (0..9_000_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let new = json!({ "path": "data/great", "size": content.len(), "executable": true, "replace": false });
    let upload = begin(&ada, &base, &new).await;
    let mut offset = 0;
    for chunk in content.chunks(4 << 20) {
        let wrong = put(&ada, &upload, offset + 1, chunk).await;
        let problem: Value = wrong.json().await.unwrap();
        assert_eq!((&problem["code"], &problem["offset"]), (&json!("wrong_offset"), &json!(offset)));
        let answer = put(&ada, &upload, offset, chunk).await;
        offset += chunk.len();
        if offset == content.len() {
            assert_eq!(answer.status(), 201);
            let item: Value = answer.json().await.unwrap();
            assert_eq!((&item["path"], &item["executable"]), (&json!("data/great"), &json!(true)));
        } else {
            assert_eq!(
                (answer.status().as_u16(), answer.json::<Value>().await.unwrap()),
                (202, json!({ "offset": offset }))
            );
            assert_eq!(ada.get(&upload).await.json::<Value>().await.unwrap()["offset"], offset);
        }
    }
    let over: Value = ada.get(&upload).await.json().await.unwrap();
    assert_eq!((&over["offset"], &over["saved"]["path"]), (&json!(content.len()), &json!("data/great")));
    assert!(ada.get(&format!("{base}/files/data/great")).await.bytes().await.unwrap() == content);
    let versions: Value = ada.get(&format!("{base}/versions/data/great")).await.json().await.unwrap();
    assert_eq!(versions["items"][0]["origin"], "upload");

    let again = ada.post(&format!("{base}/upload"), &new).await;
    assert_eq!(problem(again).await, "already_exists", "told before anything is sent");
    let folder = ada.post(&format!("{base}/upload"), &json!({ "path": "data", "size": 1, "replace": true })).await;
    assert_eq!(problem(folder).await, "is_folder");
    let upload = begin(&ada, &base, &json!({ "path": "data/great", "size": 0, "replace": true })).await;
    assert_eq!(put(&ada, &upload, 0, b"").await.status(), 200);
    assert_eq!(ada.get(&format!("{base}/files/data/great")).await.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_last_chunk_is_answered_again_where_the_connection_was_cut() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let session = ada.session("One").await;
    let base = format!("/api/v1/sessions/{session}");
    let upload = begin(&ada, &base, &json!({ "path": "a", "size": 6 })).await;
    assert_eq!(put(&ada, &upload, 0, b"abc").await.status(), 202);

    // The whole chunk is sent, and nobody stays to hear what came of it.
    let host = server.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).await.unwrap();
    let cookie = ada.cookie().unwrap();
    let head = format!(
        "PUT {upload}?offset=3 HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\ncookie: {}\r\ncontent-length: 3\r\n\r\ndef",
        server.url,
        cookie.to_str().unwrap()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    eventually(PATIENCE, "the file", async || {
        (ada.get(&format!("{base}/files/a")).await.status() == 200).then_some(())
    })
    .await;
    drop(connection);

    let saved = eventually(PATIENCE, "the upload's end", async || {
        let told: Value = ada.get(&upload).await.json().await.unwrap();
        told["saved"].is_object().then(|| told["saved"].clone())
    })
    .await;
    let again = put(&ada, &upload, 3, b"def").await;
    assert_eq!(
        (again.status().as_u16(), again.headers()["etag"].to_str().unwrap()),
        (201, saved["etag"].as_str().unwrap())
    );
    assert_eq!(again.json::<Value>().await.unwrap(), saved);
    assert_eq!(put(&ada, &upload, 6, b"").await.status(), 201, "an empty one at its end");
    let wrong: Value = put(&ada, &upload, 0, b"abc").await.json().await.unwrap();
    assert_eq!((&wrong["code"], &wrong["offset"]), (&json!("wrong_offset"), &json!(6)));
    let versions: Value = ada.get(&format!("{base}/versions/a")).await.json().await.unwrap();
    assert_eq!(versions["items"].as_array().unwrap().len(), 1, "saved once");
    let eves = upload.replace(&session, &eve.session("Two").await);
    assert_eq!(problem(eve.get(&eves).await).await, "not_found");
    assert_eq!(problem(put(&eve, &eves, 3, b"def").await).await, "not_found");
}

#[tokio::test]
async fn uploads_are_bounded_and_their_owners_alone() {
    let server = TestServer::start_with(|config| {
        config.workspace.max_file_mb = 4;
        config.workspace.staging_mb = 32;
        config.workspace.max_uploads = 3;
    })
    .await;
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let new = |path: &str, size: u64| json!({ "path": path, "size": size });
    let refused = async |new: &Value| problem(ada.post(&format!("{base}/upload"), new).await).await;
    assert_eq!(refused(&new("a", (4 << 20) + 1)).await, "body_too_large");
    assert_eq!(refused(&new("../a", 1)).await, "invalid_path");
    assert_eq!(refused(&json!({ "path": "a", "size": -1 })).await, "invalid_json");
    let first = begin(&ada, &base, &new("a", 4 << 20)).await;
    let second = begin(&ada, &base, &new("b", 4 << 20)).await;
    assert_eq!(refused(&new("c", 1)).await, "upload_limit", "her bytes");
    assert_eq!(ada.request(Method::DELETE, &second).send().await.unwrap().status(), 204);
    begin(&ada, &base, &new("c", 1)).await;
    begin(&ada, &base, &new("d", 1)).await;
    assert_eq!(refused(&new("e", 1)).await, "upload_limit", "their number");

    assert_eq!(problem(put(&ada, &first, 0, &vec![0; (4 << 20) + 1]).await).await, "body_too_large");
    let begun = put(&ada, &first, 0, b"1234").await;
    assert_eq!(begun.status(), 202);
    assert_eq!(problem(put(&ada, &first, 4, &vec![0; 4 << 20]).await).await, "body_too_large", "beyond its end");
    assert_eq!(problem(put(&ada, &format!("{base}/upload/x"), 0, b"").await).await, "not_found");
    assert_eq!(problem(ada.request(Method::PUT, &first).body("x").send().await.unwrap()).await, "invalid_query");
    let eves = first.replace(&base, &format!("/api/v1/sessions/{}", eve.session("Two").await));
    assert_eq!(problem(eve.get(&eves).await).await, "not_found", "in a session of her own");
    assert_eq!(problem(put(&eve, &eves, 4, b"5").await).await, "not_found");
    assert_eq!(ada.get(&first).await.json::<Value>().await.unwrap()["offset"], 4);
}

#[tokio::test]
async fn a_whole_upload_that_cannot_be_saved_stays_and_is_saved_when_there_is_room() {
    let server = TestServer::start_with(|config| config.workspace.max_items = 1).await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let upload = begin(&ada, &base, &json!({ "path": "a", "size": 3 })).await;
    let other = format!("{base}/files/other");
    assert_eq!(ada.request(Method::PUT, &other).body("x").send().await.unwrap().status(), 201);
    assert_eq!(problem(put(&ada, &upload, 0, b"abc").await).await, "quota_exceeded");
    assert_eq!(ada.request(Method::DELETE, &other).send().await.unwrap().status(), 204);
    assert_eq!(put(&ada, &upload, 3, b"").await.status(), 201);
    assert_eq!(ada.get(&format!("{base}/files/a")).await.bytes().await.unwrap(), "abc");
}
