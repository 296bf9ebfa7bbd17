//! Fifty users who save at the same moment, against bare `INSERT`s of as many bytes into the same database.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use carrel::db::EmbeddedPostgres;
use carrel_load::api::Account;
use carrel_load::samples::{Samples, human};
use futures_util::future::try_join_all;

use crate::api::User;
use crate::figures::Report;
use crate::server::Server;

/// Users, each with a session of their own.
const USERS: usize = 50;

/// How long they save, without a pause.
const DURATION: Duration = Duration::from_secs(5);

const FILE_BYTES: usize = 10 * 1000;

/// Saves a second, or so much of what bare `INSERT`s come to.
const SAVES: f64 = 1000.0;
const RATIO: f64 = 0.7;

/// Connections that insert: as many as the server's own lane for what somebody waits for.
const CONNECTIONS: usize = 12;

pub fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let cold = (0..USERS).map(|_| user.new_session()).collect::<anyhow::Result<Vec<_>>>()?;
    let live = (0..USERS).map(|_| user.new_session()).collect::<anyhow::Result<Vec<_>>>()?;
    for session in &live {
        user.open_terminal(session, Some("exec cat"))?;
    }
    let url = user.run(EmbeddedPostgres::url_of_running(&server.data_dir().join("postgres")))?;
    let url = url.context("the server's database is not its own")?;
    for (what, sessions) in [("without a sandbox", &cold), ("in live sessions", &live)] {
        let (floor, _) = user.run(inserts(&url))?;
        let (rate, samples) = user.run(saves(user.account(), sessions))?;
        let met = rate >= SAVES || rate >= RATIO * floor;
        let (p50, p95) = (human(samples.percentile(50.0)), human(samples.percentile(95.0)));
        let what = format!("{USERS} users save 10 KB at once, {what} (p50 {p50}, p95 {p95}); floor: bare INSERTs");
        let ours = format!("{rate:.0} a second");
        let target = "≥ 1000 a second, or 0.7 of the floor";
        report.judge(&what, ours, format!("{floor:.0} a second"), format!("{:.2}", rate / floor), target, met);
    }
    cold.iter().chain(&live).try_for_each(|session| user.delete_session(session))
}

/// A Python program that never was before.
fn program(who: usize, number: usize) -> Bytes {
    let line = format!("print({who}, {number}, 'the quick brown fox jumps over the lazy dog')\n");
    line.bytes().cycle().take(FILE_BYTES).collect()
}

async fn saves(account: &Account, sessions: &[String]) -> anyhow::Result<(f64, Samples)> {
    let start = Instant::now();
    let saving = sessions.iter().enumerate().map(|(who, session)| async move {
        let (mut samples, mut number) = (Samples::default(), 0);
        while start.elapsed() < DURATION {
            let began = Instant::now();
            account.save(session, "main.py", program(who, number)).await?;
            samples.push(began.elapsed());
            number += 1;
        }
        anyhow::Ok(samples)
    });
    let all = try_join_all(saving).await?;
    Ok(rate(start.elapsed(), &all))
}

/// One row with as many bytes in a transaction of its own, again and again.
async fn inserts(url: &str) -> anyhow::Result<(f64, Samples)> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let table =
        "drop table if exists bench_inserts; create table bench_inserts (id bigserial primary key, content bytea);
        alter table bench_inserts alter column content set storage external";
    client.batch_execute(table).await?;
    let start = Instant::now();
    let inserting = (0..CONNECTIONS).map(|who| async move {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let insert = client.prepare("insert into bench_inserts (content) values ($1)").await?;
        let (mut samples, mut number) = (Samples::default(), 0);
        while start.elapsed() < DURATION {
            let content = program(who, number);
            let began = Instant::now();
            client.execute(&insert, &[&&content[..]]).await?;
            samples.push(began.elapsed());
            number += 1;
        }
        anyhow::Ok(samples)
    });
    let all = try_join_all(inserting).await?;
    let result = rate(start.elapsed(), &all);
    client.batch_execute("drop table bench_inserts").await?;
    Ok(result)
}

fn rate(took: Duration, all: &[Samples]) -> (f64, Samples) {
    let mut samples = Samples::default();
    all.iter().for_each(|one| samples.extend(one));
    (samples.count() as f64 / took.as_secs_f64(), samples)
}
