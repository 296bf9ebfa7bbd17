//! The program's commands, and a server with a PostgreSQL and an engine of its own from its first start to `carrel down`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carrel::engine::EmbeddedEngine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::chaos::{Chaos, Mode};
use crate::support::client::eventually;
use crate::support::counter::COUNTER;
use crate::support::engine::TestEngine;
use crate::support::janitor::processes;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// Writes the time down again and again, each time whole.
const CLOCK: &str = "import os, time
while True:
    open('.new', 'w').write(str(time.time()))
    os.replace('.new', 'clock')
    time.sleep(0.02)";

/// The process ids of a server's own PostgreSQL and engine.
fn services(server: &Server) -> (u32, u32) {
    let clusters = std::fs::read_dir(server.data.join("postgres")).unwrap().flatten();
    let postmaster = clusters.map(|entry| entry.path().join("postmaster.pid")).find(|path| path.exists()).unwrap();
    let postmaster = std::fs::read_to_string(postmaster).unwrap();
    let engine = EmbeddedEngine::at(&server.data, &server.data.join("run")).unwrap().pid().unwrap();
    (postmaster.lines().next().unwrap().trim().parse().unwrap(), engine)
}

/// Processes, mounts and sockets that name a directory.
fn traces(directory: &Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()) {
        let line =
            String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap_or_default()).replace('\0', " ");
        let works_there = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory));
        if line.contains(name) || works_there {
            found.push(format!("process {}: {line}", process.display()));
        }
    }
    for list in ["/proc/self/mountinfo", "/proc/net/unix"] {
        let text = std::fs::read_to_string(list).unwrap();
        found.extend(text.lines().filter(|line| line.contains(name)).map(|line| format!("{list}: {line}")));
    }
    found
}

#[tokio::test]
async fn a_server_with_services_of_its_own_finds_them_again_and_takes_them_down() {
    let server = Server::embedded().await;
    let first = services(&server);
    let session = server.user().await.ready_session().await;
    session.save("counter.py", COUNTER).await;
    let mut terminal = session.program(&["python3", "counter.py", "--rate", "100"]).await;
    terminal.expect("line 0000000050\r\n").await;

    server.kill_9().await;
    server.start_again().await;
    assert_eq!(services(&server), first, "the same PostgreSQL and the same engine");
    terminal.reconnect().await;
    terminal.expect("line 0000000200\r\n").await;
    assert_eq!(session.read("counter.py").await.unwrap(), COUNTER.as_bytes());

    let (status, took) = server.terminate().await;
    assert!(status.success() && took < Duration::from_secs(20), "{status} {took:?}");
    assert!(!traces(&server.data).is_empty(), "the sandbox runs on");
    server.start_again().await;
    terminal.reconnect().await;
    terminal.expect("line 0000000300\r\n").await;
    let seen = terminal.text();
    for (number, line) in seen[..=seen.rfind('\n').unwrap()].lines().enumerate() {
        assert_eq!(line, format!("line {:010}", number + 1));
    }

    let refused = server.run(&["down"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("another Carrel"), "a server runs here: {words}");
    server.kill_9().await;
    let down = server.run(&["down"]).await;
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    let nothing = async || traces(&server.data).is_empty().then_some(());
    // Sockets of processes that have just ended are listed a moment longer.
    let clean = tokio::time::timeout(Duration::from_secs(5), eventually(PATIENCE, "nothing", nothing)).await;
    assert!(clean.is_ok(), "{:#?}", traces(&server.data));
    assert!(!server.data.join("run").exists());

    // Everything but the programs is there after the next start.
    server.start_again().await;
    assert_eq!(session.read("counter.py").await.unwrap(), COUNTER.as_bytes());
    let mut shell = session.shell().await;
    assert_eq!(shell.run("command ls").await.0, "counter.py\n");

    // What programs write while no server runs is collected, too.
    let writing = session.program(&["python3", "-c", CLOCK]).await;
    let first = async || session.read("clock").await;
    eventually(PATIENCE, "the first file", first).await;
    server.terminate().await;
    let stopped = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    drop(writing);
    let down = server.run(&["down"]).await;
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert!(String::from_utf8_lossy(&down.stdout).starts_with("collected 1 session"), "{down:?}");
    server.start_again().await;
    let last: f64 = String::from_utf8(session.read("clock").await.unwrap()).unwrap().parse().unwrap();
    assert!(last > stopped.as_secs_f64(), "nothing of after the server's end was collected");
    assert_eq!(session.get().await["reason"], "stopped by an operator");
    server.terminate().await;
    let down = server.run(&["down"]).await;
    assert!(String::from_utf8_lossy(&down.stdout).starts_with("nothing runs"), "{down:?}");
}

#[tokio::test]
async fn a_server_told_to_stop_while_it_starts_leaves_nothing_running() {
    // It gets no further than the engine, which does not answer.
    let engine = Chaos::before(&TestEngine::shared().await.host);
    engine.become_(Mode::Hang);
    let directory = tempfile::tempdir().unwrap();
    // The system user its PostgreSQL runs as has to get there.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = directory.path().join("data");
    let mut carrel = std::process::Command::new(env!("CARGO_BIN_EXE_carrel"));
    carrel.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data);
    carrel.envs([("CARREL_ENGINE__HOST", engine.host.as_str()), ("CARREL_ENGINE__CALL_TIMEOUT_MS", "3000")]);
    carrel.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let carrel = carrel.spawn().unwrap();
    let pid = Pid::from_raw(carrel.id().try_into().unwrap());
    let clusters = || std::fs::read_dir(data.join("postgres")).into_iter().flatten().flatten();
    let begun = async || clusters().any(|entry| entry.path().join("postmaster.pid").exists()).then_some(());
    eventually(PATIENCE, "a PostgreSQL that starts", begun).await;
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || carrel.wait_with_output().unwrap()).await.unwrap();
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && words.contains("told to stop while starting"), "{words}");
    assert_eq!(processes(&[data]), []);
}

#[tokio::test]
async fn a_second_server_in_the_same_place_is_refused_with_a_clear_message() {
    let server = Server::start().await;
    let second = server.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(!second.status.success() && second.stdout.is_empty());
    let words = String::from_utf8_lossy(&second.stderr);
    let last = words.lines().last().unwrap();
    assert!(last.starts_with("carrel: another Carrel"), "{words}");
    assert!(last.contains(&server.pid().to_string()) && last.contains("--data-dir"), "{last}");

    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut elsewhere = server.command(&["serve", "--listen", &address]);
    let elsewhere = elsewhere.env("CARREL_SERVER__DATA_DIR", "elsewhere").stdin(Stdio::null());
    let taken = elsewhere.output().unwrap();
    let words = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(words.contains(&format!("cannot listen on {address}")) && words.contains("--listen"), "{words}");
    // The first has not suffered.
    assert_eq!(reqwest::get(format!("{}/readyz", server.url)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_bad_configuration_is_refused_by_the_name_of_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("carrel.toml");
    for (text, variable, named) in [
        ("[sandbox]\nmemroy_mb = 5\n", None, "memroy_mb"),
        ("[sandbox]\nmemory_mb = \"many\"\n", None, "memory_mb"),
        ("[terminal]\nwindow_bytes = 1\n", None, "terminal.window_bytes"),
        ("", Some(("CARREL_POOL__SIZE", "-1")), "CARREL_POOL__SIZE"),
        ("", Some(("CARREL_POOL__SIZES", "1")), "CARREL_POOL__SIZES"),
        ("[auth\n", None, "carrel.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        for command in [&["serve"][..], &["config", "check"]] {
            let mut carrel = std::process::Command::new(env!("CARGO_BIN_EXE_carrel"));
            carrel.args(command).arg("--config").arg(&file).arg("--data-dir").arg(&data).stdin(Stdio::null());
            let refused = carrel.envs(variable).output().unwrap();
            let words = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && words.contains(named), "{command:?} {text:?} {variable:?}: {words}");
        }
    }
    assert!(!data.exists(), "nothing was begun");
}

#[tokio::test]
async fn an_operator_is_made_at_the_command_line() {
    use std::io::Write;
    let server = Server::start().await;
    let mut command =
        server.command(&["user", "create", "--username", "root", "--email", "root@example.org", "--admin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a good password\n").unwrap();
    let made = child.wait_with_output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let client = crate::support::client::Client::new(&server.url);
    let login = serde_json::json!({ "login": "ROOT", "password": "a good password" });
    let answer = client.request(reqwest::Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["role"], "admin");
    let actors = client.request(reqwest::Method::GET, "/api/v1/admin/actors").send().await.unwrap();
    assert_eq!(actors.status(), 200);
}
