//! One review at a time.

use reqwest::Method;
use serde_json::{Value, json};

use super::{draft, get, id, list, reviewer, step, submit, submitted, taken, trail};
use crate::support::client::{ok, problem};
use crate::support::process::Server;

async fn refused(answer: reqwest::Response) -> (u16, Value) {
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_request_goes_from_its_draft_over_two_rounds_to_its_verdict() {
    let server = Server::shared().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.session().await;
    session.save("main.py", "print('one')\n").await;
    let due = "2026-12-01T12:00:00Z";
    let made =
        draft(&session, json!({ "description": "Please *look*.", "topics": ["SQL ", "sql"], "due_at": due })).await;
    assert_eq!((&made["state"], &made["round"], &made["priority"]), (&json!("draft"), &json!(0), &json!("medium")));
    assert_eq!(
        (&made["topics"], &made["due_at"], &made["session"]),
        (&json!(["sql"]), &json!(due), &json!(session.id))
    );
    assert_eq!((&made["possible"], &made["your_turn"]), (&json!(["submit", "withdraw"]), &json!(true)));
    let review = made["id"].as_str().unwrap();

    let pending = ok(submit(&author, review, "first").await, 201).await;
    assert_eq!(
        (&pending["state"], &pending["round"], &pending["turn"]["who"]),
        (&json!("pending"), &json!(1), &json!("queue"))
    );
    let seen = get(&reviewer, review).await;
    assert_eq!(
        (&seen["session"], &seen["possible"]),
        (&Value::Null, &json!(["claim"])),
        "others are not told the session"
    );

    let held = taken(&reviewer, review, json!({ "action": "claim" })).await;
    assert_eq!((&held["state"], &held["your_turn"]), (&json!("in_review"), &json!(true)));
    let asked = json!({ "action": "request_changes", "round": 1, "why": "names" });
    assert_eq!(taken(&reviewer, review, asked).await["state"], "changes_requested");

    session.save("main.py", "print('two')\n").await;
    let again = ok(submit(&author, review, "second").await, 201).await;
    assert_eq!(
        (&again["state"], &again["round"], &again["turn"]["who"]),
        (&json!("pending"), &json!(2), &json!("wanted"))
    );
    assert_eq!(get(&reviewer, review).await["your_turn"], true, "who asked for changes is asked whether they are made");
    taken(&reviewer, review, json!({ "action": "claim" })).await;
    let done = taken(&reviewer, review, json!({ "action": "approve", "round": 2, "why": "good" })).await;
    assert_eq!(
        (&done["state"], &done["possible"], &done["turn"]["who"]),
        (&json!("approved"), &json!([]), &json!("nobody"))
    );

    let rounds = author.request(Method::GET, &format!("/api/v1/reviews/{review}/rounds")).send().await.unwrap();
    let rounds = ok(rounds, 200).await["items"].as_array().unwrap().clone();
    assert_eq!((&rounds[0]["note"], &rounds[1]["note"], rounds.len()), (&json!("first"), &json!("second"), 2));
    assert_ne!(rounds[0]["hash"], rounds[1]["hash"]);
    let (author, reviewer) = (id(&author).await, id(&reviewer).await);
    let told: Vec<_> = trail(&session.client, review).await;
    let told: Vec<_> =
        told.iter().map(|step| (&step["action"], &step["by"]["id"], &step["to"], &step["round"])).collect();
    let (author, reviewer) = (json!(author), json!(reviewer));
    assert_eq!(
        told.iter().map(|(action, by, to, round)| json!([action, by, to, round])).collect::<Vec<_>>(),
        [
            json!(["submit", author, "pending", 1]),
            json!(["claim", reviewer, "in_review", 1]),
            json!(["request_changes", reviewer, "changes_requested", 1]),
            json!(["submit", author, "pending", 2]),
            json!(["claim", reviewer, "in_review", 2]),
            json!(["approve", reviewer, "approved", 2]),
        ]
    );
}

#[tokio::test]
async fn what_the_rules_refuse_is_refused_with_its_code_and_changes_nothing() {
    let server = Server::shared().await;
    let author = reviewer(&server.url, 2).await;
    let (junior, other, nobody) = (reviewer(&server.url, 1).await, reviewer(&server.url, 1).await, server.user().await);
    let session = author.session().await;
    session.save("main.py", "1").await;
    let review = submitted(&session, json!({})).await;
    let code = async |client, action: Value| problem(step(client, &review, &action).await).await;

    let claim = json!({ "action": "claim" });
    assert_eq!(code(&author, claim.clone()).await, (403, "self_review".into()));
    assert_eq!(
        code(&nobody, claim.clone()).await,
        (404, "not_found".into()),
        "it is not there for who reviews nothing"
    );
    let approve = json!({ "action": "approve", "round": 1 });
    let (status, body) = refused(step(&junior, &review, &approve).await).await;
    assert_eq!((status, &body["code"], &body["state"]), (409, &json!("review_state"), &json!("pending")));
    assert_eq!(body["possible"], json!(["claim"]));
    assert_eq!(code(&junior, json!({ "action": "withdraw" })).await, (403, "not_author".into()));
    taken(&junior, &review, claim.clone()).await;
    let (status, body) = refused(step(&other, &review, &claim).await).await;
    assert_eq!((status, &body["code"], &body["held_by"]), (409, &json!("review_held"), &json!(id(&junior).await)));
    assert_eq!(code(&other, approve.clone()).await, (409, "review_held".into()));
    assert_eq!(code(&author, approve.clone()).await, (403, "self_review".into()));
    assert_eq!(code(&junior, json!({ "action": "approve" })).await, (422, "invalid_review".into()));
    assert_eq!(code(&junior, json!({ "action": "submit" })).await, (422, "invalid_review".into()));
    assert_eq!(code(&junior, json!({ "action": "hand_over" })).await, (422, "invalid_review".into()));
    let to_nobody = json!({ "action": "hand_over", "to": id(&nobody).await });
    assert_eq!(code(&junior, to_nobody).await, (403, "not_reviewer".into()));

    // Approve, then edit: a verdict is about the round that was looked at.
    session.save("main.py", "2").await;
    assert_eq!(ok(submit(&author, &review, "").await, 201).await["state"], "in_review");
    let (status, body) = refused(step(&junior, &review, &approve).await).await;
    assert_eq!((status, &body["code"], &body["newest_round"]), (409, &json!("stale_round"), &json!(2)));
    // A priority that is raised is decided by who may decide that.
    let seen = get(&author, &review).await;
    let path = format!("/api/v1/reviews/{review}");
    let raised = json!({ "version": seen["version"], "title": "Sort", "priority": "urgent" });
    let change = async || author.request(Method::PATCH, &path).json(&raised).send().await.unwrap();
    ok(change().await, 200).await;
    assert_eq!(problem(change().await).await, (409, "review_changed".into()), "an older version overwrites nothing");
    assert_eq!(code(&junior, json!({ "action": "approve", "round": 2 })).await, (403, "level_too_low".into()));
    let foreign = junior.request(Method::PATCH, &path).json(&raised).send().await.unwrap();
    assert_eq!(problem(foreign).await, (403, "not_author".into()));

    assert_eq!(problem(submit(&junior, &review, "").await).await, (403, "not_author".into()));
    let second = json!({ "session": session.id, "title": "Another" });
    let second = author.request(Method::POST, "/api/v1/reviews").json(&second).send().await.unwrap();
    assert_eq!(problem(second).await, (409, "review_open".into()));
    let foreign = json!({ "session": session.id, "title": "Mine" });
    let foreign = other.request(Method::POST, "/api/v1/reviews").json(&foreign).send().await.unwrap();
    assert_eq!(problem(foreign).await, (404, "not_found".into()));
    let actions: Vec<_> = trail(&author, &review).await.iter().map(|step| step["action"].clone()).collect();
    assert_eq!(actions, ["submit", "claim", "submit"], "what is refused leaves no step");
}

#[tokio::test]
async fn a_draft_and_a_request_for_others_are_not_there_for_anybody_else() {
    let server = Server::shared().await;
    let author = server.user().await;
    let [wanted, other] = [reviewer(&server.url, 2).await, reviewer(&server.url, 2).await];
    let session = author.session().await;
    let title = format!("For one of {}", session.id);
    let review = draft(&session, json!({ "title": title, "wanted": [id(&wanted).await] })).await;
    let review = review["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/reviews/{review}");
    for client in [&wanted, &other] {
        let answer = client.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(problem(answer).await, (404, "not_found".into()));
    }
    ok(submit(&author, &review, "").await, 201).await;
    get(&wanted, &review).await;
    // Other tests have reviews of their own in it.
    assert!(!list(&other, "queue").await.contains(&title));
    assert_eq!(list(&wanted, "waiting").await, [title]);
    // Once they have declined, anybody may take it.
    taken(&wanted, &review, json!({ "action": "decline", "why": "away" })).await;
    assert!(list(&wanted, "waiting").await.is_empty());
    assert_eq!(taken(&other, &review, json!({ "action": "claim" })).await["state"], "in_review");
}

#[tokio::test]
async fn lists_show_what_is_ones_own_what_waits_what_may_be_claimed_and_what_is_done() {
    let server = Server::start().await;
    let author = server.user().await;
    let (senior, other) = (reviewer(&server.url, 2).await, reviewer(&server.url, 2).await);
    let mut ids = Vec::new();
    for (title, priority, due) in [
        ("later", "low", None),
        ("soon", "high", Some("2026-12-02T00:00:00Z")),
        ("sooner", "high", Some("2026-12-01T00:00:00Z")),
        ("whenever", "high", None),
        ("now", "urgent", None),
    ] {
        let session = author.session().await;
        ids.push(submitted(&session, json!({ "title": title, "priority": priority, "due_at": due })).await);
    }
    let in_order = ["now", "sooner", "soon", "whenever", "later"];
    assert_eq!(list(&senior, "queue").await, in_order);
    // Page by page it is the same.
    let (mut titles, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/reviews?list=queue&limit=2{cursor}");
        let page = ok(senior.request(Method::GET, &path).send().await.unwrap(), 200).await;
        titles.extend(
            page["items"].as_array().unwrap().iter().map(|review| review["title"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(titles, in_order);
    assert_eq!(list(&author, "mine").await, ["now", "whenever", "sooner", "soon", "later"]);
    assert!(list(&author, "queue").await.is_empty() && list(&author, "waiting").await.is_empty());

    taken(&senior, &ids[4], json!({ "action": "claim" })).await;
    assert_eq!(list(&senior, "waiting").await, ["now"]);
    assert_eq!(list(&other, "queue").await, in_order[1..]);
    taken(&senior, &ids[4], json!({ "action": "request_changes", "round": 1 })).await;
    assert_eq!((list(&author, "waiting").await, list(&senior, "waiting").await), (vec!["now".to_owned()], vec![]));
    taken(&senior, &ids[3], json!({ "action": "claim" })).await;
    taken(&senior, &ids[3], json!({ "action": "hand_over", "to": id(&other).await })).await;
    assert_eq!((list(&senior, "waiting").await, list(&other, "waiting").await), (vec![], vec!["whenever".to_owned()]));
    taken(&other, &ids[3], json!({ "action": "reject", "round": 1 })).await;
    taken(&author, &ids[4], json!({ "action": "withdraw" })).await;
    assert_eq!(list(&other, "done").await, ["whenever"]);
    assert_eq!(list(&author, "done").await, ["now", "whenever"]);
    assert_eq!(taken(&author, &ids[4], json!({ "action": "reopen" })).await["state"], "draft");
    assert_eq!(
        problem(step(&author, &ids[3], &json!({ "action": "reopen" })).await).await,
        (409, "review_state".into())
    );
}

#[tokio::test]
async fn what_was_submitted_stays_whatever_becomes_of_the_session() {
    let server = Server::start().await;
    let author = server.user().await;
    let reviewer = reviewer(&server.url, 1).await;
    let session = author.ready_session().await;
    session.save("kept.py", "print('kept')").await;
    // What a program has just written is submitted, too.
    let write = ["python3", "-c", "open('made.txt', 'w').write('made')"];
    assert_eq!(session.program(&write).await.exit().await["code"], 0);
    let review = submitted(&session, json!({})).await;
    let contents = "select count(*) from review_rounds r join snapshot_items i on i.snapshot_id = r.snapshot_id
        join blobs b on b.hash = i.blob_hash where i.path in ('kept.py', 'made.txt')";
    let both = async || server.sql(&format!("do $$ begin assert ({contents}) = 2; end $$")).await;
    both().await;
    session.remove("kept.py").await;
    session.save("made.txt", "another").await;
    let gone = session.request(Method::DELETE, "?discard=true").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    server.sql("delete from workspace_versions").await;
    both().await;
    taken(&reviewer, &review, json!({ "action": "claim" })).await;
    taken(&reviewer, &review, json!({ "action": "request_changes", "round": 1 })).await;
    assert_eq!(problem(submit(&author, &review, "").await).await, (409, "no_session".into()));
    assert_eq!(get(&author, &review).await["state"], "changes_requested");
}
