//! Changes to many workspaces that are written together.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use carrel::db::items::{self, ApplyError, GroupCommit, ItemChange, Wish};
use carrel::db::versions::Origin;
use carrel::db::{Client, Db, DbError, Unavailable, blobs};
use carrel::model::{ItemKind, SessionId};
use futures_util::future::join_all;
use tokio::runtime::Handle;

use super::items::{AMPLE, file, path};
use crate::support::postgres;

/// A file called `f` with this content.
fn putting(content: &str) -> Vec<ItemChange> {
    vec![ItemChange::put(path("f"), file(content))]
}

/// The wish to have it in `session`, decided now.
async fn wish(db: &Db, session: SessionId, content: &str, stores: bool) -> Wish {
    let client = db.interactive().await.unwrap();
    let changes = putting(content);
    let decided = items::look(&client, session, &changes).await.unwrap().decide(changes, &AMPLE).unwrap();
    let encoded = blobs::encode(Bytes::copy_from_slice(content.as_bytes())).await.unwrap();
    let content = stores.then_some(encoded);
    Wish { lease: postgres::lease(session), decided, content, origin: Origin::Editor, user: None }
}

async fn content(db: &Db, session: SessionId) -> Option<ItemKind> {
    items::get(&db.interactive().await.unwrap(), session, &path("f")).await.unwrap().map(|item| item.kind)
}

#[tokio::test]
async fn changes_that_come_together_are_all_written_and_what_one_is_refused_for_is_no_others_business() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let (mut sessions, mut wishes) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let session = postgres::session(&db).await.id;
        // Some of the same content; and one whose content nobody has stored.
        wishes.push(wish(&db, session, &format!("content {}", number / 2), number != 51).await);
        sessions.push(session);
    }
    // Its like is not stored by the other, either.
    wishes[50].content = None;
    let outcomes = join_all(wishes.into_iter().map(|wish| together.write(wish))).await;
    let written = outcomes.iter().flatten();
    let statements = written.clone().map(|applied| applied.at).collect::<BTreeSet<_>>().len();
    assert!(statements < written.count(), "those of one statement have its time");
    for (number, (outcome, session)) in outcomes.into_iter().zip(&sessions).enumerate() {
        let there = content(&db, *session).await;
        if number / 2 == 25 {
            let Err(ApplyError::Db(DbError::Conflict(constraint))) = &outcome else { panic!("{outcome:?}") };
            assert!(constraint.ends_with("_blob_fkey"), "{constraint}");
            assert_eq!(there, None);
        } else {
            assert_eq!(outcome.unwrap().items[0].as_ref().map(|item| item.kind.clone()), there);
            assert_eq!(there, Some(file(&format!("content {}", number / 2))));
        }
    }
}

#[tokio::test]
async fn a_session_that_somebody_has_locked_keeps_no_other_waiting() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let (locked, free) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let (waiting, going) = (wish(&db, locked, "one", true).await, wish(&db, free, "two", true).await);
    let mut connection = db.bulk().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    let folder = [ItemChange::put(path("d"), ItemKind::Folder)];
    items::apply(&transaction, &postgres::lease(locked), &folder, Origin::Upload, None, &AMPLE).await.unwrap();
    let waiting = tokio::spawn({
        let together = together.clone();
        async move { together.write(waiting).await }
    });
    together.write(going).await.unwrap();
    assert_eq!(content(&db, free).await, Some(file("two")));
    assert!(!waiting.is_finished());
    transaction.rollback().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(content(&db, locked).await, Some(file("one")));
}

#[tokio::test]
async fn of_two_changes_that_were_decided_on_one_edition_one_is_written() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let session = postgres::session(&db).await.id;
    let wishes = [wish(&db, session, "one", true).await, wish(&db, session, "two", true).await];
    let outcomes = join_all(wishes.into_iter().map(|wish| together.write(wish))).await;
    let (written, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(written.len(), 1);
    let contended = matches!(refused[0], Err(ApplyError::Db(DbError::Unavailable(Unavailable::Contention(_)))));
    assert!(contended, "{refused:?}");
    let there = written.into_iter().next().unwrap().unwrap().items[0].as_ref().map(|item| item.kind.clone());
    assert_eq!(content(&db, session).await, there);
}

#[tokio::test]
async fn what_changes_nothing_is_answered_only_when_nothing_older_can_come_after_it() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let session = postgres::session(&db).await.id;
    together.write(wish(&db, session, "kept", true).await).await.unwrap();
    // Sent, and on its way for a while.
    let late = wish(&db, session, "late", true).await;
    let same = together.write(wish(&db, session, "kept", true).await).await.unwrap();
    assert!(same.changes.is_empty());
    let refused = together.write(late).await;
    assert!(matches!(refused, Err(ApplyError::Db(DbError::Unavailable(Unavailable::Contention(_))))), "{refused:?}");
    assert_eq!(content(&db, session).await, Some(file("kept")));
}

#[tokio::test]
async fn who_waits_for_a_content_that_another_stores_holds_no_session() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let (waits, shares) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let mut connection = db.bulk().await.unwrap();
    let storing = connection.transaction().await.unwrap();
    blobs::put_many(&storing, &[blobs::encode(Bytes::from_static(b"shared")).await.unwrap()]).await.unwrap();
    let wishes = [wish(&db, waits, "shared", true).await, wish(&db, shares, "other", true).await];
    let group = tokio::spawn({
        let together = together.clone();
        async move { join_all(wishes.into_iter().map(|wish| together.write(wish))).await }
    });
    let waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'with given%'";
    let watching = db.interactive().await.unwrap();
    while watching.query(waiting, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    // Nobody has locked their sessions.
    let locks = "select id from sessions where id = any($1) for update nowait";
    assert_eq!(storing.query(locks, &[&vec![waits.0, shares.0]]).await.unwrap().len(), 2);
    storing.rollback().await.unwrap();
    assert!(group.await.unwrap().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_content_that_another_server_stores_for_long_holds_up_only_who_wants_it() {
    let db = postgres::db().await;
    let together = GroupCommit::new(db.clone(), Handle::current());
    let mut connection = db.bulk().await.unwrap();
    let storing = connection.transaction().await.unwrap();
    blobs::put_many(&storing, &[blobs::encode(Bytes::from_static(b"shared")).await.unwrap()]).await.unwrap();
    // More that want it than there are turns for those who go by themselves; and others that came with them and after them.
    let (mut waiting, mut going) = (Vec::new(), Vec::new());
    for number in 0..24 {
        let session = postgres::session(&db).await.id;
        let wants_it = number % 4 == 0;
        let text = if wants_it { "shared".to_owned() } else { format!("own {number}") };
        let write = {
            let (together, wish) = (together.clone(), wish(&db, session, &text, true).await);
            tokio::spawn(async move { together.write(wish).await })
        };
        if wants_it { &mut waiting } else { &mut going }.push((session, text, write));
    }
    let began = Instant::now();
    for (session, text, write) in going {
        write.await.unwrap().unwrap();
        assert_eq!(content(&db, session).await, Some(file(&text)));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(waiting.iter().all(|(.., write)| !write.is_finished()));
    storing.commit().await.unwrap();
    for (session, text, write) in waiting {
        write.await.unwrap().unwrap();
        assert_eq!(content(&db, session).await, Some(file(&text)));
    }
    // Patience was the statement's, not the connection's.
    let connection = db.interactive().await.unwrap();
    let patience: String = connection.query_one("show lock_timeout", &[]).await.unwrap().get(0);
    assert_eq!(patience, "0");
}
