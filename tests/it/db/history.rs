//! Thinning: what of a history goes, and what stays.

use std::time::Duration;

use carrel::db::history::{self, Retention};
use carrel::db::items::ItemChange;
use carrel::db::{Client, Db, blobs, past, versions};
use carrel::model::{ContentHash, SessionId, WorkspacePath};

use super::items::apply;
use crate::support::postgres;

const DAY: Duration = Duration::from_secs(24 * 3600);
const RETENTION: Retention = Retention {
    all: DAY,
    hourly: Duration::from_secs(7 * 24 * 3600),
    daily: Some(Duration::from_secs(365 * 24 * 3600)),
    bytes: 1 << 20,
};

fn path(path: &str) -> WorkspacePath {
    WorkspacePath::new(path).unwrap()
}

/// Makes the newest version of all so old: an age, cut to the beginning of its hour or day, and what is added to that.
async fn date(db: &Db, (age, cut, later): (&str, &str, &str)) {
    let sql =
        "update workspace_versions set at = date_trunc($2, now() - $1::text::interval, 'UTC') + $3::text::interval
        where id = (select max(id) from workspace_versions)";
    assert_eq!(db.interactive().await.unwrap().execute(sql, &[&age, &cut, &later]).await.unwrap(), 1);
}

/// The contents a path has had, newest first.
async fn contents(db: &Db, session: SessionId, name: &str) -> Vec<ContentHash> {
    let client = db.interactive().await.unwrap();
    let versions = versions::list(&client, session, postgres::of_path(&path(name))).await.unwrap();
    versions.iter().filter_map(|version| version.kind.hash()).collect()
}

async fn there(db: &Db, hash: ContentHash) -> bool {
    blobs::get(&db.interactive().await.unwrap(), hash).await.unwrap().is_some()
}

async fn run(db: &Db, work: impl AsyncFnOnce(&carrel::db::Transaction<'_>) -> usize) -> usize {
    let mut connection = db.bulk().await.unwrap();
    let tx = connection.transaction().await.unwrap();
    let removed = work(&tx).await;
    tx.commit().await.unwrap();
    removed
}

#[tokio::test]
async fn the_older_the_fewer_are_kept_and_what_there_is_now_always() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let mut saved = Vec::new();
    for at in [
        ("400 days", "day", "0"),
        ("10 days", "day", "1 hour"),
        ("10 days", "day", "20 hours"),
        ("30 hours", "hour", "10 minutes"),
        ("30 hours", "hour", "40 minutes"),
        ("29 hours", "hour", "10 minutes"),
    ] {
        saved.push(postgres::put(&db, session, "a.py", format!("{at:?}")).await);
        date(&db, at).await;
    }
    for recent in ["a minute ago", "now"] {
        saved.push(postgres::put(&db, session, "a.py", recent).await);
    }
    // Old as it is, nothing has replaced it.
    let untouched = postgres::put(&db, session, "b.py", b"untouched".to_vec()).await;
    date(&db, ("400 days", "day", "0")).await;
    let thin = async || run(&db, async |tx| history::thin(tx, session, &RETENTION).await.unwrap()).await;
    assert_eq!(thin().await, 4);
    assert_eq!(thin().await, 0);
    let kept: Vec<_> = [7, 6, 5, 4, 2].map(|index: usize| saved[index]).into();
    assert_eq!(contents(&db, session, "a.py").await, kept);
    for (index, hash) in saved.iter().enumerate() {
        assert_eq!(there(&db, *hash).await, kept.contains(hash), "the content of version {index}");
    }
    assert!(contents(&db, session, "b.py").await.is_empty(), "nobody remembers how it came to be");
    assert!(there(&db, untouched).await, "but it is still there");
}

#[tokio::test]
async fn who_weighs_most_gives_and_nobody_else() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let (mut large, mut small) = (Vec::new(), Vec::new());
    for number in 0..12_u64 {
        // Noise, which does not compress.
        let mut noise = vec![0; 200 << 10];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut noise);
        large.push(postgres::put(&db, session, "large.bin", noise).await);
        small.push(postgres::put(&db, session, "small.py", number.to_string()).await);
    }
    let fit = async || run(&db, async |tx| history::fit(tx, session, &RETENTION).await.unwrap()).await;
    assert_eq!(fit().await, 8);
    assert_eq!(fit().await, 0);
    large.reverse();
    small.reverse();
    assert_eq!(contents(&db, session, "large.bin").await, large[..4], "four of 200 KiB fit into 1 MiB beside the rest");
    assert_eq!(contents(&db, session, "small.py").await, small);
    assert!(there(&db, large[3]).await && !there(&db, large[4]).await);
    let client = db.interactive().await.unwrap();
    let newest = history::newest(&client).await.unwrap();
    assert!(history::changed(&client, 0, newest).await.unwrap().contains(&session));
    assert!(history::changed(&client, newest, newest).await.unwrap().is_empty());
    assert!(history::sessions(&client, None, 100).await.unwrap().contains(&session));
}

#[tokio::test]
async fn what_was_removed_and_made_again_in_one_hour_of_old_was_there_before() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let first = postgres::put(&db, session, "a.py", "first").await;
    date(&db, ("10 days", "day", "1 hour")).await;
    apply(&db, session, &[ItemChange::Remove { path: path("a.py") }]).await.unwrap();
    date(&db, ("10 days", "day", "20 hours")).await;
    let second = postgres::put(&db, session, "a.py", "second").await;
    date(&db, ("10 days", "day", "21 hours")).await;
    let thin = async || run(&db, async |tx| history::thin(tx, session, &RETENTION).await.unwrap()).await;
    assert_eq!((thin().await, thin().await), (1, 0));
    let client = db.interactive().await.unwrap();
    let moment = "select date_trunc('day', now() - interval '10 days', 'UTC') + $1::text::interval";
    for (hour, content) in [("12 hours", Some(first)), ("20 hours 30 minutes", None), ("22 hours", Some(second))] {
        let at = client.query_one(moment, &[&hour]).await.unwrap().try_get(0).unwrap();
        let then = past::tree(&client, session, None, at).await.unwrap();
        assert_eq!(then.first().and_then(|item| item.kind.hash()), content, "at {hour}");
    }
}

#[tokio::test]
async fn what_was_changed_and_later_removed_was_there_before_its_oldest_version() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    postgres::put(&db, session, "a.py", "first").await;
    date(&db, ("30 hours", "hour", "10 minutes")).await;
    let second = postgres::put(&db, session, "a.py", "second").await;
    date(&db, ("30 hours", "hour", "40 minutes")).await;
    apply(&db, session, &[ItemChange::Remove { path: path("a.py") }]).await.unwrap();
    assert_eq!(run(&db, async |tx| history::thin(tx, session, &RETENTION).await.unwrap()).await, 1);
    let client = db.interactive().await.unwrap();
    let at = "select date_trunc('hour', now() - interval '30 hours', 'UTC') + interval '20 minutes'";
    let at = client.query_one(at, &[]).await.unwrap().try_get(0).unwrap();
    let then = past::tree(&client, session, None, at).await.unwrap();
    assert_eq!(then.first().and_then(|item| item.kind.hash()), Some(second), "the nearest that is known");
}
