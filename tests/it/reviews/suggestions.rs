//! Suggested edits, taken over by the author of a review.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{reviewer, say, submit, submitted, threads};
use crate::support::client::{Client, ok, problem};
use crate::support::process::Server;

async fn apply(client: &Client, review: &str, comments: &[&Value]) -> Response {
    let path = format!("/api/v1/reviews/{review}/apply");
    client.request(Method::POST, &path).json(&json!({ "comments": comments })).send().await.unwrap()
}

/// Suggests that lines of a file be something else; the comment's id.
async fn suggest(client: &Client, review: &str, path: &str, lines: (u32, u32), replacement: &str) -> Value {
    let what = json!({
        "kind": "suggestion", "path": path, "lines": { "start": lines.0, "end": lines.1 }, "text": "Better:",
        "suggestion": { "replacement": replacement },
    });
    say(client, review, what).await["comments"][0]["id"].clone()
}

const TEXT: &str = "one\ntwo\nthree\nfour\nfive\n";

#[tokio::test]
async fn suggested_edits_are_taken_over_together_even_when_other_lines_have_changed() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.ready_session().await;
    session.save("a.py", TEXT).await;
    session.save("b.py", TEXT).await;
    let review = submitted(&session, json!({})).await;
    let second = suggest(&reviewer, &review, "a.py", (2, 2), "2\nand a half\n").await;
    let fourth = suggest(&reviewer, &review, "a.py", (4, 5), "").await;
    let other = suggest(&reviewer, &review, "b.py", (1, 1), "1\n").await;
    // A program changes other lines meanwhile.
    let program = "text = open('a.py').read(); open('a.py', 'w').write('zero\\n' + text.replace('three', '3'))";
    assert_eq!(session.program(&["python3", "-c", program]).await.exit().await["code"], 0);
    assert_eq!(problem(apply(&reviewer, &review, &[&second]).await).await, (403, "not_author".into()));
    let done = ok(apply(&author, &review, &[&fourth, &other, &second]).await, 200).await;
    assert_eq!(done, json!({ "paths": ["a.py", "b.py"] }));
    assert_eq!(session.read("a.py").await.unwrap(), b"zero\none\n2\nand a half\n3\n");
    assert_eq!(session.read("b.py").await.unwrap(), b"1\ntwo\nthree\nfour\nfive\n");
    assert_eq!(session.in_sandbox("a.py").await, b"zero\none\n2\nand a half\n3\n", "in place when it is answered");
    let seen = threads(&reviewer, &review, "").await;
    assert!(seen.iter().all(|thread| thread["comments"][0]["suggestion"]["applied_at"].is_string()), "{seen:?}");
    // Once is enough.
    assert_eq!(problem(apply(&author, &review, &[&second]).await).await, (409, "suggestion_outdated".into()));
    let versions = session.request(Method::GET, "/versions/b.py").send().await.unwrap();
    assert_eq!(ok(versions, 200).await["items"][0]["origin"], "review");
    ok(submit(&author, &review, "as suggested").await, 201).await;
}

#[tokio::test]
async fn of_several_edits_none_is_made_when_one_cannot_be() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    for path in ["a.py", "b.py", "c.py"] {
        session.save(path, TEXT).await;
    }
    let review = submitted(&session, json!({})).await;
    let good = suggest(&reviewer, &review, "a.py", (1, 1), "1\n").await;
    let changed = suggest(&reviewer, &review, "b.py", (2, 3), "x\n").await;
    let [first, second] = [
        suggest(&reviewer, &review, "c.py", (1, 2), "y\n").await,
        suggest(&reviewer, &review, "c.py", (2, 2), "z\n").await,
    ];
    session.save("b.py", TEXT.replace("three", "3")).await;
    let refused = async |comments: &[&Value], named: &[&Value]| {
        let answer = apply(&author, &review, comments).await;
        assert_eq!(answer.status(), 409);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "suggestion_outdated");
        let mut found = problem["comments"].as_array().unwrap().iter().collect::<Vec<_>>();
        let mut named = named.to_vec();
        found.sort_by_key(|id| id.as_str());
        named.sort_by_key(|id| id.as_str());
        assert_eq!(found, named);
    };
    refused(&[&good, &changed], &[&changed]).await;
    refused(&[&first, &second], &[&first, &second]).await;
    let unknown = json!("01890000-0000-7000-8000-000000000000");
    refused(&[&good, &unknown], &[&unknown]).await;
    session.remove("c.py").await;
    refused(&[&first], &[&first]).await;
    assert_eq!(session.read("a.py").await.unwrap(), TEXT.as_bytes());
    assert_eq!(problem(apply(&author, &review, &[]).await).await, (422, "invalid_comment".into()));
    ok(apply(&author, &review, &[&good]).await, 200).await;
    assert_eq!(session.read("a.py").await.unwrap(), TEXT.replace("one", "1").as_bytes());
}
