//! A round, run by who looks at it.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{reviewer, submit, submitted};
use crate::live::life::{containers, engine};
use crate::support::client::{Client, READY, Session, eventually, ok, problem};
use crate::support::process::Server;

async fn ask(client: &Client, method: Method, review: &str, body: &Value) -> Response {
    client.request(method, &format!("/api/v1/reviews/{review}/run")).json(body).send().await.unwrap()
}

/// The run that comes of it, once its sandbox is there.
async fn run(client: &Client, review: &str, body: Value) -> Session {
    let answer = ok(ask(client, Method::POST, review, &body).await, 201).await;
    let session = Session { client: client.clone(), id: answer["session"]["id"].as_str().unwrap().to_owned() };
    let is_ready = async || (session.get().await["state"] == "ready").then_some(());
    eventually(READY, "a run that is ready", is_ready).await;
    session
}

/// What a sandbox says of its workspace: every name with its kind and mode, and of every file what `sha256sum` says.
async fn manifest(session: &Session) -> String {
    let list = "find . -mindepth 1 ! -path './.carrel-tmp-*' -printf '%p %y %m %l\\n' | LC_ALL=C sort; find . -type f ! -path './.carrel-tmp-*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum";
    session.shell().await.run(list).await.0
}

#[tokio::test]
async fn a_run_is_exactly_what_was_submitted_and_touches_nothing_of_its_author() {
    let server = Server::start_with(&[("CARREL_AUTH__MAX_SESSIONS", "1"), ("CARREL_REVIEW__MAX_RUNS", "1")]).await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.ready_session().await;
    let program = "
import os
os.makedirs('deep/er'); os.mkdir('empty')
open('deep/er/data.bin', 'wb').write(bytes(range(256)) * 999)
open('run.sh', 'w').write('echo it runs'); os.chmod('run.sh', 0o755)
os.symlink('run.sh', 'link')
open('odd \\u202e\\U0001f600 name', 'w').write('x')
";
    assert_eq!(session.program(&["python3", "-c", program]).await.exit().await["code"], 0);
    let review = submitted(&session, json!({})).await;
    let submitted = manifest(&session).await;
    // Whatever its author does afterwards.
    let mut shell = session.shell().await;
    shell.run("rm -rf ./* && echo new > new").await;
    ok(submit(&author, &review, "").await, 201).await;
    server.sql("delete from workspace_versions").await;

    let run = run(&reviewer, &review, json!({ "round": 1 })).await;
    assert_eq!(manifest(&run).await, submitted);
    assert_eq!(run.shell().await.run("./link").await.0, "it runs\n");
    let again = ok(ask(&reviewer, Method::POST, &review, &json!({ "round": 1 })).await, 200).await;
    assert_eq!((&again["session"]["id"], &again["round"]), (&json!(run.id), &json!(1)));
    // It is neither listed nor counted, and nobody else has it, nor is it anything to be reviewed.
    let list = ok(reviewer.request(Method::GET, "/api/v1/sessions").send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
    reviewer.session().await;
    let theirs = author.request(Method::GET, &format!("/api/v1/sessions/{}", run.id)).send().await.unwrap();
    assert_eq!(problem(theirs).await, (404, "not_found".into()));
    assert_eq!(problem(ask(&author, Method::GET, &review, &json!({})).await).await, (404, "not_found".into()));
    let wish = json!({ "session": run.id, "title": "Mine" });
    let reviewed = reviewer.request(Method::POST, "/api/v1/reviews").json(&wish).send().await.unwrap();
    assert_eq!(problem(reviewed).await, (404, "not_found".into()));

    // What is done in it stays in it.
    run.save("run.sh", "echo changed").await;
    run.shell().await.run("rm -rf deep; ls -A / /workspace; touch /workspace/new").await;
    assert_eq!(session.tree().await.into_keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(session.read("new").await.unwrap(), b"new\n");
    let file = format!("/api/v1/reviews/{review}/files/run.sh?round=1");
    let kept = reviewer.request(Method::GET, &file).send().await.unwrap().text().await.unwrap();
    assert_eq!(kept, "echo it runs");

    // Another round takes its place; of another review there is none more.
    let second = self::run(&reviewer, &review, json!({})).await;
    assert_eq!(second.tree().await.into_keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(
        reviewer.request(Method::GET, &format!("/api/v1/sessions/{}", run.id)).send().await.unwrap().status(),
        404
    );
    let other = server.user().await;
    let other = super::submitted(&other.session().await, json!({})).await;
    assert_eq!(problem(ask(&reviewer, Method::POST, &other, &json!({})).await).await, (429, "run_limit".into()));
    assert_eq!(
        problem(ask(&reviewer, Method::POST, &review, &json!({ "round": 3 })).await).await,
        (404, "not_found".into())
    );

    // Closed it is gone for good.
    assert_eq!(ok(ask(&reviewer, Method::GET, &review, &json!({})).await, 200).await["session"]["id"], second.id);
    assert_eq!(ask(&reviewer, Method::DELETE, &review, &json!({})).await.status(), 204);
    assert_eq!(problem(ask(&reviewer, Method::GET, &review, &json!({})).await).await, (404, "not_found".into()));
    assert_eq!(problem(second.post("/undelete", &json!({})).await).await, (404, "not_found".into()));
    let only_the_authors = async || (containers(&engine(&server).await).await.len() == 1).then_some(());
    eventually(READY, "one container", only_the_authors).await;
}

#[tokio::test]
async fn a_run_nobody_uses_is_thrown_away() {
    let settings = [("CARREL_SANDBOX__IDLE_SECONDS", "2"), ("CARREL_SANDBOX__WATCHED_SECONDS", "2")];
    let server = Server::start_with(&settings).await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    session.save("a.py", "1").await;
    let review = submitted(&session, json!({})).await;
    let run = run(&reviewer, &review, json!({})).await;
    run.save("mine.py", "gone").await;
    let is_gone = async || (ask(&reviewer, Method::GET, &review, &json!({})).await.status() == 404).then_some(());
    eventually(Duration::from_secs(150), "a run that is thrown away", is_gone).await;
    let nothing = "do $$ begin assert not exists (select from sessions s join review_runs r on r.session_id = s.id
        where s.state <> 'deleted' or s.purge_at > now()); end $$";
    server.sql(nothing).await;
    assert_eq!(session.read("a.py").await.unwrap(), b"1");
}
