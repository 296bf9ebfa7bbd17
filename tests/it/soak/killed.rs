//! `kill -9` of the server at random moments under a mixed load, again and again.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use rand::Rng;

use super::load::Load;
use super::{Chance, size};
use crate::support::client::eventually;
use crate::support::process::Server;

/// The load goes on for up to so many milliseconds before the next kill.
const MOST_MS: u64 = 900;

/// From the start of the program until every terminal is back and a save acknowledged.
const USABLE: Duration = Duration::from_secs(5);

/// How long a sandbox may lie about that a kill has left between two steps: the sweep wants to see it twice.
const SWEPT: Duration = Duration::from_secs(150);

/// `CARREL_SOAK_KILLS`, or as many as the size says.
fn kills() -> usize {
    let given = std::env::var("CARREL_SOAK_KILLS").ok();
    given.map_or(size(4, 100), |kills| kills.parse().expect("CARREL_SOAK_KILLS is a number"))
}

#[tokio::test]
async fn a_server_killed_again_and_again_under_load_loses_nothing_and_leaves_nothing_behind() {
    let mut chance = Chance::new();
    let server = Server::start_with(&[("CARREL_POOL__SIZE", "1")]).await;
    let mut load = Load::begin(&server).await;
    let (kills, mut slowest) = (kills(), Duration::ZERO);
    for round in 1..=kills {
        let moment = chance.ms(0..MOST_MS);
        tokio::join!(load.work(), async {
            tokio::time::sleep(moment).await;
            server.kill_9().await;
        });
        if chance.random.random_bool(0.2) {
            // In the middle of taking over, too.
            let moment = chance.ms(0..500);
            drop(tokio::time::timeout(moment, server.start_again()).await);
            server.kill_9().await;
        }
        let began = Instant::now();
        server.start_again().await;
        load.come_back().await;
        let took = began.elapsed();
        assert!(took <= USABLE, "usable only after {took:?} in round {round}");
        slowest = slowest.max(took);
        load.check().await;
        if round % 10 == 0 {
            eprintln!("{round} kills: {}; usable within {slowest:?}", load.done());
        }
    }
    eprintln!("{kills} kills: {}; usable within {slowest:?}", load.done());

    // Of every sandbox there is container, directory, socket and mount, or nothing; the warm one is the third.
    load.settle().await;
    let expected = Load::SESSIONS + 1;
    let began = Instant::now();
    let mut last = String::new();
    let settled = async || {
        let (running, stopped) = containers(&server).await;
        let [directories, volumes] = ["run/l", "volumes"].map(|folder| directories(&server, folder));
        let [sockets, mounts] = [sockets(&server), mounts(&server)];
        last = format!("{running} run, {stopped} do not; {directories:?}; {sockets:?}; {mounts:?}; {volumes:?}");
        let all = running == expected && stopped == 0 && directories.len() == expected;
        // None where workspaces lie in memory.
        let all = all && (volumes.is_empty() || volumes == directories);
        (all && directories == sockets && directories == mounts).then_some(())
    };
    // `eventually` would not say what there is instead.
    let settled = tokio::time::timeout(SWEPT, eventually(SWEPT * 2, "no orphans", settled)).await;
    assert!(settled.is_ok(), "{expected} sandboxes are expected, but {last}");
    eprintln!("no orphans after {:?}", began.elapsed());

    load.end().await;
    let (status, _) = server.terminate().await;
    assert!(status.success(), "{status}");
    assert!(server.run(&["down"]).await.status.success());
    assert_eq!(containers(&server).await, (0, 0));
    let left = [directories(&server, "run/l"), directories(&server, "volumes"), sockets(&server), mounts(&server)];
    assert_eq!(left, [const { BTreeSet::new() }; 4]);
}

/// Containers of this server that run, and that do not.
async fn containers(server: &Server) -> (usize, usize) {
    let host = server.engine_host();
    let docker =
        Docker::connect_with_unix(host.trim_start_matches("unix://"), 60, bollard::API_DEFAULT_VERSION).unwrap();
    let docker = docker.negotiate_version().await.unwrap();
    let instance = std::fs::read_to_string(server.data.join("instance")).unwrap();
    let filters = HashMap::from([("label", vec![format!("carrel.instance={}", instance.trim())])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let all = docker.list_containers(Some(options)).await.unwrap();
    let running =
        all.iter().filter(|one| one.state.as_ref().is_some_and(|state| state.to_string() == "running")).count();
    (running, all.len() - running)
}

/// Sandboxes that have a directory in a folder: of their link, of their volume.
fn directories(server: &Server, folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(server.data.join(folder)).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Sandboxes on whose socket somebody listens or speaks.
fn sockets(server: &Server) -> BTreeSet<String> {
    named_in(server, &std::fs::read_to_string("/proc/net/unix").unwrap())
}

/// Sandboxes whose directory is mounted somewhere, in the namespace of whatever process.
fn mounts(server: &Server) -> BTreeSet<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("mountinfo"));
    processes.filter_map(|path| std::fs::read_to_string(path).ok()).flat_map(|text| named_in(server, &text)).collect()
}

fn named_in(server: &Server, text: &str) -> BTreeSet<String> {
    let before = format!("{}/run/l/", server.data.display());
    // A mount is named from the root of its file system, which may be a part of the whole path.
    let before = before.rsplit_once("carrel-it-").map_or(before.as_str(), |(_, rest)| rest).to_owned();
    text.split(&before).skip(1).map(|rest| rest.split(['/', ' ', '\n']).next().unwrap().to_owned()).collect()
}
