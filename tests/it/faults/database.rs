//! PostgreSQL cuts its connections, restarts without a goodbye, or stands still.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{SEEN, types};
use crate::support::client::eventually;
use crate::support::postgres;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;
use crate::support::writer::Writer;

/// How long it stands still: longer than a statement may take.
const STALL: Duration = Duration::from_secs(20);

#[tokio::test]
async fn through_cut_connections_a_crash_and_a_standstill_terminals_go_on_and_nothing_acknowledged_is_lost() {
    const NAME: &str = "faults";
    let (cluster, url) = postgres::start(NAME).await.unwrap();
    let server = Server::start_with(&[("CARREL_DATABASE__URL", &url)]).await;
    let session = server.user().await.ready_session().await;
    let (mut shell, mut events) = (session.shell().await, session.events().await);
    let mut writer = Writer::start(&session);
    writer.saves_on(PATIENCE).await;

    server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'carrel'").await;
    types(&mut shell, "cut").await;
    writer.saves_on(PATIENCE).await;

    // Immediately: every backend is killed, nothing is written down, and what keeps the cluster starts it again, which recovers.
    kill(Pid::from_raw(cluster.pid()), Signal::SIGQUIT).unwrap();
    types(&mut shell, "crashed").await;
    let gone = async || kill(Pid::from_raw(cluster.pid()), None).is_err().then_some(());
    eventually(PATIENCE, "the end of the server", gone).await;
    writer.saves_on(PATIENCE).await;

    postgres::signal_all(NAME, Signal::SIGSTOP);
    let began = Instant::now();
    events.notice_from_now("database does not answer", SEEN).await;
    let mut typed = 0;
    while began.elapsed() < STALL {
        assert!(types(&mut shell, &format!("stalled-{typed}")).await < Duration::from_secs(1));
        typed += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    postgres::signal_all(NAME, Signal::SIGCONT);
    events.notice_from_now("database answers again", PATIENCE).await;
    writer.saves_on(PATIENCE).await;
    assert_eq!((shell.closed, session.get().await["state"].as_str()), (None, Some("ready")));

    for (path, (acknowledged, tried)) in writer.stop().await {
        let read: u32 = String::from_utf8(session.read(&path).await.unwrap()).unwrap().parse().unwrap();
        // The one that was under way may have been committed without its answer.
        assert!((acknowledged..=tried).contains(&read), "{path}: acknowledged {acknowledged}, is {read}");
        assert_eq!(session.in_sandbox(&path).await, read.to_string().as_bytes(), "both sides agree");
    }
    drop(server);
    cluster.stop().await.unwrap();
}
