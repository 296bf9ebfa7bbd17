//! Statements that find a few items of a large workspace among many small ones, by plans that are made once for all of them.

use std::collections::HashMap;

use carrel::db::items::{self, ItemChange};
use carrel::db::{Client, Db};
use carrel::model::{ItemKind, SessionId};

use super::items::path;
use crate::support::postgres;

/// Items of the large workspace, below 100 folders.
const LARGE: i32 = 20_000;

/// Rows of items a statement may touch for one path.
const FEW: i64 = 50;

/// Many sessions with a file each and one with many, as the statistics see them.
async fn fill(db: &Db) -> SessionId {
    let large = postgres::session(db).await;
    let client = db.bulk().await.unwrap();
    let owner = large.owner.0;
    for sql in [
        "insert into sessions (id, owner_id, name) select gen_random_uuid(), $1, 'small' from generate_series(1, 2000)",
        "insert into workspace_items (id, session_id, parent_id, name, kind, modified_at)
            select id, id, null, '', 'folder', now() from sessions s where owner_id = $1
            and not exists (select from workspace_items i where i.id = s.id)",
        "insert into workspace_items (id, session_id, parent_id, name, kind, link_target, modified_at)
            select gen_random_uuid(), id, id, 'f', 'symlink', 'x', now() from sessions where owner_id = $1",
    ] {
        client.execute(sql, &[&owner]).await.unwrap();
    }
    let sql = "insert into workspace_items (id, session_id, parent_id, name, kind, modified_at)
        select gen_random_uuid(), $1, $1, 'd' || n, 'folder', now() from generate_series(0, 99) n";
    client.execute(sql, &[&large.id.0]).await.unwrap();
    let sql = "insert into workspace_items (id, session_id, parent_id, name, kind, link_target, modified_at)
        select gen_random_uuid(), $1, i.id, 'f' || n, 'symlink', 'x', now()
        from generate_series(0, $2::int - 1) n join workspace_items i on i.session_id = $1 and i.name = 'd' || (n % 100)";
    client.execute(sql, &[&large.id.0, &LARGE]).await.unwrap();
    client.execute("analyze sessions", &[]).await.unwrap();
    client.execute("analyze workspace_items", &[]).await.unwrap();
    large.id
}

/// Rows of items this transaction has read.
async fn read(client: &impl Client) -> i64 {
    let sql = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
        where relid = 'workspace_items'::regclass";
    client.query_one(sql, &[]).await.unwrap().try_get(0).unwrap()
}

#[tokio::test]
async fn a_few_items_of_a_large_workspace_are_found_without_reading_all_of_it() {
    let db = postgres::db().await;
    let large = fill(&db).await;
    let mut connection = db.interactive().await.unwrap();
    let put = |at: &str| ItemChange::put(path(at), ItemKind::Symlink { target: "y".into() });
    let moved = ItemChange::Move { from: path("d1/f1"), to: path("d2/new") };
    let asked = [
        ("a save", vec![put("d1/f1")], FEW),
        ("two", vec![put("d1/f1"), put("d2/f2")], FEW),
        ("a rename", vec![moved], FEW),
        ("a folder that goes", vec![ItemChange::Remove { path: path("d3") }], FEW + 2 * i64::from(LARGE) / 100),
    ];
    for (what, changes, most) in asked {
        let transaction = connection.transaction().await.unwrap();
        let before = read(&transaction).await;
        items::look(&transaction, large, &changes).await.unwrap();
        let rows = read(&transaction).await - before;
        assert!(rows <= most, "{what} reads {rows} rows");
        transaction.rollback().await.unwrap();
    }
    let transaction = connection.transaction().await.unwrap();
    let before = read(&transaction).await;
    let many: HashMap<_, _> = items::get_many(&transaction, large, &[path("d5/f5"), path("d7")]).await.unwrap();
    let rows = read(&transaction).await - before;
    assert!(many.len() == 2 && rows <= FEW, "{rows} rows for {many:?}");
}
