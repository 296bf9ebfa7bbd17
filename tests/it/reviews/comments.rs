//! What is said of a round: who sees it, what it blocks, and where it is in the next.

use reqwest::Method;
use serde_json::{Value, json};

use super::{get, id, reviewer, say, say_to, settle, step, submit, submitted, taken, threads};
use crate::support::client::{Client, ok, problem};
use crate::support::process::Server;

async fn publish(client: &Client, review: &str) -> Value {
    ok(client.request(Method::POST, &format!("/api/v1/reviews/{review}/publish")).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn an_issue_blocks_approval_until_it_is_settled_and_a_reviewer_has_seen_that() {
    let server = Server::shared().await;
    let author = server.user().await;
    let (holder, other) = (reviewer(&server.url, 1).await, reviewer(&server.url, 1).await);
    let third = reviewer(&server.url, 1).await;
    let session = author.session().await;
    session.save("main.py", "one\ntwo\nthree\n").await;
    let review = submitted(&session, json!({})).await;
    taken(&holder, &review, json!({ "action": "claim" })).await;

    let on = json!({ "kind": "issue", "path": "main.py", "lines": { "start": 2, "end": 2 }, "text": "*No*: `two`?", "draft": true });
    let issue = say(&holder, &review, on).await;
    assert_eq!((&issue["draft"], &issue["blocking"], &issue["state"]), (&json!(true), &json!(true), &json!("open")));
    for client in [&author, &other] {
        assert_eq!(threads(client, &review, "").await, Vec::<Value>::new(), "a draft is its author's alone");
        assert_eq!(problem(settle(client, &review, &issue, "resolve").await).await, (404, "not_found".into()));
        let answer = json!({ "thread": issue["id"], "text": "?" });
        assert_eq!(problem(say_to(client, &review, &answer).await).await, (404, "not_found".into()));
    }
    assert_eq!(get(&author, &review).await["open_issues"], 0);
    say(&third, &review, json!({ "kind": "question", "text": "Why?" })).await;
    // A verdict publishes what was kept back, and what it publishes blocks it.
    let approve = json!({ "action": "approve", "round": 1 });
    assert_eq!(problem(step(&holder, &review, &approve).await).await, (409, "issues_open".into()));
    assert_eq!(threads(&author, &review, "").await.len(), 1, "nothing was published");
    let decided = taken(&holder, &review, json!({ "action": "request_changes", "round": 1 })).await;
    assert_eq!((&decided["state"], &decided["open_issues"]), (&json!("changes_requested"), &json!(1)));
    let mut seen = threads(&author, &review, "").await;
    seen.retain(|thread| thread["id"] == issue["id"]);
    assert_eq!((&seen[0]["draft"], &seen[0]["comments"][0]["text"]), (&json!(false), &json!("*No*: `two`?")));
    assert_eq!(seen[0]["comments"][0]["author"]["id"], id(&holder).await);

    say(&author, &review, json!({ "thread": issue["id"], "text": "It was two." })).await;
    session.save("main.py", "one\n2\nthree\n").await;
    ok(submit(&author, &review, "").await, 201).await;
    assert_eq!(problem(settle(&author, &review, &issue, "verify").await).await, (403, "not_yours".into()));
    // The next round is for who held it, and for who has said something.
    assert_eq!(problem(settle(&other, &review, &issue, "resolve").await).await, (404, "not_found".into()));
    assert_eq!(problem(settle(&third, &review, &issue, "resolve").await).await, (403, "not_yours".into()));
    assert_eq!(ok(settle(&author, &review, &issue, "resolve").await, 200).await["state"], "resolved");
    assert_eq!(problem(settle(&author, &review, &issue, "resolve").await).await, (409, "thread_state".into()));
    taken(&holder, &review, json!({ "action": "claim" })).await;
    let approve = json!({ "action": "approve", "round": 2 });
    assert_eq!(
        problem(step(&holder, &review, &approve).await).await,
        (409, "issues_open".into()),
        "nobody has seen it"
    );
    let verified = ok(settle(&holder, &review, &issue, "verify").await, 200).await;
    assert_eq!((&verified["state"], &verified["blocking"]), (&json!("verified"), &json!(false)));
    assert_eq!(problem(settle(&author, &review, &issue, "reopen").await).await, (403, "not_yours".into()));
    say(&holder, &review, json!({ "kind": "praise", "text": "Well done", "draft": true })).await;
    taken(&holder, &review, approve).await;
    assert_eq!(threads(&author, &review, "").await.len(), 3, "published with the verdict");
    // What is over is not discussed any more.
    assert_eq!(
        problem(say_to(&author, &review, &json!({ "text": "Thanks" })).await).await,
        (409, "review_state".into())
    );
    assert_eq!(problem(settle(&holder, &review, &issue, "reopen").await).await, (409, "review_state".into()));
}

#[tokio::test]
async fn what_is_said_of_lines_moves_with_them_and_is_outdated_when_they_change() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    let text = (1..=9).map(|line| format!("line {line}\n")).collect::<String>();
    for path in ["a.py", "moved.py", "gone.py"] {
        session.save(path, format!("{path}\n{text}")).await;
    }
    let review = submitted(&session, json!({})).await;
    let on = |path: &str, start: u32, end: u32| json!({ "path": path, "lines": { "start": start, "end": end }, "text": format!("{path} {start}") });
    for what in [on("a.py", 3, 4), on("a.py", 8, 8), on("moved.py", 2, 5), on("gone.py", 1, 1)] {
        say(&reviewer, &review, what).await;
    }
    say(&reviewer, &review, json!({ "path": "a.py", "text": "all of it" })).await;
    say(&reviewer, &review, json!({ "text": "all of all" })).await;
    session.save("a.py", format!("new\na.py\n{}", text.replace("line 7", "line seven"))).await;
    ok(session.post("/move", &json!({ "from": "moved.py", "to": "deep/there.py" })).await, 200).await;
    session.remove("gone.py").await;
    ok(submit(&author, &review, "").await, 201).await;

    let at = async |query: &str| {
        let threads = threads(&author, &review, query).await;
        threads
            .iter()
            .map(|thread| {
                let at = &thread["at"];
                json!([at["path"], at["lines"]["start"], at["lines"]["end"], at["outdated"]])
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        at("").await,
        [
            json!(["a.py", 4, 5, false]),
            json!(["a.py", null, null, true]),
            json!(["deep/there.py", 2, 5, false]),
            json!([null, null, null, true]),
            json!(["a.py", null, null, false]),
            json!([null, null, null, false]),
        ]
    );
    assert_eq!(at("round=1").await[1], json!(["a.py", 8, 8, false]), "in its own round it is where it was");
    let written = &threads(&author, &review, "").await[1]["written"];
    assert_eq!(written, &json!({ "round": 1, "side": "new", "lines": { "start": 8, "end": 8 } }));
    // On what was there before: in the next round that is the round before it.
    let old =
        json!({ "path": "gone.py", "side": "old", "lines": { "start": 2, "end": 3 }, "text": "why did this go?" });
    let old = say(&reviewer, &review, old).await;
    assert_eq!(
        old["at"],
        json!({ "round": 2, "path": "gone.py", "lines": { "start": 2, "end": 3 }, "outdated": false })
    );
    ok(submit(&author, &review, "").await, 201).await;
    assert_eq!(at("").await[6], json!([null, null, null, true]));
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    session.save("a.py", "one\ntwo").await;
    session.save("binary", vec![0xff, 0xfe, 0]).await;
    let review = submitted(&session, json!({})).await;
    let lines = json!({ "start": 1, "end": 1 });
    for (what, detail) in [
        (json!({ "text": "" }), "1 to 20,000"),
        (json!({ "text": "\u{0}" }), "1 to 20,000"),
        (json!({ "text": "x".repeat(20_001) }), "1 to 20,000"),
        (json!({ "text": "x", "round": 2 }), "no such round"),
        (json!({ "text": "x", "lines": lines }), "name its `path`"),
        (json!({ "text": "x", "path": "b.py" }), "no such file"),
        (json!({ "text": "x", "path": "a.py", "lines": { "start": 2, "end": 3 } }), "no such lines"),
        (json!({ "text": "x", "path": "a.py", "lines": { "start": 0, "end": 1 } }), "from 1 on"),
        (json!({ "text": "x", "path": "a.py", "lines": { "start": 2, "end": 1 } }), "from 1 on"),
        (json!({ "text": "x", "path": "binary", "lines": lines }), "text files"),
        (json!({ "text": "x", "path": "a.py", "side": "old" }), "compared with"),
        (json!({ "text": "x", "path": "a.py", "suggestion": { "replacement": "y" } }), "lines of the round"),
    ] {
        let answer = say_to(&reviewer, &review, &what).await;
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("invalid_comment")), "{what} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{what} {problem}");
    }
    assert_eq!(threads(&reviewer, &review, "").await.len(), 0);
    // Whatever a text is, it comes back as it was.
    let hostile = "<script>alert(1)</script> \u{202e}\u{1b}[2J [x](javascript:alert(1)) ![](http://evil.example/x)";
    say(&reviewer, &review, json!({ "text": hostile })).await;
    assert_eq!(threads(&author, &review, "").await[0]["comments"][0]["text"], hostile);
}

#[tokio::test]
async fn a_comment_is_changed_by_who_wrote_it_and_what_it_said_can_be_read() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    session.save("a.py", "one").await;
    let review = submitted(&session, json!({})).await;
    let thread = say(&reviewer, &review, json!({ "text": "frist", "draft": true })).await;
    let comment = thread["comments"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/reviews/{review}/comments/{comment}");
    let edit = async |client: &Client, text: &str| {
        client.request(Method::PATCH, &path).json(&json!({ "text": text })).send().await.unwrap()
    };
    assert_eq!(problem(edit(&author, "mine").await).await, (404, "not_found".into()));
    assert_eq!(edit(&reviewer, "first").await.status(), 204);
    let former = async || {
        let list = author.request(Method::GET, &format!("{path}/history")).send().await.unwrap();
        ok(list, 200).await["items"].as_array().unwrap().iter().map(|it| it["text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(publish(&reviewer, &review).await, json!({ "published": 1 }));
    assert_eq!(former().await, Vec::<Value>::new(), "a draft has no history");
    assert_eq!(publish(&reviewer, &review).await, json!({ "published": 0 }));
    for text in ["second", "third"] {
        assert_eq!(edit(&reviewer, text).await.status(), 204);
    }
    assert_eq!(former().await, ["first", "second"]);
    let now = threads(&author, &review, "").await;
    assert_eq!(now[0]["comments"][0]["text"], "third");
    assert_ne!(now[0]["comments"][0]["edited_at"], Value::Null);
    // Only a draft is taken back, and its thread with it.
    let discard = async |client: &Client, path: &str| client.request(Method::DELETE, path).send().await.unwrap();
    assert_eq!(problem(discard(&reviewer, &path).await).await, (404, "not_found".into()));
    let draft = say(&reviewer, &review, json!({ "text": "hm", "draft": true })).await;
    let draft = format!("/api/v1/reviews/{review}/comments/{}", draft["comments"][0]["id"].as_str().unwrap());
    assert_eq!(problem(discard(&author, &draft).await).await, (404, "not_found".into()));
    assert_eq!(discard(&reviewer, &draft).await.status(), 204);
    assert_eq!(threads(&reviewer, &review, "").await.len(), 1);
}

#[tokio::test]
async fn nothing_is_approved_over_an_issue_that_comes_at_the_same_time() {
    let server = Server::shared().await;
    let author = server.user().await;
    let (holder, other) = (reviewer(&server.url, 1).await, reviewer(&server.url, 1).await);
    let (mut approved, mut stopped) = (0, 0);
    for _ in 0..24 {
        let session = author.session().await;
        session.save("a.py", "one").await;
        let review = submitted(&session, json!({})).await;
        taken(&holder, &review, json!({ "action": "claim" })).await;
        let issue = json!({ "kind": "issue", "text": "wait" });
        let approve = json!({ "action": "approve", "round": 1 });
        let (said, decided) = tokio::join!(say_to(&other, &review, &issue), step(&holder, &review, &approve));
        let now = get(&author, &review).await;
        match (said.status().as_u16(), decided.status().as_u16()) {
            (409, 200) => {
                approved += 1;
                assert_eq!((&now["state"], &now["open_issues"]), (&json!("approved"), &json!(0)));
            }
            (201, 409) => {
                stopped += 1;
                assert_eq!((&now["state"], &now["open_issues"]), (&json!("in_review"), &json!(1)));
                taken(&author, &review, json!({ "action": "withdraw" })).await;
            }
            other => panic!("{other:?} {now}"),
        }
    }
    assert_eq!(approved + stopped, 24);
}
