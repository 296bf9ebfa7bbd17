//! Changes to many workspaces that are written together.

use bytes::Bytes;
use carrel::db::items::{self, ApplyError, GroupCommit, ItemChange, Wish};
use carrel::db::versions::Origin;
use carrel::db::{Db, DbError, Unavailable, blobs};
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
