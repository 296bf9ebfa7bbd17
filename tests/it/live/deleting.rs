//! What goes with a folder that is deleted, what does not unasked, and what goes although only the sandbox has it.

use reqwest::Method;
use serde_json::{Value, json};

use super::unkept::{content, expect, run};
use crate::support::client::{Session, ok};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// A program that fails unless the sandbox holds nothing but what the agent works with.
const EMPTY: &str =
    "import os; names = os.listdir('.'); assert all(name.startswith('.carrel-tmp-') for name in names), names";

/// A session whose files have at most 1 MiB, of which a workspace has at most twenty.
async fn session() -> (Server, Session) {
    let limits = [("CARREL_WORKSPACE__MAX_ITEMS", "20"), ("CARREL_WORKSPACE__MAX_FILE_MB", "1")];
    let server = Server::start_with(&limits).await;
    let session = server.user().await.ready_session().await;
    (server, session)
}

/// What a refusal to delete says.
async fn refused(session: &Session, path: &str) -> String {
    let answer = session.client.request(Method::DELETE, &session.file(path)).send().await.unwrap();
    detail(&ok(answer, 409).await)
}

fn detail(problem: &Value) -> String {
    assert_eq!(problem["code"], "holds_unkept");
    problem["detail"].as_str().unwrap().to_owned()
}

async fn give_up(session: &Session, path: &str) {
    let url = format!("{}?discard=true", session.file(path));
    let answer = session.client.request(Method::DELETE, &url).send().await.unwrap();
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn what_could_not_be_saved_goes_with_its_folder_only_when_its_user_says_so() {
    let (_server, session) = session().await;
    let program = "
import os
os.makedirs('d/deep')
open('d/a', 'w').write('a')
open('d/b', 'w').write('b')
open('d/deep/big', 'wb').write(b'x' * (2 << 20))
";
    session.save("d/first", "kept").await;
    run(&session, program).await;
    let said = refused(&session, "d").await;
    assert!(said.contains("d/deep/big (larger than 1 MB, the most a file may have); move"), "{said}");
    assert_eq!(session.in_sandbox("d/deep/big").await, vec![b'x'; 2 << 20]);
    content(&session, "d/a", Some(b"a")).await;
    // What has no part in it goes as ever.
    session.remove("d/b").await;
    give_up(&session, "d").await;
    assert_eq!(session.tree().await.len(), 0);
    run(&session, "import os; assert not os.path.exists('d')").await;
    expect(&session, &[]).await;
    ok(session.post("/restore", &json!({ "path": "d" })).await, 200).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["d", "d/a", "d/deep", "d/first"]);
}

#[tokio::test]
async fn what_is_ignored_goes_with_its_folder_unasked() {
    let (_server, session) = session().await;
    let program = "
import os
for folder in ['d/.venv/bin', 'd/__pycache__']:
    os.makedirs(folder)
    open(folder + '/big', 'wb').write(b'x' * (2 << 20))
os.symlink('/usr/bin/python3', 'd/.venv/bin/python')
open('d/app.log', 'w').write('log')
";
    session.save("d/.carrelignore", "*.log\n").await;
    run(&session, program).await;
    session.remove("d").await;
    run(&session, EMPTY).await;
}

#[tokio::test]
async fn a_file_whose_last_content_could_not_be_saved_goes_when_it_is_named() {
    let (_server, session) = session().await;
    session.save("grown", "small").await;
    run(&session, "open('grown', 'wb').write(b'x' * (2 << 20))").await;
    expect(&session, &[("grown", "file", "too_large")]).await;
    session.remove("grown").await;
    run(&session, EMPTY).await;
    expect(&session, &[]).await;
}

#[tokio::test]
async fn of_many_nothing_goes_when_one_holds_what_is_only_in_the_sandbox() {
    let (_server, session) = session().await;
    let program = "
import os
open(b'd/caf\\xe9', 'w').close()
os.mkfifo('d/pipe')
os.symlink('/etc/passwd', 'd/out')
open(b'e\\n/\\xe9', 'w').close()
open('d/shut', 'w').close()
os.chmod('d/shut', 0)
";
    session.save("d/a", "a").await;
    session.save("e\n/a", "a").await;
    session.save("f/a", "a").await;
    run(&session, program).await;
    let all = json!({ "paths": ["f", "e\n", "d"] });
    let said = detail(&ok(session.post("/delete", &all).await, 409).await);
    for named in ["d/caf\\xe9 (with a name", "d/out (a link that leads out", "d/pipe (neither", "and 2 more;"] {
        assert!(said.contains(named), "{said}");
    }
    let odd = detail(&ok(session.post("/delete", &json!({ "paths": ["f", "e\n"] })).await, 409).await);
    assert!(odd.contains("\\xe9 (with a name"), "{odd}");
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["d", "d/a", "e\n", "e\n/a", "f", "f/a"]);
    let gone = ok(session.post("/delete?discard=true", &all).await, 200).await;
    assert_eq!(gone["removed"], 6);
    run(&session, EMPTY).await;
}

#[tokio::test]
async fn what_is_given_up_by_name_goes_and_nothing_else() {
    let (_server, session) = session().await;
    let program = "
import os
os.makedirs('d')
for name in ('asked', 'unasked'):
    open('d/' + name, 'wb').write(b'x' * (2 << 20))
";
    run(&session, program).await;
    let delete = async |give_up: &[&str]| session.post("/delete", &json!({ "paths": ["d"], "give_up": give_up })).await;
    let said = detail(&ok(delete(&["d/asked"]).await, 409).await);
    assert!(said.contains("d/unasked (larger") && !said.contains("d/asked"), "{said}");
    assert_eq!(session.in_sandbox("d/asked").await.len(), 2 << 20);
    ok(delete(&["d/asked", "d/unasked"]).await, 200).await;
    run(&session, "import os; assert not os.path.exists('d')").await;
}

#[tokio::test]
async fn who_has_more_than_fits_makes_room_by_deleting() {
    let (_server, session) = session().await;
    for path in ["mine/a", "full/a", "single"] {
        session.save(path, "x").await;
    }
    run(&session, "for n in range(50): open(f'full/{n:02}', 'w').close()").await;
    session.remove("mine").await;
    let said = refused(&session, "full").await;
    assert!(said.contains("full/00 (no room in the workspace") && said.contains(" and 47 more;"), "{said}");
    // Now so many that nobody can say which of them are too many.
    run(&session, "for n in range(2000): open(f'full/{n:04}', 'w').close()").await;
    let said = refused(&session, "full").await;
    assert!(said.contains("perhaps what is beyond 20 files and folders;"), "{said}");
    session.remove("single").await;
    give_up(&session, "full").await;
    expect(&session, &[]).await;
    session.save("room/again", "x").await;
    session.remove("room").await;
    assert_eq!(session.tree().await.len(), 0);
}

#[tokio::test]
async fn a_file_that_is_being_written_goes_with_its_folder_only_when_its_user_says_so() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("d/restless", "x").await;
    let program = "
file = open('d/restless', 'r+b', buffering=0)
file.truncate(8_000_000)
print('running', flush=True)
while True:
    file.seek(0); file.write(b'x')
";
    let mut terminal = session.program(&["python3", "-c", program]).await;
    terminal.expect("running").await;
    let said = refused(&session, "d").await;
    assert!(said.contains("d/restless (a program is writing it)"), "{said}");
    give_up(&session, "d").await;
    assert_eq!(session.tree().await.len(), 0);
    session.close_terminal(&terminal.id).await;
}

#[tokio::test]
async fn what_only_the_sandbox_has_goes_by_its_name() {
    let (_server, session) = session().await;
    let program = "
import os
open('big', 'wb').write(b'x' * (2 << 20))
open('app.log', 'w').write('log')
open('shut', 'w').close()
os.chmod('shut', 0)
os.symlink('/etc/passwd', 'out')
for folder in ['.venv/bin', 'd/__pycache__']:
    os.makedirs(folder)
    open(folder + '/a', 'w').close()
    open(folder + '/b', 'w').close()
";
    session.save(".carrelignore", "*.log\n").await;
    run(&session, program).await;
    let all = [
        (".venv", "folder", "ignored"),
        ("app.log", "file", "ignored"),
        ("big", "file", "too_large"),
        ("d/__pycache__", "folder", "ignored"),
        ("out", "other", "link"),
        ("shut", "file", "unreadable"),
    ];
    expect(&session, &all).await;
    let mut events = session.events().await;
    session.remove("big").await;
    events.until("unkept", PATIENCE, |message| message["type"] == "unkept").await;
    for path in ["app.log", "shut", "out", "d/__pycache__"] {
        session.remove(path).await;
    }
    // Not even its list names it.
    session.remove(".venv/bin/a").await;
    run(&session, "import os; assert os.listdir('.venv/bin') == ['b']").await;
    session.remove(".venv").await;
    expect(&session, &[]).await;
    run(&session, "import os; assert not os.path.exists('.venv') and os.listdir('d') == []").await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), [".carrelignore", "d"]);
    session.remove(".carrelignore").await;
    session.remove("d").await;
    run(&session, EMPTY).await;
}

#[tokio::test]
async fn a_file_a_program_has_just_made_is_kept_before_it_goes() {
    let (_server, session) = session().await;
    // Nobody waits until it is collected.
    run(&session, "open('made', 'w').write('a moment ago')").await;
    session.remove("made").await;
    run(&session, EMPTY).await;
    ok(session.post("/restore", &json!({ "path": "made" })).await, 200).await;
    content(&session, "made", Some(b"a moment ago")).await;
}

#[tokio::test]
async fn of_many_nothing_goes_when_one_is_nowhere_or_beyond_a_link() {
    let (_server, session) = session().await;
    let program = "
import os
os.makedirs('.venv/lib')
open('.venv/lib/a', 'w').close()
os.symlink('lib', '.venv/link')
os.mkdir('real')
open('real/big', 'wb').write(b'x' * (2 << 20))
os.symlink('real', 'link')
open('big', 'wb').write(b'x' * (2 << 20))
";
    session.save("kept", "x").await;
    run(&session, program).await;
    expect(
        &session,
        &[(".venv", "folder", "ignored"), ("big", "file", "too_large"), ("real/big", "file", "too_large")],
    )
    .await;
    for (other, status) in [
        ("absent", 404),
        ("absent/too", 404),
        ("kept/below", 404),
        ("big/below/too", 404),
        (".venv/absent", 404),
        ("link/big", 400),
        (".venv/link/a", 400),
    ] {
        // What lies below another that is named goes with that, be it there or not.
        let lies_below = other.starts_with("kept/") || other.starts_with("big/");
        let paths = if lies_below { json!(["link", other]) } else { json!(["big", "kept", other]) };
        ok(session.post("/delete", &json!({ "paths": paths })).await, status).await;
        let alone = session.client.request(Method::DELETE, &session.file(other)).send().await.unwrap();
        ok(alone, status).await;
    }
    let still = "
import os
assert all(map(os.path.exists, ['big', 'kept', 'link/big', '.venv/link/a']))
";
    run(&session, still).await;
    let gone = session.post("/delete", &json!({ "paths": ["big", "kept", ".venv/link"] })).await;
    assert_eq!(ok(gone, 200).await["removed"], 3);
    run(&session, "import os; assert sorted(os.listdir('.venv')) == ['lib'] and not os.path.exists('big')").await;
    expect(&session, &[(".venv", "folder", "ignored"), ("real/big", "file", "too_large")]).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["link", "real"]);
}

#[tokio::test]
async fn a_folder_only_the_sandbox_has_holds_on_to_what_was_to_be_kept() {
    let (_server, session) = session().await;
    for number in 0..20 {
        session.save(&format!("{number:02}"), "x").await;
    }
    run(&session, "import os; os.mkdir('more'); open('more/a', 'w').close(); os.makedirs('.venv/bin')").await;
    let more = [(".venv", "folder", "ignored"), ("more", "folder", "quota"), ("more/a", "file", "quota")];
    expect(&session, &more).await;
    let said = refused(&session, "more").await;
    assert!(said.contains("more/a (no room in the workspace"), "{said}");
    session.remove(".venv").await;
    expect(&session, &more[1..]).await;
    give_up(&session, "more").await;
    expect(&session, &[]).await;
    run(&session, "import os; assert not os.path.exists('more') and not os.path.exists('.venv')").await;
    assert_eq!(session.tree().await.len(), 20);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found_without_a_sandbox_either() {
    let session = Server::shared().await.user().await.ready_session().await;
    run(&session, "import os; os.makedirs('.venv/bin')").await;
    session.stop().await;
    let answer = session.client.request(Method::DELETE, &session.file(".venv")).send().await.unwrap();
    ok(answer, 404).await;
}

#[tokio::test]
async fn a_restore_to_a_time_takes_along_not_even_what_is_ignored() {
    let (_server, session) = session().await;
    session.save("mark", "x").await;
    let versions = ok(session.request(Method::GET, "/versions/mark").send().await.unwrap(), 200).await;
    let then = json!({ "at": versions["items"][0]["at"] });
    session.save("late/a", "a").await;
    run(&session, "import os; os.makedirs('late/.venv'); open('late/.venv/x', 'w').close()").await;
    let said = detail(&ok(session.post("/restore", &then).await, 409).await);
    assert!(said.contains("late/.venv (ignored by"), "{said}");
    assert_eq!(session.in_sandbox("late/.venv/x").await, b"");
    run(&session, "import shutil; shutil.rmtree('late/.venv')").await;
    ok(session.post("/restore", &then).await, 200).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["mark"]);
}
