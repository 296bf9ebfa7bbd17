//! Two hundred viewers whose connections end in the same moment, as when a proxy or a network restarts.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::Rng;

use super::Chance;
use super::wire::Wire;
use crate::support::client::Client;
use crate::support::counter::{COUNTER, counted, counting, counts_on};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// Viewers, and the sessions they are spread over.
const VIEWERS: usize = 200;
const SESSIONS: usize = 5;

/// Nobody comes back at once: everybody waits for a random time of up to this.
const JITTER_MS: u64 = 500;

/// Within this time all must have seen everything.
const TARGET: Duration = Duration::from_secs(5);

#[tokio::test]
async fn two_hundred_viewers_cut_at_once_are_back_and_have_missed_nothing() {
    let mut chance = Chance::new();
    let server = Server::start().await;
    let wire = Wire::to(&server.url).await;
    let opening = (0..SESSIONS).map(async |_| {
        let session = Client::register(&wire.url).await.ready_session().await;
        session.save("counter.py", COUNTER).await;
        let first = counting(&session, 100).await;
        let mut viewers = vec![first];
        for _ in 1..VIEWERS / SESSIONS {
            viewers.push(Terminal::attach(&session, &viewers[0].id, None).await);
        }
        viewers
    });
    let mut viewers: Vec<_> = join_all(opening).await.into_iter().flatten().collect();
    assert_eq!(viewers.len(), VIEWERS);
    // Everybody has seen something, and acknowledged it.
    join_all(viewers.iter_mut().map(counts_on)).await;

    let pauses: Vec<_> = viewers.iter().map(|_| chance.ms(0..JITTER_MS)).collect();
    let seeds: Vec<u64> = viewers.iter().map(|_| chance.random.random()).collect();
    wire.cut();
    let cut = Instant::now();
    let coming_back = viewers.into_iter().zip(pauses).zip(seeds).map(|((mut viewer, pause), seed)| {
        tokio::spawn(async move {
            while viewer.receive(PATIENCE).await {}
            tokio::time::sleep(pause).await;
            // As a page: some time longer after each failure.
            let mut again = Duration::from_millis(50 + seed % 100);
            viewer
                .reconnect_with(|| {
                    again = (again * 2).min(Duration::from_secs(1));
                    again
                })
                .await;
            let missed = viewer.hello["end"].as_u64().unwrap();
            viewer.until("the replay", PATIENCE, |viewer| (viewer.next_seq() >= missed).then_some(())).await;
            (viewer, cut.elapsed())
        })
    });
    let back: Vec<_> = join_all(coming_back).await.into_iter().map(Result::unwrap).collect();
    let slowest = back.iter().map(|(_, took)| *took).max().unwrap();
    eprintln!("{VIEWERS} viewers are back after {slowest:?}, of which up to {JITTER_MS} ms were jitter");
    assert!(slowest <= TARGET, "{slowest:?}");
    let mut viewers: Vec<_> = back.into_iter().map(|(viewer, _)| viewer).collect();
    join_all(viewers.iter_mut().map(counts_on)).await;
    // The same bytes for all, and those of the program.
    assert!(viewers.iter().all(|viewer| counted(viewer) > 10));
}
