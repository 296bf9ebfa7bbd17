//! Files between the editor, the sandbox and the database, in both directions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Session, ok};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// How soon after its change in the sandbox a file must be in the database and on the page.
const SOON: Duration = Duration::from_secs(1);

/// What a loaded machine may add to that.
const SLACK: Duration = Duration::from_secs(1);

/// Names no program should have to fear.
const NAMES: &[&str] =
    &["new\nline", "🦀 crab", "\u{202e}gnp.exe", "sp ace/%2e%2e#?&;", "e\u{301} and é", "-rf", "'\"$(id)`"];

/// A command and what must be at which paths afterwards.
type Step<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

async fn session() -> Session {
    Server::shared().await.user().await.ready_session().await
}

/// Bytes that look random and are the same every time.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56).to_le_bytes()[0]
    };
    (0..length).map(step).collect()
}

/// Runs a Python program in the sandbox to its end.
async fn python(session: &Session, program: &str) -> Terminal {
    let mut terminal = session.program(&["python3", "-c", program]).await;
    assert_eq!(terminal.exit().await["code"], 0, "{}", terminal.text());
    terminal
}

#[tokio::test]
async fn a_saved_file_is_in_the_sandbox_when_the_request_returns() {
    let session = session().await;
    let mut shell = session.shell().await;
    for round in 0..10 {
        session.save("deep/er/file.txt", format!("round {round}\n")).await;
        assert_eq!(shell.run("cat deep/er/file.txt").await, (format!("round {round}\n"), 0));
    }
    session.remove("deep").await;
    assert_eq!(shell.run("command ls").await, (String::new(), 0));
    ok(session.post("/folders", &json!({ "path": "made/here" })).await, 201).await;
    assert_eq!(shell.run("command ls made").await, ("here\n".into(), 0));
}

#[tokio::test]
async fn what_happens_in_the_terminal_is_in_tree_database_and_events_within_a_second() {
    let session = session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    let steps: [Step; 7] = [
        ("echo made > a.txt", &[("a.txt", Some("made\n"))]),
        ("echo changed >> a.txt", &[("a.txt", Some("made\nchanged\n"))]),
        ("mv a.txt b.txt", &[("a.txt", None), ("b.txt", Some("made\nchanged\n"))]),
        ("mkdir -p x/y && cp b.txt x/y/c.txt", &[("x/y/c.txt", Some("made\nchanged\n"))]),
        ("mv x z", &[("x", None), ("z/y/c.txt", Some("made\nchanged\n"))]),
        ("sed -i s/made/mended/ z/y/c.txt", &[("z/y/c.txt", Some("mended\nchanged\n"))]),
        ("rm -r z b.txt", &[("z", None), ("b.txt", None)]),
    ];
    for (command, expected) in steps {
        shell.run(command).await;
        let began = std::time::Instant::now();
        for (path, content) in expected {
            let look = async || {
                let right = match content {
                    Some(content) => session.read(path).await.as_deref() == Some(content.as_bytes()),
                    None => !session.tree().await.contains_key(*path),
                };
                right.then_some(())
            };
            crate::support::client::eventually(SOON + SLACK, &format!("{command}: {path}"), look).await;
        }
        eprintln!("{command}: {:?}", began.elapsed());
    }
    assert!(session.tree().await.is_empty());
    for path in ["a.txt", "b.txt", "x/y/c.txt", "z/y/c.txt"] {
        let told = events.heard.iter().any(|message| message.to_string().contains(path));
        if !told {
            events.tree(path, true, SLACK).await;
        }
    }
    events.tree("z", false, SLACK).await;
}

#[tokio::test]
async fn binary_files_are_the_same_byte_for_byte_in_both_directions() {
    let session = session().await;
    let mut events = session.events().await;
    let all: Vec<u8> = (0..=255).collect();
    for (name, content) in [
        ("bytes.bin", all),
        ("noise.bin", noise(5_000_000, 1)),
        ("chunk.bin", noise(65_536, 2)),
        ("empty.bin", Vec::new()),
    ] {
        session.save(name, content.clone()).await;
        python(&session, &format!("import shutil; shutil.copy('{name}', 'copy-{name}')")).await;
        events.tree(&format!("copy-{name}"), true, PATIENCE).await;
        assert!(session.read(&format!("copy-{name}")).await.unwrap() == content, "{name} from the sandbox");
        // A file of the sandbox's own making, whose content the database has never seen.
        python(&session, &format!("d=open('{name}','rb').read(); open('own-{name}','wb').write(d[::-1]+b'!')")).await;
        events.tree(&format!("own-{name}"), true, PATIENCE).await;
        let expected: Vec<u8> = content.iter().rev().copied().chain(*b"!").collect();
        assert!(session.read(&format!("own-{name}")).await.unwrap() == expected, "{name} made in the sandbox");
    }
}

#[tokio::test]
async fn any_name_goes_both_ways() {
    let session = session().await;
    let mut events = session.events().await;
    for name in NAMES {
        session.save(&format!("up/{name}"), name.as_bytes()).await;
    }
    let program = "
import os
for folder, _, files in os.walk('up'):
    for file in files:
        path = os.path.join(folder, file)
        assert open(path).read() == os.path.relpath(path, 'up'), path
os.rename('up', 'down')
open('done', 'w').close()
";
    python(&session, program).await;
    events.tree("done", true, PATIENCE).await;
    let tree = session.tree().await;
    for name in NAMES {
        assert!(tree.contains_key(&format!("down/{name}")), "{name:?} in {:?}", tree.keys());
        assert_eq!(session.read(&format!("down/{name}")).await.unwrap(), name.as_bytes());
    }
    assert!(!tree.keys().any(|path| path.starts_with("up")), "{:?}", tree.keys());
}

#[tokio::test]
async fn modes_links_and_empty_folders_are_kept() {
    let session = session().await;
    let mut events = session.events().await;
    let program = "
import os
os.makedirs('empty/inner')
open('run.sh', 'w').write('#!/bin/sh\\necho it runs\\n')
os.chmod('run.sh', 0o755)
os.symlink('run.sh', 'link')
os.symlink('../run.sh', 'empty/up')
os.symlink('/etc/passwd', 'out')
open('done', 'w').close()
";
    python(&session, program).await;
    events.tree("done", true, PATIENCE).await;
    events.notice("out is not kept", PATIENCE).await;
    let check = |tree: &std::collections::BTreeMap<String, Value>| {
        assert_eq!(tree["empty/inner"]["kind"], "folder");
        assert_eq!((&tree["run.sh"]["executable"], &tree["done"]["executable"]), (&json!(true), &json!(false)));
        assert_eq!((&tree["link"]["kind"], &tree["link"]["target"]), (&json!("symlink"), &json!("run.sh")));
        assert_eq!(tree["empty/up"]["target"], "../run.sh");
        assert!(!tree.contains_key("out"), "a link that leads out");
    };
    check(&session.tree().await);
    // A save from the editor keeps the bit; another sandbox gets all of it back.
    session.save("run.sh", "#!/bin/sh\necho it still runs\n").await;
    session.stop().await;
    session.start().await;
    let mut shell = session.shell().await;
    assert_eq!(
        shell.run("./link; empty/up; find . ! -name '.carrel-tmp-*' | sort").await.0,
        "it still runs\nit still runs\n.\n./done\n./empty\n./empty/inner\n./empty/up\n./link\n./run.sh\n"
    );
    check(&session.tree().await);
}

#[tokio::test]
async fn a_thousand_files_at_once_come_over_and_go_again() {
    let session = session().await;
    let program = "
import os
for n in range(1000):
    os.makedirs(f'many/{n % 20}', exist_ok=True)
    open(f'many/{n % 20}/{n}.txt', 'w').write(str(n))
";
    python(&session, program).await;
    let all = async || (session.tree().await.len() == 1021).then_some(());
    crate::support::client::eventually(Duration::from_secs(10), "a thousand files", all).await;
    assert_eq!(session.read("many/19/999.txt").await.unwrap(), b"999");
    python(&session, "import shutil; shutil.rmtree('many')").await;
    let none = async || session.tree().await.is_empty().then_some(());
    crate::support::client::eventually(Duration::from_secs(10), "nothing", none).await;
}
