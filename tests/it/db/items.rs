//! Changes to a workspace, one by one and many at once.

use std::sync::OnceLock;

use bytes::Bytes;
use carrel::db::items::{self, Applied, ApplyError, Bounds, ItemChange as C, Wish};
use carrel::db::versions::{self, Change, Origin};
use carrel::db::{Client, Db, DbError, Unavailable, blobs, sessions};
use carrel::model::{ContentHash, ItemKind, Precondition as P, SessionId, Usage, WorkspacePath};
use tokio::runtime::Handle;

use crate::support::postgres;

/// As much as anybody wants.
pub const AMPLE: Bounds = Bounds { max_items: 1_000_000, max_bytes: 1 << 40 };

pub fn path(text: &str) -> WorkspacePath {
    WorkspacePath::new(text).unwrap()
}

/// The file with this content; its blob has to be stored by [`store`].
pub fn file(content: &str) -> ItemKind {
    ItemKind::File { hash: ContentHash::of(content.as_bytes()), size: content.len() as u64, executable: false }
}

fn link(target: &str) -> ItemKind {
    ItemKind::Symlink { target: target.into() }
}

fn put(at: &str, kind: ItemKind) -> C {
    put_if(at, kind, P::None)
}

fn put_if(at: &str, kind: ItemKind, precondition: P) -> C {
    C::Put { path: path(at), kind, precondition }
}

fn moved(from: &str, to: &str) -> C {
    C::Move { from: path(from), to: path(to) }
}

pub async fn store(db: &Db, contents: &[&str]) {
    let mut encoded = Vec::new();
    for content in contents {
        encoded.push(blobs::encode(Bytes::copy_from_slice(content.as_bytes())).await.unwrap());
    }
    blobs::put_many(&db.interactive().await.unwrap(), &encoded).await.unwrap();
}

pub async fn apply(db: &Db, session: SessionId, changes: &[C]) -> Result<Applied, ApplyError> {
    apply_within(db, session, changes, AMPLE).await
}

async fn apply_within(db: &Db, session: SessionId, changes: &[C], bounds: Bounds) -> Result<Applied, ApplyError> {
    let mut connection = db.interactive().await?;
    let transaction = connection.transaction().await?;
    let applied = items::apply(&transaction, &postgres::lease(session), changes, Origin::Editor, None, &bounds).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// The same without a lock: looked at, decided, and written in one statement.
pub async fn look_and_write(db: &Db, session: SessionId, changes: &[C]) -> Result<Applied, ApplyError> {
    let client = db.interactive().await?;
    let decided = items::look(&client, session, changes).await?.decide(changes.to_vec(), &AMPLE)?;
    drop(client);
    let wish = Wish { lease: postgres::lease(session), decided, content: None, origin: Origin::Editor, user: None };
    items::GroupCommit::new(db.clone(), Handle::current()).write(wish).await
}

/// The tree in one line: `a/ a/f=content l->target`.
async fn tree(db: &Db, session: SessionId) -> String {
    let client = db.interactive().await.unwrap();
    let mut words = Vec::new();
    for item in items::all(&client, session).await.unwrap() {
        words.push(match item.kind {
            ItemKind::Folder => format!("{}/", item.path),
            ItemKind::Symlink { target } => format!("{}->{target}", item.path),
            ItemKind::File { hash, executable, .. } => {
                let content = blobs::get(&client, hash).await.unwrap().unwrap();
                let mark = if executable { "*" } else { "" };
                format!("{}{mark}={}", item.path, String::from_utf8_lossy(&content))
            }
        });
    }
    words.join(" ")
}

/// What there is to begin with in [`check`].
const BEFORE: &str = "a/ a/b/ a/b/c=1 a/d=2 e=3 l->e";

/// Does `changes` to [`BEFORE`]: the tree, or the error and nothing done.
#[track_caller]
fn check(changes: &[C], expect: &str) {
    // One schema for all of them: each has its own session.
    static SHARED: OnceLock<(tokio::runtime::Runtime, Db)> = OnceLock::new();
    let (runtime, db) = SHARED.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let db = runtime.block_on(async {
            let db = postgres::db().await;
            store(&db, &["1", "2", "3", "x"]).await;
            db
        });
        (runtime, db)
    });
    let got = runtime.block_on(async {
        let id = postgres::session(db).await.id;
        let start = [put("a/b/c", file("1")), put("a/d", file("2")), put("e", file("3")), put("l", link("e"))];
        apply(db, id, &start).await.unwrap();
        assert_eq!(tree(db, id).await, BEFORE);
        let result = apply(db, id, changes).await;
        let tree = tree(db, id).await;
        let client = db.interactive().await.unwrap();
        let all = items::all(&client, id).await.unwrap();
        let counted = Usage { items: all.len() as u64, bytes: all.iter().map(|item| item.kind.size()).sum() };
        assert_eq!(items::usage(&client, id).await.unwrap(), Some(counted));
        match result {
            Ok(_) => tree,
            Err(error) => {
                assert_eq!(tree, BEFORE, "{error:?}");
                format!("{error:?}").split([' ', '(']).next().unwrap().to_owned()
            }
        }
    });
    assert_eq!(got, expect, "{changes:?}");
}

#[test]
fn putting_makes_or_replaces_and_never_turns_a_folder_into_something_else() {
    check(&[put("n/m/f", file("x"))], "a/ a/b/ a/b/c=1 a/d=2 e=3 l->e n/ n/m/ n/m/f=x");
    check(&[put("a/d", file("x"))], "a/ a/b/ a/b/c=1 a/d=x e=3 l->e");
    check(&[put("l", file("x"))], "a/ a/b/ a/b/c=1 a/d=2 e=3 l=x");
    check(&[put("e", link("a/d"))], "a/ a/b/ a/b/c=1 a/d=2 e->a/d l->e");
    check(&[put("a", file("x"))], "IsFolder");
    check(&[put("a", link("x"))], "IsFolder");
    check(&[put("e/x", file("x"))], "NotFolder");
    check(&[put("l/x", file("x"))], "NotFolder");
    check(&[put("e/x/y", file("x"))], "NotFolder");
    for target in ["", "a\0b", &"x".repeat(4096)] {
        check(&[put("n", link(target))], "BadPath");
    }
}

#[test]
fn putting_a_folder_is_content_with_one_that_is_there() {
    check(&[put("a", ItemKind::Folder)], BEFORE);
    check(&[put_if("a", ItemKind::Folder, P::Absent)], "Exists");
    check(&[put("e", ItemKind::Folder)], "Exists");
    check(&[put("a/n", ItemKind::Folder)], "a/ a/b/ a/b/c=1 a/d=2 a/n/ e=3 l->e");
}

#[test]
fn a_precondition_that_does_not_hold_stops_everything() {
    let is = |content: &str| P::Content(ContentHash::of(content.as_bytes()));
    check(&[put_if("e", file("x"), is("3"))], "a/ a/b/ a/b/c=1 a/d=2 e=x l->e");
    check(&[put_if("e", file("x"), is("2"))], "PreconditionFailed");
    check(&[put_if("e", file("x"), P::Absent)], "PreconditionFailed");
    check(&[put_if("l", file("x"), P::Absent)], "PreconditionFailed");
    check(&[put_if("n", file("x"), is("3"))], "PreconditionFailed");
    check(&[put_if("n", file("x"), P::Absent)], "a/ a/b/ a/b/c=1 a/d=2 e=3 l->e n=x");
    check(&[put("e", file("x")), put_if("e", file("1"), is("x"))], "a/ a/b/ a/b/c=1 a/d=2 e=1 l->e");
    check(&[put("n", file("x")), put_if("e", file("1"), is("x"))], "PreconditionFailed");
}

#[test]
fn removing_takes_all_below_along() {
    check(&[C::Remove { path: path("a") }], "e=3 l->e");
    check(&[C::Remove { path: path("a/b") }], "a/ a/d=2 e=3 l->e");
    check(&[C::Remove { path: path("a/x") }], "NotFound");
    check(&[C::Remove { path: path("e/x") }], "NotFound");
    check(&[C::Gone { path: path("a/x") }, C::Gone { path: path("a/b") }], "a/ a/d=2 e=3 l->e");
    check(&[C::Gone { path: path("a") }, C::Gone { path: path("a/b/c") }], "e=3 l->e");
    check(&[C::Gone { path: path("a") }, put("a", file("x"))], "a=x e=3 l->e");
    check(&[C::Gone { path: path("e") }, put("e/f", file("x"))], "a/ a/b/ a/b/c=1 a/d=2 e/ e/f=x l->e");
}

#[test]
fn moving_takes_all_below_along_and_replaces_nothing() {
    check(&[moved("a", "z")], "e=3 l->e z/ z/b/ z/b/c=1 z/d=2");
    check(&[moved("a/b", "n/m")], "a/ a/d=2 e=3 l->e n/ n/m/ n/m/c=1");
    check(&[moved("e", "e")], BEFORE);
    check(&[moved("e", "a/d")], "Exists");
    check(&[moved("e", "a")], "Exists");
    check(&[moved("x", "y")], "NotFound");
    check(&[moved("a", "a/b/z")], "IntoItself");
    check(&[moved("a", "e/z")], "NotFolder");
    check(&[moved("a", &vec!["x"; 63].join("/"))], "BadPath");
}

#[test]
fn a_mixture_of_changes_is_done_in_its_order_in_one_go() {
    check(&[moved("e", "t"), moved("a/d", "e"), moved("t", "a/d")], "a/ a/b/ a/b/c=1 a/d=3 e=2 l->e");
    check(&[moved("a", "z"), put("a", file("x")), C::Remove { path: path("z/b/c") }], "a=x e=3 l->e z/ z/b/ z/d=2");
    check(&[C::Gone { path: path("l") }, moved("e", "l"), put("e", file("x"))], "a/ a/b/ a/b/c=1 a/d=2 e=x l=3");
    check(&[moved("a/b", "b"), C::Remove { path: path("a") }, moved("b", "a")], "a/ a/c=1 e=3 l->e");
    check(&[put("n/f", file("x")), C::Remove { path: path("n") }], BEFORE);
    check(&[moved("a/b", "n/b"), moved("n", "a/n")], "a/ a/d=2 a/n/ a/n/b/ a/n/b/c=1 e=3 l->e");
}

#[tokio::test]
async fn bounds_refuse_growth_and_allow_shrinking() {
    let db = postgres::db().await;
    store(&db, &["1", "12345", "123456789"]).await;
    let id = postgres::session(&db).await.id;
    let small = Bounds { max_items: 2, max_bytes: 10 };
    apply(&db, id, &[put("a", file("123456789")), put("b", file("12345")), put("c", file("1"))]).await.unwrap();
    for refused in [put("d", file("1")), put("d/e", file("1"))] {
        let error = apply_within(&db, id, &[refused], small).await.unwrap_err();
        assert!(matches!(error, ApplyError::TooManyItems(2)), "{error:?}");
    }
    let error = apply_within(&db, id, &[put("c", file("12345"))], small).await.unwrap_err();
    assert!(matches!(error, ApplyError::TooManyBytes(10)), "{error:?}");
    let applied = apply_within(&db, id, &[put("b", file("1"))], small).await.unwrap();
    assert_eq!(applied.usage, Usage { items: 3, bytes: 11 });
    apply_within(&db, id, &[C::Remove { path: path("c") }], small).await.unwrap();
}

#[tokio::test]
async fn what_was_done_is_told_path_by_path_and_kept_as_versions() {
    let db = postgres::db().await;
    store(&db, &["1", "2"]).await;
    let session = postgres::session(&db).await;
    let applied = apply(&db, session.id, &[put("a/f", file("1")), put("a/f", file("2"))]).await.unwrap();
    let told: Vec<_> =
        applied.changes.iter().map(|c| (c.path.to_string(), c.before.clone(), c.after.is_some())).collect();
    assert_eq!(
        told,
        [("a/f".into(), None, true), ("a".into(), None, true)].map(|t| t).into_iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(
        applied.items.iter().flatten().map(|item| item.kind.clone()).collect::<Vec<_>>(),
        [file("2"), file("2")]
    );
    let applied = apply(&db, session.id, &[put("a/f", file("2"))]).await.unwrap();
    assert!(applied.changes.is_empty() && applied.items[0].is_some(), "nothing has changed");

    let mut connection = db.interactive().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    let user = Some(session.owner);
    let moving = [moved("a", "b")];
    items::apply(&transaction, &postgres::lease(session.id), &moving, Origin::Terminal, user, &AMPLE).await.unwrap();
    transaction.commit().await.unwrap();
    let history = async |at: &str| -> Vec<(Change, Origin)> {
        let versions = versions::list(&connection, session.id, postgres::of_path(&path(at))).await.unwrap();
        versions.into_iter().map(|version| (version.change, version.origin)).collect()
    };
    let away = (Change::MovedAway(path("b/f")), Origin::Terminal);
    assert_eq!(history("a/f").await, [away, (Change::Modified, Origin::Editor), (Change::Created, Origin::Editor)]);
    assert_eq!(history("b/f").await, [(Change::MovedHere(path("a/f")), Origin::Terminal)]);
    let newest = &versions::list(&connection, session.id, postgres::of_path(&path("b/f"))).await.unwrap()[0];
    let who = newest.user.as_ref().map(|(id, _)| *id);
    assert_eq!((who, newest.kind.clone()), (user, file("2")));
}

#[tokio::test]
async fn a_session_that_is_deleted_or_unknown_takes_no_changes() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let change = [put("a", ItemKind::Folder)];
    assert!(matches!(apply(&db, SessionId::new(), &change).await, Err(ApplyError::NoSession)));
    sessions::mark_deleted(&db.interactive().await.unwrap(), &postgres::lease(id), 7).await.unwrap();
    assert!(matches!(apply(&db, id, &change).await, Err(ApplyError::NoSession)));
}

#[tokio::test]
async fn a_file_without_its_content_is_refused() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let error = apply(&db, id, &[put("a", file("never stored"))]).await.unwrap_err();
    let ApplyError::Db(DbError::Conflict(constraint)) = error else { panic!("{error:?}") };
    assert!(constraint.ends_with("_blob_fkey"), "{constraint}");
}

#[tokio::test]
async fn of_fifty_saves_against_the_same_content_one_wins() {
    let db = postgres::db().await;
    let contents: Vec<String> = (0..50).map(|number| format!("save {number}")).collect();
    let mut all: Vec<&str> = contents.iter().map(String::as_str).collect();
    all.push("base");
    store(&db, &all).await;
    let id = postgres::session(&db).await.id;
    apply(&db, id, &[put("f", file("base"))]).await.unwrap();
    let base = P::Content(ContentHash::of(b"base"));
    let saving = contents.iter().map(|content| {
        let (db, change) = (db.clone(), [put_if("f", file(content), base)]);
        tokio::spawn(async move { apply(&db, id, &change).await })
    });
    let (mut won, mut current) = (Vec::new(), Vec::new());
    for (saved, content) in futures_util::future::join_all(saving).await.into_iter().zip(&contents) {
        match saved.unwrap() {
            Ok(_) => won.push(ContentHash::of(content.as_bytes())),
            Err(ApplyError::PreconditionFailed { current: now, .. }) => current.push(now.unwrap()),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(current, vec![won[0]; 49], "the losers are told what is there");
}

#[tokio::test]
async fn what_was_decided_on_an_older_edition_is_not_written_however_late_it_comes() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let client = db.interactive().await.unwrap();
    let together = items::GroupCommit::new(db.clone(), Handle::current());
    let decide = async |content: &str| {
        let change = vec![put("d/f", file(content))];
        items::look(&client, id, &change).await.unwrap().decide(change, &AMPLE).unwrap()
    };
    let write = async |decided, content: &'static str| {
        let content = Some(blobs::encode(Bytes::from_static(content.as_bytes())).await.unwrap());
        together.write(Wish { lease: postgres::lease(id), decided, content, origin: Origin::Editor, user: None }).await
    };
    let late = decide("first").await;
    let applied = write(decide("second").await, "second").await.unwrap();
    assert_eq!(applied.usage, Usage { items: 2, bytes: 6 });
    let versions = versions::list(&client, id, postgres::of_path(&path("d/f"))).await.unwrap();
    assert_eq!(versions.len(), 1);
    let modified_at = applied.items[0].as_ref().unwrap().modified_at;
    assert_eq!((versions[0].at, modified_at), (applied.at, applied.at), "told as it is kept");
    let refused = write(late, "first").await;
    let contended = matches!(refused, Err(ApplyError::Db(DbError::Unavailable(Unavailable::Contention(_)))));
    assert!(contended, "{refused:?}");
    assert_eq!(tree(&db, id).await, "d/ d/f=second");
    assert_eq!(items::usage(&client, id).await.unwrap(), Some(Usage { items: 2, bytes: 6 }));
}

#[tokio::test]
async fn sessions_do_not_wait_for_each_other() {
    let db = postgres::db().await;
    let (one, two) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    let mut connection = db.interactive().await.unwrap();
    let open = connection.transaction().await.unwrap();
    let change = [put("a", ItemKind::Folder)];
    items::apply(&open, &postgres::lease(one), &change, Origin::Upload, None, &AMPLE).await.unwrap();
    apply(&db, two, &change).await.unwrap();
    open.rollback().await.unwrap();
    assert_eq!(tree(&db, one).await, "");
}

#[tokio::test]
async fn ten_thousand_files_are_put_listed_moved_and_removed_in_seconds() {
    let db = postgres::db().await;
    let id = postgres::session(&db).await.id;
    let contents: Vec<String> = (0..1_000).map(|number| format!("content {number}")).collect();
    store(&db, &contents.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let changes: Vec<C> =
        (0..10_000).map(|n| put(&format!("d{}/e{}/f{n}", n % 10, n % 100), file(&contents[n % 1_000]))).collect();
    let mut took = Vec::new();
    let mut start = std::time::Instant::now();
    let mut lap = |what: &'static str| {
        took.push((what, start.elapsed()));
        start = std::time::Instant::now();
    };
    assert_eq!(apply(&db, id, &changes).await.unwrap().usage.items, 10_000 + 110);
    lap("put");
    apply(&db, id, &changes).await.unwrap();
    lap("put again");
    let client = db.interactive().await.unwrap();
    let all = items::all(&client, id).await.unwrap();
    lap("all");
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = items::list(&client, id, 1_000, cursor.as_ref()).await.unwrap();
        listed.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    lap("list");
    assert!(listed == all);
    assert!(listed.iter().zip(&listed[1..]).all(|(a, b)| a.path.as_str().as_bytes() < b.path.as_str().as_bytes()));
    let moves: Vec<C> = (0..10).map(|n| moved(&format!("d{n}"), &format!("m/d{n}"))).collect();
    apply(&db, id, &moves).await.unwrap();
    lap("move");
    assert_eq!(apply(&db, id, &[C::Remove { path: path("m") }]).await.unwrap().usage, Usage::default());
    lap("remove");
    println!("{took:?}");
    // Far above what it takes (see the line printed), as test machines are busy.
    assert!(took.iter().all(|(_, time)| time.as_secs() < 10), "{took:?}");
}

#[tokio::test]
async fn names_are_kept_and_sorted_as_bytes() {
    let db = postgres::db().await;
    store(&db, &["1"]).await;
    let id = postgres::session(&db).await.id;
    let names =
        ["a", "a-b", "a/x", "a/é", "a0", "B", "é", "e\u{301}", "\u{202e}x", "new\nline", "%2e", "'; drop", "\\"];
    let mut changes: Vec<C> = vec![put("a", ItemKind::Folder)];
    changes.extend(names[1..].iter().map(|name| put(name, file("1"))));
    apply(&db, id, &changes).await.unwrap();
    let client = db.interactive().await.unwrap();
    let mut expected = names.to_vec();
    expected.sort_unstable_by_key(|name| name.as_bytes());
    for limit in [1, 2, 100] {
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let (page, next) = items::list(&client, id, limit, cursor.as_ref()).await.unwrap();
            listed.extend(page.into_iter().map(|item| item.path.to_string()));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, expected, "{limit}");
    }
    for name in names {
        assert!(items::get(&client, id, &path(name)).await.unwrap().is_some(), "{name}");
    }
    let (mut asked, last) = (names.map(path).to_vec(), path("nothing/here"));
    asked.push(last.clone());
    let found = items::get_many(&client, id, &asked).await.unwrap();
    assert!(found.len() == names.len() && !found.contains_key(&last) && found[&path("a/é")] == file("1"));
    assert_eq!(items::get(&client, id, &path("A")).await.unwrap(), None);
    assert_eq!(items::get(&client, id, &path("a/x/y")).await.unwrap(), None);
}

#[tokio::test]
async fn the_tables_themselves_refuse_what_makes_no_sense() {
    let db = postgres::db().await;
    store(&db, &["1"]).await;
    let (one, two) = (postgres::session(&db).await.id, postgres::session(&db).await.id);
    apply(&db, one, &[put("f", file("1")), put("d", ItemKind::Folder)]).await.unwrap();
    let client = db.interactive().await.unwrap();
    for (sql, constraint) in [
        // Into a file.
        (
            "insert into workspace_items (id, session_id, parent_id, name, kind, modified_at)
             select gen_random_uuid(), session_id, id, 'x', 'folder', now() from workspace_items where name = 'f' and session_id = $1",
            "workspace_items_parent_fkey",
        ),
        // The same name twice.
        (
            "insert into workspace_items (id, session_id, parent_id, name, kind, modified_at)
             select gen_random_uuid(), session_id, parent_id, 'd', 'folder', now() from workspace_items where name = 'f' and session_id = $1",
            "workspace_items_name_key",
        ),
        // A second top.
        (
            "insert into workspace_items (id, session_id, name, kind, modified_at)
             select gen_random_uuid(), $1, '', 'folder', now()",
            "workspace_items_root",
        ),
        ("update workspace_items set name = '..' where name = 'd' and session_id = $1", "workspace_items_name_legal"),
        ("update workspace_items set name = 'a/b' where name = 'd' and session_id = $1", "workspace_items_name_legal"),
        (
            "update workspace_items set kind = 'file' where name = 'd' and session_id = $1",
            "workspace_items_file_has_content",
        ),
        ("update sessions set usage_items = -1 where id = $1", "sessions_usage_items_positive"),
        ("update sessions set state = 'odd' where id = $1", "sessions_state_known"),
    ] {
        let error = client.execute(sql, &[&one.0]).await.unwrap_err();
        assert!(error.is_conflict(constraint), "{sql}: {error:?}");
    }
    // Into another session's folder.
    let sql = "update workspace_items set parent_id = $2 where session_id = $1 and name = 'f'";
    let error = client.execute(sql, &[&one.0, &two.0]).await.unwrap_err();
    assert!(error.is_conflict("workspace_items_parent_fkey"), "{error:?}");
}
