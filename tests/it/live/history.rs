//! What there was can be had again: versions, restores, undeletes, copies; with a sandbox and without one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Session, encoded, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

async fn versions(session: &Session, path: &str, query: &str) -> Vec<Value> {
    let path = format!("/versions/{}{query}", encoded(path));
    let list = ok(session.request(Method::GET, &path).send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

async fn restore(session: &Session, wish: Value) -> Value {
    ok(session.post("/restore", &wish).await, 200).await
}

async fn text(session: &Session, path: &str) -> Option<String> {
    session.read(path).await.map(|content| String::from_utf8(content).unwrap())
}

/// What a workspace holds, by path: its kind, content, target and whether it can be run.
async fn state(session: &Session) -> Vec<(String, Value)> {
    let of = |item: &Value| json!([item["kind"], item["etag"], item["target"], item["executable"]]);
    session.tree().await.iter().map(|(path, item)| (path.clone(), of(item))).collect()
}

#[tokio::test]
async fn a_version_says_what_happened_who_did_it_and_what_was_in_it() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("a.py", "one").await;
    session.save("a.py", "two").await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.run("printf three > a.py; chmod +x a.py").await;
    events.tree("a.py", true, PATIENCE).await;
    let all = eventually(PATIENCE, "three versions", async || {
        let all = versions(&session, "a.py", "").await;
        (all[0]["executable"] == true).then_some(all)
    });
    let all = all.await;
    let (newest, oldest) = (&all[0], all.last().unwrap());
    assert_eq!((&oldest["change"], &oldest["origin"]), (&json!("created"), &json!("editor")));
    assert!(!oldest["user"]["display_name"].as_str().unwrap().is_empty());
    assert_eq!((&newest["change"], &newest["origin"]), (&json!("modified"), &json!("terminal")));
    assert_eq!(newest["user"], Value::Null);
    let content = session.request(Method::GET, &format!("/versions/a.py?version={}", oldest["id"]));
    let content = content.send().await.unwrap();
    assert_eq!(content.headers()["etag"].to_str().unwrap(), oldest["etag"].as_str().unwrap());
    assert_eq!(content.text().await.unwrap(), "one");
    // Of another path, or of none.
    session.save("b.py", "x").await;
    for wrong in ["/versions/b.py", "/versions/none.py"] {
        let answer = session.request(Method::GET, &format!("{wrong}?version={}", oldest["id"])).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{wrong}");
    }
    // By page, of everything.
    let page = ok(session.request(Method::GET, "/versions/?limit=2").send().await.unwrap(), 200).await;
    assert_eq!(page["items"][0]["path"], "b.py");
    let next = format!("/versions/?limit=1000&cursor={}", page["next"].as_str().unwrap());
    let rest = ok(session.request(Method::GET, &next).send().await.unwrap(), 200).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), all.len() + 1 - 2);
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test]
async fn a_workspace_is_as_it_was_at_a_time_in_database_and_sandbox() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    shell.run("mkdir -p keep/empty was-folder; printf 1 > keep/a; ln -s keep/a link; printf x > was-folder/x; printf f > was-file").await;
    shell.run("printf '#!/bin/sh' > run; chmod +x run").await;
    session.save("last", "x").await;
    let before = eventually(PATIENCE, "nine items", async || {
        let tree = state(&session).await;
        (tree.len() == 9).then_some(tree)
    })
    .await;
    session.save("mark", "of the time").await;
    let at = versions(&session, "mark", "").await[0]["at"].as_str().unwrap().to_owned();
    session.remove("mark").await;
    shell.run("rm -r was-folder was-file link; printf 2 > keep/a; mkdir was-file; printf new > was-file/new; printf g > was-folder").await;
    shell.run("chmod -x run; ln -s run link; rmdir keep/empty; mkdir -p new/deep; printf 9 > new/deep/file").await;

    // What was not even collected yet is in the history afterwards.
    let then = ok(session.request(Method::GET, &format!("/tree?at={}", encoded(&at))).send().await.unwrap(), 200).await;
    assert_eq!(then["items"].as_array().unwrap().len(), 10);
    let done = restore(&session, json!({ "at": at })).await;
    assert!(done["removed"].as_u64().unwrap() >= 3, "{done}");
    let mut expected = before.clone();
    expected.push(("mark".into(), state(&session).await.into_iter().find(|(path, _)| path == "mark").unwrap().1));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(state(&session).await, expected);
    let listing = shell
        .run("find . -mindepth 1 -name '.carrel-tmp-*' -prune -o -printf '%y %P %l\\n' | sort | tr '\\n' ';'")
        .await
        .0;
    assert_eq!(
        listing,
        "d keep ;d keep/empty ;d was-folder ;f keep/a ;f last ;f mark ;f run ;f was-file ;f was-folder/x ;l link keep/a;"
    );
    assert_eq!(shell.run("cat keep/a was-file was-folder/x; test -x run && echo runs").await.0, "1fxruns\n");
    let kept = versions(&session, "new/deep/file", "").await;
    assert_eq!((&kept[0]["change"], &kept[0]["origin"]), (&json!("removed"), &json!("restore")));
    assert_eq!(kept[1]["size"], 1);
    // Back to the moment before that, to what programs had written unseen until then; and forth again.
    let undone = restore(&session, json!({ "at": done["before"] })).await;
    assert_eq!(shell.run("cat keep/a was-file/new was-folder new/deep/file; readlink link").await.0, "2newg9run\n");
    restore(&session, json!({ "at": undone["before"] })).await;
    assert_eq!(state(&session).await, expected);

    // One folder of it, without a sandbox.
    session.stop().await;
    session.save("keep/a", "3").await;
    session.save("was-file", "stays").await;
    restore(&session, json!({ "path": "keep", "at": at })).await;
    assert_eq!(
        (text(&session, "keep/a").await, text(&session, "was-file").await),
        (Some("1".into()), Some("stays".into()))
    );
}

#[tokio::test]
async fn one_version_of_a_file_comes_back_and_what_it_replaces_is_kept() {
    let session = Server::shared().await.user().await.session().await;
    session.save("f", "one").await;
    let first = versions(&session, "f", "").await[0]["id"].clone();
    session.save("f", "two").await;
    restore(&session, json!({ "path": "f", "version": first })).await;
    assert_eq!(text(&session, "f").await.unwrap(), "one");
    let all = versions(&session, "f", "").await;
    assert_eq!((all.len(), &all[0]["origin"]), (3, &json!("restore")));
    session.remove("f").await;
    ok(session.post("/folders", &json!({ "path": "f" })).await, 201).await;
    let refused = session.post("/restore", &json!({ "path": "f", "version": first })).await;
    assert_eq!(problem(refused).await, (409, "is_folder".into()));
    for wrong in
        [json!({}), json!({ "version": 1 }), json!({ "path": "f", "version": 1, "at": "2026-01-01T00:00:00Z" })]
    {
        assert_eq!(problem(session.post("/restore", &wrong).await).await, (400, "invalid_json".into()), "{wrong}");
    }
    let refused = session.post("/restore", &json!({ "path": "f", "version": 0 })).await;
    assert_eq!(problem(refused).await, (404, "not_found".into()));
}

#[tokio::test]
async fn what_was_deleted_comes_back_whole_whoever_deleted_it() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    shell.run("mkdir -p d/e; printf 1 > d/a; printf 2 > d/e/b; ln -s a d/l; printf 0 > d/earlier").await;
    session.save("other", "x").await;
    eventually(PATIENCE, "the folder", async || (session.tree().await.len() == 7).then_some(())).await;
    session.remove("d/earlier").await;
    let done = ok(session.post("/delete", &json!({ "paths": ["d", "other", "d/e"] })).await, 200).await;
    assert_eq!(done["removed"], 6);
    let gone = versions(&session, "", "?change=removed").await;
    assert_eq!(gone.len(), 7, "{gone:?}");
    restore(&session, json!({ "path": "d" })).await;
    assert_eq!(shell.run("cat d/a d/e/b d/l; echo d/*").await.0, "121d/a d/e d/l\n");
    assert_eq!(problem(session.post("/restore", &json!({ "path": "d" })).await).await, (409, "already_exists".into()));

    let mut events = session.events().await;
    shell.run("rm -r d").await;
    events.tree("d", false, PATIENCE).await;
    session.stop().await;
    restore(&session, json!({ "path": "d" })).await;
    assert_eq!(text(&session, "d/e/b").await.unwrap(), "2");
    assert_eq!(versions(&session, "", "?change=removed").await.len(), 2);
    assert_eq!(problem(session.post("/restore", &json!({ "path": "none" })).await).await, (404, "not_found".into()));
    // All or none.
    let refused = session.post("/delete", &json!({ "paths": ["d", "none"] })).await;
    assert_eq!(problem(refused).await, (404, "not_found".into()));
    assert!(session.tree().await.contains_key("d/e/b"));
}

#[tokio::test]
async fn a_folder_is_copied_with_all_it_holds() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    shell.run("mkdir -p d/empty; printf 1 > d/a; chmod +x d/a; ln -s a d/l").await;
    eventually(PATIENCE, "the folder", async || (session.tree().await.len() == 4).then_some(())).await;
    let copy = ok(session.post("/copy", &json!({ "from": "d", "to": "x/copy" })).await, 201).await;
    assert_eq!((&copy["path"], &copy["kind"]), (&json!("x/copy"), &json!("folder")));
    assert_eq!(
        shell
            .run("find x -mindepth 1 -printf '%m %y %P %l;' | sort; test -x x/copy/a && cat x/copy/l")
            .await
            .0
            .matches(';')
            .count(),
        4
    );
    assert_eq!(session.tree().await["x/copy/a"]["executable"], true);
    for (from, to, code) in [
        ("d", "x/copy", "already_exists"),
        ("d", "d/inside", "invalid_path"),
        ("none", "y", "not_found"),
        ("d/a", "d/l/x", "not_folder"),
    ] {
        let answer = session.post("/copy", &json!({ "from": from, "to": to })).await;
        assert_eq!(problem(answer).await.1, code, "{from} {to}");
    }
    session.stop().await;
    ok(session.post("/copy", &json!({ "from": "d/a", "to": "b" })).await, 201).await;
    assert_eq!(text(&session, "b").await.unwrap(), "1");
}

/// Files in folders, as many as a middling project has with what it was given.
const FOLDERS: usize = 400;
const FILES: usize = 6600;

#[tokio::test]
async fn many_files_come_back_into_a_live_session_and_a_save_meanwhile_is_answered() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut shell = session.shell().await;
    let time_of = async |mark: &str| {
        session.save(mark, "of the time").await;
        versions(&session, mark, "").await[0]["at"].as_str().unwrap().to_owned()
    };
    let files = async |count: usize| {
        eventually(PATIENCE * 3, "all files", async || (session.tree().await.len() == count).then_some(())).await;
    };
    // A save that comes while a restore is under way.
    let with_a_save = async |mark: &str, at: &str| {
        tokio::join!(restore(&session, json!({ "at": at })), session.save(mark, "saved"));
    };
    let write = |word: &str| {
        format!(
            "python3 -c 'for n in range({FILES}): open(f\"p/{{n % {FOLDERS}}}/{{n}}\", \"w\").write(f\"{word} {{n}}\" * 30)'"
        )
    };
    shell.run(&format!("mkdir -p $(seq -f p/%g 0 {})", FOLDERS - 1)).await;
    files(1 + FOLDERS).await;
    let empty = time_of("empty").await;
    shell.run(&write("one")).await;
    files(2 + FOLDERS + FILES).await;
    let full = time_of("full").await;
    ok(session.post("/delete", &json!({ "paths": ["p"] })).await, 200).await;
    with_a_save("all back", &full).await;
    shell.run(&write("two")).await;
    let second = async |n: usize| {
        let path = format!("p/{}/{n}", n % FOLDERS);
        let text = async || text(&session, &path).await.filter(|text| text.starts_with("two"));
        eventually(PATIENCE * 3, "what was written", text).await;
    };
    for n in 0..FOLDERS {
        second(FILES - 1 - n).await;
    }
    with_a_save("replaced", &full).await;
    with_a_save("removed", &empty).await;
    with_a_save("back into folders", &full).await;
    let counted = shell.run("find p -type f | wc -l; grep -L '^one' -r p | wc -l").await.0;
    assert_eq!(counted, format!("{FILES}\n0\n"));
    session.stop().await;
    with_a_save("removed without a sandbox", &empty).await;
    with_a_save("back without a sandbox", &full).await;
    let back = session.tree().await.into_keys().filter(|path| path.starts_with("p/")).count();
    assert_eq!(back, FOLDERS + FILES);
}
