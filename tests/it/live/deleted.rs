//! Deleted sessions: had back with everything they held, until their time is over.

use reqwest::Method;
use serde_json::{Value, json};

use super::life::{containers, engine};
use crate::support::client::{Client, Session, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

async fn delete(session: &Session) {
    assert_eq!(session.request(Method::DELETE, "").send().await.unwrap().status(), 204);
}

async fn undelete(session: &Session) -> reqwest::Response {
    session.request(Method::POST, "/undelete").send().await.unwrap()
}

async fn list(client: &Client, query: &str) -> Vec<Value> {
    let list = client.request(Method::GET, &format!("/api/v1/sessions{query}")).send().await.unwrap();
    ok(list, 200).await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_deleted_session_comes_back_with_what_its_programs_wrote_last() {
    let server = Server::start_with(&[("CARREL_AUTH__MAX_SESSIONS", "2")]).await;
    let user = server.user().await;
    let session = user.ready_session().await;
    session.save("saved.txt", "saved").await;
    let mut shell = session.shell().await;
    shell.run("mkdir d; echo written > d/last.txt").await;
    assert_eq!(problem(undelete(&session).await).await, (404, "not_found".into()), "it is not deleted");
    delete(&session).await;
    // The sandbox is still going; the wish waits for that.
    let back = ok(undelete(&session).await, 200).await;
    assert_eq!((&back["state"], &back["deleted_at"], &back["purge_at"]), (&json!("cold"), &Value::Null, &Value::Null));
    assert_eq!(shell.close_code(PATIENCE).await, Some(4503));
    assert_eq!(session.read("d/last.txt").await.unwrap(), b"written\n");
    session.start().await;
    assert_eq!(session.in_sandbox("d/last.txt").await, b"written\n");

    delete(&session).await;
    assert_eq!(list(&user, "").await, Vec::<Value>::new());
    let deleted = list(&user, "?deleted=true").await;
    assert_eq!((deleted.len(), &deleted[0]["id"], &deleted[0]["state"]), (1, &json!(session.id), &json!("deleted")));
    let time = |name: &str| {
        let text = deleted[0][name].as_str().unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert_eq!((time("purge_at") - time("deleted_at")).whole_days(), 7);
    let eve = server.user().await;
    assert_eq!(list(&eve, "?deleted=true").await, Vec::<Value>::new());
    let stolen = eve.request(Method::POST, &session.path("/undelete")).send().await.unwrap();
    assert_eq!(problem(stolen).await, (404, "not_found".into()));

    let others = [user.session().await, user.session().await];
    assert_eq!(problem(undelete(&session).await).await, (429, "session_limit".into()));
    delete(&others[0]).await;
    assert_eq!(ok(undelete(&session).await, 200).await["id"], session.id);
    assert_eq!(session.read("saved.txt").await.unwrap(), b"saved");

    // Its time is over; the next start of a server purges it.
    delete(&session).await;
    server.sql("update sessions set purge_at = now() - interval '2 hours' where state = 'deleted'").await;
    assert_eq!(problem(undelete(&session).await).await, (404, "not_found".into()));
    assert_eq!(list(&user, "?deleted=true").await, Vec::<Value>::new());
    server.terminate().await;
    server.start_again().await;
    let purged = "do $$ begin
        for attempt in 1..500 loop
            if not exists (select from sessions where state = 'deleted') then
                assert not exists (select from blobs), 'contents are left';
                return;
            end if;
            perform pg_sleep(0.02);
        end loop;
        raise 'not purged';
    end $$";
    server.sql(purged).await;
}

#[tokio::test]
async fn where_nothing_is_kept_a_deleted_session_is_gone_at_once() {
    let server = Server::start_with(&[("CARREL_WORKSPACE__UNDELETE_DAYS", "0")]).await;
    let session = server.user().await.session().await;
    session.save("a", "a").await;
    delete(&session).await;
    assert_eq!(problem(undelete(&session).await).await, (404, "not_found".into()));
    let gone = "do $$ begin
        for attempt in 1..500 loop
            if not exists (select from sessions) then return; end if;
            perform pg_sleep(0.02);
        end loop;
        raise 'still there';
    end $$";
    server.sql(gone).await;
}

#[tokio::test]
async fn a_session_whose_sandbox_a_killed_server_left_running_comes_back_without_it() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "saved").await;
    server.kill_9().await;
    // As if it had been killed right after the deletion.
    let delete = "update sessions set state = 'deleted', deleted_at = now(), purge_at = now() + interval '1 day'";
    server.sql(delete).await;
    server.start_again().await;
    assert_eq!(ok(undelete(&session).await, 200).await["state"], "cold");
    let none = "do $$ begin assert not exists (select from sessions where sandbox_id is not null); end $$";
    server.sql(none).await;
    assert!(containers(&engine(&server).await).await.is_empty(), "nothing runs for a cold session");
    session.start().await;
    assert_eq!(session.in_sandbox("saved.txt").await, b"saved");
}
