//! Searching a sandbox's files, and replacing in them under running programs.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Session, encoded, ok};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

async fn session() -> Session {
    Server::shared().await.user().await.ready_session().await
}

async fn search(session: &Session, query: &str) -> Value {
    ok(session.request(Method::GET, &format!("/search?{query}")).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn what_programs_have_just_written_is_found_at_once() {
    let session = session().await;
    session.save("kept.py", "needle = 1\n").await;
    let mut shell = session.shell().await;
    shell.run("mkdir -p a/b .venv; echo 'a needle é needle' > a/b/c.txt; ln -s /etc out; echo needle > .venv/x").await;
    let found = search(&session, "q=needle").await;
    let places: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["path"].as_str().unwrap(), item["line"].as_u64().unwrap(), item["column"].as_u64().unwrap()))
        .collect();
    assert_eq!(places, [("kept.py", 1, 1), ("a/b/c.txt", 1, 3), ("a/b/c.txt", 1, 12)]);
    assert_eq!((&found["files"], &found["truncated"]), (&json!(2), &json!(false)));
    session.stop().await;
    let found = search(&session, "q=needle&include=*.txt").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "and still when nothing runs");
}

#[tokio::test]
async fn a_slow_search_holds_up_no_terminal_and_ends_in_time() {
    let session = session().await;
    let mut shell = session.shell().await;
    let fill = "head -c 3000000 /dev/urandom | base64 -w 500 | tee 1 2 3 4 5 6 7 8 > 9";
    shell.run_within(fill, PATIENCE).await;
    // As slow as a pattern may be, and without a match.
    let slow = format!("q={}&regex=true", encoded("[A-Ma-m].{100}[^!-~]{2}$"));
    let began = Instant::now();
    let searching = search(&session, &slow);
    let typing = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let asked = Instant::now();
            shell.run("true").await;
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (found, slowest) = tokio::join!(searching, typing);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // Less than the search takes.
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
    assert!(found["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_replacement_reaches_the_sandbox_and_overwrites_nothing_that_was_not_seen() {
    let session = session().await;
    for number in 0..5 {
        session.save(&format!("{number}.py"), "old = 1\n").await;
    }
    let mut shell = session.shell().await;
    shell.run("printf 'newer than that: old\\n' > 3.py").await;
    let wanted = json!({ "q": "old", "replacement": "new", "case": true });
    let replaced = ok(session.post("/replace", &wanted).await, 200).await;
    let conflicts = replaced["conflicts"].as_array().unwrap().len();
    assert_eq!(replaced["files"].as_array().unwrap().len() + conflicts, 5);
    assert_eq!(shell.run("cat 0.py").await.0, "new = 1\n");
    // Either it was seen before, or it was left alone.
    let text = shell.run("cat 3.py").await.0;
    let expected = if conflicts == 0 { "newer than that: new\n" } else { "newer than that: old\n" };
    assert_eq!(text, expected);
    assert_eq!(session.read("4.py").await.unwrap(), b"new = 1\n");
}
