//! Sessions that begin with something: copies of others, snapshots, templates.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

async fn create(client: &Client, wish: Value) -> Session {
    let made = ok(client.request(Method::POST, "/api/v1/sessions").json(&wish).send().await.unwrap(), 201).await;
    Session { client: client.clone(), id: made["id"].as_str().unwrap().to_owned() }
}

async fn refused(client: &Client, wish: Value) -> (u16, String) {
    problem(client.request(Method::POST, "/api/v1/sessions").json(&wish).send().await.unwrap()).await
}

/// What a workspace holds.
async fn state(session: &Session) -> Vec<(String, Value)> {
    let of = |item: &Value| json!([item["kind"], item["etag"], item["target"], item["executable"]]);
    session.tree().await.iter().map(|(path, item)| (path.clone(), of(item))).collect()
}

async fn text(session: &Session, path: &str) -> Option<String> {
    session.read(path).await.map(|content| String::from_utf8(content).unwrap())
}

#[tokio::test]
async fn a_session_begins_with_what_another_holds_or_held() {
    let server = Server::shared().await;
    let (ada, eve) = (server.user().await, server.user().await);
    let session = ada.ready_session().await;
    let mut shell = session.shell().await;
    shell.run("mkdir -p d/empty; printf 1 > d/a; chmod +x d/a; ln -s d/a l; printf 'é' > 'new\nline'").await;
    // Whatever its programs have just written is in it.
    let snapshot = ok(session.post("/snapshots", &json!({ "name": " First " })).await, 201).await;
    assert_eq!((&snapshot["name"], &snapshot["items"], &snapshot["bytes"]), (&json!("First"), &json!(5), &json!(3)));
    let then = state(&session).await;
    assert_eq!(then.len(), 5);
    shell.run("rm -r d l; printf 2 > later").await;
    let copy = create(&ada, json!({ "name": "Copy", "session": session.id })).await;
    assert_eq!(state(&copy).await.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["later", "new\nline"]);
    let again = create(&ada, json!({ "name": "As it was", "snapshot": snapshot["id"] })).await;
    assert_eq!(state(&again).await, then);
    again.start().await;
    assert_eq!(again.shell().await.run("test -x l && echo runs; cat l; echo d/*").await.0, "runs\n1d/a d/empty\n");

    // Gone from the list, it is still in those that began with it; another's cannot be had at all.
    let wish = |id: &Value| json!({ "name": "x", "snapshot": id });
    assert_eq!(refused(&eve, wish(&snapshot["id"])).await, (404, "not_found".into()));
    assert_eq!(refused(&eve, json!({ "name": "x", "session": session.id })).await, (404, "not_found".into()));
    let both = json!({ "name": "x", "snapshot": snapshot["id"], "session": session.id });
    assert_eq!(refused(&ada, both).await, (400, "invalid_json".into()));
    let path = format!("/snapshots/{}", snapshot["id"].as_str().unwrap());
    assert_eq!(copy.request(Method::DELETE, &path).send().await.unwrap().status(), 404, "of another session");
    assert_eq!(session.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    let list = ok(session.request(Method::GET, "/snapshots").send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
    assert_eq!(refused(&ada, wish(&snapshot["id"])).await, (404, "not_found".into()));
    assert_eq!(text(&again, "d/a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_template_is_followed_where_its_user_has_changed_nothing() {
    let server = Server::shared().await;
    let (operator, ada) = (server.operator().await, server.user().await);
    let source = operator.session().await;
    for (path, content) in [("README.md", "one"), ("src/main.py", "one"), ("src/gone.py", "one")] {
        source.save(path, content).await;
    }
    let name = format!("course-{}", source.id);
    let publish = async |client: &Client| {
        let wish = json!({ "name": name, "title": "The course", "description": "Begin here", "session": source.id });
        client.request(Method::POST, "/api/v1/admin/templates").json(&wish).send().await.unwrap()
    };
    assert_eq!(problem(publish(&ada).await).await, (404, "not_found".into()));
    let first = ok(publish(&operator).await, 201).await;
    assert_eq!((&first["revision"], &first["items"]), (&json!(1), &json!(4)));

    let session = create(&ada, json!({ "name": "Mine", "template": first["id"] })).await;
    assert_eq!(
        session.get().await["template"],
        json!({ "id": first["id"], "name": "The course", "revision": 1, "newest": 1 })
    );
    session.save("README.md", "mine").await;
    session.save("own.py", "mine").await;
    for (path, content) in [("README.md", "two"), ("src/main.py", "two"), ("new.py", "two")] {
        source.save(path, content).await;
    }
    source.remove("src/gone.py").await;
    ok(publish(&operator).await, 201).await;
    assert_eq!(session.get().await["template"]["newest"], 2);

    session.start().await;
    // Who looks is told so, although the session's actor has been there for longer than that revision.
    let hello = session.events().await.hello["session"].clone();
    assert_eq!((&hello["template"]["revision"], &hello["template"]["newest"]), (&json!(1), &json!(2)));
    let done = ok(session.post("/template/update", &json!({})).await, 200).await;
    assert_eq!(
        done,
        json!({
            "updated": ["new.py", "src/main.py"],
            "removed": ["src/gone.py"],
            "conflicts": [{ "path": "README.md", "copy": "README (template 2).md" }],
        })
    );
    let (told, hello) = (session.get().await, session.events().await.hello["session"].clone());
    assert_eq!(told["template"]["revision"], 2);
    for fact in ["template", "usage", "quotas", "limits", "undelete_days"] {
        assert_eq!(hello[fact], told[fact], "{fact}");
    }
    assert_eq!(told["limits"], json!({ "max_file_mb": 64, "max_total_mb": 240, "max_items": 50_000 }));
    assert_eq!(told["undelete_days"], 7);
    let mut shell = session.shell().await;
    assert_eq!(shell.run("cat README.md README*2* src/main.py own.py; ls src").await.0, "minetwotwominemain.py\n");
    let nothing = ok(session.post("/template/update", &json!({})).await, 200).await;
    assert_eq!(nothing, json!({ "updated": [], "removed": [], "conflicts": [] }));

    // A template that is gone leaves everything as it is.
    let path = format!("/api/v1/admin/templates/{}", first["id"].as_str().unwrap());
    assert_eq!(ada.request(Method::DELETE, &path).send().await.unwrap().status(), 404);
    assert_eq!(operator.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(session.get().await["template"], Value::Null);
    assert_eq!(problem(session.post("/template/update", &json!({})).await).await, (404, "not_found".into()));
    assert_eq!(refused(&ada, json!({ "name": "x", "template": first["id"] })).await, (404, "not_found".into()));
    eventually(PATIENCE, "the file", async || (text(&session, "src/main.py").await? == "two").then_some(())).await;
}
