//! Many at once, on two servers.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{get, id, reviewer, step, submit, submitted, taken, trail};
use crate::support::client::{Client, problem};
use crate::support::process::Server;

#[tokio::test]
async fn of_many_who_claim_at_once_one_wins_and_the_others_are_told_who() {
    let server = Server::start().await;
    let other = server.beside().await;
    let author = server.user().await;
    let mut reviewers = Vec::new();
    for number in 0..20 {
        let url = if number % 2 == 0 { &server.url } else { &other.url };
        let client = reviewer(url, 1).await;
        let many = client.request(reqwest::Method::PATCH, "/api/v1/me/reviewer").json(&json!({ "capacity": 100 }));
        assert_eq!(many.send().await.unwrap().status(), 200);
        reviewers.push((id(&client).await, client));
    }
    let session = author.session().await;
    for _ in 0..25 {
        let review = submitted(&session, json!({})).await;
        let claim = json!({ "action": "claim" });
        let claims = reviewers.iter().map(async |(who, client)| {
            let answer = step(client, &review, &claim).await;
            let (status, body): (u16, Value) = (answer.status().as_u16(), answer.json().await.unwrap());
            match status {
                200 => (Some(who.clone()), body["reviewer"]["id"].clone()),
                409 => {
                    assert_eq!(body["code"], "review_held", "{body}");
                    (None, body["held_by"].clone())
                }
                _ => panic!("{status} {body}"),
            }
        });
        let answers = join_all(claims).await;
        let winners: Vec<_> = answers.iter().filter_map(|(won, _)| won.clone()).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert!(answers.iter().all(|(_, holder)| *holder == winners[0]), "{answers:?}");
        let claims = trail(&author, &review).await.into_iter().filter(|step| step["action"] == "claim");
        assert_eq!(claims.map(|step| step["by"]["id"].clone()).collect::<Vec<_>>(), [json!(winners[0])]);
        taken(&author, &review, json!({ "action": "withdraw" })).await;
    }
}

/// What somebody tries; the author submits, withdraws and reopens, the others do the rest.
async fn try_something(random: &mut SmallRng, author: &Client, others: &[(String, Client)], review: &str) -> bool {
    let (who, client) = &others[random.random_range(0..others.len())];
    let to = others.iter().map(|(id, _)| id).find(|id| *id != who).unwrap();
    let round = get(author, review).await["round"].clone();
    let step_of = |action: &str| json!({ "action": action, "round": round, "to": to, "why": "at random" });
    let answer = match random.random_range(0..12) {
        0..=2 => submit(author, review, "at random").await,
        3 => step(author, review, &step_of("withdraw")).await,
        4 => step(author, review, &step_of("reopen")).await,
        5..=7 => step(client, review, &step_of("claim")).await,
        8 => step(client, review, &step_of("release")).await,
        9 => step(client, review, &step_of("hand_over")).await,
        _ => step(client, review, &step_of("request_changes")).await,
    };
    let status = answer.status();
    if status.is_success() {
        return true;
    }
    let (status, code) = problem(answer).await;
    assert!([403, 404, 409].contains(&status), "{status} {code}");
    false
}

#[tokio::test]
async fn a_thousand_steps_at_random_from_two_servers_play_back_to_where_every_review_stands() {
    let server = Server::start().await;
    let other = server.beside().await;
    let author = server.user().await;
    let mut others = Vec::new();
    for url in [&server.url, &other.url, &server.url, &other.url] {
        let client = reviewer(url, 2).await;
        let many = client.request(reqwest::Method::PATCH, "/api/v1/me/reviewer").json(&json!({ "capacity": 100 }));
        assert_eq!(many.send().await.unwrap().status(), 200);
        others.push((id(&client).await, client));
    }
    let mut reviews = Vec::new();
    for _ in 0..50 {
        reviews.push(submitted(&author.session().await, json!({})).await);
    }
    let tries = (0..8u64).map(async |worker| {
        let mut random = SmallRng::seed_from_u64(worker);
        let mut done = 0;
        for _ in 0..125 {
            let review = &reviews[random.random_range(0..reviews.len())];
            done += u32::from(try_something(&mut random, &author, &others, review).await);
        }
        done
    });
    let done: u32 = join_all(tries).await.into_iter().sum();
    assert!(done > 200, "{done} steps were taken");
    let mut told = 0;
    for review in &reviews {
        let (now, steps) = (get(&author, review).await, trail(&author, review).await);
        let numbers: Vec<_> = steps.iter().map(|step| step["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=steps.len() as u64).collect::<Vec<_>>(), "no step is lost or doubled");
        let (mut state, mut round) = (json!("draft"), 0);
        for step in &steps {
            assert_eq!(step["from"], state, "each begins where the last has led: {steps:?}");
            round += u64::from(step["action"] == "submit");
            assert_eq!(step["round"], round);
            state = step["to"].clone();
        }
        let last = steps.last().unwrap();
        assert_eq!((&now["state"], &now["round"]), (&state, &json!(round)));
        assert_eq!(now["reviewer"]["id"], last["reviewer"]["id"]);
        told += steps.len();
    }
    assert_eq!(told, 50 + done as usize, "every step that was answered is told, and no other");
    let hashes = "do $$ begin assert (select count(*) from review_rounds) = (select sum(round) from reviews); end $$";
    server.sql(hashes).await;
    assert_eq!(reviews.iter().collect::<BTreeSet<_>>().len(), 50);
}
