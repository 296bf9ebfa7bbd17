//! Everybody comes at once: the first minute of a lesson.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::size;
use crate::support::client::{Client, PASSWORD, Session, ok};
use crate::support::process::Server;
use crate::support::terminal::Terminal;

/// The server's own limits, which the harness has put out of other tests' way. bcrypt's cost stays low: it is one processor's time.
const DEFAULTS: [(&str, &str); 7] = [
    ("CARREL_AUTH__ATTEMPTS_PER_ADDRESS", "300"),
    ("CARREL_AUTH__ATTEMPTS_PER_ACCOUNT", "10"),
    ("CARREL_DATABASE__INTERACTIVE_CONNECTIONS", "12"),
    ("CARREL_DATABASE__BULK_CONNECTIONS", "4"),
    ("CARREL_POOL__SIZE", "2"),
    ("CARREL_SERVER__WORKERS", "0"),
    ("CARREL_SERVER__LOG_FILTER", "info,actix_server=warn"),
];

/// How long a shell may take to be there with as many before it; each costs the engine's own start of a container.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_hundred_sign_ins_and_session_opens_at_once_all_succeed() {
    let people = size(16, 100);
    let server = Server::start_with(&DEFAULTS).await;
    // They have had accounts for long.
    let mut names = Vec::new();
    for _ in 0..people {
        let name = format!("u{}", &Uuid::new_v4().simple().to_string()[..12]);
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
        let client = Client::new(&server.url);
        ok(client.request(Method::POST, "/api/v1/auth/register").json(&account).send().await.unwrap(), 201).await;
        names.push(name);
    }
    let began = Instant::now();
    let coming = names.into_iter().map(|name| {
        let client = Client::new(&server.url);
        tokio::spawn(async move {
            let login = json!({ "login": name, "password": PASSWORD });
            ok(client.request(Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap(), 200).await;
            let signed_in = began.elapsed();
            let session = client.session().await;
            let opened = session.post("/terminals", &json!({ "cols": 80, "rows": 24 })).await;
            let terminal = ok(opened, 201).await;
            let mut shell = Terminal::attach(&session, terminal["id"].as_str().unwrap(), None).await;
            shell.expect_within("$ ", PATIENCE).await;
            (session, shell, signed_in, began.elapsed())
        })
    });
    let came: Vec<(Session, Terminal, Duration, Duration)> =
        join_all(coming).await.into_iter().map(|one| one.expect("nobody is turned away")).collect();
    let slowest = |of: fn(&(Session, Terminal, Duration, Duration)) -> Duration| came.iter().map(of).max().unwrap();
    eprintln!(
        "{people} at once: the last signed in after {:?} and had a prompt after {:?}",
        slowest(|one| one.2),
        slowest(|one| one.3)
    );
    // And all of them can work.
    let working = came.into_iter().enumerate().map(async |(number, (session, mut shell, ..))| {
        let printed = shell.run(&format!("echo number {number} > here; cat here")).await;
        assert_eq!(printed, (format!("number {number}\n"), 0));
        session
    });
    let sessions = join_all(working).await;
    let leaving = sessions.iter().map(async |session| session.request(Method::DELETE, "").send().await.unwrap());
    assert!(join_all(leaving).await.iter().all(|answer| answer.status() == 204));
}
