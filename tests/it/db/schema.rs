//! Applying `schema.sql`.

use carrel::db::{Client, Db, DbError, schema};

use crate::support::postgres;

async fn empty() -> Db {
    let url = tokio::task::spawn_blocking(postgres::url).await.unwrap();
    let url = postgres::fresh_schema(url).await;
    Db::connect(&postgres::config(), &url).await.unwrap()
}

#[tokio::test]
async fn a_schema_applied_twice_is_the_same_schema() {
    let db = empty().await;
    let tables = "select count(*) from information_schema.tables where table_schema = current_schema()";
    schema::apply(&db).await.unwrap();
    let count =
        async || -> i64 { db.interactive().await.unwrap().query_one(tables, &[]).await.unwrap().try_get(0).unwrap() };
    let first = count().await;
    schema::apply(&db).await.unwrap();
    // As when the text has changed without a new version: it runs again over what is there.
    let db_client = db.interactive().await.unwrap();
    db_client.execute("update schema_version set digest = 'other'", &[]).await.unwrap();
    schema::apply(&db).await.unwrap();
    assert_eq!(count().await, first);
    let digest = db_client.query_one("select digest from schema_version", &[]).await.unwrap();
    assert_ne!(digest.try_get::<_, &[u8]>(0).unwrap(), b"other");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let db = empty().await;
    schema::apply(&db).await.unwrap();
    let client = db.interactive().await.unwrap();
    client.execute("insert into schema_version (version, digest) values (999, 'x')", &[]).await.unwrap();
    let refusal = schema::apply(&db).await.unwrap_err();
    assert!(matches!(refusal, DbError::Unsuitable(_)), "{refusal:?}");
    let text = refusal.to_string();
    assert!(text.contains("version 999") && text.contains("newer"), "{text}");
}

#[tokio::test]
async fn two_servers_starting_together_apply_it_in_turns() {
    let url = tokio::task::spawn_blocking(postgres::url).await.unwrap();
    let url = postgres::fresh_schema(url).await;
    let config = postgres::config();
    let applying = (0..6).map(|_| async {
        let db = Db::connect(&config, &url).await?;
        schema::apply(&db).await
    });
    for result in futures_util::future::join_all(applying).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn a_search_path_without_schema_is_refused_with_the_remedy() {
    let url = tokio::task::spawn_blocking(postgres::url).await.unwrap();
    let url = format!("{url}?options=-csearch_path%3Dnowhere");
    let db = Db::connect(&postgres::config(), &url).await.unwrap();
    let refusal = schema::apply(&db).await.unwrap_err().to_string();
    assert!(refusal.contains("nowhere") && refusal.contains("create one"), "{refusal}");
}
