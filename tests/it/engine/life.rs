//! A container from its creation to its end.

use std::time::{Duration, Instant};

use carrel::config::EngineConfig;
use carrel::engine::{Call, Engine, EngineError};
use carrel::model::Quotas;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::engine::TestEngine;

#[tokio::test]
async fn a_sandbox_is_created_started_killed_and_removed() {
    let carrel = TestEngine::shared().await.carrel().await;
    let engine = &carrel.engine;
    let image = carrel.tiny_image().await;
    engine.ping().await.unwrap();

    let (_, container) = carrel.create(&image).await;
    let state = engine.inspect(&container).await.unwrap().unwrap();
    assert_eq!((state.running, state.pid, state.exit_code, state.started_at), (false, None, None, None));

    engine.start(&container).await.unwrap();
    engine.start(&container).await.expect("starting what runs does nothing");
    let state = engine.inspect(&container).await.unwrap().unwrap();
    assert!(state.running);
    assert_eq!(state.exit_code, None);
    assert!(OffsetDateTime::now_utc() - state.started_at.unwrap() < Duration::from_secs(60));
    let status = std::fs::read_to_string(format!("/proc/{}/status", state.pid.unwrap())).unwrap();
    assert!(status.contains("Uid:\t1000\t1000\t1000\t1000"), "{status}");

    engine.kill(&container).await.unwrap();
    engine.kill(&container).await.expect("killing what is dead does nothing");
    let state = engine.inspect(&container).await.unwrap().unwrap();
    assert_eq!((state.running, state.pid, state.exit_code), (false, None, Some(137)));

    engine.remove(&container).await.unwrap();
    engine.remove(&container).await.expect("removing what is gone does nothing");
    assert_eq!(engine.inspect(&container).await.unwrap(), None);
    assert!(matches!(engine.start(&container).await, Err(EngineError::NotFound)));
    assert!(matches!(engine.kill(&container).await, Err(EngineError::NotFound)));

    let figures = engine.figures();
    let of = |call| figures.iter().find(|line| line.call == call).unwrap();
    assert_eq!((of(Call::Create).calls, of(Call::Create).failures), (1, 0));
    assert_eq!(of(Call::Start).calls, 3);
    assert_eq!(of(Call::Start).failures, 0, "a missing container is no failure of the engine");
    assert!(of(Call::Start).seconds_max > 0.0);
}

#[tokio::test]
async fn creating_a_sandbox_again_gives_the_container_it_has() {
    let carrel = TestEngine::shared().await.carrel().await;
    let spec = carrel.spec(&carrel.tiny_image().await);
    let first = carrel.engine.create(&spec).await.unwrap();
    assert_eq!(carrel.engine.create(&spec).await.unwrap(), first);
    assert_eq!(carrel.engine.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_carrel_finds_its_own_sandboxes_only() {
    let shared = TestEngine::shared().await;
    let (ours, theirs) = (shared.carrel().await, shared.carrel().await);
    let image = ours.tiny_image().await;
    let (created, _) = ours.create(&image).await;
    let (running, container) = ours.run(&image).await;
    theirs.run(&image).await;

    let mut found = ours.engine.list().await.unwrap();
    found.sort_by_key(|found| found.sandbox);
    let seen: Vec<_> = found.iter().map(|found| (found.sandbox, found.running)).collect();
    assert_eq!(seen, [(created, false), (running, true)]);
    assert_eq!(found[1].container, container);
    assert!((OffsetDateTime::now_utc() - found[1].created_at).whole_seconds() < 60);

    let again = Engine::connect(&EngineConfig::default(), ours.engine.host(), ours.instance).await.unwrap();
    assert_eq!(again.list().await.unwrap().len(), 2, "a server started anew finds them by label");
}

#[tokio::test]
async fn quotas_change_while_a_sandbox_runs() {
    let carrel = TestEngine::shared().await.carrel().await;
    let (_, container) = carrel.run(&carrel.tiny_image().await).await;
    let pid = carrel.engine.inspect(&container).await.unwrap().unwrap().pid.unwrap();
    assert_eq!(limits(pid), (256 << 20, 64));
    let quotas = Quotas { memory_mb: 512, cpus: 0.5, pids: 32, disk_mb: 32 };
    carrel.engine.set_quotas(&container, &quotas).await.unwrap();
    assert_eq!(limits(pid), (512 << 20, 32));
    carrel.engine.set_quotas(&container, &Quotas { memory_mb: 64, ..quotas }).await.unwrap();
    assert_eq!(limits(pid), (64 << 20, 32));
}

/// Memory in bytes and processes, as the kernel holds a process to them.
fn limits(pid: u32) -> (u64, u64) {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let read = |controller: &str, v1: &str, v2: &str| {
        let of = |name: &str| {
            groups.lines().find_map(|line| {
                let mut fields = line.splitn(3, ':').skip(1);
                (fields.next() == Some(name)).then(|| fields.next().unwrap().to_owned())
            })
        };
        let path = match of(controller) {
            Some(group) => format!("/sys/fs/cgroup/{controller}{group}/{v1}"),
            None => format!("/sys/fs/cgroup{}/{v2}", of("").unwrap()),
        };
        std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
    };
    (read("memory", "memory.limit_in_bytes", "memory.max"), read("pids", "pids.max", "pids.max"))
}

#[tokio::test]
async fn a_sandbox_without_its_link_directory_is_refused() {
    let carrel = TestEngine::shared().await.carrel().await;
    let spec = carrel.spec(&carrel.tiny_image().await);
    std::fs::remove_dir(&spec.link_dir).unwrap();
    let error = carrel.engine.create(&spec).await.unwrap_err();
    assert!(matches!(error, EngineError::Refused { .. }), "{error:?}");
    assert!(!spec.link_dir.exists(), "nobody makes it as root");
    assert!(carrel.engine.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_told_soon() {
    let began = Instant::now();
    let config = EngineConfig::default();
    for host in ["unix:///nowhere/docker.sock", "unix:///dev/null"] {
        let error = Engine::connect(&config, host, Uuid::new_v4()).await.err().unwrap();
        assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
        assert!(error.is_unavailable());
    }
    assert!(began.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_a_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let _silent = tokio::net::UnixListener::bind(&path).unwrap();
    let config = EngineConfig { call_timeout_ms: 200, ..EngineConfig::default() };
    let error = Engine::connect(&config, &format!("unix://{}", path.display()), Uuid::new_v4()).await.err().unwrap();
    assert!(matches!(error, EngineError::Timeout { call: Call::Version }), "{error:?}");
}
