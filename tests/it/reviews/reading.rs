//! What a reviewer reads: what is in a round, and what it has changed.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{reviewer, submit, submitted, taken};
use crate::support::client::{Client, Session, encoded, ok, problem};
use crate::support::process::Server;

async fn read(client: &Client, review: &str, rest: &str) -> Value {
    ok(client.request(Method::GET, &format!("/api/v1/reviews/{review}/{rest}")).send().await.unwrap(), 200).await
}

/// What a round has changed, by path: status, former path, viewed.
async fn diff(client: &Client, review: &str, query: &str) -> BTreeMap<String, Value> {
    let diff = read(client, review, &format!("diff?{query}")).await;
    let items = diff["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let told = json!([item["status"], item["former_path"], item["viewed"]]);
            (item["path"].as_str().unwrap().to_owned(), told)
        })
        .collect()
}

async fn content(client: &Client, review: &str, path: &str, round: &str) -> (StatusCode, Vec<u8>) {
    let path = format!("/api/v1/reviews/{review}/files/{}?round={round}", encoded(path));
    let answer = client.request(Method::GET, &path).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap().to_vec())
}

async fn mark(client: &Client, method: Method, review: &str, path: &str, round: u32) -> u16 {
    let path = format!("/api/v1/reviews/{review}/viewed/{}?round={round}", encoded(path));
    client.request(method, &path).send().await.unwrap().status().as_u16()
}

async fn put(session: &Session, path: &str, content: &str, executable: bool) {
    let file = format!("{}?executable={executable}", session.file(path));
    let answer = session.client.request(Method::PUT, &file).body(content.to_owned()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path:?}");
}

/// Names that would do something in a page or a terminal that believed them.
const NAMES: [&str; 6] =
    ["<img src=x onerror=alert(1)>.py", "a\nb.py", "\u{202e}yp.exe", "\u{1b}[31mred", "caf\u{e9}", "cafe\u{301}"];

#[tokio::test]
async fn a_round_shows_what_it_has_changed_against_any_other() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    for (path, content) in [("same.py", "same"), ("old/moved.py", "moved"), ("edited.py", "one"), ("gone.py", "gone")] {
        session.save(path, content).await;
    }
    put(&session, "run.sh", "echo", false).await;
    ok(session.post("/folders", &json!({ "path": "empty" })).await, 201).await;
    let review = submitted(&session, json!({})).await;

    let first = read(&reviewer, &review, "diff").await;
    assert_eq!((&first["round"], &first["from"]), (&json!(1), &json!({ "kind": "empty", "round": null })));
    assert_eq!(first["totals"], json!({ "added": 6, "modified": 0, "deleted": 0, "renamed": 0 }));
    assert_eq!(first["items"][0]["new"]["kind"], "file", "in the order of their paths: {first}");
    assert_eq!(read(&reviewer, &review, "diff?from=start").await["items"], first["items"]);

    session.save("edited.py", "two").await;
    put(&session, "run.sh", "echo", true).await;
    let move_ = json!({ "from": "old/moved.py", "to": "new.py" });
    ok(session.post("/move", &move_).await, 200).await;
    session.remove("gone.py").await;
    for name in NAMES {
        session.save(name, name).await;
    }
    ok(submit(&author, &review, "").await, 201).await;
    let mut expected = BTreeMap::from([
        ("edited.py".to_owned(), json!(["modified", null, false])),
        ("gone.py".to_owned(), json!(["deleted", null, false])),
        ("new.py".to_owned(), json!(["renamed", "old/moved.py", false])),
        ("run.sh".to_owned(), json!(["mode", null, false])),
    ]);
    // The folder `old` was full and is empty now, which is no change of its own.
    expected.extend(NAMES.map(|name| (name.to_owned(), json!(["added", null, false]))));
    assert_eq!(diff(&reviewer, &review, "").await, expected);
    assert_eq!(diff(&reviewer, &review, "from=1&round=2").await, expected);
    assert_eq!(diff(&reviewer, &review, "from=2&round=2").await, BTreeMap::new());
    assert_eq!(diff(&reviewer, &review, "from=2&round=1").await["gone.py"][0], "added", "backwards as well");
    for (query, code) in [("from=3", 404), ("round=3", 404), ("from=next", 400), ("from=-1", 400), ("round=x", 400)] {
        let path = format!("/api/v1/reviews/{review}/diff?{query}");
        assert_eq!(reviewer.request(Method::GET, &path).send().await.unwrap().status(), code, "{query}");
    }

    // A page at a time it is the same.
    let (mut paths, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = read(&reviewer, &review, &format!("diff?limit=3{cursor}")).await;
        assert_eq!(page["totals"], json!({ "added": 6, "modified": 2, "deleted": 1, "renamed": 1 }));
        paths.extend(page["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    assert_eq!(paths, expected.into_keys().collect::<Vec<_>>());

    // Contents of either round, whatever becomes of them in the session.
    session.remove("edited.py").await;
    assert_eq!(content(&reviewer, &review, "edited.py", "1").await, (StatusCode::OK, b"one".to_vec()));
    assert_eq!(content(&reviewer, &review, "edited.py", "2").await, (StatusCode::OK, b"two".to_vec()));
    for name in NAMES {
        assert_eq!(content(&reviewer, &review, name, "2").await, (StatusCode::OK, name.as_bytes().to_vec()));
    }
    assert_eq!(content(&reviewer, &review, "gone.py", "2").await.0, 404);
    assert_eq!(content(&reviewer, &review, "edited.py", "start").await.0, 404);
    assert_eq!(content(&reviewer, &review, "empty", "1").await.0, 409);
    let shown = format!("/api/v1/reviews/{review}/files/{}", encoded(NAMES[0]));
    let shown = reviewer.request(Method::GET, &shown).send().await.unwrap();
    let header = |name: &str| shown.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment;"));
    assert_eq!(
        (header("content-type").as_str(), header("x-content-type-options").as_str()),
        ("text/plain; charset=utf-8", "nosniff")
    );

    let tree = read(&reviewer, &review, "tree?round=1").await;
    let paths: Vec<_> = tree["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["edited.py", "empty", "gone.py", "old", "old/moved.py", "run.sh", "same.py"]);
    let page = read(&reviewer, &review, "tree?round=1&limit=2&cursor=gone.py").await;
    assert_eq!((&page["items"][0]["path"], &page["next"]), (&json!("old"), &json!("old/moved.py")));
}

#[tokio::test]
async fn marks_hold_while_a_file_is_the_same_and_everybody_has_their_own() {
    let server = Server::shared().await;
    let author = server.user().await;
    let [one, two] = [reviewer(&server.url, 1).await, reviewer(&server.url, 1).await];
    let session = author.session().await;
    for path in ["a.py", "b.py"] {
        session.save(path, path).await;
    }
    let review = submitted(&session, json!({})).await;
    let viewed = async |client: &Client, query: &str| {
        let mut items = diff(client, &review, query).await;
        items.retain(|_, told| told[2] == true);
        items.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(mark(&one, Method::PUT, &review, "a.py", 1).await, 204);
    assert_eq!(mark(&one, Method::PUT, &review, "b.py", 1).await, 204);
    assert_eq!(mark(&one, Method::PUT, &review, "never.py", 1).await, 404, "no more marks than paths");
    assert_eq!(mark(&one, Method::PUT, &review, "a.py", 2).await, 404);
    assert_eq!((viewed(&one, "").await, viewed(&two, "").await), (vec!["a.py".into(), "b.py".into()], vec![]));

    // The last round I have looked at: none so far, so the round before.
    let see = async |round: u32| {
        let path = format!("/api/v1/reviews/{review}/seen");
        one.request(Method::POST, &path).json(&json!({ "round": round })).send().await.unwrap().status().as_u16()
    };
    assert_eq!((see(1).await, see(2).await), (204, 404));
    session.save("b.py", "another").await;
    ok(submit(&author, &review, "").await, 201).await;
    session.save("c.py", "new").await;
    ok(submit(&author, &review, "").await, 201).await;
    assert_eq!(viewed(&one, "from=start").await, ["a.py"]);
    assert_eq!(viewed(&one, "round=1").await, ["a.py", "b.py"], "the older round is as it was");
    let paths = |items: BTreeMap<String, Value>| items.into_keys().collect::<Vec<_>>();
    assert_eq!(paths(diff(&one, &review, "from=seen").await), ["b.py", "c.py"]);
    assert_eq!(paths(diff(&two, &review, "from=seen").await), ["c.py"]);
    assert_eq!((see(3).await, see(1).await), (204, 204));
    assert_eq!(paths(diff(&one, &review, "from=seen").await), ["c.py"], "never back to an older one");
    // Gone is something one can have looked at as well.
    session.remove("a.py").await;
    ok(submit(&author, &review, "").await, 201).await;
    assert_eq!(viewed(&one, "").await, Vec::<String>::new());
    assert_eq!(mark(&one, Method::PUT, &review, "a.py", 4).await, 204);
    assert_eq!(viewed(&one, "").await, ["a.py"]);
    assert_eq!(mark(&one, Method::DELETE, &review, "a.py", 4).await, 204);
    assert_eq!(viewed(&one, "").await, Vec::<String>::new());
    taken(&one, &review, json!({ "action": "claim" })).await;
}

#[tokio::test]
async fn a_round_can_be_compared_with_the_template_even_when_that_is_gone() {
    let server = Server::shared().await;
    let (author, operator) = (server.user().await, server.operator().await);
    let reviewer = reviewer(&server.url, 1).await;
    let source = operator.session().await;
    source.save("task.py", "# to do").await;
    source.save("README.md", "read me").await;
    let wish =
        json!({ "name": format!("task-{}", source.id), "title": "Task", "description": "", "session": source.id });
    let template =
        ok(operator.request(Method::POST, "/api/v1/admin/templates").json(&wish).send().await.unwrap(), 201).await;
    let wish = json!({ "name": "Mine", "template": template["id"] });
    let made = ok(author.request(Method::POST, "/api/v1/sessions").json(&wish).send().await.unwrap(), 201).await;
    let session = Session { client: author.clone(), id: made["id"].as_str().unwrap().to_owned() };
    session.save("task.py", "print('done')").await;
    let review = submitted(&session, json!({})).await;
    let path = format!("/api/v1/admin/templates/{}", template["id"].as_str().unwrap());
    assert_eq!(operator.request(Method::DELETE, &path).send().await.unwrap().status(), 204);

    let compared = read(&reviewer, &review, "diff").await;
    assert_eq!(compared["from"], json!({ "kind": "template", "round": null }));
    assert_eq!(
        diff(&reviewer, &review, "").await,
        BTreeMap::from([("task.py".into(), json!(["modified", null, false]))])
    );
    assert_eq!(content(&reviewer, &review, "task.py", "start").await, (StatusCode::OK, b"# to do".to_vec()));
    let path = format!("/api/v1/reviews/{review}/files/nothing.py?round=start");
    assert_eq!(problem(reviewer.request(Method::GET, &path).send().await.unwrap()).await, (404, "not_found".into()));
}
