//! The warm pool: what it hands out, to whom, and when it gives back.

use reqwest::Method;
use serde_json::json;

use crate::support::client::{READY, Session, eventually, ok, problem};
use crate::support::process::Server;

/// A figure of the warm pool.
async fn figure(server: &Server, name: &str) -> Option<f64> {
    let text = reqwest::get(format!("{}/metrics", server.url)).await.unwrap().text().await.unwrap();
    let prefix = format!("carrel_warm_pool_{name}{{pool=\"warm\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok())
}

async fn until(server: &Server, name: &str, value: f64) {
    let reached = async || (figure(server, name).await? == value).then_some(());
    eventually(READY, &format!("{name} = {value}"), reached).await;
}

/// What a command prints in the sandbox.
async fn read(session: &Session, command: &str) -> String {
    session.shell().await.run(command).await.0.trim().to_owned()
}

#[tokio::test]
async fn a_waiting_sandbox_is_given_its_users_own_quotas() {
    let server = Server::start_with(&[("CARREL_POOL__SIZE", "1")]).await;
    let client = server.user().await;
    let id = ok(client.request(Method::GET, "/api/v1/me").send().await.unwrap(), 200).await["id"].clone();
    let path = format!("/api/v1/admin/users/{}", id.as_str().unwrap());
    let own = json!({ "quotas": { "memory_mb": 768, "pids": 99 } });
    let refused = client.request(Method::PATCH, &path).json(&own).send().await.unwrap();
    assert_eq!(problem(refused).await, (404, "not_found".into()), "nobody gives quotas to themselves");
    server.sql("update users set role = 'admin'").await;
    let small = json!({ "quotas": { "memory_mb": 100 } });
    let refused = client.request(Method::PATCH, &path).json(&small).send().await.unwrap();
    assert_eq!(problem(refused).await, (422, "invalid_quotas".into()));
    let changed = ok(client.request(Method::PATCH, &path).json(&own).send().await.unwrap(), 200).await;
    assert_eq!(changed["quotas"], json!({ "memory_mb": 768, "cpus": null, "pids": 99 }));
    let all = ok(client.request(Method::GET, "/api/v1/admin/users?limit=1").send().await.unwrap(), 200).await;
    assert_eq!((&all["items"][0], &all["next"]), (&changed, &json!(null)));

    until(&server, "waiting", 1.0).await;
    let session = client.ready_session().await;
    assert_eq!(session.get().await["quotas"]["memory_mb"], 768);
    assert_eq!((figure(&server, "hits_total").await, figure(&server, "misses_total").await), (Some(1.0), Some(0.0)));
    let memory = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max";
    let pids = "cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max";
    assert_eq!(read(&session, memory).await, (768 << 20).to_string());
    assert_eq!(read(&session, pids).await, "99");

    // Without the server, and for its next start.
    let name = changed["username"].as_str().unwrap();
    let output = server.run(&["user", "quota", "--username", name, "--memory-mb", "640"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    session.stop().await;
    session.start().await;
    assert_eq!((read(&session, memory).await, read(&session, pids).await), ((640 << 20).to_string(), "256".into()));
    let output = server.run(&["user", "quota", "--username", "nobody.such", "--memory-mb", "640"]).await;
    assert!(!output.status.success());
}

#[tokio::test]
async fn waiting_sandboxes_are_taken_over_and_given_back_when_memory_is_short() {
    let mut server = Server::start_with(&[("CARREL_POOL__SIZE", "2"), ("CARREL_POOL__REFILL_INTERVAL_MS", "0")]).await;
    until(&server, "waiting", 2.0).await;
    assert!(server.terminate().await.0.success());
    server.start_again().await;
    until(&server, "waiting", 2.0).await;
    assert_eq!(figure(&server, "made_total").await, Some(0.0), "those of before are taken over");
    assert!(server.terminate().await.0.success());
    // More than any machine has.
    server.set("CARREL_POOL__MIN_FREE_MEMORY_MB", "1000000000");
    server.start_again().await;
    until(&server, "shed_total", 2.0).await;
    assert_eq!((figure(&server, "waiting").await, figure(&server, "made_total").await), (Some(0.0), Some(0.0)));
    assert!(!server.log().contains("cannot remove a sandbox"), "stopping leaves the pool's sandboxes in peace");
    // A session does not need the pool.
    server.user().await.ready_session().await;
}

#[tokio::test]
async fn waiting_sandboxes_of_another_size_are_replaced_when_the_server_starts_again() {
    let mut server = Server::start_with(&[("CARREL_POOL__SIZE", "1")]).await;
    until(&server, "waiting", 1.0).await;
    assert!(server.terminate().await.0.success());
    server.set("CARREL_SANDBOX__TMP_MB", "48");
    server.start_again().await;
    until(&server, "made_total", 1.0).await;
    until(&server, "waiting", 1.0).await;
    let session = server.user().await.ready_session().await;
    assert_eq!(figure(&server, "hits_total").await, Some(1.0));
    assert_eq!(read(&session, "df -m --output=size /tmp | tail -1").await, "48");
}
