//! Opening a session: from the request to the shell's first prompt on the client's side.

use std::time::{Duration, Instant};

use carrel_load::samples::{Samples, human};

use crate::api::User;
use crate::engine::Engine;
use crate::figures::Report;
use crate::server::{LOOK_AGAIN, Server, pause};

/// Sessions opened in each way.
const OPENED: usize = 20;

/// For the warm pool, and beyond what the engine itself takes.
const TARGET: Duration = Duration::from_millis(150);

/// How long removed and refilled sandboxes may take to be gone and there.
const SETTLE_PATIENCE: Duration = Duration::from_secs(60);

/// Opens a cold session's terminal and waits for its prompt.
fn open(user: &User, session: &str) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let terminal = user.open_terminal(session, None)?;
    user.attach(&terminal)?.wait_for(b"$ ")?;
    Ok(start.elapsed())
}

/// Without a pool, against the engine's own create and start of the same container.
pub fn cold(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let (user, engine) = (User::register(&server.url)?, Engine::below(&server.run_dir())?);
    settle(|| Ok(engine.containers()?.is_empty()))?;
    let first = user.new_session()?;
    open(&user, &first)?;
    // Its directory of the link has to stay as long as others are made after its recipe.
    let recipe = engine.recipe(&engine.containers()?.concat())?;
    let (mut carrel, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..OPENED {
        floor.push(engine.create_and_start(&recipe)?);
        let session = user.new_session()?;
        carrel.push(open(&user, &session)?);
        user.delete_session(&session)?;
        settle(|| Ok(engine.containers()?.len() == 1))?;
    }
    for percent in [50.0, 95.0] {
        let (carrel, floor) = (carrel.percentile(percent), floor.percentile(percent));
        let what = format!("open a session cold, p{percent} of {OPENED}; floor: the engine's create and start");
        let more = carrel.saturating_sub(floor);
        report.judge(&what, human(carrel), human(floor), format!("+{}", human(more)), "≤ +150 ms", more <= TARGET);
    }
    user.delete_session(&first)?;
    settle(|| Ok(engine.containers()?.is_empty()))
}

/// From the pool.
pub fn warm(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let mut carrel = Samples::default();
    for turn in 0..=OPENED {
        settle(|| Ok(waiting(server)? >= 2))?;
        let session = user.new_session()?;
        let took = open(&user, &session)?;
        // The first one opens connections that stay.
        if turn > 0 {
            carrel.push(took);
        }
        user.delete_session(&session)?;
    }
    let (p50, p95) = (carrel.percentile(50.0), carrel.percentile(95.0));
    let what = format!("open a session from the warm pool, p95 of {OPENED} (p50 {})", human(p50));
    report.judge(&what, human(p95), "", "", "≤ 150 ms", p95 <= TARGET);
    Ok(())
}

/// Sandboxes whose agent has called and whom nobody has claimed: their token is gone and the mark is not there yet.
fn waiting(server: &Server) -> anyhow::Result<usize> {
    let Ok(dirs) = std::fs::read_dir(server.run_dir().join("l")) else { return Ok(0) };
    let is_waiting = |dir: &std::path::Path| {
        dir.join("m/agent.sock").exists() && !dir.join("m/token").exists() && !dir.join("claimed").exists()
    };
    Ok(dirs.flatten().filter(|dir| is_waiting(&dir.path())).count())
}

fn settle(done: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + SETTLE_PATIENCE;
    while !done()? {
        anyhow::ensure!(Instant::now() < deadline, "sandboxes do not come or go");
        pause(LOOK_AGAIN);
    }
    Ok(())
}
