//! What a live session that nobody uses costs the server and its own sandbox.

use carrel_load::api::Terminal;
use carrel_load::process::resident_kib;

use crate::api::User;
use crate::engine::Engine;
use crate::figures::Report;
use crate::server::Server;
use crate::socket::Socket;

/// Sessions opened before the first look: what is allocated once is not a session's.
const FIRST: usize = 5;

/// Sessions whose cost is measured.
const MEASURED: usize = 25;

const TARGET_KIB: f64 = 100.0;

/// Printed into one terminal, to see its scrollback grow.
const SCROLLBACK_KIB: usize = 1024;

pub fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let (user, engine) = (User::register(&server.url)?, Engine::below(&server.run_dir())?);
    let open = || -> anyhow::Result<(String, Terminal)> {
        let session = user.new_session()?;
        let terminal = user.open_terminal(&session, None)?;
        // A look at the prompt, as a page would have had it; then nobody looks.
        user.attach(&terminal)?.wait_for(b"$ ")?;
        Ok((session, terminal))
    };
    let mut sessions = (0..FIRST).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
    let before = server.resident_kib()?;
    for _ in 0..MEASURED {
        sessions.push(open()?);
    }
    let unseen = server.resident_kib()?;
    let sockets = sessions.iter().map(|(_, terminal)| user.attach(terminal)).collect::<Result<Vec<Socket>, _>>()?;
    let seen = server.resident_kib()?;
    let each = |from: u64, to: u64, count: usize| (to as f64 - from as f64) / count as f64;
    for (what, kib) in [
        ("no viewer", each(before, unseen, MEASURED)),
        ("one viewer", each(before, unseen, MEASURED) + each(unseen, seen, FIRST + MEASURED)),
    ] {
        let what = format!("server memory per idle live session, one terminal, {what}, of {MEASURED}");
        report.judge(&what, format!("{kib:.0} KiB"), "", "", "≤ 100 KiB", kib <= TARGET_KIB);
    }
    report.note("server memory with all of them", format!("{:.1} MiB", seen as f64 / 1024.0), "");
    agents(&user, &engine, report)?;
    drop(sockets);
    sessions.iter().try_for_each(|(session, _)| user.delete_session(session))
}

/// The scrollback lies in the agent and grows as it is used.
fn agents(user: &User, engine: &Engine, report: &mut Report) -> anyhow::Result<()> {
    let before = engine.containers()?;
    let session = user.new_session()?;
    user.open_terminal(&session, None)?;
    let after = engine.containers()?;
    let Some(container) = after.iter().find(|container| !before.contains(container)) else {
        anyhow::bail!("no sandbox")
    };
    let agent = engine.agent(container)?;
    let idle = resident_kib(agent)?;
    let script = format!("head -c {} /dev/zero; printf R; exec cat", SCROLLBACK_KIB * 1024);
    user.attach(&user.open_terminal(&session, Some(&script))?)?.wait_for(b"R")?;
    let used = resident_kib(agent)?;
    report.note("agent with one idle terminal, resident", format!("{:.1} MiB", idle as f64 / 1024.0), "");
    let what = format!("more of it after {SCROLLBACK_KIB} KiB in another terminal");
    report.note(&what, format!("{} KiB", used.saturating_sub(idle)), "");
    user.delete_session(&session)
}
