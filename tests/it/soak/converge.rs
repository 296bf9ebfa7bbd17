//! An editor and programs at work on one workspace at the same time, with names of every legal kind: both sides come to the same tree, and
//! nothing that was acknowledged is lost.
//!
//! In `a/` only the editor works, and a model that could not be simpler says what must be there. In `p/` only programs work, and the
//! sandbox's own file system says it. In `s/` both work, and what either wrote must be in the tree or in the history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use carrel_protocol::WorkspacePath;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::Rng;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Chance, size};
use crate::support::client::{Session, encoded, eventually, ok};
use crate::support::process::Server;

/// How long both sides may take to agree once nobody works any more.
const AGREE: Duration = Duration::from_secs(20);

/// What `make test` gives all rounds together.
const MOST_TIME: Duration = Duration::from_secs(25);

/// Names and folders of one round: few, so that the two sides meet.
const NAMES: usize = 6;
const API_STEPS: usize = 14;
const PROGRAM_STEPS: usize = 30;

/// Does what it is told and goes on when it cannot; then says what it could.
const PROGRAM: &str = r"
import json, os, shutil, sys, time
done = []
for kind, path, other, text, pause in json.load(open(sys.argv[1])):
    path, other, text = bytes.fromhex(path), bytes.fromhex(other), text.encode()
    try:
        if kind in ('write', 'rename', 'folder', 'link', 'swap'):
            os.makedirs(os.path.dirname(other if kind == 'rename' else path), exist_ok=True)
        if kind in ('write', 'append'):
            flags = os.O_WRONLY | os.O_NOFOLLOW | (os.O_APPEND if kind == 'append' else os.O_CREAT | os.O_TRUNC)
            file = os.open(path, flags, 0o644)
            os.write(file, text)
            os.close(file)
        elif kind == 'swap':
            open(b'/workspace/p/.new', 'wb').write(text)
            os.rename(b'/workspace/p/.new', path)
        elif kind == 'rename': os.rename(path, other)
        elif kind == 'folder': os.mkdir(path)
        elif kind == 'link': os.symlink(os.path.basename(other), path)
        elif kind == 'chmod': os.chmod(path, os.lstat(path).st_mode ^ 0o111, follow_symlinks=True) if not os.path.islink(path) and os.path.isfile(path) else None
        elif kind == 'remove': shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
        done.append(True)
    except OSError:
        done.append(False)
    time.sleep(pause / 1000)
json.dump(done, open('/tmp/done.json', 'w'))
";

/// Everything there is, contents included.
const MANIFEST: &str = r"
import json, os
found = []
for folder, folders, files in os.walk(b'.'):
    for name in folders + files:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if path.startswith(b'./.carrel-tmp-'): continue
        if os.path.islink(path): what = ['symlink', False, os.readlink(path).hex()]
        elif os.path.isdir(path): what = ['folder', False, '']
        else: what = ['file', bool(mode & 0o100), open(path, 'rb').read().hex()]
        found.append([path[2:].hex()] + what)
json.dump(found, open('/tmp/manifest.json', 'w'))
";

/// What is at a path: its kind, tag of its content, target, and whether it can be run.
type Tree = BTreeMap<String, Value>;

/// A name of every legal kind.
fn name() -> impl Strategy<Value = String> {
    let twins = prop::sample::select(vec!["é", "e\u{301}", "ﬁ", "fi", "Å", "A\u{30a}", "\u{212b}", "İ", "i\u{307}"]);
    let odd = prop::sample::select(vec![
        "new\nline",
        "🦀",
        "\u{202e}gnp.exe",
        " ",
        "  a ",
        "-rf",
        "--",
        ".hidden",
        "...",
        "%2e%2e",
        "a\\b",
        "*?[x]",
        "'\"$(id)`",
        "\u{1b}[2J",
        "\u{feff}",
        "日本語.py",
        "👩‍🔬",
        "con",
        "a:b",
        "~",
        "#",
        "{}",
        "\u{7f}",
        "tab\tbed",
        "\u{200d}",
    ]);
    let longest = prop_oneof![Just("x".repeat(255)), Just("é".repeat(127)), Just(format!("{}.py", "語".repeat(84)))];
    let any = prop_oneof![
        "\\PC{1,12}",
        "[-. ~][a-zé🦀]{1,6}",
        any::<String>().prop_map(|text| text.chars().take(40).collect())
    ];
    prop_oneof![
        2 => twins.prop_map(str::to_owned),
        4 => odd.prop_map(str::to_owned),
        1 => longest,
        4 => any,
    ]
    .prop_filter("a legal name", |name: &String| !name.contains('/') && WorkspacePath::new(name.as_str()).is_ok())
}

/// Paths in an area, two levels deep, names being few.
fn path(area: &'static str, names: Vec<String>) -> impl Strategy<Value = String> {
    let name = prop::sample::select(names);
    prop_oneof![
        name.clone().prop_map(move |one| format!("{area}/{one}")),
        (name.clone(), name).prop_map(move |(folder, one)| format!("{area}/{folder}/{one}")),
    ]
}

/// What the editor does: method and paths.
#[derive(Clone, Debug)]
enum Wish {
    Save(String),
    Remove(String),
    Folder(String),
    Move(String, String),
}

fn wish(names: &[String]) -> impl Strategy<Value = Wish> + use<> {
    let names = names.to_vec();
    prop::sample::select(vec!["a", "s"]).prop_flat_map(move |area| {
        let path = || path(area, names.clone());
        prop_oneof![
            5 => path().prop_map(Wish::Save),
            1 => path().prop_map(Wish::Remove),
            1 => path().prop_map(Wish::Folder),
            2 => (path(), path()).prop_map(|(from, to)| Wish::Move(from, to)),
        ]
    })
}

/// What a program does: see there.
#[derive(Clone, Debug)]
struct Step {
    kind: &'static str,
    path: String,
    other: String,
    pause: u8,
}

fn step(names: &[String]) -> impl Strategy<Value = Step> + use<> {
    let names = names.to_vec();
    let kinds =
        vec!["write", "write", "write", "append", "swap", "rename", "rename", "remove", "chmod", "link", "folder"];
    (prop::sample::select(vec!["p", "s"]), prop::sample::select(kinds), 0_u8..15).prop_flat_map(
        move |(area, kind, pause)| {
            let path = || path(area, names.clone());
            (path(), path()).prop_map(move |(path, other)| Step { kind, path, other, pause })
        },
    )
}

fn hex(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn tag(content: &[u8]) -> String {
    format!("\"{}\"", blake3::hash(content).to_hex())
}

fn is_within(path: &str, folder: &str) -> bool {
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

async fn run(session: &Session, command: &[&str]) {
    let mut terminal = session.program(command).await;
    assert_eq!(terminal.exit().await["code"], 0, "{}", terminal.text());
    session.close_terminal(&terminal.id).await;
}

async fn in_database(session: &Session) -> Tree {
    let of = |item: &Value| json!([item["kind"], item["etag"], item["target"], item["executable"]]);
    session.tree().await.iter().map(|(path, item)| (path.clone(), of(item))).collect()
}

/// What the sandbox holds, and the names in it that are no paths.
async fn in_sandbox(session: &Session) -> (Tree, BTreeSet<Vec<u8>>) {
    run(session, &["python3", "-c", MANIFEST]).await;
    let found: Vec<(String, String, bool, String)> =
        serde_json::from_slice(&session.in_sandbox("/tmp/manifest.json").await).unwrap();
    let (mut tree, mut odd) = (Tree::new(), BTreeSet::new());
    for (path, kind, executable, content) in found {
        let content = bytes(&content);
        let Ok(path) = String::from_utf8(bytes(&path)) else {
            odd.insert(bytes(&path));
            continue;
        };
        let etag = if kind == "file" { json!(tag(&content)) } else { Value::Null };
        let target = if kind == "symlink" { json!(String::from_utf8(content).unwrap()) } else { Value::Null };
        tree.insert(path, json!([kind, etag, target, executable]));
    }
    (tree, odd)
}

/// Both sides once they agree.
async fn agreed(session: &Session) -> Tree {
    let (began, mut both) = (Instant::now(), (Tree::new(), Tree::new()));
    while began.elapsed() < AGREE {
        both.0 = in_sandbox(session).await.0;
        let looked = Instant::now();
        while looked.elapsed() < Duration::from_secs(3) {
            both.1 = in_database(session).await;
            if both.0 == both.1 {
                return both.1;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let differ: Vec<_> =
        both.0.keys().chain(both.1.keys()).filter(|path| both.0.get(*path) != both.1.get(*path)).collect();
    for path in differ {
        eprintln!("{path:?}: sandbox {:?}, database {:?}", both.0.get(path), both.1.get(path));
    }
    panic!("the sandbox and the database do not agree within {AGREE:?}");
}

/// Tags of every content the workspace has or ever had.
async fn ever(session: &Session) -> BTreeSet<String> {
    let (mut tags, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/versions/?under=true&limit=500{cursor}");
        let page = ok(session.request(Method::GET, &path).send().await.unwrap(), 200).await;
        let items = page["items"].as_array().unwrap().iter();
        tags.extend(items.filter_map(|version| version["etag"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => return tags,
        }
    }
}

/// Does what the editor wishes; the contents that were acknowledged. What was done in `a/` is done to the model as well.
async fn edit(
    session: &Session,
    wishes: &[Wish],
    round: usize,
    model: &mut BTreeMap<String, Option<String>>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for (number, wish) in wishes.iter().enumerate() {
        let content = format!("editor {round} {number}");
        let answer = match wish {
            Wish::Save(path) => session.put(path, content.clone(), &[]).await,
            Wish::Remove(path) => session.client.request(Method::DELETE, &session.file(path)).send().await.unwrap(),
            Wish::Folder(path) => session.post("/folders", &json!({ "path": path })).await,
            Wish::Move(from, to) => session.post("/move", &json!({ "from": from, "to": to })).await,
        };
        let status = answer.status();
        assert!(status.as_u16() != 500, "{wish:?}: {}", answer.text().await.unwrap());
        if !status.is_success() {
            continue;
        }
        let parents = |model: &mut BTreeMap<String, Option<String>>, path: &str| {
            for (end, _) in path.match_indices('/') {
                assert_eq!(model.entry(path[..end].to_owned()).or_insert(None), &None, "{path:?} lies in a file");
            }
        };
        match wish {
            Wish::Save(path) => {
                acknowledged.push(tag(content.as_bytes()));
                if path.starts_with("a/") {
                    parents(model, path);
                    model.insert(path.clone(), Some(tag(content.as_bytes())));
                }
            }
            Wish::Remove(path) => model.retain(|other, _| !is_within(other, path)),
            Wish::Folder(path) if path.starts_with("a/") => {
                parents(model, path);
                model.insert(path.clone(), None);
            }
            Wish::Move(from, to) if from.starts_with("a/") => {
                let moved: Vec<_> = model.keys().filter(|path| is_within(path, from)).cloned().collect();
                assert!(!moved.is_empty() && !model.contains_key(to), "{wish:?}");
                parents(model, to);
                for path in moved {
                    let content = model.remove(&path).unwrap();
                    model.insert(format!("{to}{}", &path[from.len()..]), content);
                }
            }
            _ => {}
        }
    }
    acknowledged
}

/// Runs a program that takes these steps; which of them it could.
async fn program(session: &Session, steps: &[Step], round: usize) -> Vec<bool> {
    let line = |(number, step): (usize, &Step)| {
        json!([step.kind, hex(step.path.as_bytes()), hex(step.other.as_bytes()), written(round, number), step.pause])
    };
    let plan = Value::Array(steps.iter().enumerate().map(line).collect());
    let file = format!("a/plan {round}.json");
    session.save(&file, plan.to_string()).await;
    run(session, &["python3", "-c", PROGRAM, &file]).await;
    serde_json::from_slice(&session.in_sandbox("/tmp/done.json").await).unwrap()
}

fn written(round: usize, number: usize) -> String {
    format!("program {round} {number}")
}

/// Contents the program wrote for good: nobody has taken them away since, so they are in the tree, a conflict copy or the history.
fn lasting(steps: &[Step], done: &[bool], wishes: &[Wish], round: usize) -> Vec<(String, String)> {
    let meets = |one: &str, other: &str| is_within(one, other) || is_within(other, one);
    let writes =
        steps.iter().enumerate().filter(|(number, step)| matches!(step.kind, "write" | "swap") && done[*number]);
    let lasts = |number: usize, path: &str| {
        let later = steps[number + 1..].iter();
        let by_program = later.clone().any(|step| meets(&step.path, path) || meets(&step.other, path));
        // What is deleted or moved by the editor takes along what it has not seen.
        let by_editor = wishes.iter().any(|wish| match wish {
            Wish::Save(_) | Wish::Folder(_) => false,
            Wish::Remove(other) => meets(other, path),
            Wish::Move(from, to) => meets(from, path) || meets(to, path),
        });
        !by_program && !by_editor
    };
    writes
        .filter(|(number, step)| lasts(*number, &step.path))
        .map(|(number, step)| (step.path.clone(), tag(written(round, number).as_bytes())))
        .collect()
}

#[tokio::test]
async fn an_editor_and_programs_at_once_come_to_one_tree_and_lose_nothing() {
    let mut chance = Chance::new();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chance.random.random::<[u8; 32]>());
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut choose = |names: &[String]| {
        let wishes = prop::collection::vec(wish(names), API_STEPS).new_tree(&mut runner).unwrap().current();
        (wishes, prop::collection::vec(step(names), PROGRAM_STEPS).new_tree(&mut runner).unwrap().current())
    };
    let names_rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chance.random.random::<[u8; 32]>());
    let mut names_runner = TestRunner::new_with_rng(Config::default(), names_rng);

    let session = Server::shared().await.user().await.ready_session().await;
    let (began, mut round, mut acknowledged, mut model) = (Instant::now(), 0, Vec::new(), BTreeMap::new());
    let mut lasts = Vec::new();
    while round < size(8, 150) && (round < 2 || size(began.elapsed() < MOST_TIME, true)) {
        let names = prop::collection::vec(name(), NAMES).new_tree(&mut names_runner).unwrap().current();
        let (wishes, steps) = choose(&names);
        let mut meanwhile = model.clone();
        let (edited, done) =
            tokio::join!(edit(&session, &wishes, round, &mut meanwhile), program(&session, &steps, round));
        model = meanwhile;
        acknowledged.extend(edited);
        lasts.extend(lasting(&steps, &done, &wishes, round));
        let tree = agreed(&session).await;
        let mut alone = tree.clone();
        alone.retain(|path, _| path.starts_with("a/") && !path.starts_with("a/plan "));
        let expected = model.iter().filter(|(path, _)| path.starts_with("a/") && !path.starts_with("a/plan "));
        let expected: Tree = expected
            .map(|(path, content)| {
                (path.clone(), json!([if content.is_some() { "file" } else { "folder" }, content, null, false]))
            })
            .collect();
        assert_eq!(alone, expected, "round {round}: {wishes:#?}");
        round += 1;
    }
    let ever = ever(&session).await;
    let lost: Vec<_> = acknowledged.iter().filter(|tag| !ever.contains(*tag)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged saves are nowhere", lost.len(), acknowledged.len());
    let lost: Vec<_> = lasts.iter().filter(|(_, tag)| !ever.contains(tag)).collect();
    assert!(lost.is_empty(), "of what programs wrote these are nowhere: {lost:?}");
    let before = in_database(&session).await;
    session.stop().await;
    assert_eq!(in_database(&session).await, before, "nothing changed by stopping");
    session.start().await;
    assert_eq!(in_sandbox(&session).await.0, before, "nor in another sandbox");
    eprintln!("{round} rounds, {} saves, {} lasting writes in {:?}", acknowledged.len(), lasts.len(), began.elapsed());
}

#[tokio::test]
async fn names_that_are_not_utf_8_are_left_out_with_the_reason_and_disturb_nothing() {
    let session = Server::shared().await.user().await.ready_session().await;
    let names: [&[u8]; 5] = [b"caf\xe9", b"\xff", b"d/\xc0\xaf", b"\xed\xa0\x80 surrogate", b"d/cut \xe2\x82"];
    let make = "
import os, sys
os.makedirs('d', exist_ok=True)
for name in sys.argv[1:]: open(bytes.fromhex(name), 'w').write('x')
open('d/beside', 'w').write('kept')
open(r'caf\\xe9', 'w').write('a name that looks like the rendering of another')
";
    let hexed: Vec<_> = names.iter().map(|name| hex(name)).collect();
    let mut command = vec!["python3", "-c", make];
    command.extend(hexed.iter().map(String::as_str));
    run(&session, &command).await;
    let listed = async || {
        let list = ok(session.request(Method::GET, "/unkept").send().await.unwrap(), 200).await;
        let items = list["items"].as_array().unwrap().clone();
        (items.len() == names.len() && items.iter().all(|item| item["why"] == "name")).then_some(())
    };
    eventually(AGREE, "five names that cannot be kept", listed).await;
    let (tree, odd) = in_sandbox(&session).await;
    assert_eq!(odd, names.iter().map(|name| name.to_vec()).collect());
    let same = async || (in_database(&session).await == tree).then_some(());
    eventually(AGREE, "everything else", same).await;
    // The one that looks like a rendering goes when it goes, although the other stays.
    run(&session, &["python3", "-c", r"import os; os.remove(r'caf\xe9')"]).await;
    session.stop().await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["d", "d/beside"]);
}
