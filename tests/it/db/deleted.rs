//! Deleted sessions: what goes with them, and what stays.

use carrel::db::deleted::{self, Undeleted};
use carrel::db::{Client, blobs, sessions};
use carrel::model::SessionState;

use crate::support::postgres;

#[tokio::test]
async fn a_purge_takes_what_is_due_and_only_contents_nobody_else_has() {
    let db = postgres::db().await;
    let (going, staying) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let own = postgres::put(&db, going, "own", "only here").await;
    let former = postgres::put(&db, going, "changed", "a former version").await;
    postgres::put(&db, going, "changed", "the present one").await;
    let shared = postgres::put(&db, going, "shared", "in both").await;
    postgres::put(&db, staying, "a/b/shared", "in both").await;
    let client = db.interactive().await.unwrap();
    let at_once = 0;
    assert!(sessions::mark_deleted(&client, &postgres::lease(staying), 7).await.unwrap());
    assert!(sessions::mark_deleted(&client, &postgres::lease(going), at_once).await.unwrap());
    assert_eq!(deleted::get(&client, going).await.unwrap(), None, "its time is over");
    assert_eq!(deleted::purge(&db, 10).await.unwrap(), 1);
    for (hash, there) in [(own, false), (former, false), (shared, true)] {
        assert_eq!(blobs::get(&client, hash).await.unwrap().is_some(), there);
    }
    let kept = deleted::get(&client, staying).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.usage.items), (SessionState::Deleted, 3));
    assert_eq!(deleted::purge(&db, 10).await.unwrap(), 0);
    // A content that was purged can be stored again.
    let again = postgres::session(&db).await.id;
    assert_eq!(postgres::put(&db, again, "own", "only here").await, own);
}

#[tokio::test]
async fn the_longest_history_goes_in_parts() {
    let db = postgres::db().await;
    let (going, staying) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let own = postgres::put(&db, going, "own", "only here").await;
    let shared = postgres::put(&db, going, "shared", "in both").await;
    postgres::put(&db, staying, "shared", "in both").await;
    let client = db.interactive().await.unwrap();
    let history = "insert into workspace_versions (session_id, path, change, kind, blob_hash, origin, at)
        select session_id, path, 'modified', kind, blob_hash, origin, at from workspace_versions, generate_series(1, 6000)
        where session_id = $1";
    assert_eq!(client.execute(history, &[&going.0]).await.unwrap(), 12_000);
    sessions::mark_deleted(&client, &postgres::lease(going), 0).await.unwrap();
    assert_eq!(deleted::purge(&db, 10).await.unwrap(), 1);
    let left = "select count(*) from workspace_versions where session_id = $1";
    assert_eq!(client.query_one(left, &[&going.0]).await.unwrap().get::<_, i64>(0), 0);
    assert!(blobs::get(&client, own).await.unwrap().is_none());
    assert!(blobs::get(&client, shared).await.unwrap().is_some(), "somebody else's, too");
}

#[tokio::test]
async fn a_session_that_names_a_sandbox_is_purged_later() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let client = db.interactive().await.unwrap();
    let sandbox = carrel::model::SandboxId::new();
    sessions::claim_sandbox(&client, &postgres::lease(id), sandbox).await.unwrap();
    sessions::mark_deleted(&client, &postgres::lease(id), 0).await.unwrap();
    assert_eq!(deleted::purge(&db, 10).await.unwrap(), 0, "what runs there has to go first");
    sessions::release_sandbox(&client, &postgres::lease(id), sandbox).await.unwrap();
    assert_eq!(deleted::purge(&db, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_session_comes_back_unless_its_owner_has_enough() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await;
    let undelete = async |most| {
        let mut connection = db.interactive().await.unwrap();
        let tx = connection.transaction().await.unwrap();
        let undeleted = deleted::undelete(&tx, &postgres::lease(session.id), most).await.unwrap();
        tx.commit().await.unwrap();
        undeleted
    };
    assert!(matches!(undelete(5).await, Undeleted::Gone), "it is not deleted");
    let client = db.interactive().await.unwrap();
    let sandbox = carrel::model::SandboxId::new();
    sessions::claim_sandbox(&client, &postgres::lease(session.id), sandbox).await.unwrap();
    sessions::mark_deleted(&client, &postgres::lease(session.id), 7).await.unwrap();
    let (listed, next) = deleted::of_owner(&client, session.owner, 10, None).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, next), (1, session.id, None));
    assert!(matches!(undelete(1).await, Undeleted::Running), "what runs there has to go first");
    sessions::release_sandbox(&client, &postgres::lease(session.id), sandbox).await.unwrap();
    assert!(matches!(undelete(0).await, Undeleted::Limit));
    let Undeleted::Back(back) = undelete(1).await else { panic!("back") };
    assert_eq!((back.state, back.deleted_at, back.purge_at), (SessionState::Cold, None, None));
    assert!(sessions::get(&client, session.id).await.unwrap().is_some());
}
