//! What is in a sandbox and not kept: what `.carrelignore` says, what cannot be kept, and what has no room.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

use crate::support::client::{READY, Session, eventually, ok};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// Everything that is not kept, by name: what it looks like, why, and in words; and whether there is more.
async fn unkept(session: &Session) -> (BTreeMap<String, [String; 3]>, bool) {
    let list = ok(session.request(Method::GET, "/unkept").send().await.unwrap(), 200).await;
    let word = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = list["items"].as_array().unwrap().iter();
    let items =
        items.map(|item| (word(item, "path"), [word(item, "kind"), word(item, "why"), word(item, "text")])).collect();
    (items, list["truncated"].as_bool().unwrap())
}

/// Waits until these are not kept and nothing else: path, kind and why.
pub(super) async fn expect(session: &Session, expected: &[(&str, &str, &str)]) {
    let mut last = BTreeMap::new();
    let began = std::time::Instant::now();
    while began.elapsed() < PATIENCE {
        last = unkept(session).await.0;
        let found: Vec<_> = last.iter().map(|(path, [kind, why, _])| (path.as_str(), &**kind, &**why)).collect();
        if found == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{last:#?} instead of {expected:#?}");
}

pub(super) async fn run(session: &Session, program: &str) {
    let mut terminal = session.program(&["python3", "-c", program]).await;
    assert_eq!(terminal.exit().await["code"], 0, "{}", terminal.text());
}

/// Waits until this is the content in the database; `None` is none.
pub(super) async fn content(session: &Session, path: &str, expected: Option<&[u8]>) {
    let same = async || (session.read(path).await.as_deref() == expected).then_some(());
    eventually(PATIENCE, &format!("{path} as expected"), same).await;
}

#[tokio::test]
async fn what_is_ignored_is_named_by_its_top_and_collected_once_it_no_longer_is() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let program = "
import os
for folder in ['node_modules/x', 'a/__pycache__', 'data/deep']:
    os.makedirs(folder)
    open(folder + '/f', 'w').write('x')
open('.carrelignore', 'w').write('data/\\n*.log\\n')
open('app.log', 'w').write('log')
open('main.py', 'w').write('main')
";
    run(&session, program).await;
    let ignored = [
        ("a/__pycache__", "folder", "ignored"),
        ("app.log", "file", "ignored"),
        ("data", "folder", "ignored"),
        ("node_modules", "folder", "ignored"),
    ];
    expect(&session, &ignored).await;
    events.until("unkept", PATIENCE, |message| message["type"] == "unkept").await;
    content(&session, "main.py", Some(b"main")).await;
    content(&session, ".carrelignore", Some(b"data/\n*.log\n")).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), [".carrelignore", "a", "main.py"]);

    // The editor takes a rule back: what it hid is collected.
    session.save(".carrelignore", "*.log\n!node_modules/\n").await;
    content(&session, "data/deep/f", Some(b"x")).await;
    content(&session, "node_modules/x/f", Some(b"x")).await;
    expect(&session, &ignored[..2]).await;

    // And puts it in again: what is kept stays kept, whatever becomes of it in the sandbox.
    session.save(".carrelignore", "data/\n*.log\n").await;
    expect(&session, &ignored).await;
    run(&session, "import shutil; shutil.rmtree('data'); open('later', 'w').close()").await;
    content(&session, "later", Some(b"")).await;
    expect(&session, &[ignored[0], ignored[1], ignored[3]]).await;
    content(&session, "data/deep/f", Some(b"x")).await;
    session.stop().await;
    assert_eq!(unkept(&session).await, (BTreeMap::new(), false), "nothing is there");
    content(&session, "data/deep/f", Some(b"x")).await;
    session.start().await;
    assert_eq!(session.in_sandbox("data/deep/f").await, b"x");
    assert_eq!(session.in_sandbox("node_modules/x/f").await, b"x");
    // Gone for good is what its user deletes.
    session.remove("data").await;
    assert!(!session.tree().await.contains_key("data"));
}

#[tokio::test]
async fn a_folder_that_becomes_ignored_and_a_listing_that_is_short_of_it_delete_nothing() {
    let session = Server::shared().await.user().await.ready_session().await;
    for n in 0..5 {
        session.save(&format!("kept/{n}.txt"), n.to_string()).await;
    }
    run(&session, "open('kept/.carrelignore', 'w').write('*\\n')").await;
    let all = ["kept/0.txt", "kept/1.txt", "kept/2.txt", "kept/3.txt", "kept/4.txt"];
    expect(&session, &all.map(|path| (path, "file", "ignored"))).await;
    run(&session, "import os; os.remove('kept/0.txt'); open('kept/1.txt', 'w').write('changed')").await;
    expect(&session, &all.map(|path| (path, "file", "ignored"))[1..]).await;
    session.stop().await;
    assert_eq!(session.tree().await.len(), 7);
    content(&session, "kept/0.txt", Some(b"0")).await;
    content(&session, "kept/1.txt", Some(b"1")).await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_listed_with_the_cause_in_words() {
    let session = Server::shared().await.user().await.ready_session().await;
    let program = "
import os
open(b'caf\\xe9', 'w').close()
os.mkfifo('pipe')
os.symlink('/etc/passwd', 'out')
open('shut', 'w').close()
os.chmod('shut', 0)
os.makedirs('/'.join(['d'] * 70))
";
    run(&session, program).await;
    let deep = vec!["d"; 65].join("/");
    let expected = [
        ("caf\\xe9", "file", "name"),
        (deep.as_str(), "folder", "name"),
        ("out", "other", "link"),
        ("pipe", "other", "special"),
        ("shut", "file", "unreadable"),
    ];
    expect(&session, &expected).await;
    let (items, truncated) = unkept(&session).await;
    assert_eq!((items["out"][2].as_str(), truncated), ("a link that leads out of the workspace: not kept", false));
    run(&session, "import os; [os.remove(f) for f in (b'caf\\xe9', 'pipe', 'out', 'shut')]").await;
    expect(&session, &expected[1..2]).await;
}

#[tokio::test]
async fn what_is_too_large_or_has_no_room_is_listed_until_it_fits() {
    let limits = [("CARREL_WORKSPACE__MAX_ITEMS", "20"), ("CARREL_WORKSPACE__MAX_FILE_MB", "1")];
    let server = Server::start_with(&limits).await;
    let session = server.user().await.ready_session().await;
    session.save("kept.txt", "kept").await;
    run(&session, "open('big', 'wb').write(b'x' * (2 << 20))").await;
    expect(&session, &[("big", "file", "too_large")]).await;
    assert_eq!(unkept(&session).await.0["big"][2], "larger than 1 MB, the most a file may have: not saved");
    run(&session, "open('big', 'wb').write(b'small')").await;
    content(&session, "big", Some(b"small")).await;
    expect(&session, &[]).await;

    run(&session, "for n in range(50): open(f'{n:02}', 'w').close()").await;
    let quota = async || {
        let (items, _) = unkept(&session).await;
        (items.len() >= 30 && items.values().all(|[_, why, _]| why == "quota")).then_some(items)
    };
    let items = eventually(PATIENCE, "what has no room", quota).await;
    assert!(items["49"][2].contains("which may have 240 MB in 20 files and folders: not saved"), "{items:?}");
    run(&session, "import os; [os.remove(f'{n:02}') for n in range(10, 50)]").await;
    expect(&session, &[]).await;
    content(&session, "09", Some(b"")).await;
    session.stop().await;
    assert_eq!(session.tree().await.len(), 12);
}

/// A server whose workspaces keep files of at most 1 MiB, and a session with one that is twice as large.
async fn with_big() -> (Server, Session) {
    let server = Server::start_with(&[("CARREL_WORKSPACE__MAX_FILE_MB", "1")]).await;
    let session = server.user().await.ready_session().await;
    run(&session, "open('big', 'wb').write(b'x' * (2 << 20))").await;
    expect(&session, &[("big", "file", "too_large")]).await;
    (server, session)
}

#[tokio::test]
async fn a_stop_that_would_lose_what_is_not_saved_is_refused_and_ends_nothing() {
    let (_server, session) = with_big().await;
    let mut shell = session.shell().await;
    let pid = shell.run("echo $$").await.0;
    for wish in ["/stop", "/restart"] {
        let refused = ok(session.request(Method::POST, wish).send().await.unwrap(), 409).await;
        assert_eq!(refused["code"], "not_saved");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("big (larger than 1 MB, the most a file may have)"), "{detail}");
        assert!(detail.contains("make that smaller or remove it, or give it up"), "{detail}");
    }
    assert_eq!(session.get().await["state"], "ready");
    assert_eq!(shell.run("echo $$").await.0, pid);
    // What has gone a moment ago is in nobody's way.
    run(&session, "import os; os.remove('big'); open('small', 'w').write('kept')").await;
    session.stop().await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["small"]);
}

#[tokio::test]
async fn what_is_not_saved_goes_when_its_user_says_so_and_the_reason_names_it() {
    let (_server, session) = with_big().await;
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    let reason = events.state("cold", READY).await["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("stopped by you; what could not be saved was given up"), "{reason}");
    assert!(reason.contains("big (larger than 1 MB"), "{reason}");
}

#[tokio::test]
async fn what_a_program_writes_at_its_end_and_cannot_be_saved_keeps_the_session() {
    let server = Server::start_with(&[("CARREL_WORKSPACE__MAX_FILE_MB", "1")]).await;
    let session = server.user().await.ready_session().await;
    let program = "
import signal, sys
def end(*_):
    open('big', 'wb').write(b'x' * (2 << 20))
    sys.exit()
for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, end)
print('waiting', flush=True)
while True: signal.pause()
";
    let mut terminal = session.program(&["python3", "-c", program]).await;
    terminal.expect("waiting").await;
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/stop").send().await.unwrap(), 202).await;
    let kept = events.state("ready", READY).await;
    let reason = kept["reason"].as_str().unwrap();
    assert!(reason.starts_with("could not be stopped without losing changes: "), "{reason}");
    assert!(reason.contains("big (larger than 1 MB"), "{reason}");
    assert_eq!(session.in_sandbox("big").await, vec![b'x'; 2 << 20]);
}

#[tokio::test]
async fn carrel_down_gives_up_nothing_that_is_not_saved_unless_told_to() {
    let (server, session) = with_big().await;
    assert!(server.terminate().await.0.success());
    let refused = server.run(&["down"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("1 sandboxes hold what could not be collected"), "{said}");
    assert!(said.contains("big (larger than 1 MB"), "{said}");
    server.start_again().await;
    let ready = async || (session.get().await["state"] == "ready").then_some(());
    eventually(PATIENCE, "a ready session", ready).await;
    assert_eq!(session.in_sandbox("big").await, vec![b'x'; 2 << 20]);
    assert!(server.terminate().await.0.success());
    let down = server.run(&["down", "--discard"]).await;
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
}

#[tokio::test]
async fn an_ignore_file_that_is_too_much_is_not_obeyed_and_its_user_told() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    run(&session, "open('.carrelignore', 'w').write('x\\n' * 5000); open('x', 'w').write('kept')").await;
    events.notice(".carrelignore is not obeyed: it has more than 1000 patterns", PATIENCE).await;
    content(&session, "x", Some(b"kept")).await;
    run(&session, "open('.carrelignore', 'w').write('x\\n' + '#' * 100_000); open('x', 'w').write('again')").await;
    events.notice(".carrelignore is not obeyed: it is larger than 64 KB", PATIENCE).await;
    content(&session, "x", Some(b"again")).await;
    assert_eq!(unkept(&session).await.0.len(), 0);
}
