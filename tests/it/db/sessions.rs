//! Sessions: pages, compare-and-set, sandboxes.

use carrel::db::{Client, items, sessions};
use carrel::model::{SandboxId, SessionEvent as E, SessionId, SessionState as S, Usage};
use time::{Duration, OffsetDateTime};

use crate::support::postgres;

#[tokio::test]
async fn a_new_session_is_cold_and_empty() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await;
    let client = db.interactive().await.unwrap();
    assert_eq!((session.state, session.sandbox, session.usage), (S::Cold, None, Usage::default()));
    assert_eq!(sessions::get(&client, session.id).await.unwrap().as_ref(), Some(&session));
    assert_eq!(items::all(&client, session.id).await.unwrap(), []);
    assert_eq!(sessions::get(&client, SessionId::new()).await.unwrap(), None);
}

#[tokio::test]
async fn pages_of_sessions_follow_each_other_newest_first() {
    let db = postgres::db().await;
    let (ada, bob) = (postgres::user(&db, "ada").await, postgres::user(&db, "bob").await);
    let client = db.interactive().await.unwrap();
    let mut expected = Vec::new();
    for number in 0..5 {
        let session = postgres::session_of(&db, SessionId::new(), ada.id, &format!("s{number}")).await;
        expected.insert(0, session.id);
    }
    postgres::session_of(&db, SessionId::new(), bob.id, "other").await;
    let gone = expected.remove(2);
    assert!(sessions::mark_deleted(&client, &postgres::lease(gone), 7).await.unwrap());
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = sessions::of_owner(&client, ada.id, 2, cursor).await.unwrap();
        seen.extend(page.iter().map(|session| session.id));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn requests_that_come_together_do_not_pass_the_limit() {
    let db = postgres::db().await;
    let ada = postgres::user(&db, "ada").await;
    let insert = async || {
        let mut connection = db.interactive().await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        let made = sessions::insert(&transaction, SessionId::new(), ada.id, "s", 3).await.unwrap();
        transaction.commit().await.unwrap();
        made.is_some()
    };
    let made = futures_util::future::join_all((0..8).map(|_| insert())).await;
    assert_eq!(made.into_iter().filter(|made| *made).count(), 3);
    let client = db.interactive().await.unwrap();
    let (all, _) = sessions::of_owner(&client, ada.id, 10, None).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(sessions::mark_deleted(&client, &postgres::lease(all[0].id), 7).await.unwrap());
    assert!(insert().await, "a deleted one does not count");
}

#[tokio::test]
async fn a_transition_happens_only_where_the_model_has_one() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await;
    let client = db.interactive().await.unwrap();
    let id = session.id;
    let step = async |event, reason| {
        sessions::transition(&client, &postgres::lease(id), event, reason).await.unwrap().map(|session| session.state)
    };
    assert_eq!(step(E::Start, None).await, Some(S::Starting));
    assert_eq!(step(E::Start, None).await, None);
    assert_eq!(step(E::Fail, Some("no room")).await, Some(S::Failed));
    assert_eq!(sessions::get(&client, id).await.unwrap().unwrap().reason.as_deref(), Some("no room"));
    assert_eq!(step(E::Delete, None).await, Some(S::Deleted));
    let all =
        [E::Start, E::Restored, E::Fail, E::SandboxLost, E::SandboxKept, E::Stop, E::Stopped, E::StopFailed, E::Delete];
    for event in all {
        assert_eq!(step(event, None).await, None);
    }
    assert_eq!(sessions::get(&client, id).await.unwrap(), None);
    assert_eq!(sessions::rename(&client, &postgres::lease(id), "x").await.unwrap(), None);
}

#[tokio::test]
async fn of_many_who_start_a_session_at_once_one_does() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let starting = (0..20).map(|_| async {
        let client = db.interactive().await.unwrap();
        sessions::transition(&client, &postgres::lease(id), E::Start, None).await.unwrap().is_some()
    });
    let won = futures_util::future::join_all(starting).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_sandbox_belongs_to_one_session_and_is_released_by_name() {
    let db = postgres::db().await;
    let (one, two) = (postgres::session(&db).await, postgres::session(&db).await);
    let client = db.interactive().await.unwrap();
    let (sandbox, other) = (SandboxId::new(), SandboxId::new());
    assert!(sessions::claim_sandbox(&client, &postgres::lease(one.id), sandbox).await.unwrap());
    assert!(
        sessions::claim_sandbox(&client, &postgres::lease(one.id), sandbox).await.unwrap(),
        "claiming again changes nothing"
    );
    assert!(!sessions::claim_sandbox(&client, &postgres::lease(one.id), other).await.unwrap(), "it has one already");
    let refused = sessions::claim_sandbox(&client, &postgres::lease(two.id), sandbox).await.unwrap_err();
    assert!(refused.is_conflict(sessions::SANDBOX_KEY), "{refused:?}");
    sessions::mark_deleted(&client, &postgres::lease(one.id), 7).await.unwrap();
    let live = sessions::live(&client).await.unwrap();
    assert_eq!(live.iter().map(|session| (session.id, session.sandbox)).collect::<Vec<_>>(), [(one.id, Some(sandbox))]);
    assert!(!sessions::release_sandbox(&client, &postgres::lease(one.id), other).await.unwrap());
    assert!(sessions::release_sandbox(&client, &postgres::lease(one.id), sandbox).await.unwrap());
    assert_eq!(sessions::live(&client).await.unwrap(), []);
    assert!(!sessions::claim_sandbox(&client, &postgres::lease(one.id), other).await.unwrap(), "it is deleted");
}

#[tokio::test]
async fn a_session_that_becomes_cold_has_no_sandbox_any_more_unless_that_has_left_something_and_one_that_fails_keeps_it()
 {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let client = db.interactive().await.unwrap();
    let step =
        async |event| sessions::transition(&client, &postgres::lease(id), event, None).await.unwrap().unwrap().sandbox;
    assert_eq!(step(E::Start).await, None);
    let sandbox = SandboxId::new();
    sessions::claim_sandbox(&client, &postgres::lease(id), sandbox).await.unwrap();
    for event in
        [E::Restored, E::Fail, E::Start, E::Stop, E::StopFailed, E::SandboxKept, E::Stop, E::SandboxKept, E::Start]
    {
        assert_eq!(step(event).await, Some(sandbox), "{event:?}");
    }
    assert_eq!(step(E::SandboxLost).await, None);
}

#[tokio::test]
async fn what_a_sandbox_has_left_for_want_of_room_is_known_until_that_is_back_or_gone() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let client = db.interactive().await.unwrap();
    let lease = postgres::lease(id);
    let step = async |event| sessions::transition(&client, &lease, event, None).await.unwrap().unwrap().unsaved;
    let park = async || sessions::park(&client, &lease, Some("idle"), "big").await.unwrap();
    let (sandbox, big) = (SandboxId::new(), Some("big".to_owned()));
    assert_eq!(park().await, None, "nothing runs");
    step(E::Start).await;
    sessions::claim_sandbox(&client, &lease, sandbox).await.unwrap();
    step(E::Restored).await;
    let parked = park().await.unwrap();
    assert_eq!((parked.state, parked.sandbox, &parked.unsaved), (S::Cold, Some(sandbox), &big));
    assert_eq!(sessions::get(&client, id).await.unwrap().unwrap().unsaved, big);
    // Whatever is tried with it, until it is back.
    for event in [E::Stop, E::SandboxKept, E::Start, E::Fail, E::Start] {
        assert_eq!(step(event).await, big, "{event:?}");
    }
    assert_eq!(step(E::Restored).await, None);
    // Or gone, one way or another.
    for event in [E::Stopped, E::SandboxLost] {
        park().await.unwrap();
        assert_eq!(step(E::Stop).await, big);
        assert_eq!(step(event).await, None, "{event:?}");
        step(E::Start).await;
        sessions::claim_sandbox(&client, &lease, sandbox).await.unwrap();
        step(E::Restored).await;
    }
    park().await.unwrap();
    sessions::mark_deleted(&client, &lease, 7).await.unwrap();
    assert!(sessions::release_sandbox(&client, &lease, sandbox).await.unwrap());
    let left = client.query_one("select count(*) from sessions where unsaved is not null", &[]).await.unwrap();
    assert_eq!(left.try_get::<_, i64>(0).unwrap(), 0);
}

#[tokio::test]
async fn last_use_never_goes_back() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await;
    let client = db.interactive().await.unwrap();
    let later = (OffsetDateTime::now_utc() + Duration::hours(1)).replace_nanosecond(0).unwrap();
    sessions::touch(&client, session.id, later).await.unwrap();
    sessions::touch(&client, session.id, session.created_at).await.unwrap();
    assert_eq!(sessions::get(&client, session.id).await.unwrap().unwrap().last_active_at, later);
}
