//! What the engine tells by itself.

use std::pin::pin;
use std::time::Duration;

use carrel::engine::{EngineError, EngineEvent, EventKind};
use futures_util::{Stream, StreamExt};

use crate::support::engine::TestEngine;

/// The next event, within a time that is generous on a busy machine.
async fn next(events: &mut (impl Stream<Item = Result<EngineEvent, EngineError>> + Unpin)) -> EngineEvent {
    tokio::time::timeout(Duration::from_secs(30), events.next()).await.expect("an event").expect("no end").unwrap()
}

#[tokio::test]
async fn death_and_removal_are_told_of_our_sandboxes_only() {
    let shared = TestEngine::shared().await;
    let (ours, theirs) = (shared.carrel().await, shared.carrel().await);
    let image = ours.tiny_image().await;
    let mut events = pin!(ours.engine.events());
    let (_, other) = theirs.run(&image).await;
    theirs.engine.remove(&other).await.unwrap();

    let (sandbox, container) = ours.run(&image).await;
    // Not a poll so far: what happened since `events` was called is told all the same.
    ours.engine.kill(&container).await.unwrap();
    let event = next(&mut events).await;
    assert_eq!(
        event,
        EngineEvent { sandbox, container: container.clone(), kind: EventKind::Died { exit_code: Some(137) } }
    );
    ours.engine.remove(&container).await.unwrap();
    assert_eq!(next(&mut events).await, EngineEvent { sandbox, container, kind: EventKind::Removed });
}

#[tokio::test]
async fn a_memory_bomb_is_told_and_its_sandbox_lives_on() {
    let carrel = TestEngine::shared().await.carrel().await;
    let (sandbox, container) = carrel.run(&carrel.python_image().await).await;
    let mut events = pin!(carrel.engine.events());
    let bomb = carrel.probe(&container, include_str!("../../../sandbox/probes/memorybomb.py"), &[]).await;
    assert_eq!(bomb["signal"], 9, "{bomb}");
    assert!(bomb["reached_mib"].as_u64().unwrap() < 256, "{bomb}");
    assert_eq!(
        next(&mut events).await,
        EngineEvent { sandbox, container: container.clone(), kind: EventKind::OutOfMemory }
    );
    assert!(carrel.engine.inspect(&container).await.unwrap().unwrap().running);
    carrel.engine.remove(&container).await.unwrap();
}
