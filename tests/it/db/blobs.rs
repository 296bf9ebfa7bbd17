//! Contents.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use carrel::db::items::{self, ApplyError, Bounds, ItemChange};
use carrel::db::versions::Origin;
use carrel::db::{Client, Db, DbError, blobs};
use carrel::model::{ContentHash, ItemKind, Precondition, SessionId, WorkspacePath};

use crate::support::postgres;

#[tokio::test]
async fn contents_come_back_byte_by_byte() {
    let db = postgres::db().await;
    let client = db.bulk().await.unwrap();
    let noise: Vec<u8> = (0..3_000_000_u64).map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[0]).collect();
    let contents = [Bytes::new(), Bytes::from_static(b"print(1)\n"), vec![0; 20_000_000].into(), noise.into()];
    let mut encoded = Vec::new();
    for content in &contents {
        encoded.push(blobs::encode(content.clone()).await.unwrap());
    }
    encoded.push(encoded[1].clone());
    blobs::put_many(&client, &encoded).await.unwrap();
    blobs::put_many(&client, &encoded).await.unwrap();
    let hashes: Vec<ContentHash> = contents.iter().map(|content| ContentHash::of(content)).collect();
    for (hash, content) in hashes.iter().zip(&contents) {
        assert!(blobs::get(&client, *hash).await.unwrap().as_ref() == Some(content), "{hash}");
    }
    let unknown = ContentHash::of(b"unknown");
    let all = blobs::get_many(&client, &[&hashes[..], &[unknown]].concat()).await.unwrap();
    assert!(all.len() == 4 && all[&hashes[3]] == contents[3]);
    assert_eq!(blobs::get(&client, unknown).await.unwrap(), None);
}

#[tokio::test]
async fn a_content_that_was_tampered_with_is_corrupt_never_given_out() {
    let db = postgres::db().await;
    let client = db.bulk().await.unwrap();
    let good = blobs::encode(Bytes::from_static(b"good")).await.unwrap();
    let evil = blobs::encode(Bytes::from_static(b"evil")).await.unwrap();
    blobs::put_many(&client, std::slice::from_ref(&good)).await.unwrap();
    for encoded in [evil.encoded.as_slice(), b"no zstd", b""] {
        client.execute("update blobs set encoded = $1", &[&encoded]).await.unwrap();
        let refused = blobs::get(&client, good.hash).await.unwrap_err();
        assert!(matches!(refused, DbError::Corrupt(_)), "{refused:?}");
        assert!(matches!(blobs::get_many(&client, &[good.hash]).await, Err(DbError::Corrupt(_))));
    }
}

#[tokio::test]
async fn batches_with_the_same_contents_in_any_order_do_not_deadlock() {
    let db = postgres::db().await;
    let mut encoded = Vec::new();
    for number in 0..500_u32 {
        encoded.push(blobs::encode(Bytes::copy_from_slice(&number.to_le_bytes())).await.unwrap());
    }
    let mut backwards = encoded.clone();
    backwards.reverse();
    let putting = [&encoded, &backwards, &encoded, &backwards].map(|blobs| async {
        let mut client = db.interactive().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        blobs::put_many(&transaction, blobs).await.unwrap();
        transaction.commit().await.unwrap();
    });
    futures_util::future::join_all(putting).await;
}

/// One change of a workspace, with contents stored in the same transaction.
async fn apply(
    db: &Db,
    session: SessionId,
    blobs: &[blobs::EncodedBlob],
    change: ItemChange,
) -> Result<(), ApplyError> {
    let mut connection = db.interactive().await?;
    let tx = connection.transaction().await?;
    blobs::put_many(&tx, blobs).await?;
    let bounds = Bounds { max_items: 1000, max_bytes: 1 << 30 };
    items::apply(&tx, &postgres::lease(session), &[change], Origin::Editor, None, &bounds).await?;
    Ok(tx.commit().await?)
}

fn file(path: &str, blob: &blobs::EncodedBlob) -> ItemChange {
    let kind = ItemKind::File { hash: blob.hash, size: blob.size, executable: false };
    ItemChange::Put { path: WorkspacePath::new(path).unwrap(), kind, precondition: Precondition::None }
}

async fn sweep(db: &Db, age: Duration) -> usize {
    let swept = blobs::sweep(db, age, None, usize::MAX).await.unwrap();
    assert_eq!(swept.next, None);
    swept.removed
}

#[tokio::test]
async fn what_is_stored_ahead_stays_for_a_day_and_what_is_used_for_ever() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await.id;
    let mut staged = Vec::new();
    for content in ["used", "fresh", "old", "old but staged again"] {
        staged.push(blobs::encode(content.into()).await.unwrap());
    }
    blobs::stage(&db, &staged).await.unwrap();
    apply(&db, session, &[], file("a", &staged[0])).await.unwrap();
    let client = db.interactive().await.unwrap();
    let age = "update blobs set created_at = created_at - interval '25 hours', staged_until = staged_until - interval '25 hours'
        where hash <> $1";
    client.execute(age, &[&staged[1].hash.0.as_slice()]).await.unwrap();
    blobs::stage(&db, &staged[3..]).await.unwrap();
    assert_eq!(sweep(&db, blobs::UNUSED_AGE).await, 1);
    for (index, blob) in staged.iter().enumerate() {
        assert_eq!(blobs::get(&client, blob.hash).await.unwrap().is_some(), index != 2, "{index}");
    }
}

#[tokio::test]
async fn a_walk_over_all_contents_goes_on_where_it_was() {
    let db = postgres::db().await;
    let mut staged = Vec::new();
    for number in 0..2 * blobs::PART + 10 {
        staged.push(blobs::encode(number.to_string().into()).await.unwrap());
    }
    blobs::stage(&db, &staged).await.unwrap();
    let part = usize::try_from(blobs::PART).unwrap();
    let (mut cursor, mut removed) = (None, Vec::new());
    loop {
        let swept = blobs::sweep(&db, Duration::ZERO, cursor, 1).await.unwrap();
        removed.push(swept.removed);
        cursor = swept.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(removed, [part, part, 10, 0]);
}

/// Four writers store, refer to and give up the same few contents while everything unused is swept at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_referred_to_is_swept_however_they_race() {
    const CONTENTS: usize = 24;
    const ROUNDS: usize = 150;
    let db = postgres::db().await;
    let mut encoded = Vec::new();
    for number in 0..CONTENTS {
        encoded.push(blobs::encode(format!("content {number}").into()).await.unwrap());
    }
    let over = AtomicBool::new(false);
    let writing = (0..4).map(|writer: usize| {
        let (db, encoded) = (&db, &encoded);
        async move {
            let session = postgres::session(db).await.id;
            for round in 0..ROUNDS {
                let blob = &encoded[(writer * 7 + round * 5) % CONTENTS];
                let path = format!("f{}", round % 5);
                let change = match round % 3 {
                    2 => ItemChange::Gone { path: WorkspacePath::new(path).unwrap() },
                    _ => file(&path, blob),
                };
                loop {
                    let ahead = round % 2 == 0;
                    if ahead {
                        blobs::stage(db, std::slice::from_ref(blob)).await.unwrap();
                    }
                    let stored = if ahead { &[][..] } else { std::slice::from_ref(blob) };
                    match apply(db, session, stored, change.clone()).await {
                        Ok(()) => break,
                        Err(ApplyError::Db(error)) if error.is_swept_content() => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                if round % 10 == 9 {
                    // What it once was is forgotten, too.
                    let forget = "delete from workspace_versions where session_id = $1";
                    db.interactive().await.unwrap().execute(forget, &[&session.0]).await.unwrap();
                }
            }
            session
        }
    });
    let sweeping = async {
        let mut removed = 0;
        while !over.load(Ordering::Relaxed) {
            match blobs::sweep(&db, Duration::ZERO, None, usize::MAX).await {
                Ok(swept) => removed += swept.removed,
                Err(error) => assert!(error.is_swept_content(), "{error}"),
            }
        }
        removed
    };
    let writing = async {
        let sessions = futures_util::future::join_all(writing).await;
        over.store(true, Ordering::Relaxed);
        sessions
    };
    let (sessions, removed) = tokio::join!(writing, sweeping);
    assert!(removed > 0, "nothing was ever swept: this tests nothing");
    let client = db.interactive().await.unwrap();
    for session in sessions {
        for item in items::all(&client, session).await.unwrap() {
            let hash = item.kind.hash().unwrap();
            assert!(
                blobs::get(&client, hash).await.unwrap().is_some(),
                "{} of {session} has lost its content",
                item.path
            );
        }
    }
    sweep(&db, Duration::ZERO).await;
    let unused = "select count(*) from blobs b where not exists (select from workspace_items where blob_hash = b.hash)
        and not exists (select from workspace_versions where blob_hash = b.hash)";
    assert_eq!(client.query_one(unused, &[]).await.unwrap().get::<_, i64>(0), 0);
}
