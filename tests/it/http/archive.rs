//! A workspace as an archive.

use carrel_archives::{Archive, Bounds, EntryKind, Zip};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::eventually;
use crate::support::server::{Browser, TestServer, problem};
use crate::support::terminal::PATIENCE;

/// What an archive holds, by name.
fn unpacked(bytes: &[u8]) -> BTreeMap<String, (EntryKind, Vec<u8>)> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let bounds = Bounds { max_items: 10_000, max_bytes: 1 << 30, max_file_bytes: 1 << 30 };
    let mut zip = Zip::open(file, bounds).unwrap();
    zip.prove().unwrap();
    let entries = zip.listing().entries.clone();
    let read = |(index, entry): (usize, &carrel_archives::Entry)| {
        (entry.path.to_string(), (entry.kind.clone(), zip.content(index).unwrap()))
    };
    entries.iter().enumerate().map(read).collect()
}

async fn save(ada: &Browser<'_>, base: &str, path: &str, content: &[u8]) {
    let answer = ada.request(Method::PUT, &format!("{base}/files/{path}")).body(content.to_vec()).send().await.unwrap();
    assert!(answer.status().is_success());
}

#[tokio::test]
async fn an_archive_holds_what_the_workspace_or_its_part_holds() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("My \"work\"").await);
    let large: Vec<u8> = (0..5_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let empty = ada.get(&format!("{base}/archive.zip")).await;
    assert!(unpacked(&empty.bytes().await.unwrap()).is_empty());
    ada.post(&format!("{base}/folders"), &json!({ "path": "src/empty" })).await;
    save(&ada, &base, "src/a%20%C3%A9.py?executable=true", b"print(1)").await;
    save(&ada, &base, "src/b", b"").await;
    save(&ada, &base, "large", &large).await;

    let answer = ada.get(&format!("{base}/archive.zip")).await;
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''My%20%22work%22.zip");
    let all = unpacked(&answer.bytes().await.unwrap());
    let file =
        |content: &[u8], executable| (EntryKind::File { size: content.len() as u64, executable }, content.to_vec());
    let folder = || (EntryKind::Folder, Vec::new());
    let expected = [
        ("large", file(&large, false)),
        ("src", folder()),
        ("src/a é.py", file(b"print(1)", true)),
        ("src/b", file(b"", false)),
        ("src/empty", folder()),
    ];
    let of = |items: &[(&str, (EntryKind, Vec<u8>))]| {
        items.iter().map(|(name, item)| ((*name).to_owned(), item.clone())).collect::<BTreeMap<_, _>>()
    };
    assert!(all == of(&expected), "{:?}", all.keys());

    let answer = ada.get(&format!("{base}/archive.zip?path=src/empty")).await;
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''empty.zip");
    assert_eq!(unpacked(&answer.bytes().await.unwrap()), of(&[("empty", folder())]));
    let one = ada.get(&format!("{base}/archive.zip?path=src%2Fb")).await;
    assert_eq!(unpacked(&one.bytes().await.unwrap()), of(&[("b", file(b"", false))]));
    let both = ada.get(&format!("{base}/archive.zip?path=src/b&path=src%2Fempty")).await;
    assert_eq!(both.headers()["content-disposition"], "attachment; filename*=UTF-8''src.zip");
    assert_eq!(unpacked(&both.bytes().await.unwrap()), of(&[("b", file(b"", false)), ("empty", folder())]));
    assert_eq!(problem(ada.get(&format!("{base}/archive.zip?path=src&path=none")).await).await, "not_found");
    let many = "path=src&".repeat(1001);
    assert_eq!(problem(ada.get(&format!("{base}/archive.zip?{many}")).await).await, "invalid_query");
    assert_eq!(problem(ada.get(&format!("{base}/archive.zip?path=none")).await).await, "not_found");
    assert_eq!(problem(ada.get(&format!("{base}/archive.zip?path=../x")).await).await, "invalid_path");
    let head = ada.request(Method::HEAD, &format!("{base}/archive.zip")).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn one_user_has_two_archives_made_at_a_time_and_who_hangs_up_gives_a_place_back() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let [adas, bobs] = [ada.session("One").await, bob.session("Two").await].map(|id| format!("/api/v1/sessions/{id}"));
    // More than sockets and queues take by themselves.
    let large: Vec<u8> = (0..4_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    save(&ada, &adas, "large", &large).await;
    save(&bob, &bobs, "large", &large).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        let cookie = ada.cookie().unwrap();
        let head = format!(
            "GET {adas}/archive.zip HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n",
            cookie.to_str().unwrap()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        slow.push(stream);
    }
    let refused = ada.get(&format!("{adas}/archive.zip")).await;
    assert_eq!((refused.status().as_u16(), problem(refused).await.as_str()), (429, "too_many_requests"));
    let others = ada_is_not_in_the_way(&bob, &bobs).await;
    assert!(others.contains_key("large"));
    drop(slow);
    let given_back = async || (ada.get(&format!("{adas}/archive.zip")).await.status() == 200).then_some(());
    eventually(PATIENCE, "who hangs up gives a place back", given_back).await;
}

async fn ada_is_not_in_the_way(bob: &Browser<'_>, base: &str) -> BTreeMap<String, (EntryKind, Vec<u8>)> {
    unpacked(&bob.get(&format!("{base}/archive.zip")).await.bytes().await.unwrap())
}
