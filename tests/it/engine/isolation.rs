//! What a sandbox cannot do, tried from inside by the programs in `sandbox/probes`; and what it can.

use crate::support::engine::{Carrel, TestEngine};
use carrel::engine::ContainerId;

/// A running sandbox with Python.
async fn sandbox() -> (Carrel, ContainerId) {
    let carrel = TestEngine::shared().await.carrel().await;
    let image = carrel.python_image().await;
    let (_, container) = carrel.run(&image).await;
    (carrel, container)
}

/// Runs a probe that prints a line a check and demands that all are safe.
async fn all_safe(program: &str, at_least: usize) {
    let (carrel, container) = sandbox().await;
    let (output, code) = carrel.python(&container, program, &[]).await;
    let lines: Vec<serde_json::Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {output}")))
        .collect();
    let unsafe_ones: Vec<_> = lines.iter().filter(|line| line["safe"] != true).collect();
    assert!(unsafe_ones.is_empty(), "{unsafe_ones:#?}");
    assert_eq!(code, 0);
    assert!(lines.len() >= at_least, "only {} checks", lines.len());
    carrel.engine.remove(&container).await.unwrap();
}

#[tokio::test]
async fn nothing_forbidden_gets_through() {
    all_safe(include_str!("../../../sandbox/probes/isolation.py"), 80).await;
}

#[tokio::test]
async fn ordinary_programs_work() {
    all_safe(include_str!("../../../sandbox/probes/harmless.py"), 10).await;
}

#[tokio::test]
async fn a_fork_bomb_stops_at_the_limit_and_the_sandbox_stays_under_control() {
    let (carrel, container) = sandbox().await;
    let bomb = carrel.probe(&container, include_str!("../../../sandbox/probes/forkbomb.py"), &[]).await;
    assert_eq!(bomb["error"], "EAGAIN");
    assert!(bomb["children"].as_u64().unwrap() < 64, "{bomb}");
    let began = std::time::Instant::now();
    carrel.engine.remove(&container).await.unwrap();
    assert!(began.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn a_workspace_ends_at_its_size_and_at_its_number_of_files() {
    let (carrel, container) = sandbox().await;
    let probe = include_str!("../../../sandbox/probes/diskfill.py");
    for (folder, arguments, least, most) in [
        ("/workspace", &[][..], 31 << 20, 32 << 20),
        ("/workspace", &["--inodes"][..], 900, 1024),
        ("/tmp", &[][..], 15 << 20, 16 << 20),
        ("/home/carrel", &["--inodes"][..], 900, 1024),
    ] {
        let arguments: Vec<&str> = std::iter::once(folder).chain(arguments.iter().copied()).collect();
        let full = carrel.probe(&container, probe, &arguments).await;
        assert_eq!(full["error"], "ENOSPC", "{full}");
        let count = full["count"].as_u64().unwrap();
        assert!((least..=most).contains(&count), "{folder}: {full}");
    }
    carrel.engine.remove(&container).await.unwrap();
}

#[tokio::test]
async fn a_sandbox_has_a_loopback_of_its_own_and_knows_its_limits() {
    let (carrel, container) = sandbox().await;
    let program = r#"
import json, os, resource, socket
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
print(json.dumps({
    "loopback": client.getpeername()[0], "localhost": socket.gethostbyname("localhost"), "own": socket.gethostbyname(socket.gethostname())[:4], "name": socket.gethostname(), "cwd": os.getcwd(),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0] > 1000, "oom": open("/proc/self/oom_score_adj").read().strip(),
    "cgroup": sorted({line.strip().split(":")[2] for line in open("/proc/self/cgroup")}),
}))"#;
    let seen = carrel.probe(&container, program, &[]).await;
    let expected = serde_json::json!({
        "loopback": "127.0.0.1", "localhost": "127.0.0.1", "own": "127.", "name": "sandbox", "cwd": "/workspace", "files": [1024, 1024], "core": [0, 0],
        "processes": true, "oom": "500", "cgroup": ["/"],
    });
    assert_eq!(seen, expected);
    carrel.engine.remove(&container).await.unwrap();
}

#[tokio::test]
async fn killing_everything_from_inside_does_not_end_the_sandbox() {
    let (carrel, container) = sandbox().await;
    let program = "import os, signal\nopen('/workspace/kept', 'w').close()\nos.kill(1, signal.SIGKILL)\nos.kill(-1, signal.SIGKILL)";
    carrel.python(&container, program, &[]).await;
    let state = carrel.engine.inspect(&container).await.unwrap().unwrap();
    assert!(state.running);
    let kept = carrel.probe(&container, "import os, json\nprint(json.dumps(os.listdir('/workspace')))", &[]).await;
    assert_eq!(kept, serde_json::json!(["kept"]));
    carrel.engine.remove(&container).await.unwrap();
}
