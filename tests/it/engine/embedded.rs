//! Our own engine's life: started, adopted, killed, taken down.

use std::path::PathBuf;
use std::time::Instant;

use carrel::config::EngineConfig;
use carrel::engine::{ContainerId, EmbeddedEngine, Engine};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::engine::TestEngine;

async fn again(engine: &TestEngine) -> (EmbeddedEngine, String) {
    EmbeddedEngine::start(&engine.directory.join("data"), &engine.directory.join("run")).await.unwrap()
}

fn kill_9(pid: u32) {
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_running_engine_is_adopted() {
    let first = TestEngine::start().await;
    let pid = first.embedded.pid().unwrap();
    let began = Instant::now();
    let (second, host) = again(&first).await;
    assert_eq!((second.pid(), &host), (Some(pid), &first.host));
    assert!(began.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn a_killed_engine_starts_again_and_its_sandboxes_never_stopped() {
    let engine = TestEngine::start().await;
    let carrel = engine.carrel().await;
    let (sandbox, container) = carrel.run(&carrel.tiny_image().await).await;
    let before = carrel.engine.inspect(&container).await.unwrap().unwrap();

    let killed = engine.embedded.pid().unwrap();
    kill_9(killed);
    engine.embedded.ensure_running().await.unwrap();

    assert_ne!(engine.embedded.pid(), Some(killed));
    // The same client: it holds no connection that could have broken.
    assert_eq!(carrel.engine.inspect(&container).await.unwrap().unwrap(), before);
    assert_eq!(carrel.engine.list().await.unwrap()[0].sandbox, sandbox);
    carrel.engine.kill(&container).await.unwrap();
    assert!(!carrel.engine.inspect(&container).await.unwrap().unwrap().running);
}

#[tokio::test]
async fn a_stopped_engine_leaves_its_sandboxes_running_for_the_next() {
    let engine = TestEngine::start().await;
    let carrel = engine.carrel().await;
    let (_, container) = carrel.run(&carrel.tiny_image().await).await;
    let pid = carrel.engine.inspect(&container).await.unwrap().unwrap().pid.unwrap();
    engine.embedded.stop().await.unwrap();
    assert_eq!(engine.embedded.pid(), None);
    assert!(runs(pid));

    let (_, host) = again(&engine).await;
    let next = Engine::connect(&EngineConfig::default(), &host, carrel.instance).await.unwrap();
    assert_eq!(next.inspect(&container).await.unwrap().unwrap().pid, Some(pid));
}

#[tokio::test]
async fn an_engine_that_is_stuck_is_replaced() {
    let engine = TestEngine::start().await;
    let stuck = engine.embedded.pid().unwrap();
    kill(Pid::from_raw(stuck.try_into().unwrap()), Signal::SIGSTOP).unwrap();
    engine.embedded.ensure_running().await.unwrap();
    assert_ne!(engine.embedded.pid(), Some(stuck));
    assert!(!runs(stuck));
}

/// Whether a process does more than wait for its parent to notice its end.
fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.contains("State:") && !status.contains("State:\tZ")
}

/// Processes, mounts, control groups and files that name `engine`.
fn traces(engine: &TestEngine) -> Vec<String> {
    let directory = engine.directory.to_str().unwrap();
    let name = &name(engine);
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(name.as_str()) || (line.contains(directory) && !line.contains("janitor")) {
            found.push(format!("process: {line}"));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(directory)).map(|line| format!("mount: {line}")));
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let group = if hierarchy.file_name() == name.as_str() { hierarchy.path() } else { hierarchy.path().join(name) };
        found.extend(group.exists().then(|| format!("control group: {}", group.display())));
    }
    let run = std::fs::read_dir(engine.directory.join("run")).unwrap().flatten();
    found.extend(run.map(|entry| format!("file: {}", entry.path().display())));
    found
}

/// Sockets of containers' shims, of all engines on this machine.
fn shim_sockets() -> Vec<String> {
    let sockets = std::fs::read_dir("/run/containerd/s").into_iter().flatten().flatten();
    sockets.map(|socket| socket.file_name().to_string_lossy().into_owned()).collect()
}

/// Where `containerd` (dockerd's, or the machine's if that runs) keeps the state of a container.
fn state_of(engine: &TestEngine, container: &ContainerId) -> PathBuf {
    let below = format!("io.containerd.runtime.v2.task/{}/{}", name(engine), container.as_str());
    let places = [engine.directory.join("run/engine/exec/containerd/daemon"), PathBuf::from("/run/containerd")];
    places.map(|place| place.join(&below)).into_iter().find(|state| state.exists()).unwrap()
}

/// What the engine's control groups and its `containerd` name space are called.
fn name(engine: &TestEngine) -> String {
    let config = std::fs::read_to_string(engine.directory.join("data/engine/daemon.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["containerd-namespace"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn taken_down_it_leaves_nothing_behind() {
    let engine = TestEngine::start().await;
    let carrel = engine.carrel().await;
    carrel.run(&carrel.tiny_image().await).await;
    carrel.create(&carrel.tiny_image().await).await;
    assert!(traces(&engine).len() > 5);
    engine.embedded.down().await.unwrap();
    assert_eq!(traces(&engine), Vec::<String>::new());
    engine.embedded.down().await.expect("nothing left to take down");

    let (_, host) = again(&engine).await;
    let next = Engine::connect(&EngineConfig::default(), &host, carrel.instance).await.unwrap();
    assert!(next.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn even_when_killed_it_can_be_taken_down_with_all_its_sandboxes() {
    let engine = TestEngine::start().await;
    let carrel = engine.carrel().await;
    let (_, container) = carrel.run(&carrel.tiny_image().await).await;
    let pid = carrel.engine.inspect(&container).await.unwrap().unwrap().pid.unwrap();
    let socket = std::fs::read_to_string(state_of(&engine, &container).join("address")).unwrap();
    let socket = socket.rsplit('/').next().unwrap().to_owned();
    assert!(shim_sockets().contains(&socket));

    kill_9(engine.embedded.pid().unwrap());
    engine.embedded.down().await.unwrap();
    assert_eq!(traces(&engine), Vec::<String>::new());
    assert!(!runs(pid));
    assert!(!shim_sockets().contains(&socket));
}
