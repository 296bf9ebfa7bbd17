//! Viewers: exact replay, windows, floods, stalls.

use std::time::{Duration, Instant};

use carrel_protocol::{
    DetachReason, ExitState, INPUT_WINDOW_BYTES, Limits, Reply, Request, ToAgent, ToServer, ViewerEvent,
};
use proptest::prelude::*;

use crate::harness::*;
use crate::server::wire;

/// A step of a viewer's life in the replay test.
#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    Detach,
    BreakLink,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![5 => (1_usize..60_000).prop_map(Step::Read), 2 => Just(Step::Detach), 1 => Just(Step::BreakLink)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn a_viewer_that_comes_and_goes_sees_every_byte_once(
        steps in proptest::collection::vec(step(), 1..12),
        window in 1_000_u32..100_000,
    ) {
        let (sandbox, mut link) = Sandbox::ready();
        let terminal = link.open(&["sh", "-c", "seq 1 60000; exit 9"]).id;
        let (mut seen, mut viewer) = (Vec::new(), 1);
        link.attach(terminal, viewer, Some(0), window);
        for step in steps {
            match step {
                Step::Read(amount) => {
                    let target = seen.len() + amount;
                    while seen.len() < target {
                        match link.event(viewer, "output") {
                            ViewerEvent::Output { seq, bytes } => {
                                prop_assert_eq!(seq, seen.len() as u64);
                                seen.extend_from_slice(&bytes);
                                link.ack(viewer, seen.len() as u64);
                            }
                            ViewerEvent::Exited(_) => break,
                            other => panic!("unexpected {other:?}"),
                        }
                    }
                }
                Step::Detach => link.send(&ToAgent::Detach { viewer }),
                Step::BreakLink => {
                    drop(link);
                    link = sandbox.accept(LIMITS);
                }
            }
            // Come back as somebody else, who has seen just as much.
            link.send(&ToAgent::Detach { viewer });
            viewer += 1;
            let (start, _, reset) = link.attach(terminal, viewer, Some(seen.len() as u64), window);
            prop_assert_eq!((start, reset), (seen.len() as u64, false));
        }
        let (rest, exit) = link.collect_to_exit(viewer, seen.len() as u64);
        seen.extend(rest);
        let expected: String = (1..=60_000).map(|number| format!("{number}\r\n")).collect();
        prop_assert_eq!(exit, ExitState::Code(9));
        prop_assert!(seen == expected.as_bytes());
    }
}

/// The time from a keystroke to its echo, with `cat` in raw mode on viewer 2.
fn echo_time(link: &mut Link, seq: &mut u64) -> Duration {
    let begun = Instant::now();
    link.input(2, b"x");
    link.collect(2, *seq, |bytes| !bytes.is_empty());
    *seq += 1;
    begun.elapsed()
}

fn open_echo(link: &mut Link) -> u64 {
    let terminal = link.open(&["sh", "-c", "stty raw -echo; echo ready; exec cat"]).id;
    link.attach(terminal, 2, None, 65536);
    link.collect_until(2, 0, "ready\n").len() as u64
}

#[test]
fn a_flood_stops_at_its_window_and_ctrl_c_still_works() {
    let (sandbox, mut link) = Sandbox::ready();
    let flood = link.open(&["yes"]).id;
    link.attach(flood, 1, Some(0), 4096);
    let mut echo = open_echo(&mut link);
    for _ in 0..100 {
        assert!(echo_time(&mut link, &mut echo) < Duration::from_secs(1));
    }
    let sent: usize = link
        .stash
        .iter()
        .map(|frame| match frame {
            ToServer::Viewer { viewer: 1, event: ViewerEvent::Output { bytes, .. } } => bytes.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(sent, 4096, "exactly the window");
    link.input(1, b"\x03");
    let (_, exit) = link.collect_to_exit(1, 0);
    assert_eq!(exit, ExitState::Signal(2));
    assert!(sandbox.memory_kib() < 32 * 1024, "{} KiB", sandbox.memory_kib());
}

#[test]
fn an_unwatched_flood_costs_only_its_ring_and_the_next_viewer_is_reset() {
    let limits = Limits { ring_bytes: 100_000, ..LIMITS };
    let (sandbox, mut link) = Sandbox::ready_with(limits.clone());
    let flood = link.open(&["sh", "-c", "head -c 3000000 /dev/zero | tr \\\\0 x; echo; echo done; read line"]).id;
    let mut echo = open_echo(&mut link);
    while link.hello.terminals.iter().all(|known| known.end < 3_000_000) {
        assert!(echo_time(&mut link, &mut echo) < Duration::from_secs(1));
        drop(link);
        link = sandbox.accept(limits.clone());
        link.attach(
            link.hello.terminals.iter().find(|known| known.id != flood).expect("echo").id,
            2,
            Some(echo),
            65536,
        );
    }
    let (start, end, reset) = link.attach(flood, 1, Some(5), 50_000);
    assert!(reset && end - start == 100_000, "the newest bytes are kept: {start}..{end}");
    link.collect_until(1, start, "done");
    assert!(sandbox.memory_kib() < 32 * 1024, "{} KiB", sandbox.memory_kib());
}

#[test]
fn a_stalled_viewer_is_let_go_and_the_program_goes_on() {
    let limits = Limits { viewer_stall_ms: 60, ring_bytes: 50_000, ..LIMITS };
    let (_sandbox, mut link) = Sandbox::ready_with(limits);
    let terminal = link.open(&["sh", "-c", "seq 1 100000; exit 2"]).id;
    link.attach(terminal, 1, Some(0), 2000);
    link.find("the end of its patience", |frame| {
        matches!(frame, ToServer::Viewer { viewer: 1, event: ViewerEvent::Detached(DetachReason::Stalled) })
            .then_some(())
    });
    assert_eq!(link.exit_of(terminal), ExitState::Code(2));
}

#[test]
fn a_viewer_overtaken_by_the_ring_is_let_go_and_the_other_sees_all() {
    let limits = Limits { ring_bytes: 50_000, ..LIMITS };
    let (_sandbox, mut link) = Sandbox::ready_with(limits);
    let terminal = link.open(&["sh", "-c", "read line; seq 1 60000; exit 0"]).id;
    link.attach(terminal, 1, Some(0), 1000);
    link.attach(terminal, 2, Some(0), 40_000);
    link.input(2, b"\n");
    let (output, _) = link.collect_to_exit(2, 0);
    assert!(output.ends_with(b"60000\r\n"));
    // Its window opens, but what would come next is gone.
    link.ack(1, 1000);
    link.find("being overtaken", |frame| {
        matches!(frame, ToServer::Viewer { viewer: 1, event: ViewerEvent::Detached(DetachReason::Stalled) })
            .then_some(())
    });
}

#[test]
fn input_waits_for_a_slow_program_whole_and_in_order() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sh", "-c", "stty raw -echo; echo ready; sleep 0.2; head -c 60000 | md5sum"]).id;
    link.attach(terminal, 1, Some(0), 65536);
    let begun = link.collect_until(1, 0, "ready\n").len() as u64;
    let typed: Vec<u8> = (0..60_000_u32).map(|index| b'a' + u8::try_from(index % 23).expect("small")).collect();
    for part in typed.chunks(7_000) {
        link.input(1, part);
    }
    let mut printed = Vec::new();
    let mut total = 0;
    while total < 60_000 || !printed.ends_with(b"-\n") {
        match link.event(1, "receipts and the sum") {
            ViewerEvent::InputTaken { total: taken } => {
                assert!(taken > total, "receipts rise");
                total = taken;
            }
            ViewerEvent::Output { seq, bytes } => {
                assert_eq!(seq, begun + printed.len() as u64);
                printed.extend_from_slice(&bytes);
            }
            _ => {}
        }
    }
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), &typed).expect("write");
    let expected =
        std::process::Command::new("md5sum").stdin(file.reopen().expect("open")).output().expect("md5sum").stdout;
    assert_eq!(String::from_utf8_lossy(&printed), String::from_utf8_lossy(&expected));
    assert_eq!(total, 60_000);
}

#[test]
fn input_past_its_window_ends_the_link() {
    let (sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sh", "-c", "stty raw -echo; echo ready; sleep 1000"]).id;
    link.attach(terminal, 1, Some(0), 65536);
    link.collect_until(1, 0, "ready");
    let part = vec![b'x'; 32 * 1024];
    // The terminal itself takes some; the window is full at the latest after these.
    for _ in 0..(4 * INPUT_WINDOW_BYTES / part.len() as u64) {
        let frame = wire(&ToAgent::Input { viewer: 1, bytes: part.clone().into() });
        if !link.try_send_raw(&frame) {
            break;
        }
    }
    link.closed();
    let mut link = sandbox.accept(LIMITS);
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
    assert_eq!(link.hello.terminals.len(), 1);
}

#[test]
fn input_that_was_never_taken_is_dropped_with_its_viewer() {
    let (sandbox, mut link) = Sandbox::ready();
    let script = "stty raw -echo; echo ready; until [ -e go ]; do sleep 0.02; done; exec cat";
    let terminal = link.open(&["sh", "-c", script]).id;
    link.attach(terminal, 1, Some(0), 1_000_000);
    let begun = link.collect_until(1, 0, "ready\n").len() as u64;
    // More than the terminal itself takes while nobody reads, so the rest waits in the agent.
    for viewer in [1, 3, 4] {
        if viewer > 1 {
            link.attach(terminal, viewer, Some(begun), 1_000_000);
        }
        link.input(viewer, &vec![b'x'; 60_000]);
    }
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
    let mut taken = [0, 0, 0];
    // On a machine whose processors are all busy a receipt may be long in coming.
    while link.hears_within(Duration::from_secs(1)) {
        let (index, total) = link.find("receipts", |frame| match frame {
            ToServer::Viewer { viewer, event: ViewerEvent::InputTaken { total } } => {
                Some((usize::from(*viewer > 1) + usize::from(*viewer > 3), *total))
            }
            _ => None,
        });
        taken[index] = total;
    }
    let total: u64 = taken.iter().sum();
    assert!(total < 180_000, "{taken:?}");
    drop(link);
    let mut link = sandbox.accept(LIMITS);
    link.attach(terminal, 1, Some(begun), 1_000_000);
    link.input(1, b"END");
    std::fs::write(sandbox.path("go"), "").expect("write");
    let output = link.collect(1, begun, |bytes| bytes.ends_with(b"END"));
    assert_eq!(output.len() as u64, total + 3, "what was told as taken, and not a byte more");
}
