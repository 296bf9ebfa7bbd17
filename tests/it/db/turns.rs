//! Jobs of a WorkspaceSyncActor that is gone, and of the one in its place.

use std::sync::Arc;

use actix::Actor;
use carrel::actors::api::{SaveFile, SessionError};
use carrel::actors::sync::{Save, Unkept, Work, WorkspaceSyncActor};
use carrel::actors::watch::Watch;
use carrel::config::Config;
use carrel::db::Client;
use carrel::db::items::GroupCommit;
use carrel::model::{ContentHash, Precondition, WorkspacePath};
use tokio::sync::{Mutex, broadcast};

use crate::support::client::eventually;
use crate::support::postgres;
use crate::support::terminal::PATIENCE;

#[actix::test]
async fn a_replaced_actors_job_is_waited_for() {
    let db = postgres::db().await;
    let session = postgres::session(&db).await;
    let turn = Arc::new(Mutex::new(()));
    let actor = || {
        let work = Work {
            session: session.id,
            lease: postgres::lease(session.id),
            watch: Watch::default(),
            db: db.clone(),
            group_commit: GroupCommit::new(db.clone(), tokio::runtime::Handle::current()),
            unkept: Unkept::default(),
            notices: broadcast::Sender::new(1),
            config: Arc::new(Config::default()),
            io: tokio::runtime::Handle::current(),
            turn: Arc::clone(&turn),
        };
        WorkspaceSyncActor::new(work, 1, false).start()
    };
    let save = |content: &'static str| {
        Save(SaveFile {
            path: WorkspacePath::new("f").unwrap(),
            content: content.into(),
            precondition: Precondition::Absent,
            executable: None,
            user: session.owner,
        })
    };
    // The database keeps the first one's job from its end.
    let mut blocker = db.bulk().await.unwrap();
    let blocking = blocker.transaction().await.unwrap();
    blocking.execute("select 1 from sessions where id = $1 for update", &[&session.id.0]).await.unwrap();
    let replaced = actor();
    replaced.try_send(save("old")).unwrap();
    eventually(PATIENCE, "a job that runs", async || turn.try_lock().is_err().then_some(())).await;
    drop(replaced);
    let saving = actor().send(save("new"));
    let ending = async { blocking.rollback().await.unwrap() };
    let (saved, ()) = tokio::join!(saving, ending);
    // It sees what its predecessor has done, wherever that stood.
    let current = Some(ContentHash::of(b"old"));
    assert_eq!(saved.unwrap(), Err(SessionError::PreconditionFailed { current }));
}
