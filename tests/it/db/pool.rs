//! The pool when things go wrong.

use std::time::{Duration, Instant};

use carrel::config::DatabaseConfig;
use carrel::db::items::{self, ItemChange};
use carrel::db::versions::Origin;
use carrel::db::{Client, Connection, Db, DbError, Unavailable};
use carrel::model::{ItemKind, Precondition};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::items::{AMPLE, path};
use crate::support::postgres;

async fn backend(connection: &Connection) -> i32 {
    connection.query_one("select pg_backend_pid()", &[]).await.unwrap().try_get(0).unwrap()
}

/// Waits until `holds`, which asks the database.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_full_line_is_refused_at_once_and_a_wait_ends_at_its_deadline() {
    let config = DatabaseConfig {
        interactive_connections: 1,
        bulk_connections: 1,
        waiting_line: 2,
        checkout_timeout_ms: 300,
        ..postgres::config()
    };
    let db = postgres::db_with(&config).await;
    let held = db.interactive().await.unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.interactive().await.map(drop) })
        })
        .collect();
    eventually("two wait", async || db.figures().interactive.waiting == 2).await;
    let start = Instant::now();
    let refused = db.interactive().await.err().unwrap();
    assert!(matches!(refused, DbError::Unavailable(Unavailable::LineFull)), "{refused:?}");
    assert!(start.elapsed() < Duration::from_millis(100));
    drop(db.bulk().await.expect("the other lane is free"));
    for waiter in waiting {
        let refused = waiter.await.unwrap().unwrap_err();
        assert!(matches!(refused, DbError::Unavailable(Unavailable::NoConnection { .. })), "{refused:?}");
    }
    drop(held);
    drop(db.interactive().await.unwrap());
    let figures = db.figures().interactive;
    assert_eq!((figures.refused, figures.timeouts, figures.waiting, figures.open, figures.idle), (1, 2, 0, 1, 1));
}

#[tokio::test]
async fn who_waits_longest_is_served_first() {
    let config = DatabaseConfig { interactive_connections: 1, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let held = db.interactive().await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5_usize {
        let (line, tell) = (db.clone(), tell.clone());
        tokio::spawn(async move {
            let connection = line.interactive().await.unwrap();
            tell.send(number).unwrap();
            drop(connection);
        });
        eventually("it waits", async || db.figures().interactive.waiting == number + 1).await;
    }
    drop(held);
    for number in 0..5 {
        assert_eq!(told.recv().await, Some(number));
    }
}

#[tokio::test]
async fn a_statement_ends_at_its_deadline_and_its_connection_is_used_again() {
    let config = DatabaseConfig { statement_timeout_ms: 200, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let connection = db.interactive().await.unwrap();
    let pid = backend(&connection).await;
    let start = Instant::now();
    let error = connection.query("select pg_sleep(20)", &[]).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(Unavailable::StatementTimeout)), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(connection);
    assert_eq!(backend(&db.interactive().await.unwrap()).await, pid);
}

#[tokio::test]
async fn a_server_that_is_stuck_does_not_hang_its_caller() {
    let config = DatabaseConfig { statement_timeout_ms: 200, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let connection = db.interactive().await.unwrap();
    let pid = backend(&connection).await;
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    let start = Instant::now();
    let error = connection.query("select 1", &[]).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(connection);
    assert_ne!(backend(&db.interactive().await.unwrap()).await, pid);
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
}

#[tokio::test]
async fn connections_the_server_has_ended_are_replaced_unseen() {
    let db = postgres::db().await;
    let (one, two) = (db.interactive().await.unwrap(), db.interactive().await.unwrap());
    let ended = backend(&one).await;
    drop(one);
    two.execute("select pg_terminate_backend($1)", &[&ended]).await.unwrap();
    // What is idle is looked at when it is handed out. Until its end has arrived here there is nothing to see, and its user sees it.
    eventually("it is replaced", async || {
        let connection = db.interactive().await.unwrap();
        match connection.query_one("select pg_backend_pid()", &[]).await {
            Ok(row) => row.try_get::<_, i32>(0).unwrap() != ended,
            Err(error) => {
                assert!(error.is_unavailable(), "{error:?}");
                false
            }
        }
    })
    .await;
    assert_eq!(db.figures().interactive.broken, 1);
    // One that is ended while it is used says so, and is not used again.
    let own = backend(&two).await;
    let error = two.execute("select pg_terminate_backend(pg_backend_pid())", &[]).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(Unavailable::Lost(_))), "{error:?}");
    drop(two);
    assert_ne!(backend(&db.interactive().await.unwrap()).await, own);
}

#[tokio::test]
async fn a_transaction_dropped_between_statements_is_rolled_back_and_its_connection_kept() {
    let config = DatabaseConfig { interactive_connections: 1, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let mut connection = db.interactive().await.unwrap();
    let pid = backend(&connection).await;
    let transaction = connection.transaction().await.unwrap();
    transaction.execute("create table leaked (x int)", &[]).await.unwrap();
    drop(transaction);
    drop(connection);
    let connection = db.interactive().await.unwrap();
    assert_eq!(backend(&connection).await, pid);
    let row = connection.query_one("select to_regclass('leaked') is null", &[]).await.unwrap();
    assert!(row.try_get::<_, bool>(0).unwrap(), "it was rolled back");
    let refused = connection.execute("savepoint here", &[]).await.unwrap_err();
    assert!(matches!(refused, DbError::Query(_)), "no transaction is open: {refused:?}");
    assert_eq!(db.figures().interactive.broken, 0);
}

#[tokio::test]
async fn a_transaction_in_which_something_failed_cannot_be_committed() {
    let config = DatabaseConfig { interactive_connections: 1, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let mut connection = db.interactive().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    transaction.execute("create table lost (x int)", &[]).await.unwrap();
    transaction.execute("select 1 / 0", &[]).await.unwrap_err();
    // PostgreSQL itself would answer this COMMIT with success and a rollback.
    let refused = transaction.commit().await.unwrap_err();
    assert!(matches!(refused, DbError::Aborted), "{refused:?}");
    let row = connection.query_one("select to_regclass('lost') is null", &[]).await.unwrap();
    assert!(row.try_get::<_, bool>(0).unwrap());
}

#[tokio::test]
async fn a_transaction_begins_even_if_its_connection_has_just_been_lost() {
    let config = DatabaseConfig { interactive_connections: 1, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let (mut one, two) = (db.interactive().await.unwrap(), db.bulk().await.unwrap());
    let ended = backend(&one).await;
    two.execute("select pg_terminate_backend($1)", &[&ended]).await.unwrap();
    let transaction = one.transaction().await.unwrap();
    transaction.execute("create table kept (x int)", &[]).await.unwrap();
    transaction.commit().await.unwrap();
    let new = backend(&one).await;
    assert_ne!(new, ended);
    drop(one);
    assert_eq!(backend(&db.interactive().await.unwrap()).await, new, "the pool keeps it");
}

#[tokio::test]
async fn a_future_dropped_in_mid_statement_takes_its_connection_along() {
    let config = DatabaseConfig { interactive_connections: 1, ..postgres::config() };
    let db = postgres::db_with(&config).await;
    let id = postgres::session(&db).await.id;
    let mut connection = db.interactive().await.unwrap();
    let pid = backend(&connection).await;
    let work = async {
        let transaction = connection.transaction().await.unwrap();
        let folder = ItemChange::Put { path: path("a"), kind: ItemKind::Folder, precondition: Precondition::None };
        items::apply(&transaction, &postgres::lease(id), &[folder], Origin::Editor, None, &AMPLE).await.unwrap();
        transaction.query("select pg_sleep(20)", &[]).await.unwrap();
    };
    assert!(tokio::time::timeout(Duration::from_millis(300), work).await.is_err());
    drop(connection);
    let start = Instant::now();
    let connection = db.interactive().await.unwrap();
    assert_ne!(backend(&connection).await, pid);
    assert_eq!(items::all(&connection, id).await.unwrap(), []);
    // The server has been told to stop: the session's lock is free long before the twenty seconds are over.
    let lock = "select 1 from sessions where id = $1 for update";
    connection.query(lock, &[&id.0]).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(db.figures().interactive.broken, 1);
}

#[tokio::test]
async fn an_aborted_crowd_leaves_the_pool_whole() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    for round in 0..40_u64 {
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut connection = db.interactive().await?;
                    let transaction = connection.transaction().await?;
                    let at = path(&format!("r{round}/n{number}"));
                    let folder = ItemChange::Put { path: at, kind: ItemKind::Folder, precondition: Precondition::None };
                    let done =
                        items::apply(&transaction, &postgres::lease(id), &[folder], Origin::Editor, None, &AMPLE).await;
                    if done.is_ok() {
                        transaction.commit().await?;
                    }
                    Ok::<_, DbError>(())
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_micros(round * 150)).await;
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            match task.await {
                Ok(result) => result.unwrap(),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
    }
    let client = db.interactive().await.unwrap();
    let counted = items::all(&client, id).await.unwrap().len() as u64;
    assert_eq!(items::usage(&client, id).await.unwrap().unwrap().items, counted);
    drop(client);
    let figures = db.figures().interactive;
    assert_eq!((figures.waiting, figures.open), (0, figures.idle), "{figures:?}");
}

#[tokio::test]
async fn a_restart_of_the_server_costs_a_wait_and_nothing_acknowledged() {
    let (cluster, url) = postgres::start("restarted").await.unwrap();
    let db = Db::connect(&postgres::config(), &url).await.unwrap();
    db.interactive().await.unwrap().execute("create table kept (n bigint primary key)", &[]).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let writer = {
        let (db, stop) = (db.clone(), stop.clone());
        tokio::spawn(async move {
            let (mut kept, mut refused) = (Vec::new(), 0_u32);
            for number in 0..i64::MAX {
                if stop.is_cancelled() {
                    break;
                }
                let connection = db.interactive().await.expect("a checkout waits for the server");
                match connection.execute("insert into kept values ($1)", &[&number]).await {
                    Ok(_) => kept.push(number),
                    Err(error) => {
                        assert!(error.is_unavailable(), "{error:?}");
                        refused += 1;
                    }
                }
            }
            (kept, refused)
        })
    };
    // As by `kill -9`: the postmaster restarts nothing, the keeper restarts the postmaster.
    let written = async || -> i64 {
        match db.bulk().await {
            Ok(client) => match client.query_one("select count(*) from kept", &[]).await {
                Ok(row) => row.try_get(0).unwrap(),
                Err(_) => 0,
            },
            Err(_) => 0,
        }
    };
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        let before = written().await;
        eventually("it writes", async || written().await > before + 10).await;
        let note = postgres::place().data.join("restarted/cluster/postmaster.pid");
        let pid: i32 = std::fs::read_to_string(note).unwrap().lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        let before = written().await;
        eventually("it writes again", async || written().await > before + 10).await;
    }
    stop.cancel();
    let (kept, refused) = writer.await.unwrap();
    let sql = "select count(*) from unnest($1::bigint[]) as n where not exists (select from kept where kept.n = n)";
    let lost: i64 = db.interactive().await.unwrap().query_one(sql, &[&kept]).await.unwrap().try_get(0).unwrap();
    assert_eq!(lost, 0, "of {} acknowledged", kept.len());
    assert!(refused <= 4, "{refused} statements were cut off by two restarts");
    db.close().await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_closed_pool_refuses_and_leaves_no_connection() {
    let db = postgres::db().await;
    let other = postgres::db().await;
    let pid = backend(&db.interactive().await.unwrap()).await;
    drop(db.bulk().await.unwrap());
    db.close().await;
    db.close().await;
    let refused = db.interactive().await.err().unwrap();
    assert!(matches!(refused, DbError::Unavailable(Unavailable::Closed)), "{refused:?}");
    assert_eq!((db.figures().interactive.open, db.figures().bulk.open), (0, 0));
    let client = other.interactive().await.unwrap();
    let sql = "select count(*) from pg_stat_activity where pid = $1";
    eventually("the server sees it go", async || {
        client.query_one(sql, &[&pid]).await.unwrap().try_get::<_, i64>(0).unwrap() == 0
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let config = DatabaseConfig { checkout_timeout_ms: 200, ..postgres::config() };
    let error = Db::connect(&config, "postgres://carrel@%2Fnowhere/carrel").await.err().unwrap();
    assert!(error.is_unavailable() && error.to_string().contains("No such file"), "{error}");
    let error = Db::connect(&config, "not a url").await.err().unwrap();
    assert!(matches!(error, DbError::Unsuitable(_)), "{error:?}");
    let shared = tokio::task::spawn_blocking(postgres::url).await.unwrap();
    let wrong = shared.replace("/carrel", "/other");
    let error = Db::connect(&config, &wrong).await.err().unwrap();
    assert!(matches!(error, DbError::Unsuitable(_)) && error.to_string().contains("other"), "{error:?}");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let shared = tokio::task::spawn_blocking(postgres::url).await.unwrap();
    let url = shared.replace("postgres://carrel@", "postgres://carrel@%2Fnowhere,");
    let db = Db::connect(&postgres::config(), &url).await.unwrap();
    db.ping().await.unwrap();
    assert!(db.durability().is_full());
}
