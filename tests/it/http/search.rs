//! Searching and replacing in what the database has.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::server::{Browser, TestServer, problem};

async fn workspace(ada: &Browser<'_>, files: &[(&str, &str)]) -> String {
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    for (path, content) in files {
        let path = format!("{base}/files/{path}");
        let answer = ada.request(Method::PUT, &path).body((*content).to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    base
}

async fn search(ada: &Browser<'_>, base: &str, query: &[(&str, &str)]) -> Value {
    let answer = ada.request(Method::GET, &format!("{base}/search")).query(query).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{query:?}");
    answer.json().await.unwrap()
}

/// The paths, lines and columns of what was found.
fn places(found: &Value) -> Vec<(String, u64, u64)> {
    let place = |item: &Value| {
        (item["path"].as_str().unwrap().to_owned(), item["line"].as_u64().unwrap(), item["column"].as_u64().unwrap())
    };
    found["items"].as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn what_is_kept_is_searched_while_nothing_runs() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let files = [
        ("a.py", "import os\nprint(os.name)\n"),
        ("src/b.py", "# é OS\n"),
        ("src/c.txt", "cost os\n"),
        ("node_modules/d.py", "os\n"),
        ("z.bin", "os\0"),
    ];
    let base = workspace(&ada, &files).await;
    let at = |places: &[(&str, u64, u64)]| places.iter().map(|(p, l, c)| ((*p).to_owned(), *l, *c)).collect::<Vec<_>>();
    let all = search(&ada, &base, &[("q", "os")]).await;
    let expected = [("a.py", 1, 8), ("a.py", 2, 7), ("src/b.py", 1, 5), ("src/c.txt", 1, 2), ("src/c.txt", 1, 6)];
    assert_eq!(places(&all), at(&expected));
    assert_eq!((&all["files"], &all["skipped"], &all["truncated"]), (&json!(3), &json!(0), &json!(false)));
    let first = json!({ "path": "a.py", "line": 1, "column": 8, "length": 2, "text": "import os", "before": 7 });
    assert_eq!(all["items"][0], first);
    for (query, expected) in [
        (&[("q", "os"), ("case", "true"), ("word", "true"), ("exclude", "a.py")][..], &[("src/c.txt", 1, 6)][..]),
        (
            &[("q", "^import|OS$"), ("regex", "true"), ("include", "*.py")],
            &[("a.py", 1, 1), ("a.py", 1, 8), ("src/b.py", 1, 5)],
        ),
        (&[("q", "os"), ("include", "src/*.{txt,md}"), ("limit", "1")], &[("src/c.txt", 1, 2)]),
        (&[("q", "nowhere")], &[]),
    ] {
        assert_eq!(places(&search(&ada, &base, query).await), at(expected), "{query:?}");
    }
    assert_eq!(search(&ada, &base, &[("q", "os"), ("limit", "2")]).await["truncated"], true);
    for query in [
        "",
        "q=",
        "q=(&regex=true",
        "q=(a%7B1000%7D)%7B1000%7D&regex=true",
        "q=a%0Ab",
        "q=x&include=%5B",
        "q=x&regex=maybe",
        "q=x&limit=-1",
    ] {
        assert_eq!(problem(ada.get(&format!("{base}/search?{query}")).await).await, "invalid_query", "{query}");
    }
    let long = format!("{base}/search?q={}", "x".repeat(1025));
    assert_eq!(problem(ada.get(&long).await).await, "invalid_query");
}

#[tokio::test]
async fn a_replacement_is_shown_first_and_then_made_in_the_files_chosen() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let files = [("a.py", "x = old(1)\r\ny = Old(2)\n"), ("b.py", "old(3)\n"), ("c.py", "nothing\n"), ("d", "old\0")];
    let base = workspace(&ada, &files).await;
    ada.request(Method::PUT, &format!("{base}/files/run.sh?executable=true")).body("old(4)").send().await.unwrap();
    let replace = async |body: Value| -> Value {
        let answer = ada.post(&format!("{base}/replace"), &body).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };
    let content = async |path: &str| ada.get(&format!("{base}/files/{path}")).await.text().await.unwrap();
    let mut wanted = json!({ "q": r"old\((\d)\)", "regex": true, "replacement": "new[$1]", "preview": true });
    let shown = replace(wanted.clone()).await;
    assert_eq!(
        (&shown["replacements"], &shown["conflicts"], &shown["truncated"]),
        (&json!(4), &json!([]), &json!(false))
    );
    assert_eq!(shown["files"][0]["after"], "x = new[1]\r\ny = new[2]\n");
    assert_eq!(content("a.py").await, files[0].1, "nothing has changed");
    let etag = ada.get(&format!("{base}/files/a.py")).await.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(shown["files"][0]["etag"], etag);

    wanted["preview"] = json!(false);
    wanted["paths"] = json!(["a.py", "run.sh", "none"]);
    let replaced = replace(wanted).await;
    assert_eq!((&replaced["replacements"], replaced["files"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(content("a.py").await, "x = new[1]\r\ny = new[2]\n");
    assert_eq!(content("run.sh").await, "new[4]");
    assert_eq!(content("b.py").await, "old(3)\n", "it was not chosen");
    let etag = ada.get(&format!("{base}/files/a.py")).await.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(replaced["files"][0]["etag"], etag);
    let tree: Value = ada.get(&format!("{base}/tree")).await.json().await.unwrap();
    let run = tree["items"].as_array().unwrap().iter().find(|item| item["path"] == "run.sh").unwrap();
    assert_eq!(run["executable"], true);

    // What has changed since it was shown is left as it is, and so is what is no longer there.
    let mut wanted = json!({ "q": "old", "replacement": "new", "preview": true });
    ada.request(Method::PUT, &format!("{base}/files/e.py")).body("old(5)\n").send().await.unwrap();
    let shown = replace(wanted.clone()).await;
    let seen: Vec<_> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| json!({ "path": file["path"], "etag": file["etag"] }))
        .collect();
    assert_eq!(seen.len(), 2);
    ada.request(Method::PUT, &format!("{base}/files/b.py")).body("old(3), and older\n").send().await.unwrap();
    let gone = json!({ "path": "gone.py", "etag": seen[0]["etag"] });
    wanted["preview"] = json!(false);
    wanted["seen"] = json!([seen[0], seen[1], gone]);
    let replaced = replace(wanted.clone()).await;
    assert_eq!((&replaced["replacements"], &replaced["conflicts"]), (&json!(1), &json!(["b.py", "gone.py"])));
    assert_eq!(content("b.py").await, "old(3), and older\n");
    assert_eq!(content("e.py").await, "new(5)\n");
    wanted["paths"] = json!(["b.py"]);
    assert_eq!(problem(ada.post(&format!("{base}/replace"), &wanted).await).await, "invalid_json");

    let none = replace(json!({ "q": "nowhere", "replacement": "x" })).await;
    assert_eq!((&none["replacements"], &none["files"]), (&json!(0), &json!([])));
    let refused = ada.post(&format!("{base}/replace"), &json!({ "q": "(", "regex": true, "replacement": "x" })).await;
    assert_eq!(problem(refused).await, "invalid_query");
    let long = json!({ "q": "x", "replacement": "x".repeat(4097) });
    assert_eq!(problem(ada.post(&format!("{base}/replace"), &long).await).await, "invalid_query");
}

#[tokio::test]
async fn more_than_two_searches_of_one_session_at_the_same_time_are_refused() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = workspace(&ada, &[("a.py", "x\n")]).await;
    let (path, database) = (format!("{base}/search?q=x"), server.database.clone());
    // Nobody can read what there is, and so no search ends.
    let (client, connection) = tokio_postgres::connect(&database, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute("begin; lock table workspace_items in access exclusive mode").await.unwrap();
    let mut searches: FuturesUnordered<_> = (0..6).map(|_| ada.get(&path)).collect();
    for _ in 0..4 {
        assert_eq!(problem(searches.next().await.unwrap()).await, "too_many_requests");
    }
    client.batch_execute("rollback").await.unwrap();
    for _ in 0..2 {
        assert_eq!(searches.next().await.unwrap().status(), 200);
    }
    drop(client);
    driver.await.unwrap().unwrap();
}
