//! Contents stored as the difference to another: what they take, that they come back, and what goes when.

use std::time::Duration;

use carrel::db::history::{self, Retention};
use carrel::db::{Client, Db, DbError, blobs, deleted, sessions};
use carrel::model::{ContentHash, SessionId};

use crate::support::postgres;

/// Bytes without a pattern.
fn noise(length: usize, seed: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut noise);
    noise
}

/// Lines of random letters, `length` bytes together.
fn text(length: usize) -> Vec<u8> {
    let letters = |(at, byte): (usize, u8)| if at % 64 == 63 { b'\n' } else { b' ' + byte % 90 };
    noise(length, 0).into_iter().enumerate().map(letters).collect()
}

/// Bytes all contents take, and how many of them are differences.
async fn stored(db: &Db) -> (i64, i64) {
    let sql = "select coalesce(sum(octet_length(encoded)), 0)::bigint, count(base_hash) from blobs";
    let row = db.interactive().await.unwrap().query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn is_there(db: &Db, hash: ContentHash) -> bool {
    blobs::get(&db.interactive().await.unwrap(), hash).await.unwrap().is_some()
}

async fn purge(db: &Db, session: SessionId) {
    let client = db.interactive().await.unwrap();
    sessions::mark_deleted(&client, &postgres::lease(session), 0).await.unwrap();
    drop(client);
    assert_eq!(deleted::purge(db, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_hundred_versions_of_a_megabyte_take_little_more_than_one() {
    for (name, first) in [("text", text(1 << 20)), ("noise", noise(1 << 20, 1))] {
        let db = postgres::db().await;
        let session = postgres::session(&db).await.id;
        let (mut content, mut versions) = (first, Vec::new());
        for number in 0..100_usize {
            let at = (number * 7919 * 64) % content.len();
            let line = format!("version {number} has another line here, of which nothing was there before");
            content.splice(at..(at + 64).min(content.len()), line.into_bytes());
            versions.push((postgres::replace(&db, session, "a.txt", content.clone()).await, content.clone()));
        }
        let (bytes, differences) = stored(&db).await;
        let sql = "select pg_total_relation_size('blobs')";
        let relation: i64 = db.interactive().await.unwrap().query_one(sql, &[]).await.unwrap().get(0);
        println!("100 versions of a megabyte of {name}: {bytes} bytes, {relation} with all the table takes");
        assert!(relation <= 5_000_000, "{relation} bytes of {name}");
        assert_eq!(differences, 99);
        let client = db.interactive().await.unwrap();
        let hashes: Vec<_> = versions.iter().map(|(hash, _)| *hash).collect();
        let all = blobs::get_many(&client, &hashes).await.unwrap();
        for (hash, content) in &versions {
            assert!(all[hash] == content && blobs::get(&client, *hash).await.unwrap().unwrap() == content);
        }
    }
}

#[tokio::test]
async fn what_has_little_in_common_with_its_former_version_is_stored_whole() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    for (seed, length) in [(0, 100_000), (1, 100_000), (2, 1000), (2, 1001), (2, 100_000), (2, 250_000), (2, 90_000)] {
        postgres::replace(&db, session, "a", noise(length, seed)).await;
    }
    // Of those that begin alike the last but one is too much larger; the last is its beginning, and yet too much smaller.
    assert_eq!(stored(&db).await.1, 0);
    postgres::replace(&db, session, "a", noise(90_001, 2)).await;
    assert_eq!(stored(&db).await.1, 1);
}

#[tokio::test]
async fn a_difference_refers_to_what_is_whole_or_is_stored_whole_itself() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let versions: Vec<_> = (0..3_u8).map(|number| [vec![number; 10], noise(100_000, 0)].concat()).collect();
    let first = postgres::put(&db, session, "a", versions[0].clone()).await;
    let client = db.interactive().await.unwrap();
    let bases = blobs::bases(&client, &[first], u64::MAX).await.unwrap();
    let second = blobs::encode_after(versions[1].clone().into(), &bases[&first]).await.unwrap();
    assert!(second.delta.is_some());
    // Meanwhile the base has gone, and has come back as a difference itself.
    let third = postgres::put(&db, session, "b", versions[2].clone()).await;
    let turn = "update blobs set base_hash = $2 where hash = $1";
    client.execute(turn, &[&first.0.as_slice(), &third.0.as_slice()]).await.unwrap();
    blobs::put_many(&client, std::slice::from_ref(&second)).await.unwrap();
    assert_eq!(blobs::get(&client, second.hash).await.unwrap().unwrap(), versions[1]);
    assert_eq!(stored(&db).await.1, 1, "the second is whole");
}

#[tokio::test]
async fn room_for_bases_is_kept_to() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let mut hashes = Vec::new();
    for seed in 0..4 {
        hashes.push(postgres::put(&db, session, &format!("f{seed}"), noise(100_000, seed)).await);
    }
    let client = db.interactive().await.unwrap();
    for (most, given) in [(0, 0), (99_999, 0), (100_000, 1), (350_000, 3), (u64::MAX, 4)] {
        assert_eq!(blobs::bases(&client, &hashes, most).await.unwrap().len(), given, "{most}");
    }
}

#[tokio::test]
async fn a_difference_without_its_true_base_is_corrupt_never_given_out() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let base = postgres::put(&db, session, "a", noise(100_000, 0)).await;
    let changed = postgres::replace(&db, session, "a", [noise(100_000, 0), b"more".to_vec()].concat()).await;
    let other = postgres::put(&db, session, "b", noise(100_000, 1)).await;
    let client = db.interactive().await.unwrap();
    let spoil = [
        "update blobs set base_hash = $2 where hash = $1 and $3::bytea is not null",
        "update blobs set base_hash = $3 where hash = $1 and $2::bytea is not null",
        "update blobs set encoded = (select encoded from blobs where hash = $2) where hash = $3 and $1::bytea is not null",
    ];
    for (index, sql) in spoil.into_iter().enumerate() {
        let hashes = [changed, other, base].map(|hash| hash.0.to_vec());
        assert_eq!(client.execute(sql, &[&hashes[0], &hashes[1], &hashes[2]]).await.unwrap(), 1);
        let read = blobs::get(&client, changed).await;
        let many = blobs::get_many(&client, &[changed]).await;
        if index == 1 {
            assert!(read.is_ok() && many.is_ok(), "with its own base it is well again");
        } else {
            assert!(matches!(read, Err(DbError::Corrupt(_))), "{index}");
            assert!(matches!(many, Err(DbError::Corrupt(_))), "{index}");
        }
    }
    // A save over it goes on: what is broken keeps nothing new out.
    assert!(matches!(blobs::bases(&client, &[changed], u64::MAX).await, Err(DbError::Corrupt(_))));
}

#[tokio::test]
async fn a_base_stays_as_long_as_anybodys_difference_to_it() {
    let db = postgres::db().await;
    let (one, other) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let versions = [noise(100_000, 0), [noise(100_000, 0), b"more".to_vec()].concat()];
    let base = postgres::put(&db, one, "a", versions[0].clone()).await;
    let changed = postgres::replace(&db, one, "a", versions[1].clone()).await;
    assert_eq!(postgres::put(&db, other, "b", versions[1].clone()).await, changed, "the other has only the difference");
    assert_eq!(stored(&db).await.1, 1);
    purge(&db, one).await;
    assert!(is_there(&db, base).await && is_there(&db, changed).await);
    let swept = blobs::sweep(&db, Duration::ZERO, None, usize::MAX).await.unwrap();
    assert_eq!(swept.removed, 0, "the day's sweep leaves it alone as well");
    purge(&db, other).await;
    assert_eq!(stored(&db).await, (0, 0), "with the last difference goes its base");
}

#[tokio::test]
async fn the_sweep_of_what_never_came_takes_base_and_difference() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let base = postgres::put(&db, session, "a", noise(100_000, 0)).await;
    postgres::replace(&db, session, "a", [noise(100_000, 0), b"more".to_vec()].concat()).await;
    let client = db.interactive().await.unwrap();
    client.execute("delete from workspace_versions", &[]).await.unwrap();
    let sweep = async || blobs::sweep(&db, Duration::ZERO, None, usize::MAX).await.unwrap().removed;
    assert_eq!(sweep().await, 0);
    assert!(is_there(&db, base).await, "what is there now needs it");
    client.execute("delete from workspace_items where parent_id is not null", &[]).await.unwrap();
    assert_eq!(sweep().await, 2);
}

#[tokio::test]
async fn a_history_weighs_its_differences_and_once_what_they_need() {
    const RETENTION: Retention =
        Retention { all: Duration::from_secs(3600), hourly: Duration::from_secs(3600), daily: None, bytes: 1 << 20 };
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let fit = async || {
        let mut connection = db.bulk().await.unwrap();
        let tx = connection.transaction().await.unwrap();
        let removed = history::fit(&tx, session, &RETENTION).await.unwrap();
        tx.commit().await.unwrap();
        removed
    };
    for number in 0..40_u8 {
        postgres::replace(&db, session, "a", [noise(200 << 10, 0), vec![number; 10]].concat()).await;
    }
    assert_eq!(fit().await, 0, "forty versions of 200 KiB weigh less than a megabyte");
    // Others whose bases no version names any more still weigh what they keep in the database.
    for number in 0..10 {
        let name = format!("f{number}");
        postgres::put(&db, session, &name, noise(200 << 10, 1 + number)).await;
        postgres::replace(&db, session, &name, [noise(200 << 10, 1 + number), b"more".to_vec()].concat()).await;
    }
    let forget = "delete from workspace_versions where change = 'created' and path <> 'a'";
    assert_eq!(db.interactive().await.unwrap().execute(forget, &[]).await.unwrap(), 10);
    assert!(fit().await >= 6, "at most four of the ten, and the first, fit");
    assert_eq!(fit().await, 0);
}
