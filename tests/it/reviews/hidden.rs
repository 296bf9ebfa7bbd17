//! Reviews that are not for somebody: as if they were not there, on every route.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use carrel::http::routes::{Access, ROUTES, RouteInfo};

use super::{get, id, reviewer, submitted};
use crate::support::client::Client;
use crate::support::process::Server;

/// What a route answers to somebody who names this review.
async fn answer(client: &Client, route: &RouteInfo, review: &str) -> (u16, Value) {
    let path = route.path.replace("{id}", review).replace("{path}", "main.py");
    let path = path.replace("{cid}", review).replace("{tid}", review);
    let body = match (route.method.as_str(), route.path.rsplit('/').next().unwrap()) {
        ("PATCH", "{id}") => json!({ "version": 0, "title": "Mine now" }),
        ("POST", "rounds") => json!({ "note": "mine" }),
        ("POST", "events") => json!({ "action": "claim" }),
        ("POST", "seen") => json!({ "round": 1 }),
        ("POST", "comments") | ("PATCH", "{cid}") => json!({ "text": "mine" }),
        ("POST", "{tid}") => json!({ "action": "resolve" }),
        ("POST", "apply") => json!({ "comments": [review] }),
        _ => json!({}),
    };
    let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
    let answer = client.request(method, &path).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn somebody_elses_review_looks_exactly_like_none_on_every_route() {
    let server = Server::shared().await;
    let author = server.user().await;
    let [wanted, other] = [reviewer(&server.url, 2).await, reviewer(&server.url, 2).await];
    let session = author.session().await;
    session.save("main.py", "print(1)").await;
    let review = submitted(&session, json!({ "wanted": [id(&wanted).await] })).await;
    let absent = Uuid::now_v7().to_string();
    let mut count = 0;
    for route in ROUTES.iter().filter(|route| route.path.contains("/reviews/{id}") && route.access == Access::User) {
        count += 1;
        let theirs = answer(&other, route, &review).await;
        assert_eq!(theirs, answer(&other, route, &absent).await, "{} {}", route.method, route.path);
        assert_eq!((theirs.0, &theirs.1["code"]), (404, &json!("not_found")), "{} {}", route.method, route.path);
    }
    assert!(count >= 20, "only {count} routes");
    let seen = get(&wanted, &review).await;
    assert_eq!((&seen["state"], &seen["title"]), (&json!("pending"), &json!("Sort in place")));
}
