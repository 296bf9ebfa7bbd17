//! The whole request against the whole promise: a field that is not in the table fails the test.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn spec() -> SandboxSpec {
    SandboxSpec {
        sandbox: SandboxId("0198c0de-0000-7000-8000-000000000001".parse().unwrap()),
        image: ImageTag("carrel-sandbox:0123456789abcdef".into()),
        quotas: Quotas { memory_mb: 1024, cpus: 1.5, pids: 256, disk_mb: 256 },
        inodes: 65_536,
        tmp_mb: 64,
        open_files: 4096,
        link_dir: Path::new("/run/carrel-1/links/a").to_owned(),
        volume_dir: None,
        runtime: None,
    }
}

fn instance() -> Uuid {
    "11223344-5566-4788-99aa-bbccddeeff00".parse().unwrap()
}

#[test]
fn a_container_is_exactly_as_promised() {
    let mut body = serde_json::to_value(spec().body(instance())).unwrap();
    let options = body["HostConfig"]["SecurityOpt"].take();
    let expected = json!({
        "Image": "carrel-sandbox:0123456789abcdef",
        "Hostname": "sandbox",
        "User": "1000:1000",
        "WorkingDir": "/workspace",
        "Entrypoint": ["/usr/local/bin/carrel-agent"],
        "NetworkDisabled": true,
        "Healthcheck": { "Test": ["NONE"] },
        "Labels": {
            "carrel.instance": "11223344-5566-4788-99aa-bbccddeeff00",
            "carrel.sandbox": "0198c0de-0000-7000-8000-000000000001",
            "carrel.version": env!("CARGO_PKG_VERSION"),
        },
        "HostConfig": {
            "CapDrop": ["ALL"],
            "SecurityOpt": null,
            "Privileged": false,
            "ReadonlyRootfs": true,
            "NetworkMode": "none",
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "Init": false,
            "Memory": 1_073_741_824,
            "MemorySwap": 1_073_741_824,
            "NanoCpus": 1_500_000_000,
            "PidsLimit": 256,
            "OomScoreAdj": 500,
            "Ulimits": [
                { "Name": "nofile", "Soft": 4096, "Hard": 4096 },
                { "Name": "core", "Soft": 0, "Hard": 0 },
            ],
            "LogConfig": { "Type": "none" },
            "ShmSize": 16_777_216,
            "Tmpfs": {
                "/workspace": "rw,exec,nosuid,nodev,size=256m,nr_inodes=65536,uid=1000,gid=1000,mode=0755",
                "/home/carrel": "rw,exec,nosuid,nodev,size=64m,nr_inodes=65536,uid=1000,gid=1000,mode=0755",
                "/tmp": "rw,exec,nosuid,nodev,size=64m,nr_inodes=65536,uid=1000,gid=1000,mode=1777",
            },
            "Mounts": [{
                "Type": "bind",
                "Source": "/run/carrel-1/links/a",
                "Target": "/run/carrel",
                "ReadOnly": true,
                "BindOptions": { "Propagation": "rprivate" },
            }],
        },
    });
    assert_eq!(body, expected);

    let options: Vec<&str> = options.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(options[0], "no-new-privileges:true");
    let profile: Value = serde_json::from_str(options[1].strip_prefix("seccomp=").unwrap()).unwrap();
    assert_eq!(options.len(), 2);
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    assert!(!options[1].contains("comment"));
}

#[test]
fn a_workspace_on_a_volume_takes_the_place_of_the_one_in_memory_and_changes_nothing_else() {
    let body = |volume_dir| serde_json::to_value(SandboxSpec { volume_dir, ..spec() }.body(instance())).unwrap();
    let (mut expected, volume) = (body(None), body(Some("/data/volumes/a/mnt/workspace".into())));
    let host = &mut expected["HostConfig"];
    assert!(host["Tmpfs"].as_object_mut().unwrap().remove("/workspace").is_some());
    host["Mounts"].as_array_mut().unwrap().push(json!({
        "Type": "bind",
        "Source": "/data/volumes/a/mnt/workspace",
        "Target": "/workspace",
        "ReadOnly": false,
        "BindOptions": { "Propagation": "rprivate" },
    }));
    assert_eq!(volume, expected);
}

#[test]
fn the_filter_allows_nothing_that_reaches_the_host_kernel_s_weak_spots() {
    let profile: Value = serde_json::from_str(&SECCOMP).unwrap();
    let allowed: Vec<&str> = profile["syscalls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["action"] == "SCMP_ACT_ALLOW" && rule["args"].as_array().is_none_or(Vec::is_empty))
        .flat_map(|rule| rule["names"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    assert!(allowed.contains(&"openat2"), "the agent needs it");
    for name in [
        "io_uring_setup",
        "bpf",
        "mount",
        "unshare",
        "setns",
        "keyctl",
        "add_key",
        "userfaultfd",
        "perf_event_open",
        "open_by_handle_at",
        "init_module",
        "kexec_load",
        "reboot",
        "swapon",
        "clone",
        "clone3",
        "socket",
    ] {
        assert!(!allowed.contains(&name), "{name} is allowed without a condition");
    }
}

#[test]
fn a_container_s_name_says_whose_and_which() {
    assert_eq!(spec().name(instance()), "carrel-11223344-0198c0de-0000-7000-8000-000000000001");
}

#[test]
fn a_runtime_is_passed_on_when_one_is_set() {
    let body = SandboxSpec { runtime: Some("runsc".into()), ..spec() }.body(instance());
    assert_eq!(body.host_config.unwrap().runtime.as_deref(), Some("runsc"));
}

#[test]
fn other_quotas_change_limits_and_nothing_else() {
    let update =
        serde_json::to_value(update_body(&Quotas { memory_mb: 64, cpus: 0.25, pids: 32, disk_mb: 1 })).unwrap();
    let expected = json!({ "Memory": 67_108_864, "MemorySwap": 67_108_864, "NanoCpus": 250_000_000, "PidsLimit": 32 });
    assert_eq!(update, expected);
}
