//! Archives and chunks that go into a running sandbox, and over a restart of the server.

use reqwest::Method;
use serde_json::{Value, json};

use carrel_archives::Packer;
use carrel_protocol::WorkspacePath;

use crate::support::client::ok;
use crate::support::process::Server;

#[tokio::test]
async fn an_imported_archive_is_in_the_sandbox_when_it_is_answered() {
    let session = Server::shared().await.user().await.ready_session().await;
    let path = |text: String| WorkspacePath::new(text).unwrap();
    let mut packer = Packer::new(Vec::new());
    for number in 0..300 {
        packer.file(&path(format!("p/{}/f{number}.py", number % 7)), b"print('imported')\n", number == 0, 0).unwrap();
    }
    packer.link(&path("p/l".into()), "0/f0.py", 0).unwrap();
    let archive = packer.finish().unwrap();
    let answer = session.request(Method::POST, "/import?kind=zip").body(archive.clone()).send().await.unwrap();
    assert_eq!(ok(answer, 200).await["items"], 301);
    let mut shell = session.shell().await;
    assert_eq!(
        shell.run("find p -name '*.py' | wc -l; python3 p/l; test -x p/0/f0.py && echo yes").await.0,
        "300\nimported\nyes\n"
    );
    // What a program has just written is not overwritten unseen.
    shell.run("echo mine > p/1/f1.py").await;
    let answer = session.request(Method::POST, "/import?kind=zip&replace=true").body(archive).send().await.unwrap();
    ok(answer, 200).await;
    assert_eq!(shell.run("cat p/1/f1.py").await.0, "print('imported')\n");
    let versions = ok(session.request(Method::GET, "/versions/p/1/f1.py").send().await.unwrap(), 200).await;
    let origins: Vec<_> =
        versions["items"].as_array().unwrap().iter().map(|version| version["origin"].clone()).collect();
    assert_eq!(
        origins,
        [json!("upload"), json!("terminal"), json!("upload")],
        "what the program wrote is in the history"
    );
}

#[tokio::test]
async fn an_upload_goes_on_after_the_server_was_killed() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    let new = json!({ "path": "great", "size": 5_000_000 });
    let upload = ok(session.post("/upload", &new).await, 201).await;
    let upload = format!("/upload/{}", upload["id"].as_str().unwrap());
    let content: Vec<u8> = (0..5_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let put = |offset: usize, chunk: &[u8]| {
        session.request(Method::PUT, &format!("{upload}?offset={offset}")).body(chunk.to_vec()).send()
    };
    assert_eq!(put(0, &content[..3_000_000]).await.unwrap().status(), 202);
    server.kill_9().await;
    server.start_again().await;
    let found: Value = ok(session.request(Method::GET, &upload).send().await.unwrap(), 200).await;
    assert_eq!(found["offset"], 3_000_000);
    ok(put(3_000_000, &content[3_000_000..]).await.unwrap(), 201).await;
    assert!(session.read("great").await.unwrap() == content);
}
