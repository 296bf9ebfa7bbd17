//! Archives that become files, and those that are refused.

use std::path::Path;
use std::process::Command;

use carrel_archives::Packer;
use carrel_protocol::WorkspacePath;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::server::{Browser, TestServer, problem};

async fn import(ada: &Browser<'_>, base: &str, query: &str, archive: Vec<u8>) -> Response {
    ada.request(Method::POST, &format!("{base}/import?{query}")).body(archive).send().await.unwrap()
}

/// An archive of files, a folder and a link.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let path = |text: &str| WorkspacePath::new(text).unwrap();
    let mut packer = Packer::new(Vec::new());
    packer.folder(&path("empty"), 0).unwrap();
    for (name, content) in files {
        packer.file(&path(name), content, name.ends_with(".sh"), 0).unwrap();
    }
    packer.link(&path("link"), "empty", 0).unwrap();
    packer.finish().unwrap()
}

async fn tree(ada: &Browser<'_>, base: &str) -> Vec<String> {
    let tree: Value = ada.get(&format!("{base}/tree?limit=5000")).await.json().await.unwrap();
    tree["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_zip_archive_becomes_files_and_says_what_was_left_out() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let files = [
        ("src/é.py", &b"print(1)"[..]),
        ("run.sh", b"#!"),
        ("large", &large),
        ("node_modules/x", b"x"),
        ("__MACOSX/y", b"y"),
    ];
    let zip = archive(&files);
    let answer = import(&ada, &base, "kind=zip", zip.clone()).await;
    assert_eq!(answer.status(), 200);
    let imported: Value = answer.json().await.unwrap();
    assert_eq!((&imported["items"], &imported["bytes"]), (&json!(5), &json!(large.len() + 10)));
    assert_eq!(
        imported["skipped"],
        json!([{ "path": "node_modules/x", "why": "ignored" }, { "path": "__MACOSX/y", "why": "desktop" }])
    );
    assert_eq!(tree(&ada, &base).await, ["empty", "large", "link", "run.sh", "src", "src/é.py"]);
    assert!(ada.get(&format!("{base}/files/large")).await.bytes().await.unwrap() == large);
    let versions: Value = ada.get(&format!("{base}/versions/run.sh")).await.json().await.unwrap();
    assert_eq!(
        (&versions["items"][0]["origin"], &versions["items"][0]["executable"]),
        (&json!("upload"), &json!(true))
    );

    ada.request(Method::PUT, &format!("{base}/files/run.sh")).body("mine").send().await.unwrap();
    let again: Value = import(&ada, &base, "kind=zip", zip.clone()).await.json().await.unwrap();
    assert_eq!(
        (&again["items"], again["skipped"].as_array().unwrap().len()),
        (&json!(1), 6),
        "the folder; nothing else is replaced"
    );
    assert_eq!(ada.get(&format!("{base}/files/run.sh")).await.text().await.unwrap(), "mine");
    let replaced = import(&ada, &base, "kind=zip&replace=true", zip.clone()).await;
    assert_eq!(replaced.status(), 200);
    assert_eq!(ada.get(&format!("{base}/files/run.sh")).await.text().await.unwrap(), "#!");
    let below = import(&ada, &base, "kind=zip&path=a/b", archive(&[("c", b"c")])).await;
    assert_eq!(below.status(), 200);
    assert_eq!(ada.get(&format!("{base}/files/a/b/c")).await.text().await.unwrap(), "c");
    // And out again: what is packed comes back as it was.
    let packed = ada.get(&format!("{base}/archive.zip?path=src")).await.bytes().await.unwrap();
    assert_eq!(import(&ada, &base, "kind=zip&path=copy", packed.to_vec()).await.status(), 200);
    assert_eq!(ada.get(&format!("{base}/files/copy/src/%C3%A9.py")).await.text().await.unwrap(), "print(1)");
}

/// A zip archive of stored entries, with names and modes no honest packer writes.
fn hostile(entries: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let sum = |content: &[u8]| {
        let fold = |mut sum: u32, byte: &u8| {
            sum ^= u32::from(*byte);
            (0..8).for_each(|_| sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 });
            sum
        };
        !content.iter().fold(u32::MAX, fold)
    };
    for (name, mode, content) in entries {
        let (offset, size) = (bytes.len() as u32, content.len() as u32);
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &sum(content).to_le_bytes(),
            &size.to_le_bytes(),
            &size.to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        bytes.extend_from_slice(&[b"PK\x03\x04", &common[..], name, content].concat());
        let mode = (mode << 16).to_le_bytes();
        directory.extend_from_slice(
            &[b"PK\x01\x02\x14\x03", &common[..], &[0; 6], &mode, &offset.to_le_bytes(), name].concat(),
        );
    }
    let (offset, count) = (bytes.len() as u32, entries.len() as u16);
    bytes.extend_from_slice(&directory);
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count.to_le_bytes(),
        &count.to_le_bytes(),
        &(directory.len() as u32).to_le_bytes(),
        &offset.to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    bytes.extend_from_slice(&end);
    bytes
}

#[tokio::test]
async fn an_archive_that_does_harm_is_refused_and_nothing_has_changed() {
    let server = TestServer::start_with(|config| {
        config.workspace.max_items = 200;
        config.workspace.max_file_mb = 40;
        config.workspace.max_total_mb = 50;
    })
    .await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let fine = hostile(&[(b"fine", 0o100_644, b"fine")]);
    assert_eq!(import(&ada, &base, "kind=zip", fine.clone()).await.status(), 200, "by itself it is one");
    let file = |name: &'static [u8]| hostile(&[(b"new", 0o100_644, b"new"), (name, 0o100_644, b"x")]);
    let zeros = vec![0; 39 << 20];
    let many: Vec<_> = (0..201).map(|number| number.to_string().into_bytes()).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_slice(), 0o100_644, &b""[..])).collect();
    let deep = vec!["d"; 65].join("/");
    let mut damaged = fine.clone();
    damaged[34] ^= 1;
    for (what, archive, reason) in [
        ("parent", file(b"../x"), "no name for a file"),
        ("parent inside", file(b"a/../../x"), "no name for a file"),
        ("absolute", file(b"/etc/passwd"), "no name for a file"),
        ("NUL", file(b"a\0b"), "no name for a file"),
        ("device", hostile(&[(b"d", 0o020_644, b"")]), "a device"),
        ("pipe", hostile(&[(b"d", 0o010_644, b"")]), "a device"),
        ("link out", hostile(&[(b"l", 0o120_777, b"/etc")]), "leads out"),
        ("link up", hostile(&[(b"l", 0o120_777, b"../x")]), "leads out"),
        ("through a link", hostile(&[(b"l", 0o120_777, b"d"), (b"l/x", 0o100_644, b"x")]), "no folder"),
        ("deep", hostile(&[(deep.as_bytes(), 0o100_644, b"")]), "no name for a file"),
        ("bomb", archive(&[("zeros", &zeros)]), "no honest archive"),
        ("too many", hostile(&many), "more than 200"),
        ("damaged", damaged, "damaged"),
        ("nothing", Vec::new(), "cannot be read"),
        ("no archive", b"hello".to_vec(), "cannot be read"),
    ] {
        let answer = import(&ada, &base, "kind=zip&replace=true", archive).await;
        assert_eq!(answer.status(), 422, "{what}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "bad_archive", "{what}");
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{what}: {problem}");
    }
    assert_eq!(tree(&ada, &base).await, ["fine"]);
    assert_eq!(problem(import(&ada, &base, "kind=git", fine.clone()).await).await, "bad_archive");
    assert_eq!(problem(import(&ada, &base, "kind=tar", fine.clone()).await).await, "invalid_query");
    assert_eq!(problem(import(&ada, &base, "kind=zip&path=../x", fine.clone()).await).await, "invalid_path");
    assert_eq!(problem(import(&ada, &base, "kind=zip", vec![0; (100 << 20) + 1]).await).await, "body_too_large");
    // What is fine by itself may be too much for what is there already.
    let more: Vec<u8> = (0..9_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    assert_eq!(import(&ada, &base, "kind=zip", archive(&[("more", &more)])).await.status(), 200);
    assert_eq!(
        problem(import(&ada, &base, "kind=zip&path=b", archive(&[("more", &more)])).await).await,
        "quota_exceeded"
    );
    assert!(!tree(&ada, &base).await.contains(&"b".to_owned()));
}

fn git(folder: &Path, arguments: &[&str]) {
    let same = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(same).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_git_bundle_becomes_the_files_of_its_head() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let repository = tempfile::tempdir().unwrap();
    let top = repository.path();
    git(top, &["init", "-q"]);
    std::fs::create_dir(top.join("src")).unwrap();
    for version in 0..5 {
        std::fs::write(top.join("src/main.py"), format!("print({version})\n{}", "# the same\n".repeat(500))).unwrap();
        git(top, &["add", "-A"]);
        git(top, &["commit", "-qm", "version"]);
    }
    git(top, &["gc", "-q"]);
    git(
        top,
        &["bundle", "create", "-q", "../x.bundle", "--all"]
            .map(|text| if text.starts_with("..") { "x.bundle" } else { text }),
    );
    let bundle = std::fs::read(top.join("x.bundle")).unwrap();
    let imported = import(&ada, &base, "kind=git", bundle.clone()).await;
    assert_eq!(imported.status(), 200, "{}", imported.text().await.unwrap());
    let text = ada.get(&format!("{base}/files/src/main.py")).await.text().await.unwrap();
    assert!(text.starts_with("print(4)\n# the same"), "the newest");
    git(top, &["bundle", "create", "-q", "part.bundle", "HEAD~1..HEAD"]);
    let part = std::fs::read(top.join("part.bundle")).unwrap();
    assert_eq!(problem(import(&ada, &base, "kind=git", part).await).await, "bad_archive");
    assert_eq!(problem(import(&ada, &base, "kind=zip", bundle).await).await, "bad_archive");
}
