//! The container engine is killed, hangs, or answers nonsense.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;

use super::{SEEN, types};
use crate::support::chaos::{Chaos, Mode};
use crate::support::client::{READY, eventually, ok};
use crate::support::engine::TestEngine;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

#[tokio::test]
async fn a_killed_engine_comes_back_by_itself_and_nobody_at_a_terminal_notices() {
    let server = Server::embedded().await;
    let session = server.user().await.ready_session().await;
    let mut shell = session.shell().await;
    let pid = shell.run("echo $$").await.0;
    let file = server.data.join("run/engine/dockerd.pid");
    let engine = || std::fs::read_to_string(&file).ok()?.trim().parse::<i32>().ok();
    let killed = engine().unwrap();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    let began = Instant::now();
    types(&mut shell, "still-here").await;
    // A new terminal needs the agent alone.
    let mut second = session.shell().await;
    types(&mut second, "and-here").await;
    assert!(began.elapsed() < SEEN, "{:?}", began.elapsed());
    let back = async || engine().filter(|pid| *pid != killed);
    eventually(PATIENCE, "another engine", back).await;
    // It serves again: a session stops and starts.
    let other = server.user().await.ready_session().await;
    other.stop().await;
    assert_eq!(shell.run("echo $$").await.0, pid);
    assert_eq!(shell.closed, None);
}

#[tokio::test]
async fn an_engine_that_hangs_or_fails_blocks_nobody_is_told_to_users_and_is_used_again_when_it_answers() {
    let proxy = Chaos::before(&TestEngine::shared().await.host);
    let settings = [("CARREL_ENGINE__HOST", proxy.host.as_str()), ("CARREL_ENGINE__CALL_TIMEOUT_MS", "2000")];
    let server = Server::start_with(&settings).await;
    let user = server.user().await;
    let session = user.ready_session().await;
    let mut shell = session.shell().await;
    let mut events = session.events().await;
    for mode in [Mode::Hang, Mode::Fail] {
        proxy.become_(mode);
        let began = Instant::now();
        events.notice_from_now("container engine does not answer", SEEN).await;
        assert!(began.elapsed() < SEEN);
        assert!(types(&mut shell, "goes-on").await < Duration::from_secs(1), "{mode:?}");
        session.save("a.txt", format!("{mode:?}")).await;
        let mut second = session.shell().await;
        types(&mut second, "too").await;
        // A start ends with its reason instead of hanging, and holds up nobody.
        let other = user.session().await;
        let mut others = other.events().await;
        ok(other.request(Method::POST, "/start").send().await.unwrap(), 202).await;
        let failed = others.state("failed", Duration::from_secs(20)).await;
        assert!(failed["reason"].as_str().unwrap().contains("container engine"), "{failed}");
        let figures = reqwest::get(format!("{}/metrics", server.url)).await.unwrap().text().await.unwrap();
        let unhealthy: Vec<_> = figures.lines().filter(|line| line.starts_with("carrel_actors_unhealthy")).collect();
        assert!(!unhealthy.is_empty() && unhealthy.iter().all(|line| line.ends_with(" 0")), "{unhealthy:?}");
        proxy.become_(Mode::Pass);
        events.notice_from_now("container engine answers again", SEEN).await;
        ok(other.request(Method::POST, "/start").send().await.unwrap(), 202).await;
        others.state("ready", READY).await;
        other.stop().await;
    }
    assert_eq!((shell.closed, session.get().await["state"].as_str()), (None, Some("ready")));
}
