//! Workspaces on volumes: what survives the death of a sandbox, what does not, and that nothing is left of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use carrel::engine::SandboxSpec;
use carrel::model::SandboxId;
use carrel::volumes::{Geometry, Volumes};
use reqwest::Method;
use rustix::mount::UnmountFlags;
use serde_json::Value;

use super::life::{containers, engine};
use crate::support::client::{READY, Session, eventually, ok};
use crate::support::engine::TestEngine;
use crate::support::events::Events;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;
use crate::support::volumes::can_be_had;

/// Files a program leaves behind.
const FILES: usize = 600;

/// Keeps the database from learning what programs write.
const DEAF: &str = "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
    create trigger refuse before insert or update or delete on workspace_items for each row execute function refuse()";

/// What the database is to learn later.
const PROGRAM: &str = "
import os
for n in range(600):
    os.makedirs(f'made/{n % 7}', exist_ok=True)
    open(f'made/{n % 7}/{n}.txt', 'w').write(f'content of {n}\\n' * (n % 50))
open('saved.txt', 'w').write('changed')
os.remove('removed.txt')
open('run.sh', 'w').write('#!/bin/sh\\necho it runs\\n')
os.chmod('run.sh', 0o755)
os.symlink('made/1', 'link')
os.makedirs('.venv')
open('.venv/installed', 'w').write('ignored, and kept')
print('all written', flush=True)
";

/// A ready session in whose sandbox a program has written much of which the database knows nothing.
pub(super) async fn with_unsaved(server: &Server) -> Session {
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    session.save("removed.txt", "as saved").await;
    server.sql(DEAF).await;
    let mut terminal = session.program(&["python3", "-c", PROGRAM]).await;
    terminal.expect("all written").await;
    assert_eq!(terminal.exit().await["code"], 0);
    session
}

/// Kills every sandbox, and waits until a session knows of its own.
async fn dies(server: &Server, events: &mut Events) -> Value {
    server.kill_sandboxes().await;
    events.state("cold", Duration::from_secs(5)).await
}

/// A session whose sandbox has died [`with_unsaved`], and a database that learns again.
pub(super) async fn with_a_dead_sandbox(server: &Server) -> (Session, Events) {
    let session = with_unsaved(server).await;
    let mut events = session.events().await;
    dies(server, &mut events).await;
    server.sql("drop trigger refuse on workspace_items").await;
    (session, events)
}

/// Everything the program wrote is in the database.
pub(super) async fn all_saved(session: &Session) {
    let tree = session.tree().await;
    for n in 0..FILES {
        let path = format!("made/{}/{n}.txt", n % 7);
        assert_eq!(tree[&path]["size"], format!("content of {n}\n").repeat(n % 50).len(), "{path}");
    }
    assert_eq!(session.read("made/2/583.txt").await.unwrap(), "content of 583\n".repeat(33).as_bytes());
    assert_eq!(session.read("saved.txt").await.unwrap(), b"changed");
    assert!(!tree.contains_key("removed.txt"), "what a program removed stays so");
    assert_eq!((&tree["run.sh"]["executable"], &tree["link"]["target"]), (&true.into(), &"made/1".into()));
    assert!(!tree.contains_key(".venv/installed"));
}

/// The folders of a server's volumes.
pub(super) fn volumes(server: &Server) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(server.data.join("volumes"));
    folder.map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// What is mounted below a folder.
pub(super) fn mounts(below: &Path) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.lines().filter(|line| line.contains(below.to_str().unwrap())).map(str::to_owned).collect()
}

pub(super) async fn no_volume(server: &Server) {
    let none = async || (volumes(server).is_empty() && mounts(&server.data).is_empty()).then_some(());
    eventually(PATIENCE, "no volume", none).await;
}

#[tokio::test]
async fn everything_a_program_had_written_when_its_sandbox_was_killed_is_there_when_it_is_opened_again() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = with_unsaved(&server).await;
    let mut events = session.events().await;
    let cold = dies(&server, &mut events).await;
    let reason = cold["reason"].as_str().unwrap();
    assert!(reason.contains("exit code 137") && reason.contains("comes back when you open"), "{reason}");
    let gone = async || containers(&engine(&server).await).await.is_empty().then_some(());
    eventually(PATIENCE, "the dead container is removed", gone).await;
    assert_eq!(session.read("saved.txt").await.unwrap(), b"as saved");
    server.sql("drop trigger refuse on workspace_items").await;

    session.start().await;
    all_saved(&session).await;
    let mut shell = session.shell().await;
    assert_eq!(shell.run("./run.sh; cat .venv/installed").await.0, "it runs\nignored, and kept");
    assert_eq!(shell.run("find made -type f | wc -l; ls -A | grep lost").await.0, "600\n");
    let mounted = shell.run("command grep ' /workspace ' /proc/mounts").await.0;
    for option in [" ext4 ", "nosuid", "nodev", "noatime"] {
        assert!(mounted.contains(option), "{mounted}");
    }
    // And again, from a sandbox that was brought back.
    shell.run("echo once more > more.txt").await;
    dies(&server, &mut events).await;
    session.start().await;
    assert_eq!(session.read("more.txt").await.unwrap(), b"once more\n");
    session.stop().await;
    no_volume(&server).await;
}

#[tokio::test]
async fn what_was_written_survives_the_death_of_server_and_sandbox() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = with_unsaved(&server).await;
    server.kill_9().await;
    server.kill_sandboxes().await;
    server.sql("drop trigger refuse on workspace_items").await;
    server.start_again().await;
    let cold = async || Some(session.get().await).filter(|now| now["state"] == "cold");
    let cold = eventually(PATIENCE, "a cold session", cold).await;
    let reason = cold["reason"].as_str().unwrap();
    assert!(reason.contains("while the server was away") && reason.contains("comes back"), "{reason}");
    // A server that ends politely leaves it as well as one that does not.
    assert!(server.terminate().await.0.success());
    server.start_again().await;
    session.start().await;
    all_saved(&session).await;
}

#[tokio::test]
async fn a_save_while_a_dead_sandbox_is_brought_back_is_not_undone_by_what_it_has_left() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let (session, mut events) = with_a_dead_sandbox(&server).await;
    ok(session.request(Method::POST, "/start").send().await.unwrap(), 202).await;
    session.save("saved.txt", "newer").await;
    events.state("ready", READY).await;
    assert_eq!(session.in_sandbox("saved.txt").await, b"newer");
    assert_eq!(session.read("saved.txt").await.unwrap(), b"newer");
}

#[tokio::test]
async fn a_save_into_what_a_dead_sandbox_has_left_overtakes_nothing_and_is_overtaken_by_nothing() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let (session, mut events) = with_a_dead_sandbox(&server).await;
    session.save("by-hand.txt", "by hand").await;
    events.state("ready", READY).await;
    all_saved(&session).await;
    assert_eq!(session.in_sandbox("by-hand.txt").await, b"by hand");
    assert_eq!(session.read("by-hand.txt").await.unwrap(), b"by hand");
}

#[tokio::test]
async fn what_a_dead_sandbox_has_left_is_collected_by_itself_when_nobody_opens_the_session() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start_with(&[("CARREL_ACTORS__PASSIVATE_SECONDS", "1")]).await;
    let session = with_unsaved(&server).await;
    server.kill_sandboxes().await;
    let kept = async || (session.get().await["state"] == "cold").then_some(());
    eventually(PATIENCE, "a cold session", kept).await;
    server.sql("drop trigger refuse on workspace_items").await;
    no_volume(&server).await;
    all_saved(&session).await;
    let now = session.get().await;
    assert_eq!(now["state"], "cold");
    assert!(now["reason"].as_str().unwrap().contains("exit code 137"), "{now}");
    assert!(now["reason"].as_str().unwrap().contains("was saved afterwards"), "{now}");
    assert!(containers(&engine(&server).await).await.is_empty());
}

#[tokio::test]
async fn carrel_down_collects_what_a_dead_sandbox_has_left() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = with_unsaved(&server).await;
    server.kill_9().await;
    server.kill_sandboxes().await;
    server.sql("drop trigger refuse on workspace_items").await;
    let down = server.run(&["down"]).await;
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert!(volumes(&server).is_empty() && mounts(&server.data).is_empty());
    server.start_again().await;
    all_saved(&session).await;
}

#[tokio::test]
async fn a_volume_that_was_cut_off_with_its_machine_is_not_believed_and_its_user_told() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    let mut events = session.events().await;
    dies(&server, &mut events).await;
    // As after a power failure: not mounted, and not unmounted either.
    let volume = volumes(&server).pop().unwrap();
    rustix::mount::unmount(volume.join("mnt"), UnmountFlags::empty()).unwrap();
    let image = std::fs::File::options().write(true).open(volume.join("image")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&image, &[0, 0], 1024 + 0x3A).unwrap();
    ok(session.request(Method::POST, "/start").send().await.unwrap(), 202).await;
    let lost = |event: &Value| {
        event["type"] == "notice"
            && event["text"]
                .as_str()
                .is_some_and(|text| text.contains("is lost") && text.contains("the machine failed"))
    };
    events.until("a word to its user", READY, lost).await;
    events.state("ready", READY).await;
    assert_eq!(session.in_sandbox("saved.txt").await, b"as saved");
    assert!(!volume.exists());
}

#[tokio::test]
async fn a_deleted_sessions_volume_goes_with_it() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let mut events = session.events().await;
    dies(&server, &mut events).await;
    assert_eq!(volumes(&server).len(), 1);
    assert_eq!(session.request(Method::DELETE, "").send().await.unwrap().status(), 204);
    no_volume(&server).await;
}

#[tokio::test]
async fn in_memory_a_session_that_would_lose_what_could_not_be_saved_does_not_end_by_itself() {
    let settings = [
        ("CARREL_SANDBOX__STORAGE", "memory"),
        ("CARREL_SANDBOX__IDLE_SECONDS", "4"),
        ("CARREL_SANDBOX__WATCHED_SECONDS", "4"),
        ("CARREL_WORKSPACE__MAX_FILE_MB", "1"),
    ];
    let server = Server::start_with(&settings).await;
    let session = server.user().await.ready_session().await;
    let mut events = session.events().await;
    let write = ["python3", "-c", "open('big', 'wb').write(b'x' * (2 << 20))"];
    assert_eq!(session.program(&write).await.exit().await["code"], 0);
    events
        .notice("would stop by itself, and runs on: the sandbox holds what could not be saved: big (larger", READY)
        .await;
    assert_eq!(session.get().await["state"], "ready");
    let remove = ["python3", "-c", "import os; os.remove('big')"];
    assert_eq!(session.program(&remove).await.exit().await["code"], 0);
    assert_eq!(events.state("cold", READY).await["reason"], "stopped after 4 s without use");
}

#[tokio::test]
async fn in_memory_what_dies_with_a_sandbox_that_could_not_be_saved_is_named() {
    let settings = [("CARREL_SANDBOX__STORAGE", "memory"), ("CARREL_WORKSPACE__MAX_FILE_MB", "1")];
    let server = Server::start_with(&settings).await;
    let session = server.user().await.ready_session().await;
    let mut events = session.events().await;
    let write = ["python3", "-c", "open('big', 'wb').write(b'x' * (2 << 20))"];
    assert_eq!(session.program(&write).await.exit().await["code"], 0);
    events.notice("big is not saved", PATIENCE).await;
    server.kill_sandboxes().await;
    let reason = events.state("cold", PATIENCE).await["reason"].to_string();
    assert!(reason.contains("with it went what could not be saved: big (larger than 1 MB"), "{reason}");
}

#[tokio::test]
async fn in_memory_a_killed_sandboxs_files_come_from_the_database() {
    let server = Server::start_with(&[("CARREL_SANDBOX__STORAGE", "memory")]).await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    assert!(volumes(&server).is_empty() && server.log().contains("workspaces lie in memory"));
    let mut events = session.events().await;
    let cold = dies(&server, &mut events).await;
    assert!(cold["reason"].as_str().unwrap().contains("your saved files are all here"), "{cold}");
    session.start().await;
    assert_eq!(session.in_sandbox("saved.txt").await, b"as saved");
    assert!(session.shell().await.run("command grep ' /workspace ' /proc/mounts").await.0.contains("tmpfs"));
}

#[tokio::test]
async fn a_volume_that_is_nobodys_is_swept_and_one_that_somebody_has_is_not() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    let mut events = session.events().await;
    dies(&server, &mut events).await;
    // Somebody looks, so it is not collected meanwhile.
    let kept = volumes(&server);
    server.kill_9().await;
    let orphan = Volumes::of(&server.data).of_sandbox(SandboxId::new());
    orphan.create(Geometry { disk_mb: 16, inodes: 1024 }).await.unwrap();
    assert_eq!(mounts(&server.data).len(), 2);
    server.start_again().await;
    let _events = session.events().await;
    let swept = async || (!orphan.exists()).then_some(());
    eventually(Duration::from_secs(90), "a sweep", swept).await;
    assert_eq!((volumes(&server), mounts(&server.data).len()), (kept, 1));
}

#[tokio::test]
async fn a_volume_has_room_for_what_it_was_made_for_and_not_for_much_more() {
    if !can_be_had().await {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let volumes = Volumes::of(data.path());
    for (disk_mb, inodes) in [(16, 1024), (256, 65_536), (100, 200_000)] {
        let volume = volumes.of_sandbox(SandboxId::new());
        volume.create(Geometry { disk_mb, inodes }).await.unwrap();
        let stat = nix::sys::statvfs::statvfs(&volume.workspace()).unwrap();
        let free = stat.blocks_available() * stat.fragment_size();
        let headroom = (disk_mb << 20) / 32 + (3 << 20);
        assert!((disk_mb << 20..=(disk_mb << 20) + headroom).contains(&free), "{disk_mb} MiB: {free} bytes");
        let files = stat.files_free();
        assert!((inodes..inodes + inodes / 16 + 256).contains(&files), "{inodes}: {files} files");
        volume.remove().await.unwrap();
        assert!(!volume.exists());
    }
    volumes.remove_all().await.unwrap();
    assert!(mounts(data.path()).is_empty() && !data.path().join("volumes").exists());
}

#[tokio::test]
async fn a_missing_mount_is_never_taken_for_an_empty_workspace() {
    if !can_be_had().await {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let volumes = Volumes::of(data.path());
    let sandbox = SandboxId::new();
    let volume = volumes.of_sandbox(sandbox);
    volume.create(Geometry { disk_mb: 16, inodes: 1024 }).await.unwrap();
    std::fs::write(volume.workspace().join("file"), "kept").unwrap();
    let unmount = || rustix::mount::unmount(volume.workspace().parent().unwrap(), UnmountFlags::empty()).unwrap();
    unmount();
    assert!(!volume.workspace().exists(), "nothing lies below the mount");

    let carrel = TestEngine::shared().await.carrel().await;
    let spec = SandboxSpec { volume_dir: Some(volume.workspace()), ..carrel.spec(&carrel.tiny_image().await) };
    let refused = carrel.engine.create(&spec).await.unwrap_err().to_string();
    assert!(refused.contains("does not exist"), "{refused}");

    volume.reopen().await.unwrap();
    assert_eq!(std::fs::read(volume.workspace().join("file")).unwrap(), b"kept");
    let container = carrel.engine.create(&spec).await.unwrap().id;
    carrel.engine.start(&container).await.unwrap();
    let pid = carrel.engine.inspect(&container).await.unwrap().unwrap().pid.unwrap();
    assert!(volume.is_seen_by(pid) && !volume.is_seen_by(std::process::id()));
    // Its own hold of the volume is the container's: what is unmounted outside goes with it.
    unmount();
    assert!(!volume.is_seen_by(pid));
    carrel.engine.remove(&container).await.unwrap();
    volumes.remove_all().await.unwrap();
    assert!(mounts(data.path()).is_empty());
}

#[tokio::test]
async fn where_the_engine_does_not_see_its_mounts_a_server_says_so_or_does_not_start() {
    if !can_be_had().await {
        return;
    }
    let mut server = Server::start().await;
    assert!(server.log().contains("workspaces lie on volumes"));
    server.kill_9().await;
    // A mount namespace of its own: nothing it mounts is seen outside.
    let elsewhere = |server: &Server| {
        let inner = server.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--"]).arg(inner.get_program()).args(inner.get_args());
        command.current_dir("/").env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command
    };
    server.set("CARREL_SANDBOX__STORAGE", "volume");
    let mut strict = elsewhere(&server);
    let output = tokio::task::spawn_blocking(move || strict.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("does not see what Carrel mounts") && said.contains("\"auto\" or \"memory\""), "{said}");

    server.set("CARREL_SANDBOX__STORAGE", "auto");
    let mut lenient = elsewhere(&server).spawn().unwrap();
    let output = lenient.stdout.take().unwrap();
    let listening = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
        line
    });
    let line = tokio::time::timeout(READY, listening).await.unwrap().unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(lenient.id().try_into().unwrap()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    let output = tokio::task::spawn_blocking(move || lenient.wait_with_output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(line.starts_with("listening on ") && said.contains("workspaces lie in memory"), "{line} {said}");
}
