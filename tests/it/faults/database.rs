//! PostgreSQL cuts its connections, restarts without a goodbye, or stands still.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;

use super::{SEEN, types};
use crate::support::client::{Session, eventually};
use crate::support::janitor::processes;
use crate::support::postgres;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// How long it stands still: longer than a statement may take.
const STALL: Duration = Duration::from_secs(20);

/// Somebody who saves all the time, in order, and remembers what was acknowledged.
struct Writer {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<BTreeMap<String, (u32, u32)>>,
    acknowledged: tokio::sync::watch::Receiver<u32>,
}

impl Writer {
    fn start(session: &Session) -> Self {
        let (stop, session) = (Arc::new(AtomicBool::new(false)), session.clone());
        let (tell, acknowledged) = tokio::sync::watch::channel(0);
        let stopping = stop.clone();
        let task = tokio::spawn(async move {
            // Per file: the last number acknowledged, and the last tried.
            let mut files: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            for n in 1_u32.. {
                if stopping.load(Ordering::Relaxed) {
                    break;
                }
                let path = format!("saves/{}.txt", n % 5);
                let last = files.get(&path).map_or(0, |(acknowledged, _)| *acknowledged);
                files.insert(path.clone(), (last, n));
                let request = session.client.request(Method::PUT, &session.file(&path)).body(n.to_string());
                let answer = request.timeout(Duration::from_secs(60)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    files.insert(path, (n, n));
                    tell.send_modify(|count| *count += 1);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            files
        });
        Self { stop, task, acknowledged }
    }

    /// Waits until another save is acknowledged.
    async fn saves_on(&mut self, patience: Duration) {
        let count = *self.acknowledged.borrow_and_update();
        let more = self.acknowledged.wait_for(|now| *now > count + 1);
        tokio::time::timeout(patience, more).await.expect("saves resume").expect("it writes");
    }

    /// What must be there: for each file at least what was acknowledged last.
    async fn stop(self) -> BTreeMap<String, (u32, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

fn signal_all(name: &str, signal: Signal) {
    let all = processes(&[postgres::place().data.join(name)]);
    assert!(!all.is_empty(), "nothing of the cluster runs");
    for process in all {
        // A backend may have ended meanwhile.
        kill(process, signal).ok();
    }
}

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

    signal_all(NAME, Signal::SIGSTOP);
    let began = Instant::now();
    events.notice_from_now("database does not answer", SEEN).await;
    let mut typed = 0;
    while began.elapsed() < STALL {
        assert!(types(&mut shell, &format!("stalled-{typed}")).await < Duration::from_secs(1));
        typed += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    signal_all(NAME, Signal::SIGCONT);
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
