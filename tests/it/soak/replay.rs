//! Exact replay: a connection that is cut again and again while a program prints.

use std::time::{Duration, Instant};

use rand::Rng;

use super::Chance;
use super::wire::{ENDLESS, Wire};
use crate::support::client::Client;
use crate::support::counter::{counted, counting, counts_on};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

const CUTS: usize = 200;

/// What is let through before a cut, at most: from within the handshake to some hundred lines later.
const MOST_BYTES: u64 = 12_000;

/// As long as a cut by time waits, at most.
const MOST_MS: u64 = 60;

#[tokio::test]
async fn two_hundred_cuts_at_random_moments_lose_no_byte_and_give_none_twice() {
    let mut chance = Chance::new();
    let server = Server::shared().await;
    let wire = Wire::to(&server.url).await;
    let session = Client::register(&wire.url).await.ready_session().await;
    let mut terminal = counting(&session, 2000).await;
    let (began, mut cuts) = (Instant::now(), 0);
    while cuts < CUTS {
        if chance.random.random_bool(0.75) {
            // The connection there is, at some moment; the next one after so many bytes, be it in the handshake.
            wire.limit(chance.random.random_range(1..MOST_BYTES));
        } else {
            wire.limit(ENDLESS);
        }
        let moment = tokio::time::Instant::now() + chance.ms(0..MOST_MS);
        while tokio::time::timeout_at(moment, terminal.receive(PATIENCE)).await.is_ok_and(|received| received) {}
        wire.cut();
        cuts += 1;
        let mut tries = 0;
        terminal
            .reconnect_with(|| {
                // A try that failed was a cut as well, and the next one gets further at some time.
                (cuts, tries) = (cuts + 1, tries + 1);
                wire.limit(if tries > 5 { ENDLESS } else { chance.random.random_range(1..MOST_BYTES) });
                Duration::from_millis(5)
            })
            .await;
    }
    wire.limit(ENDLESS);
    wire.cut();
    terminal.reconnect().await;
    counts_on(&mut terminal).await;
    let lines = counted(&terminal);
    // Whatever the kernel still holds of its output then, it drops.
    terminal.type_text("\u{3}").await;
    assert_eq!(terminal.exit().await["code"], 130);
    eprintln!("{cuts} cuts, {lines} lines in {:?}: nothing missing, nothing twice", began.elapsed());
    // It has printed all the time, whoever looked.
    assert!(lines > 500, "{lines}");
}
