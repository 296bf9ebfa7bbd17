//! A PostgreSQL of our own: adopted, restarted, refused.

mod closed;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use carrel::db::embedded::EmbeddedError;
use carrel::db::{Client, Db, EmbeddedPostgres};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::support::postgres;

/// Names the directory of the cluster another test process is to start.
const DIRECTORY: &str = "CARREL_IT_POSTGRES_DIRECTORY";

/// Not a test but the life of a server that is killed; does nothing when run as a test.
#[tokio::test]
async fn starts_a_cluster_and_waits() {
    let Some(dir) = std::env::var_os(DIRECTORY).map(std::path::PathBuf::from) else { return };
    let run = std::env::var_os("CARREL_IT_POSTGRES_RUN").map(std::path::PathBuf::from).unwrap();
    std::thread::spawn(|| {
        // Nothing is ever written: this returns when the test process is gone.
        let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0]);
        std::process::exit(1);
    });
    let started = EmbeddedPostgres::start(&dir, &run, "postgres", 10).await;
    let (cluster, _) = started.unwrap_or_else(|error| panic!("{error}"));
    println!("\nstarted {} {}", cluster.pid(), cluster.was_adopted());
    std::future::pending::<()>().await;
}

/// Starts the cluster in another process and kills that with -9: the process id of PostgreSQL, which runs on.
async fn started_by_one_who_was_killed(name: &str) -> (i32, bool) {
    let name = name.to_owned();
    let work = move || {
        let place = postgres::place();
        let mut server = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "db::embedded::starts_a_cluster_and_waits", "--nocapture"])
            .env(DIRECTORY, place.data.join(&name))
            .env("CARREL_IT_POSTGRES_RUN", place.run.join(&name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = std::io::BufReader::new(server.stdout.take().unwrap());
        let line = std::io::BufRead::lines(output).map(Result::unwrap).find(|line| line.starts_with("started"));
        let line = line.expect("the other process starts PostgreSQL");
        server.kill().unwrap();
        assert_eq!(server.wait().unwrap().signal(), Some(9));
        let words: Vec<&str> = line.split(' ').collect();
        (words[1].parse().unwrap(), words[2].parse().unwrap())
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_cluster_whose_server_was_killed_is_adopted_not_doubled() {
    let (pid, adopted) = started_by_one_who_was_killed("adopted").await;
    assert!(!adopted);
    assert_eq!(started_by_one_who_was_killed("adopted").await, (pid, true));
    // One nobody can reach any more is ended and started again.
    std::fs::remove_file(postgres::place().run.join("adopted/.s.PGSQL.5432")).unwrap();
    let (deaf, (pid, adopted)) = (pid, started_by_one_who_was_killed("adopted").await);
    assert!(deaf != pid && !adopted);
    let (cluster, url) = postgres::start("adopted").await.unwrap();
    assert!(cluster.was_adopted());
    assert_eq!(cluster.pid(), pid);
    // Found by whatever name, and left alone.
    let other_name = postgres::place().run.join("by-another-name");
    std::os::unix::fs::symlink(&postgres::place().data, &other_name).unwrap();
    for name in [postgres::place().data.join("adopted"), other_name.join("adopted")] {
        assert_eq!(EmbeddedPostgres::url_of_running(&name).await.unwrap().as_ref(), Some(&url));
    }
    assert_eq!(EmbeddedPostgres::url_of_running(&other_name.join("none")).await.unwrap(), None);
    assert!(postgres::place().data.join("adopted/cluster/postmaster.pid").exists());
    let db = Db::connect(&postgres::config(), &url).await.unwrap();
    db.ping().await.unwrap();
    db.close().await;
    cluster.stop().await.unwrap();
    cluster.stop().await.unwrap();
    assert!(has_ended(pid), "it has ended");

    // Stopped, the same directory starts anew, quickly, with its data; with a note somebody else's process fits, too.
    let note = postgres::place().data.join("adopted/cluster/postmaster.pid");
    assert!(!note.exists());
    std::fs::write(&note, format!("{}\n/elsewhere\n1\n5432\n/nowhere\n\n\nready   \n", std::process::id())).unwrap();
    let start = std::time::Instant::now();
    let (cluster, url) = postgres::start("adopted").await.unwrap();
    println!("started again in {:?}", start.elapsed());
    assert!(!cluster.was_adopted());
    let db = Db::connect(&postgres::config(), &url).await.unwrap();
    let me =
        db.interactive().await.unwrap().query_one("select current_user::text, current_database()::text", &[]).await;
    let me = me.unwrap();
    assert_eq!((me.try_get::<_, &str>(0).unwrap(), me.try_get::<_, &str>(1).unwrap()), ("carrel", "carrel"));
    cluster.stop().await.unwrap();

    // What a killed server has left can be ended without starting one.
    let (pid, _) = started_by_one_who_was_killed("adopted").await;
    EmbeddedPostgres::end_running(&other_name.join("adopted")).await.unwrap();
    assert!(has_ended(pid), "it has ended");
    assert_eq!(EmbeddedPostgres::url_of_running(&other_name.join("adopted")).await.unwrap(), None);
}

fn has_ended(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_err() || is_zombie(pid)
}

fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn settings_that_could_lose_commits_are_refused() {
    let (cluster, url) = postgres::start("careless").await.unwrap();
    let admin = url.replace("carrel@", "postgres@");
    let (client, connection) = tokio_postgres::connect(&admin, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute("alter system set synchronous_commit = off").await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    cluster.stop().await.unwrap();
    let Err(error) = postgres::start("careless").await else { panic!("it was started") };
    assert!(matches!(error, EmbeddedError::NotDurable { setting: "synchronous_commit", .. }), "{error:?}");
    let note = postgres::place().data.join("careless/cluster/postmaster.pid");
    assert!(!note.exists(), "what is refused does not go on running");
}

#[tokio::test]
async fn places_that_cannot_work_are_refused_with_the_remedy() {
    let place = postgres::place();
    let long = place.run.join("x".repeat(100));
    let refusal = EmbeddedPostgres::start(&place.data.join("long"), &long, "postgres", 10).await.err().unwrap();
    assert!(matches!(refusal, EmbeddedError::SocketPath(_)), "{refusal:?}");
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let start = async |dir: std::path::PathBuf, user: &str| {
        EmbeddedPostgres::start(&dir, &place.run.join("refused"), user, 10).await.err().unwrap()
    };
    let refusal = start(place.data.join("nobody"), "no-such-user").await;
    assert!(matches!(refusal, EmbeddedError::NoUser(_)), "{refusal:?}");
    let refusal = start(place.data.join("root"), "root").await;
    assert!(matches!(refusal, EmbeddedError::NoUser(_)), "{refusal:?}");
}
