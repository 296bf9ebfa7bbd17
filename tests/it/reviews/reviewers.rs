//! Who reviews, under each policy.

use reqwest::Method;
use serde_json::{Value, json};

use super::{become_reviewer, get, id, reviewer, step, submitted, taken};
use crate::support::client::{Client, ok, problem};
use crate::support::process::Server;

async fn change(client: &Client, what: &Value) -> reqwest::Response {
    client.request(Method::PATCH, "/api/v1/me/reviewer").json(what).send().await.unwrap()
}

async fn me(client: &Client) -> Value {
    ok(client.request(Method::GET, "/api/v1/me/reviewer").send().await.unwrap(), 200).await
}

/// The names in the directory, as asked for.
async fn directory(client: &Client, query: &str) -> Vec<Value> {
    let page = client.request(Method::GET, &format!("/api/v1/reviewers?{query}")).send().await.unwrap();
    let items = ok(page, 200).await["items"].as_array().unwrap().clone();
    items.iter().map(|reviewer| reviewer["user"]["id"].clone()).collect()
}

#[tokio::test]
async fn where_it_is_open_one_becomes_a_reviewer_by_saying_so() {
    let server = Server::start().await;
    let ada = server.user().await;
    let before = me(&ada).await;
    assert_eq!(
        (&before["level"], &before["reviewer_since"], &before["self_service"]),
        (&json!(0), &Value::Null, &json!("open"))
    );
    let junior = become_reviewer(&ada, 1).await;
    assert!(junior["level"] == 1 && junior["reviewer_since"].is_string());
    let what = json!({ "capacity": 1, "topics": ["Pandas", "sql"], "paused": false });
    let known = ok(change(&ada, &what).await, 200).await;
    assert_eq!(
        (&known["capacity"], &known["topics"], &known["reviewer_since"]),
        (&json!(1), &json!(["pandas", "sql"]), &junior["reviewer_since"])
    );
    for wrong in [
        json!({ "level": 3 }),
        json!({ "capacity": 0 }),
        json!({ "capacity": 101 }),
        json!({ "topics": ["x".repeat(33)] }),
    ] {
        assert_eq!(problem(change(&ada, &wrong).await).await, (422, "invalid_reviewer".into()), "{wrong}");
    }
    let (eve, ada_id) = (reviewer(&server.url, 2).await, json!(id(&ada).await));
    assert_eq!(directory(&eve, "topic=SQL").await, std::slice::from_ref(&ada_id));
    assert_eq!(directory(&eve, "level=2").await, [json!(id(&eve).await)]);
    assert_eq!(directory(&eve, "").await.len(), 2);

    // Who holds as many as they want to takes no other, and is not offered as free.
    let author = server.user().await;
    let (first, second) =
        (submitted(&author.session().await, json!({})).await, submitted(&author.session().await, json!({})).await);
    taken(&ada, &first, json!({ "action": "claim" })).await;
    assert_eq!(problem(step(&ada, &second, &json!({ "action": "claim" })).await).await, (409, "reviewer_busy".into()));
    assert!(!directory(&eve, "free=true").await.contains(&ada_id));
    taken(&eve, &second, json!({ "action": "claim" })).await;
    let over = json!({ "action": "hand_over", "to": ada_id });
    assert_eq!(problem(step(&eve, &second, &over).await).await, (409, "reviewer_busy".into()));
    // Who has paused finishes what they hold.
    ok(change(&eve, &json!({ "paused": true })).await, 200).await;
    taken(&eve, &second, json!({ "action": "approve", "round": 1 })).await;
    // Who steps down gives back what they hold.
    become_reviewer(&ada, 0).await;
    let back = get(&author, &first).await;
    assert_eq!((&back["state"], &back["reviewer"]), (&json!("pending"), &Value::Null));
    assert!(directory(&eve, "free=true").await.is_empty());
}

#[tokio::test]
async fn where_operators_decide_a_level_is_asked_for_and_given_or_not() {
    let server = Server::start_with(&[("CARREL_REVIEW__SELF_SERVICE", "approval")]).await;
    let (ada, operator) = (server.user().await, server.operator().await);
    let asked = become_reviewer(&ada, 2).await;
    assert_eq!(
        (&asked["level"], &asked["request"]["level"], &asked["request"]["granted"]),
        (&json!(0), &json!(2), &Value::Null)
    );
    assert_eq!(problem(change(&ada, &json!({ "level": 1 })).await).await, (409, "level_requested".into()));
    let hidden = ada.request(Method::GET, "/api/v1/admin/reviewer-requests").send().await.unwrap();
    assert_eq!(problem(hidden).await, (404, "not_found".into()));
    let decide = async |granted: bool, reason: &str| {
        let open = operator.request(Method::GET, "/api/v1/admin/reviewer-requests").send().await.unwrap();
        let open = ok(open, 200).await["items"].as_array().unwrap().clone();
        assert_eq!(open.len(), 1, "{open:?}");
        let path = format!("/api/v1/admin/reviewer-requests/{}", open[0]["id"].as_str().unwrap());
        let what = json!({ "granted": granted, "reason": reason });
        ok(operator.request(Method::PATCH, &path).json(&what).send().await.unwrap(), 200).await;
        let again = operator.request(Method::PATCH, &path).json(&what).send().await.unwrap();
        assert_eq!(problem(again).await, (404, "not_found".into()), "it is decided once");
    };
    decide(false, "junior first").await;
    let refused = me(&ada).await;
    assert_eq!((&refused["level"], &refused["request"]["reason"]), (&json!(0), &json!("junior first")));
    become_reviewer(&ada, 1).await;
    decide(true, "").await;
    assert_eq!((&me(&ada).await["level"], &me(&ada).await["request"]["granted"]), (&json!(1), &json!(true)));
    assert_eq!(become_reviewer(&ada, 0).await["level"], 0, "stepping down needs nobody");
}

#[tokio::test]
async fn where_it_is_off_nobody_becomes_a_reviewer_by_themselves() {
    let server = Server::start_with(&[("CARREL_REVIEW__SELF_SERVICE", "off")]).await;
    let ada = server.user().await;
    assert_eq!(problem(change(&ada, &json!({ "level": 1 })).await).await, (403, "reviewer_levels_closed".into()));
    assert_eq!(me(&ada).await["level"], 0);
}

#[tokio::test]
async fn a_review_nobody_touches_goes_back_to_the_queue() {
    let server = Server::start_with(&[("CARREL_REVIEW__RELEASE_HOURS", "1")]).await;
    let (author, ada) = (server.user().await, reviewer(&server.url, 1).await);
    let review = submitted(&author.session().await, json!({ "wanted": [id(&ada).await] })).await;
    taken(&ada, &review, json!({ "action": "claim" })).await;
    server.sql("update reviews set holder_seen_at = now() - interval '61 minutes'").await;
    let back = async || Some(get(&author, &review).await).filter(|review| review["state"] == "pending");
    let back =
        crate::support::client::eventually(std::time::Duration::from_secs(90), "a review given back", back).await;
    assert_eq!((&back["turn"]["who"], &back["reviewer"]), (&json!("queue"), &Value::Null));
    let last = super::trail(&author, &review).await.pop().unwrap();
    assert_eq!(
        (&last["action"], &last["by"], &last["why"]),
        (&json!("release"), &Value::Null, &json!("not touched for 1 hours"))
    );
}
