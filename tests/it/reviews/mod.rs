//! Code review, from a draft to a verdict, by the API.

mod comments;
mod hidden;
mod life;
mod races;
mod reading;
mod reviewers;
mod running;
mod suggestions;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::client::{Client, Session, ok};

/// A user with this reviewer's level.
async fn reviewer(url: &str, level: i16) -> Client {
    let client = Client::register(url).await;
    become_reviewer(&client, level).await;
    client
}

async fn become_reviewer(client: &Client, level: i16) -> Value {
    let answer = client.request(Method::PATCH, "/api/v1/me/reviewer").json(&json!({ "level": level })).send().await;
    ok(answer.unwrap(), 200).await
}

async fn id(client: &Client) -> String {
    let me = ok(client.request(Method::GET, "/api/v1/me").send().await.unwrap(), 200).await;
    me["id"].as_str().unwrap().to_owned()
}

/// A draft for a session, with more said of it than that it is one.
async fn draft(session: &Session, more: Value) -> Value {
    let mut what = json!({ "session": session.id, "title": "Sort in place" });
    what.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ok(session.client.request(Method::POST, "/api/v1/reviews").json(&what).send().await.unwrap(), 201).await
}

/// A review with its first round.
async fn submitted(session: &Session, more: Value) -> String {
    let review = draft(session, more).await["id"].as_str().unwrap().to_owned();
    let answer = submit(&session.client, &review, "as asked").await;
    assert_eq!(ok(answer, 201).await["state"], "pending");
    review
}

async fn submit(client: &Client, review: &str, note: &str) -> Response {
    let path = format!("/api/v1/reviews/{review}/rounds");
    client.request(Method::POST, &path).json(&json!({ "note": note })).send().await.unwrap()
}

async fn step(client: &Client, review: &str, step: &Value) -> Response {
    client.request(Method::POST, &format!("/api/v1/reviews/{review}/events")).json(step).send().await.unwrap()
}

/// A step that is taken; the review after it.
async fn taken(client: &Client, review: &str, action: Value) -> Value {
    ok(step(client, review, &action).await, 200).await
}

async fn get(client: &Client, review: &str) -> Value {
    let answer = client.request(Method::GET, &format!("/api/v1/reviews/{review}")).send().await.unwrap();
    ok(answer, 200).await
}

/// Says something that is taken; the thread it is in.
async fn say(client: &Client, review: &str, what: Value) -> Value {
    ok(say_to(client, review, &what).await, 201).await
}

async fn say_to(client: &Client, review: &str, what: &Value) -> Response {
    client.request(Method::POST, &format!("/api/v1/reviews/{review}/comments")).json(what).send().await.unwrap()
}

/// What somebody sees of what is said, as it is in a round.
async fn threads(client: &Client, review: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/reviews/{review}/comments?{query}");
    let list = ok(client.request(Method::GET, &path).send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

async fn settle(client: &Client, review: &str, thread: &Value, action: &str) -> Response {
    let path = format!("/api/v1/reviews/{review}/threads/{}", thread["id"].as_str().unwrap());
    client.request(Method::POST, &path).json(&json!({ "action": action })).send().await.unwrap()
}

/// The whole trail of a review.
async fn trail(client: &Client, review: &str) -> Vec<Value> {
    let (mut steps, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/reviews/{review}/events?limit=200{cursor}");
        let page = ok(client.request(Method::GET, &path).send().await.unwrap(), 200).await;
        steps.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return steps,
        }
    }
}

/// The titles on one of somebody's lists.
async fn list(client: &Client, list: &str) -> Vec<String> {
    let page = client.request(Method::GET, &format!("/api/v1/reviews?list={list}")).send().await.unwrap();
    let page = ok(page, 200).await;
    page["items"].as_array().unwrap().iter().map(|review| review["title"].as_str().unwrap().to_owned()).collect()
}
