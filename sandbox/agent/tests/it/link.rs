//! The link itself: greeting, breaking, coming back.

use std::time::Duration;

use carrel_protocol::{LINK_TOKEN, PROTOCOL_VERSION, Reply, Request, ToAgent};
use rustix::process::Signal;
use uuid::Uuid;

use crate::harness::*;

#[test]
fn the_agent_greets_with_its_version_token_and_state() {
    let sandbox = Sandbox::start();
    let mut link = sandbox.accept(LIMITS);
    assert_eq!((link.hello.version, link.hello.token.as_str()), (PROTOCOL_VERSION, TOKEN));
    assert!(link.hello.terminals.is_empty() && !link.hello.restored);
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
}

#[test]
fn it_comes_back_with_the_token_in_memory_its_terminals_and_the_restore_done() {
    let (mut sandbox, mut link) = Sandbox::ready();
    std::fs::remove_file(sandbox.dir.path().join("l").join(LINK_TOKEN)).expect("remove");
    let terminal = link.open(&["sh", "-c", "echo hello; read line"]);
    link.attach(terminal.id, 1, None, 65536);
    link.collect_until(1, 0, "hello");

    sandbox.stop_listening();
    drop(link);
    sandbox.listen_again();
    let mut link = sandbox.accept(LIMITS);
    assert!(link.hello.restored && link.hello.token == TOKEN);
    assert_eq!(
        link.hello.terminals.iter().map(|known| (known.id, known.pid, known.end)).collect::<Vec<_>>(),
        [(terminal.id, terminal.pid, 7)]
    );
    assert_eq!(link.attach(terminal.id, 1, Some(2), 65536), (2, 7, false), "viewers of the old connection are gone");
    link.collect_until(1, 2, "llo");
}

#[test]
fn a_frame_that_is_none_ends_the_link_and_never_the_agent() {
    let sandbox = Sandbox::start();
    let garbage: [&[u8]; 4] = [
        &u32::MAX.to_le_bytes(),
        &[3, 0, 0, 0, 255, 255, 255],
        &[1, 0, 0, 0, 3],
        // A valid `Detach` with a byte too many.
        &[3, 0, 0, 0, 5, 1, 9],
    ];
    for bytes in garbage {
        let mut link = sandbox.accept(LIMITS);
        link.send_raw(bytes);
        link.closed();
    }
    let mut link = sandbox.accept_silently();
    link.send(&ToAgent::Request { id: 1, request: Request::Ping });
    link.closed();
    let mut link = sandbox.accept(LIMITS);
    link.send(&ToAgent::Welcome(LIMITS));
    link.closed();
    let mut link = sandbox.accept(LIMITS);
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
}

#[test]
fn nonsense_that_is_well_formed_is_answered_or_ignored() {
    let (_sandbox, mut link) = Sandbox::ready();
    link.input(77, b"x");
    link.ack(77, 5);
    link.send(&ToAgent::Resize { viewer: 77, size: SIZE });
    link.send(&ToAgent::Detach { viewer: 77 });
    link.send(&ToAgent::ChangesTaken { batch: 99 });
    let nobody = Uuid::new_v4();
    assert!(link.ask(Request::CloseTerminal { terminal: nobody }).is_err());
    assert!(link.ask(Request::Attach { terminal: nobody, viewer: 1, since: None, window: 1 }).is_err());
    assert!(link.ask(Request::AbortUpload { upload: 5 }).is_err());
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
}

#[test]
fn a_request_is_not_answered_to_another_connection() {
    let (sandbox, mut link) = Sandbox::ready();
    for _ in 0..50 {
        link.request(Request::Scan);
    }
    drop(link);
    let mut link = sandbox.accept(LIMITS);
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
    assert!(link.stash.is_empty() && !link.hears_within(Duration::from_millis(100)));
}

#[test]
fn programs_are_ended_and_the_link_stays() {
    let (sandbox, mut link) = Sandbox::ready();
    assert_eq!(link.ask(Request::EndPrograms), Ok(Reply::Done), "nothing runs");
    let polite = link.open(&["sleep", "1000"]);
    // In a session of its own, deaf to everything that can be ignored, and writing until it is killed.
    let writer = "trap '' HUP TERM; echo $$ > pid; while :; do echo x >> log; done";
    let script =
        format!("setsid sh -c \"{}\" & while [ ! -s log ]; do :; done; echo ready; wait", writer.replace('$', "\\$"));
    let stubborn = link.open(&["sh", "-c", &script]);
    link.attach(stubborn.id, 1, None, 65536);
    link.collect_until(1, 0, "ready");
    let daemon = std::fs::read_to_string(sandbox.path("pid")).expect("pid").trim().parse().expect("number");

    let first = link.request(Request::EndPrograms);
    let refused = Request::OpenTerminal {
        terminal: Uuid::new_v4(),
        name: String::new(),
        size: SIZE,
        cwd: None,
        command: vec!["true".to_owned()],
    };
    assert!(link.ask(refused).is_err());
    assert_eq!(link.answer(first), Ok(Reply::Done));
    for pid in [polite.pid, stubborn.pid, daemon] {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is gone");
    }
    let before = link.scan().expect("listed");
    assert_eq!(link.scan(), Ok(before), "the listing is final");
    link.open(&["true"]);
}

#[test]
fn sigterm_and_shutdown_end_it_with_its_programs() {
    let (mut sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sleep", "1000"]);
    sandbox.signal(Signal::TERM);
    assert_eq!(sandbox.wait().code(), Some(0));
    gone(terminal.pid);

    let (mut sandbox, mut link) = Sandbox::ready();
    let stubborn = link.open(&["sh", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 1000; done"]);
    link.attach(stubborn.id, 1, None, 65536);
    link.collect_until(1, 0, "ready");
    assert_eq!(link.ask(Request::Shutdown), Ok(Reply::Done));
    assert_eq!(sandbox.wait().code(), Some(0));
    gone(stubborn.pid);
}
