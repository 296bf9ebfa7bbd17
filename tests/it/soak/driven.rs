//! The load driver, `carrel-load`, against a real server.

use std::time::Duration;

use carrel_load::api::Server as Driven;
use carrel_load::drive::drive;
use carrel_load::plan::Plan;

use crate::support::process::Server;

/// Whether nothing of a run is left at the server.
async fn is_gone(plan: &Plan) -> bool {
    let account = Driven::at(&plan.url).unwrap().sign_in(&format!("{}0", plan.prefix), &plan.password).await.unwrap();
    account.sessions_called(&format!("{}session", plan.prefix)).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_driven_server_is_measured_and_nothing_is_left_there() {
    let server = Server::shared().await;
    let plan = Plan {
        users: 2,
        terminals: 3,
        rate: 20_000,
        floods: 1,
        duration: Duration::from_secs(4),
        key_interval: Duration::from_millis(200),
        ..Plan::of(&server.url)
    };
    plan.check(false).unwrap();
    let outcome = drive(&plan, std::future::pending(), |_| ()).await.unwrap();
    eprintln!("{outcome}");
    assert!(outcome.is_clean() && !outcome.interrupted, "{outcome}");
    let opened = outcome.opened;
    assert_eq!((opened.users, opened.sessions, opened.terminals), (2, 2, 6));
    assert_eq!((outcome.sign_in.count, outcome.session_open.count, outcome.terminal_open.count), (2, 2, 4));
    // Five print at their rate, whatever else runs here; the sixth prints more than all of them.
    assert_eq!(outcome.throughput.asked, 100_000.0);
    assert!((0.5..1.1).contains(&outcome.throughput.held), "{outcome}");
    assert!(outcome.flood_bytes_per_second > 100_000.0, "{outcome}");
    assert!(outcome.echo.count > 10 && outcome.echo.p50 > 0.0, "{outcome}");
    assert_eq!(outcome.server.unwrap().pid, server.pid(), "found by its port");
    assert!(is_gone(&plan).await);
}

#[tokio::test]
async fn an_interrupted_run_takes_its_sessions_away_and_says_what_it_saw() {
    let server = Server::shared().await;
    let plan = Plan { sessions: 2, duration: Duration::from_secs(3600), ..Plan::of(&server.url) };
    let stop = tokio::time::sleep(Duration::from_millis(300));
    let outcome = drive(&plan, stop, |_| ()).await.unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.left_behind, 0);
    assert!(is_gone(&plan).await);
}
