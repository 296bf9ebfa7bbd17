//! Leases: who has a session, who may take it over, and that nobody else writes.

use std::time::Duration;

use carrel::db::items::{self, Bounds, GroupCommit, ItemChange, Wish};
use carrel::db::leases::{self, Acquired, Lease};
use carrel::db::versions::Origin;
use carrel::db::{Client, Db, DbError, sessions};
use carrel::model::{ItemKind, Precondition, SandboxId, ServerId, SessionEvent, SessionId, WorkspacePath};
use tokio::runtime::Handle;

use crate::support::postgres;

const LEASE: Duration = Duration::from_secs(15);
const AMPLE: Bounds = Bounds { max_items: 100, max_bytes: 1 << 20 };

async fn server(db: &Db, name: &str) -> ServerId {
    let server = ServerId::new();
    leases::register(&db.interactive().await.unwrap(), server, name, LEASE).await.unwrap();
    server
}

async fn acquire(db: &Db, server: ServerId, id: SessionId) -> Acquired {
    leases::acquire(&db.interactive().await.unwrap(), server, id).await.unwrap()
}

async fn hold(db: &Db, server: ServerId, id: SessionId) -> Lease {
    match acquire(db, server, id).await {
        Acquired::Held(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// As if this server had last been heard so many seconds ago, after having been heard for this long.
async fn heard(db: &Db, server: ServerId, seconds_ago: f64, steady_seconds: f64) {
    let sql = "update servers set heartbeat_at = now() - $2 * interval '1 second',
        steady_since = now() - ($2 + $3) * interval '1 second' where id = $1";
    let client = db.interactive().await.unwrap();
    assert_eq!(client.execute(sql, &[&server.0, &seconds_ago, &steady_seconds]).await.unwrap(), 1);
}

#[tokio::test]
async fn of_many_servers_that_want_a_session_at_once_one_has_it_and_the_others_are_told_where() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let mut servers = Vec::new();
    for number in 0..6 {
        servers.push((number, server(&db, &format!("http://s{number}")).await));
    }
    let all = futures_util::future::join_all(servers.iter().map(|(_, server)| acquire(&db, *server, id))).await;
    let held = all.iter().position(|acquired| matches!(acquired, Acquired::Held(_))).unwrap();
    for (number, acquired) in all.iter().enumerate().filter(|(number, _)| *number != held) {
        let Acquired::Elsewhere { url } = acquired else { panic!("{number}: {acquired:?}") };
        assert_eq!(*url, format!("http://s{held}"));
    }
    assert!(matches!(acquire(&db, servers[0].1, SessionId::new()).await, Acquired::NoSession));
}

#[tokio::test]
async fn a_silent_servers_session_is_taken_only_by_one_who_was_heard_all_the_time() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let (one, two) = (server(&db, "http://one").await, server(&db, "http://two").await);
    let first = hold(&db, one, id).await;
    for (silent, steady, taken) in [(14.0, 60.0, false), (16.0, 14.0, false), (16.0, 16.0, true)] {
        heard(&db, one, silent, 100.0).await;
        heard(&db, two, 0.0, steady).await;
        let acquired = acquire(&db, two, id).await;
        assert_eq!(matches!(acquired, Acquired::Held(_)), taken, "{silent} {steady}: {acquired:?}");
    }
    // Awake again, the first is told so, and has to wait its turn.
    heard(&db, one, 0.0, 100.0).await;
    assert!(matches!(acquire(&db, one, id).await, Acquired::Elsewhere { url } if url == "http://two"));
    let client = db.interactive().await.unwrap();
    let refused = sessions::transition(&client, &first, SessionEvent::Start, None).await.unwrap_err();
    assert!(matches!(refused, DbError::LeaseLost) && first.is_lost(), "{refused:?}");
}

#[tokio::test]
async fn a_heartbeat_after_a_pause_begins_a_new_row_of_them_and_another_run_ends_the_old_one() {
    let db = postgres::db().await;
    let client = db.interactive().await.unwrap();
    let server = ServerId::new();
    let started = leases::register(&client, server, "http://one", LEASE).await.unwrap();
    let steady = async || -> f64 {
        let sql = "select extract(epoch from now() - steady_since)::float8 from servers where id = $1";
        client.query_one(sql, &[&server.0]).await.unwrap().try_get(0).unwrap()
    };
    heard(&db, server, 10.0, 50.0).await;
    assert!(leases::beat(&client, server, started).await.unwrap());
    assert!(steady().await >= 60.0, "unbroken");
    heard(&db, server, 16.0, 50.0).await;
    assert!(leases::beat(&client, server, started).await.unwrap());
    assert!(steady().await < 5.0, "broken");
    let again = leases::register(&client, server, "http://one", LEASE).await.unwrap();
    assert!(!leases::beat(&client, server, started).await.unwrap(), "it is not that run any more");
    assert!(leases::beat(&client, server, again).await.unwrap());
}

#[tokio::test]
async fn whoever_lost_a_session_writes_nothing_of_it() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let one = server(&db, "http://one").await;
    let old = hold(&db, one, id).await;
    // The same server, restarted or with a new actor: at once.
    let new = hold(&db, one, id).await;
    assert!(new.fence() > old.fence());
    let mut connection = db.interactive().await.unwrap();
    let lost = |result: Result<bool, DbError>| assert!(matches!(result, Err(DbError::LeaseLost)), "{result:?}");
    lost(sessions::claim_sandbox(&connection, &old, SandboxId::new()).await);
    lost(sessions::release_sandbox(&connection, &old, SandboxId::new()).await);
    lost(sessions::mark_deleted(&connection, &old, 7).await);
    lost(sessions::grant(&connection, &old, Duration::from_secs(1)).await.map(|()| true));
    lost(sessions::rename(&connection, &old, "x").await.map(|row| row.is_some()));
    lost(sessions::transition(&connection, &old, SessionEvent::Start, None).await.map(|row| row.is_some()));
    let folder = ItemChange::Put {
        path: WorkspacePath::new("a".to_owned()).unwrap(),
        kind: ItemKind::Folder,
        precondition: Precondition::None,
    };
    let transaction = connection.transaction().await.unwrap();
    let refused = items::apply(&transaction, &old, std::slice::from_ref(&folder), Origin::Editor, None, &AMPLE).await;
    assert!(matches!(refused, Err(items::ApplyError::Db(DbError::LeaseLost))), "{refused:?}");
    transaction.rollback().await.unwrap();
    let look = items::look(&connection, id, std::slice::from_ref(&folder)).await.unwrap();
    let decided = look.decide(vec![folder.clone()], &AMPLE).unwrap();
    let wish = Wish { lease: old.clone(), decided, content: None, origin: Origin::Editor, user: None };
    let refused = GroupCommit::new(db.clone(), Handle::current()).write(wish).await;
    assert!(matches!(refused, Err(items::ApplyError::Db(DbError::LeaseLost))), "{refused:?}");
    assert_eq!(items::all(&connection, id).await.unwrap(), []);
    let transaction = connection.transaction().await.unwrap();
    items::apply(&transaction, &new, &[folder], Origin::Editor, None, &AMPLE).await.unwrap();
    // Between the look at the fence and the commit nobody can take the session over: he waits.
    let taking = tokio::spawn({
        let db = db.clone();
        async move { hold(&db, one, id).await.fence() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!taking.is_finished());
    transaction.commit().await.unwrap();
    assert!(taking.await.unwrap() > new.fence());
    assert_eq!(items::all(&connection, id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_with_a_sandbox_stays_its_servers_and_is_looked_after_by_nobody_else() {
    let db = postgres::db().await;
    let (cold, live) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let (one, two) = (server(&db, "http://one").await, server(&db, "http://two").await);
    let (cold_lease, live_lease) = (hold(&db, one, cold).await, hold(&db, one, live).await);
    let client = db.interactive().await.unwrap();
    let sandbox = SandboxId::new();
    assert!(sessions::claim_sandbox(&client, &live_lease, sandbox).await.unwrap());
    leases::release(&client, &cold_lease).await.unwrap();
    leases::release(&client, &live_lease).await.unwrap();
    assert_eq!(leases::held(&client, one).await.unwrap(), [(live, live_lease.fence())]);
    hold(&db, two, cold).await;
    let of = async |server, found: &[SandboxId]| leases::to_look_after(&client, server, found).await.unwrap();
    assert_eq!(of(one, &[]).await, [live]);
    assert_eq!(of(two, &[sandbox]).await, [], "its server is there");
    heard(&db, one, 16.0, 0.0).await;
    assert_eq!(of(two, &[]).await, [], "its sandbox is in another engine");
    assert_eq!(of(two, &[sandbox]).await, [live]);
}
