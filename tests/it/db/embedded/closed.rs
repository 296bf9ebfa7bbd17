//! Clusters below folders that are closed to the system user PostgreSQL runs as.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use carrel::db::{Client, Db, EmbeddedPostgres};

use super::{DIRECTORY, has_ended, started_by_one_who_was_killed};
use crate::support::postgres;

/// Makes a folder of mode 0700 for clusters and one for sockets.
fn close(name: &str) -> [PathBuf; 2] {
    let place = postgres::place();
    [&place.data, &place.run].map(|base| {
        let closed = base.join(name);
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        closed
    })
}

/// Whether everybody can get to `folder`; the tests' own place may be closed already.
fn is_open_above(folder: &Path) -> bool {
    folder.ancestors().skip(1).all(|above| fs::metadata(above).unwrap().permissions().mode() & 0o001 != 0)
}

/// Whether the process has another mount namespace than we have.
fn is_apart(pid: i32) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).unwrap();
    namespace(&pid.to_string()) != namespace("self")
}

async fn assert_nothing_is_left(pid: i32, folders: &[PathBuf]) {
    assert!(has_ended(pid));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    for folder in folders {
        let as_listed = folder.to_str().unwrap().replace(' ', "\\040");
        assert!(!mounts.contains(&as_listed), "{mounts}");
    }
    let works_there = |entry: &fs::DirEntry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| folders.iter().any(|folder| cwd.starts_with(folder)))
    };
    let left = || fs::read_dir("/proc").unwrap().flatten().filter(works_there).collect::<Vec<_>>();
    // The process that writes the log goes last, when nobody can tell it anything any more.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !left().is_empty() {
        assert!(Instant::now() < deadline, "{:?}", left());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Keeps one more row in the cluster. How many it has now.
async fn keep_one_more(url: &str) -> i64 {
    let db = Db::connect(&postgres::config(), url).await.unwrap();
    let connection = db.interactive().await.unwrap();
    connection.execute("create table if not exists kept (n bigint)", &[]).await.unwrap();
    connection.execute("insert into kept values (1)", &[]).await.unwrap();
    let count = connection.query_one("select count(*) from kept", &[]).await.unwrap().try_get(0).unwrap();
    drop(connection);
    db.close().await;
    count
}

async fn start(dir: &Path, run: &Path) -> (EmbeddedPostgres, String) {
    EmbeddedPostgres::start(dir, run, "postgres", 10).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_cluster_below_a_closed_folder_is_used_like_any_other() {
    let closed = close("closed it's");
    let name = "closed it's/a clone/postgres";
    let [dir, run] = [postgres::place().data.join(name), postgres::place().run.join("closed-run")];
    let is_root = nix::unistd::geteuid().is_root();

    // Made, stopped, started: the data stays in its folder, and nothing else does.
    let (cluster, url) = start(&dir, &run).await;
    assert_eq!(is_apart(cluster.pid()), is_root);
    // By this the tests' cleaner finds it.
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", cluster.pid())).unwrap(), dir.join("cluster"));
    assert!(dir.join("cluster/PG_VERSION").exists() && fs::read_dir(dir.join("log")).unwrap().count() > 1);
    assert_eq!(EmbeddedPostgres::url_of_running(&dir).await.unwrap().as_ref(), Some(&url));
    assert_eq!(keep_one_more(&url).await, 1);
    cluster.stop().await.unwrap();
    assert_nothing_is_left(cluster.pid(), &closed).await;
    let (cluster, url) = start(&dir, &run).await;
    assert_eq!(keep_one_more(&url).await, 2);
    cluster.stop().await.unwrap();

    // The same cluster from a place that can be reached, and back.
    let open = postgres::place().data.join("opened");
    fs::rename(closed[0].join("a clone"), &open).unwrap();
    let (cluster, url) = start(&open.join("postgres"), &run).await;
    assert_eq!(is_apart(cluster.pid()), is_root && !(is_open_above(&open) && is_open_above(&run)));
    assert_eq!(keep_one_more(&url).await, 3);
    cluster.stop().await.unwrap();
    fs::rename(&open, closed[0].join("a clone")).unwrap();
    let (cluster, url) = start(&dir, &run).await;
    assert_eq!(is_apart(cluster.pid()), is_root);
    assert_eq!(keep_one_more(&url).await, 4);
    cluster.stop().await.unwrap();
    assert_nothing_is_left(cluster.pid(), &closed).await;
}

#[tokio::test]
async fn a_cluster_below_a_closed_folder_is_adopted_and_ended_like_any_other() {
    let closed = close("left");
    let [dir, run] = [postgres::place().data.join("left/it"), postgres::place().run.join("left/it")];
    let (pid, adopted) = started_by_one_who_was_killed("left/it").await;
    assert!(!adopted);
    assert_eq!(started_by_one_who_was_killed("left/it").await, (pid, true));
    let (cluster, url) = start(&dir, &run).await;
    assert!(cluster.was_adopted() && cluster.pid() == pid);
    assert_eq!(EmbeddedPostgres::url_of_running(&dir).await.unwrap().as_ref(), Some(&url));
    assert_eq!(keep_one_more(&url).await, 1);
    cluster.stop().await.unwrap();
    assert_nothing_is_left(pid, &closed).await;

    // One that runs on is found even when the folder has another name by now, and two never run.
    let (pid, _) = started_by_one_who_was_killed("left/it").await;
    let renamed = closed[0].join("renamed");
    fs::rename(&dir, &renamed).unwrap();
    let (cluster, url) = start(&renamed, &run).await;
    assert!(cluster.was_adopted() && cluster.pid() == pid);
    assert_eq!(keep_one_more(&url).await, 2);
    drop(cluster);
    EmbeddedPostgres::end_running(&renamed).await.unwrap();
    assert_nothing_is_left(pid, &closed).await;
}

#[tokio::test]
async fn what_else_is_mounted_below_a_closed_folder_is_not_kept_busy() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let closed = close("beside it");
    let [dir, run] = [postgres::place().data.join("beside it/it"), postgres::place().run.join("beside it/it")];
    let other = closed[0].join("a volume");
    fs::create_dir(&other).unwrap();
    mount("carrel-it", &other, "tmpfs", MountFlags::empty(), c"size=1m").unwrap();
    let (cluster, url) = start(&dir, &run).await;
    let theirs = fs::read_to_string(format!("/proc/{}/mountinfo", cluster.pid())).unwrap();
    unmount(&other, UnmountFlags::empty()).unwrap();
    assert!(is_apart(cluster.pid()) && theirs.contains("beside\\040it"), "{theirs}");
    assert!(!theirs.contains("a\\040volume"), "{theirs}");
    assert_eq!(keep_one_more(&url).await, 1);
    cluster.stop().await.unwrap();
    assert_nothing_is_left(cluster.pid(), &closed).await;
}

#[tokio::test]
async fn without_mount_namespaces_a_closed_folder_is_refused_with_the_remedy() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let [closed, run] = close("hopeless");
    // Root as it is in most containers.
    let work = move || {
        let mut server = Command::new("setpriv")
            .args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "db::embedded::starts_a_cluster_and_waits", "--nocapture"])
            .env(DIRECTORY, closed.join("data"))
            .env("CARREL_IT_POSTGRES_RUN", run.join("run"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It would end with that.
        let _input = server.stdin.take();
        (closed, server.wait_with_output().unwrap())
    };
    let (closed, output) = tokio::task::spawn_blocking(work).await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for words in [&*closed.to_string_lossy(), "Operation not permitted", "--data-dir", "chmod o+x"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
