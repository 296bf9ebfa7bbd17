//! The agent as PID 1 of a pid namespace, with programs that want it dead.

use carrel_protocol::{ExitState, Reply, Request};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::*;

#[test]
fn nothing_inside_ends_an_init_and_a_signal_from_outside_does() {
    let mut sandbox = Sandbox::start_as_init();
    let mut link = sandbox.accept(LIMITS);
    let neighbour = link.open(&["sleep", "1000"]);
    let attack =
        "kill -9 1; kill -TERM 1; kill -INT 1; kill -QUIT 1; kill -SEGV 1; kill -9 -1; echo 'still here'; exit 0";
    let terminal = link.open(&["sh", "-c", attack]);
    link.attach(terminal.id, 1, None, 65536);
    let (output, exit) = link.collect_to_exit(1, 0);
    assert_eq!((String::from_utf8_lossy(&output).as_ref(), exit), ("still here\r\n", ExitState::Code(0)));
    assert_eq!(link.exit_of(neighbour.id), ExitState::Signal(9));
    let Ok(Reply::Processes(processes)) = link.ask(Request::Processes) else { panic!("no list") };
    assert_eq!(processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [1]);

    // Its memory, with the token, is out of reach of its own user.
    let reads = link.open(&["sh", "-c", "head -c 1 /proc/1/mem; head -c 1 /proc/1/environ; exit 0"]);
    link.attach(reads.id, 2, None, 65536);
    let (output, _) = link.collect_to_exit(2, 0);
    let output = String::from_utf8_lossy(&output).into_owned();
    assert_eq!(output.matches("Permission denied").count(), 2, "{output}");

    let deaf = link.open(&[
        "sh",
        "-c",
        "trap '' HUP; (setsid sh -c 'trap \"\" HUP; echo ready; while :; do :; done' &); while :; do :; done",
    ]);
    link.attach(deaf.id, 3, None, 65536);
    link.collect_until(3, 0, "ready");
    assert_eq!(link.ask(Request::EndPrograms), Ok(Reply::Done));
    let Ok(Reply::Processes(processes)) = link.ask(Request::Processes) else { panic!("no list") };
    assert_eq!(processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [1]);

    let unshare = sandbox.agent.id();
    let children = std::fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).expect("children");
    let init = Pid::from_raw(children.trim().parse().expect("one child")).expect("pid");
    kill_process(init, Signal::TERM).expect("kill");
    assert_eq!(sandbox.wait().code(), Some(0));
}
