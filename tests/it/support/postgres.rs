//! One PostgreSQL for all tests of a run, a schema for each test, and a cluster of its own for those that break things.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use carrel::config::DatabaseConfig;
use carrel::db::embedded::EmbeddedError;
use carrel::db::items::{Bounds, ItemChange};
use carrel::db::leases::Lease;
use carrel::db::versions::{Origin, Query};
use carrel::db::{self, Db, EmbeddedPostgres};
use carrel::model::{ContentHash, ItemKind, Precondition, Role, Session, SessionId, User, UserId, WorkspacePath};

use nix::sys::signal::{Signal, kill};

use super::janitor::{Estate, Janitor, processes};

/// Where this run's clusters and their sockets lie.
pub struct Place {
    /// For clusters.
    pub data: PathBuf,
    /// For sockets; short, as their paths must be.
    pub run: PathBuf,
    _janitor: Janitor,
}

/// This run's place: below `target`, whether or not the system user PostgreSQL runs as can get there.
pub fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        use std::os::unix::fs::PermissionsExt;
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{}", std::process::id()));
        let run = std::env::temp_dir().join(format!("carrel-it-{}", std::process::id()));
        for path in [&data, &run] {
            std::fs::create_dir_all(path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let data = data.canonicalize().unwrap();
        let estate = Estate { directories: vec![data.clone(), run.clone()], ..Estate::default() };
        Place { data, run, _janitor: Janitor::post(&estate) }
    })
}

/// Starts the cluster called `name` in this run's place.
pub async fn start(name: &str) -> Result<(EmbeddedPostgres, String), EmbeddedError> {
    let place = place();
    EmbeddedPostgres::start(&place.data.join(name), &place.run.join(name), "postgres", 80).await
}

/// Sends a signal to every process of the cluster called `name`.
pub fn signal_all(name: &str, signal: Signal) {
    let all = processes(&[place().data.join(name)]);
    assert!(!all.is_empty(), "nothing of the cluster runs");
    for process in all {
        // A backend may have ended meanwhile.
        kill(process, signal).ok();
    }
}

/// The URL of the cluster all tests share. It has a thread and a runtime of its own, as every test's runtime ends with the test.
pub fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (_postgres, url) = start("shared").await.expect("tests need PostgreSQL");
                tell.send(url).unwrap();
                std::future::pending::<()>().await;
            });
        });
        told.recv().expect("PostgreSQL has not started")
    })
}

/// A configuration with small pools and short times.
pub fn config() -> DatabaseConfig {
    DatabaseConfig {
        interactive_connections: 4,
        bulk_connections: 2,
        waiting_line: 64,
        checkout_timeout_ms: 5_000,
        statement_timeout_ms: 10_000,
        connect_timeout_ms: 2_000,
        ..DatabaseConfig::default()
    }
}

/// The URL of a new, empty schema in the database at `url`.
pub async fn fresh_schema(url: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let schema = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(&format!("drop schema if exists {schema} cascade; create schema {schema}")).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    format!("{url}?options=-csearch_path%3D{schema}")
}

/// The pool of a new schema in the shared cluster, with tables.
pub async fn db() -> Db {
    db_with(&config()).await
}

/// The same with another configuration.
pub async fn db_with(config: &DatabaseConfig) -> Db {
    let url = fresh_schema(tokio::task::spawn_blocking(url).await.unwrap()).await;
    let db = Db::connect(config, &url).await.unwrap();
    db::schema::apply(&db).await.unwrap();
    db
}

/// A user of that name.
pub async fn user(db: &Db, name: &str) -> User {
    let new = db::users::NewUser {
        id: UserId::new(),
        username: name.into(),
        email: format!("{name}@example.org"),
        password_hash: "hash".into(),
        display_name: name.into(),
        role: Role::User,
    };
    db::users::insert(&db.interactive().await.unwrap(), &new).await.unwrap()
}

/// A session of a new user.
pub async fn session(db: &Db) -> Session {
    let id = SessionId::new();
    // The end of an id is its random part.
    let name = format!("u{}", &id.0.simple().to_string()[20..]);
    let owner = user(db, &name).await;
    session_of(db, id, owner.id, "Homework").await
}

/// A session of this user.
pub async fn session_of(db: &Db, id: SessionId, owner: UserId, name: &str) -> Session {
    let mut connection = db.interactive().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    let session = db::sessions::insert(&transaction, id, owner, name, 50).await.unwrap().unwrap();
    transaction.commit().await.unwrap();
    session
}

/// The lease of a session that no server has ever taken.
pub fn lease(id: SessionId) -> Lease {
    Lease::new(id, 0)
}

/// Saves a file as a program of the session would.
pub async fn put(db: &Db, session: SessionId, path: &str, content: impl Into<bytes::Bytes>) -> ContentHash {
    put_blob(db, session, path, db::blobs::encode(content.into()).await.unwrap()).await
}

/// The same where the content is stored after what it replaces, as it is when a session is live.
pub async fn replace(db: &Db, session: SessionId, path: &str, content: impl Into<bytes::Bytes>) -> ContentHash {
    let client = db.interactive().await.unwrap();
    let at = WorkspacePath::new(path).unwrap();
    let before = db::items::get(&client, session, &at).await.unwrap().and_then(|item| item.kind.hash());
    let bases = db::blobs::bases(&client, before.as_slice(), u64::MAX).await.unwrap();
    drop(client);
    let blob = match before.and_then(|hash| bases.get(&hash)) {
        Some(base) => db::blobs::encode_after(content.into(), base).await.unwrap(),
        None => db::blobs::encode(content.into()).await.unwrap(),
    };
    put_blob(db, session, path, blob).await
}

async fn put_blob(db: &Db, session: SessionId, path: &str, blob: db::blobs::EncodedBlob) -> ContentHash {
    let (hash, size) = (blob.hash, blob.size);
    let mut connection = db.interactive().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    db::blobs::put_many(&transaction, &[blob]).await.unwrap();
    let kind = ItemKind::File { hash, size, executable: false };
    let change = ItemChange::Put { path: WorkspacePath::new(path).unwrap(), kind, precondition: Precondition::None };
    let bounds = Bounds { max_items: 100, max_bytes: 1 << 30 };
    db::items::apply(&transaction, &lease(session), &[change], Origin::Terminal, None, &bounds).await.unwrap();
    transaction.commit().await.unwrap();
    hash
}

/// All versions of one path.
pub fn of_path(path: &WorkspacePath) -> Query<'_> {
    Query { path: Some(path), below: false, removed: false, before: None, limit: 1000 }
}
