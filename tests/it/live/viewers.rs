//! The terminal's protocol against real terminals: windows, acknowledgements, floods in both directions, several viewers.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::support::client::{Session, eventually};
use crate::support::counter::COUNTER;
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

async fn session() -> Session {
    Server::shared().await.user().await.ready_session().await
}

/// How long nothing must come for a sender to have stopped.
const SILENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_viewer_that_never_acknowledges_gets_one_window_and_not_a_byte_more() {
    let session = session().await;
    let mut viewer = session.program(&["yes"]).await;
    viewer.acks = false;
    // What came with the attachment was acknowledged by nobody yet.
    let window = viewer.hello["window"].as_u64().unwrap();
    while viewer.receive(SILENCE).await {
        assert!(viewer.bytes.len() as u64 <= window);
    }
    assert_eq!(viewer.bytes.len() as u64, window);
    // Half of it acknowledged: exactly that much more. Nonsense: nothing.
    viewer.ack(window / 2).await;
    viewer.ack(u64::MAX).await;
    viewer.ack(7).await;
    while viewer.receive(SILENCE).await {}
    assert_eq!(viewer.bytes.len() as u64, window + window / 2);
    // It comes back to life, and the way for Ctrl-C was open all the time.
    viewer.acks = true;
    viewer.ack(viewer.next_seq()).await;
    let more = viewer.bytes.len() * 4;
    viewer.until("a flood", PATIENCE, |viewer| (viewer.bytes.len() > more).then_some(())).await;
    viewer.type_text("\u{3}").await;
    assert_eq!(viewer.exit().await["signal"], 2);
}

#[tokio::test]
async fn two_viewers_of_one_terminal_see_the_same_bytes_and_both_can_type() {
    let session = session().await;
    session.save("counter.py", COUNTER).await;
    let mut one = session.shell().await;
    one.line("python3 counter.py --rate 0 --count 20000 --width 60").await;
    let mut two = Terminal::attach(&session, &one.id, None).await;
    let (a, b) = tokio::join!(one.expect("line 0000020000"), two.expect("line 0000020000"));
    drop((a, b));
    tokio::join!(one.expect("$ "), two.expect("$ "));
    two.line("echo from\" \"two").await;
    tokio::join!(one.expect("from two\r\n"), two.expect("from two\r\n"));
    one.line("echo from\" \"one").await;
    tokio::join!(one.expect("from one\r\n"), two.expect("from one\r\n"));
    let both = one.next_seq().min(two.next_seq());
    let part = |viewer: &Terminal| viewer.bytes[..usize::try_from(both - viewer.start).unwrap()].to_vec();
    assert_eq!((one.start, two.start), (0, 0));
    assert!(part(&one) == part(&two));
    two.resize(90, 30).await;
    assert_eq!(one.control("size").await["cols"], 90);
}

#[tokio::test]
async fn a_viewer_that_was_away_gets_what_it_missed_and_a_reset_when_that_is_too_much() {
    let session = session().await;
    session.save("counter.py", COUNTER).await;
    let mut viewer = session.shell().await;
    for _ in 0..5 {
        viewer.line("echo a\"\"way").await;
        // What was typed and not echoed when a connection ends may be lost.
        viewer.expect("way").await;
        viewer.reconnect().await;
        viewer.expect("away\r\n").await;
    }
    // More than the ring holds, while nobody looks: the reading goes on.
    viewer.line("python3 counter.py --rate 0 --count 60000 --width 60; touch finished").await;
    viewer.expect("touch finished\r\n").await;
    let (seen, id) = (viewer.next_seq(), viewer.id.clone());
    drop(viewer);
    let finished = async || session.read("finished").await;
    crate::support::client::eventually(PATIENCE, "a flood nobody reads", finished).await;
    let mut again = Terminal::attach(&session, &id, Some(seen)).await;
    assert_eq!(again.hello["reset"], true, "{}", again.hello);
    assert!(again.start > seen);
    let kept = again.hello["end"].as_u64().unwrap() - again.start;
    assert!((1_900_000..=2 * 1024 * 1024).contains(&kept), "{kept}");
    again.expect("line 0000060000").await;
    // A number that never was is no reason to fall over.
    let future = Terminal::attach(&session, &id, Some(u64::MAX)).await;
    assert_eq!((&future.hello["reset"], future.start), (&json!(true), again.start));
}

#[tokio::test]
async fn a_flood_of_input_nobody_reads_is_refused_and_not_a_byte_is_lost() {
    let session = session().await;
    // In raw mode, so that the line discipline drops nothing; it sleeps until told.
    let program = "
import hashlib, os, sys, termios, time, tty
tty.setraw(0)
print('READY', flush=True)
while not os.path.exists('go'): time.sleep(0.02)
total, digest = 0, hashlib.sha256()
while True:
    data = os.read(0, 65536)
    if data.endswith(b'!'):
        digest.update(data[:-1]); total += len(data) - 1
        break
    digest.update(data); total += len(data)
print('TOTAL', total, digest.hexdigest(), flush=True)
";
    let mut viewer = session.program(&["python3", "-c", program]).await;
    viewer.expect("READY").await;
    let input: Vec<u8> = (0..600_000_u32).map(|n| b'a' + (n * 7 / 3 % 26) as u8).collect();
    let mut sent = 0;
    while viewer.controls.iter().all(|control| control["type"] != "busy") {
        let chunk = &input[sent..(sent + 16_384).min(input.len())];
        viewer.send(0, chunk).await;
        sent += chunk.len();
        assert!(sent < input.len(), "never busy");
        viewer.receive(Duration::from_millis(20)).await;
    }
    let accepted = |control: &serde_json::Value| usize::try_from(control["accepted"].as_u64().unwrap()).unwrap();
    let busy = accepted(&viewer.control("busy").await);
    assert!((64 * 1024 - 16_384..=sent).contains(&busy), "{busy} of {sent}");
    viewer.controls.clear();
    // Discarded: it has not been invited to go on.
    viewer.send(0, b"discarded").await;
    session.save("go", "").await;
    assert_eq!(accepted(&viewer.control("input").await), busy);
    viewer.send(3, &(busy as u64).to_le_bytes()).await;
    let mut at = busy;
    while at < input.len() {
        // As a good client: never more than the window beyond what was reported.
        let taken = viewer.controls.iter().filter(|c| c["type"] == "input").map(accepted).max().unwrap();
        if at - taken <= 32 * 1024 {
            let chunk = &input[at..(at + 16_384).min(input.len())];
            viewer.send(0, chunk).await;
            at += chunk.len();
        } else {
            assert!(viewer.receive(PATIENCE).await, "no progress at {at}");
        }
    }
    viewer.send(0, b"!").await;
    let printed = viewer.expect("\n").await + &viewer.expect("\n").await;
    let hash: String = sha256(&input);
    assert!(printed.contains(&format!("TOTAL {} {hash}", input.len())), "{printed}");
    assert!(viewer.controls.iter().all(|control| control["type"] != "busy"));
}

#[tokio::test]
async fn ctrl_c_works_after_a_flood_of_input() {
    let session = session().await;
    let mut shell = session.shell().await;
    shell.line("sleep 1000").await;
    shell.expect("sleep 1000").await;
    let mut sent = 0;
    // Until it is refused, or the line discipline has swallowed a megabyte.
    while sent < 1_000_000 && shell.controls.iter().all(|control| control["type"] != "busy") {
        shell.send(0, &[b'x'; 8192]).await;
        sent += 8192;
        shell.receive(Duration::from_millis(10)).await;
    }
    if let Some(busy) = shell.controls.iter().find(|control| control["type"] == "busy").cloned() {
        let accepted = busy["accepted"].as_u64().unwrap();
        let invited = json!({ "type": "input", "accepted": accepted });
        shell.until("an invitation", PATIENCE, |shell| shell.controls.contains(&invited).then_some(())).await;
        shell.send(3, &accepted.to_le_bytes()).await;
    }
    shell.type_text("\u{3}").await;
    shell.expect("^C").await;
    shell.expect("$ ").await;
    assert_eq!(shell.run("echo alive").await, ("alive\n".into(), 0));
}

#[tokio::test]
async fn a_stalled_viewer_is_let_go_and_the_program_runs_on() {
    let server = Server::start_with(&[("CARREL_TERMINAL__STALL_SECONDS", "5")]).await;
    let session = server.user().await.ready_session().await;
    session.save("counter.py", COUNTER).await;
    let mut viewer =
        session.program(&["python3", "counter.py", "--rate", "0", "--width", "60", "--count", "200000"]).await;
    viewer.acks = false;
    assert_eq!(viewer.close_code(PATIENCE).await, Some(4408));
    let ended = async || session.terminals().await[0]["exit"].is_object().then_some(());
    crate::support::client::eventually(PATIENCE, "the program's end", ended).await;
    let mut again = Terminal::attach(&session, &viewer.id, Some(viewer.next_seq())).await;
    again.expect("line 0000200000").await;
    assert_eq!(again.exit().await["code"], 0);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[tokio::test]
async fn a_session_has_as_many_viewers_of_its_terminals_as_configured() {
    let server = Server::start_with(&[("CARREL_TERMINAL__MAX_VIEWERS", "2")]).await;
    let session = server.user().await.ready_session().await;
    let one = session.shell().await;
    let two = Terminal::attach(&session, &one.id, None).await;
    let Err(Error::Http(refused)) = Terminal::try_attach(&session, &one.id, None).await else { panic!("a third") };
    assert_eq!(refused.status(), 429);
    drop(two);
    let third = async || Terminal::try_attach(&session, &one.id, None).await.ok();
    eventually(PATIENCE, "the place of one who has gone", third).await;
}
