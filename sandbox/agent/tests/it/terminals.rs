//! Terminals as a person meets them: programs, exit codes, sizes, signals, closing.

use carrel_protocol::{AgentError, ExitState, MAX_TERMINALS, Reply, Request, TerminalSize, ToAgent, ViewerEvent};
use uuid::Uuid;

use crate::harness::*;

#[track_caller]
fn ends(command: &[&str], exit: ExitState) {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(command);
    assert_eq!(link.exit_of(terminal.id), exit, "{command:?}");
    link.attach(terminal.id, 1, None, 65536);
    assert_eq!(link.collect_to_exit(1, 0).1, exit, "a viewer that comes later is told too");
}

#[test]
fn exit_codes_and_signals_are_told() {
    ends(&["true"], ExitState::Code(0));
    ends(&["sh", "-c", "exit 3"], ExitState::Code(3));
    ends(&["sh", "-c", "kill -9 $$"], ExitState::Signal(9));
    ends(&["sh", "-c", "echo bye; (trap '' HUP; sleep 1000) & exit 4"], ExitState::Code(4));
}

#[test]
fn all_output_comes_before_the_end() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sh", "-c", "seq 1 20000; exit 7"]);
    link.attach(terminal.id, 1, Some(0), 10_000);
    let (output, exit) = link.collect_to_exit(1, 0);
    let expected: String = (1..=20_000).map(|number| format!("{number}\r\n")).collect();
    assert_eq!(exit, ExitState::Code(7));
    assert!(output == expected.as_bytes(), "{} of {} bytes", output.len(), expected.len());
}

#[test]
fn without_a_command_a_login_shell_starts_in_the_workspace() {
    let (sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&[]);
    link.attach(terminal.id, 1, None, 65536);
    link.input(1, b"echo \"<$PWD|$0|$TERM>\"; shopt -q login_shell && exit 5\n");
    let (output, exit) = link.collect_to_exit(1, 0);
    let output = String::from_utf8_lossy(&output).into_owned();
    let workspace = sandbox.workspace().canonicalize().expect("workspace");
    assert!(output.contains(&format!("<{}|/bin/bash|xterm-256color>", workspace.display())), "{output}");
    assert_eq!(exit, ExitState::Code(5));
}

#[test]
fn a_program_finds_a_clean_process_around_it() {
    let (_sandbox, mut link) = Sandbox::ready();
    let script = "env -u SHLVL -u _ -u PWD -u OLDPWD | sort; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls -1 /proc/$$/fd; tty; exit 0";
    let terminal = link.open(&["sh", "-c", script]);
    link.attach(terminal.id, 1, None, 65536);
    let (output, _) = link.collect_to_exit(1, 0);
    let output = String::from_utf8_lossy(&output).replace("\r\n", "\n");
    let expected = "COLORTERM=truecolor\nHOME=/home/carrel\nLANG=C.UTF-8\nMPLBACKEND=Agg\n\
        PATH=/usr/local/bin:/usr/bin:/bin:/home/carrel/.local/bin\nSHELL=/bin/bash\nTERM=xterm-256color\nUSER=carrel\n\
        SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n1\n2\n/dev/pts/";
    assert!(output.starts_with(expected), "{output}");
}

#[test]
fn the_size_follows_the_window_and_every_viewer_hears_it() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal =
        link.open(&["sh", "-c", "stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do read line; done"]);
    link.attach(terminal.id, 1, None, 65536);
    link.attach(terminal.id, 2, None, 65536);
    link.collect_until(1, 0, "24 80\r\nready");
    let size = TerminalSize { cols: 132, rows: 40 };
    link.send(&ToAgent::Resize { viewer: 1, size });
    for viewer in [1, 2] {
        link.find("the new size", |frame| {
            matches!(frame, carrel_protocol::ToServer::Viewer { viewer: of, event: ViewerEvent::Resized(told) } if *of == viewer && *told == size)
                .then_some(())
        });
    }
    link.collect_until(1, "24 80\r\nready\r\n".len() as u64, "40 132");
    link.send(&ToAgent::Resize { viewer: 1, size: TerminalSize { cols: 0, rows: 5 } });
    assert_eq!(link.ask(Request::Ping), Ok(Reply::Done));
}

#[test]
fn opening_is_idempotent_bounded_and_refuses_nonsense() {
    let (_sandbox, mut link) = Sandbox::ready();
    let first = link.open(&["cat"]);
    let again = Request::OpenTerminal {
        terminal: first.id,
        name: "other".to_owned(),
        size: TerminalSize { cols: 1, rows: 1 },
        cwd: None,
        command: vec!["false".to_owned()],
    };
    assert_eq!(link.ask(again), Ok(Reply::Opened(first)));

    let mut attempt = |size, cwd: Option<&str>, program: &str| {
        let (terminal, command) = (Uuid::new_v4(), vec![program.to_owned()]);
        link.ask(Request::OpenTerminal { terminal, name: String::new(), size, cwd: cwd.map(at), command })
    };
    assert_eq!(attempt(SIZE, None, "no-such-program"), Err(AgentError::NotFound));
    assert_eq!(attempt(SIZE, Some("no/folder"), "cat"), Err(AgentError::NotFound));
    assert!(matches!(attempt(TerminalSize { cols: 1001, rows: 1 }, None, "cat"), Err(AgentError::BadRequest(_))));
    for _ in 1..MAX_TERMINALS {
        assert!(matches!(attempt(SIZE, None, "cat"), Ok(Reply::Opened(_))));
    }
    assert_eq!(attempt(SIZE, None, "cat"), Err(AgentError::TooMany));
}

#[test]
fn closing_hangs_up_and_kills_what_stays() {
    let (_sandbox, mut link) = Sandbox::ready();
    let polite = link.open(&["sh", "-c", "sleep 1000 & sleep 1000 & wait"]);
    let stubborn = link.open(&[
        "sh",
        "-c",
        "trap '' HUP; (trap '' HUP; sleep 1000) & echo \"<$!>\"; while :; do sleep 1000; done",
    ]);
    link.attach(stubborn.id, 1, None, 65536);
    let output = link.collect_until(1, 0, ">");
    let grandchild = output.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a pid");
    assert_eq!(link.ask(Request::CloseTerminal { terminal: stubborn.id }), Ok(Reply::Done));
    assert_eq!(link.ask(Request::CloseTerminal { terminal: polite.id }), Ok(Reply::Done));
    link.find("the viewer's end", |frame| {
        matches!(
            frame,
            carrel_protocol::ToServer::Viewer {
                viewer: 1,
                event: ViewerEvent::Detached(carrel_protocol::DetachReason::Closed)
            }
        )
        .then_some(())
    });
    for pid in [polite.pid, stubborn.pid, grandchild] {
        gone(pid);
    }
    assert_eq!(link.ask(Request::CloseTerminal { terminal: polite.id }), Err(AgentError::NotFound));
}

#[test]
fn orphans_are_reaped() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sh", "-c", "sh -c 'sleep 0.05 & echo \"<$!>\"'; read line"]);
    link.attach(terminal.id, 1, None, 65536);
    let output = link.collect_until(1, 0, ">");
    gone(output.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a pid"));
}

#[test]
fn a_program_may_close_its_terminal_and_open_it_again() {
    let (_sandbox, mut link) = Sandbox::ready();
    let script =
        "t=$(tty); exec </dev/null >/dev/null 2>&1; sleep 0.3; echo again >$t; sleep 0.3; echo more >$t; exit 6";
    let terminal = link.open(&["bash", "-c", script]);
    link.attach(terminal.id, 1, None, 65536);
    let (output, exit) = link.collect_to_exit(1, 0);
    assert_eq!((String::from_utf8_lossy(&output).as_ref(), exit), ("again\r\nmore\r\n", ExitState::Code(6)));
}

#[test]
fn running_programs_are_listed() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sleep", "54321"]);
    let Ok(Reply::Processes(processes)) = link.ask(Request::Processes) else { panic!("no list") };
    let sleep = processes.iter().find(|process| process.pid == terminal.pid).expect("listed");
    assert_eq!(sleep.command, "sleep 54321");
}

#[test]
fn a_terminals_name_can_be_changed_and_is_told_to_the_next_server() {
    let (sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sleep", "1000"]);
    let rename = |terminal, name: &str| Request::RenameTerminal { terminal, name: name.to_owned() };
    assert_eq!(link.ask(rename(terminal.id, "Tests ✓")), Ok(Reply::Done));
    assert_eq!(link.ask(rename(Uuid::from_u128(9), "x")), Err(AgentError::NotFound));
    assert!(matches!(link.ask(rename(terminal.id, &"x".repeat(2000))), Err(AgentError::BadRequest(_))));
    drop(link);
    let next = sandbox.accept(LIMITS);
    assert_eq!(next.hello.terminals[0].name, "Tests ✓");
}

#[test]
fn one_process_is_asked_to_end_and_then_made_to() {
    let (_sandbox, mut link) = Sandbox::ready();
    let polite = link.open(&["sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"]);
    let stubborn = link.open(&["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done"]);
    let stopped = link.open(&["sh", "-c", "trap 'exit 8' TERM; kill -STOP $$; exit 9"]);
    for (viewer, terminal) in [(1, &polite), (2, &stubborn)] {
        link.attach(terminal.id, viewer, None, 65536);
        link.collect_until(viewer, 0, "up\r\n");
    }
    until("the one that stops itself", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", stopped.pid)).ok()?;
        stat.contains(") T ").then_some(())
    });
    for terminal in [&polite, &stubborn, &stopped] {
        assert_eq!(link.ask(Request::StopProcess { pid: terminal.pid }), Ok(Reply::Done));
    }
    assert_eq!(link.exit_of(polite.id), ExitState::Code(7));
    assert_eq!(link.exit_of(stopped.id), ExitState::Code(8));
    assert_eq!(link.exit_of(stubborn.id), ExitState::Signal(9));
    for pid in [1, std::process::id(), polite.pid, u32::MAX] {
        assert_eq!(link.ask(Request::StopProcess { pid }), Err(AgentError::NotFound), "{pid}");
    }
}

#[test]
fn processes_know_their_terminal_and_usage_counts_what_went_through_it() {
    let (_sandbox, mut link) = Sandbox::ready();
    let terminal = link.open(&["sh", "-c", "setsid sleep 1000 & echo hello; read line; exit 0"]);
    link.attach(terminal.id, 1, None, 65536);
    link.collect_until(1, 0, "hello\r\n");
    let ours = until("one that has left its session", || {
        let Ok(Reply::Processes(list)) = link.ask(Request::Processes) else { panic!("a list") };
        let ours: Vec<_> = list.into_iter().filter(|process| process.terminal == Some(terminal.id)).collect();
        ours.iter().any(|process| process.command == "sleep 1000").then_some(ours)
    });
    assert!(ours.iter().any(|process| process.pid == terminal.pid), "{ours:?}");
    let Ok(Reply::Usage(usage)) = link.ask(Request::Usage) else { panic!("usage") };
    assert_eq!((usage.output_bytes, usage.input_bytes, usage.viewers), (7, 0, 1));
    assert!(usage.processes >= 2 && usage.memory_bytes > 0 && usage.disk_total_bytes >= usage.disk_bytes, "{usage:?}");
    link.input(1, b"xy\n");
    link.exit_of(terminal.id);
    assert_eq!(link.ask(Request::CloseTerminal { terminal: terminal.id }), Ok(Reply::Done));
    let Ok(Reply::Usage(later)) = link.ask(Request::Usage) else { panic!("usage") };
    assert_eq!((later.input_bytes, later.viewers), (3, 0));
    assert!(later.output_bytes > 7 && later.cpu_ms >= usage.cpu_ms, "closed ones count on: {later:?}");
}
