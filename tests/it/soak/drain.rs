//! A polite end in the middle of everything: it is quick, and the next start continues every session.

use std::time::Duration;

use super::load::Load;
use super::{Chance, size};
use crate::support::client::eventually;
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// An operator's patience, and the default of `server.shutdown_seconds`.
const DRAINED: Duration = Duration::from_secs(10);

/// How long the load goes on before.
const MS: std::ops::Range<u64> = 200..1500;

#[tokio::test]
async fn asked_to_end_under_load_it_ends_within_ten_seconds_and_the_next_start_continues_every_session() {
    let mut chance = Chance::new();
    let server = Server::start_with(&[("CARREL_POOL__SIZE", "1")]).await;
    let mut load = Load::begin(&server).await;
    let user = server.user().await;
    // Beside the load a flood with a reader, one with a viewer that does not read, and a session that is just being opened.
    let noisy = user.ready_session().await;
    let mut flood = noisy.program(&["yes"]).await;
    let mut deaf = Terminal::attach(&noisy, &flood.id, None).await;
    deaf.acks = false;
    for round in 1..=size(1, 10) {
        let opening = user.session().await;
        let moment = chance.ms(MS);
        let ((), (status, took), ()) = tokio::join!(
            load.work(),
            async {
                tokio::time::sleep(moment).await;
                // Whatever comes of it: it is under way now.
                opening.request(reqwest::Method::POST, "/start").send().await.unwrap();
                server.terminate().await
            },
            async {
                while flood.receive(PATIENCE).await {
                    if flood.bytes.len() > 4 << 20 {
                        flood.start += flood.bytes.len() as u64;
                        flood.bytes.clear();
                    }
                }
            }
        );
        assert!(status.success(), "{status} in round {round}");
        assert!(took <= DRAINED, "{took:?} in round {round}");
        assert_eq!(flood.closed, Some(1001));
        server.start_again().await;
        load.come_back().await;
        load.check().await;
        eprintln!("round {round}: ended within {took:?}; {}", load.done());
        // The flood has gone on, so that what was missed is forgotten; its terminal is the same.
        flood = Terminal::attach(&noisy, &flood.id, None).await;
        assert_eq!(noisy.get().await["state"], "ready");
        let settled = async || {
            let state = opening.get().await["state"].as_str().unwrap().to_owned();
            ["cold", "ready"].contains(&state.as_str()).then_some(())
        };
        eventually(PATIENCE, "the session that was being opened", settled).await;
        assert_eq!(opening.shell().await.run("echo on").await, ("on\n".into(), 0));
        assert_eq!(opening.request(reqwest::Method::DELETE, "").send().await.unwrap().status(), 204);
    }
    flood.type_text("\u{3}").await;
    while flood.controls.is_empty() {
        assert!(flood.receive(PATIENCE).await);
    }
    assert_eq!(flood.exit().await["signal"], 2);
}
