//! One run: everything is opened, then everything works for a while, then everything is taken away.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::Server;
use crate::crew::{Crew, Opened};
use crate::outcome::{Machine, Outcome};
use crate::plan::Plan;
use crate::process;
use crate::seat::{Phase, Record};

/// How often the server's process is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Drives a server as planned, until the time is over or `stop` is ready, and removes the sessions made for it either way.
/// `tell` is told how far it is.
///
/// # Errors
///
/// The plan is out of bounds (checked by [`Plan::check`]), the server does not answer, or a client cannot be made.
pub async fn drive(plan: &Plan, stop: impl Future<Output = ()>, tell: impl Fn(&str)) -> anyhow::Result<Outcome> {
    let server = Server::at(&plan.url)?;
    anyhow::ensure!(server.is_ready().await, "{} is not ready to open sessions", server.url());
    let stopped = AtomicBool::new(false);
    let stopping = || stopped.load(Ordering::Relaxed);
    let crew = Crew {
        plan,
        server,
        name: format!("{}session", plan.prefix),
        opened: Mutex::new(Opened::default()),
        stopping: &stopping,
    };
    let pid = plan.server_pid.or_else(|| process::listening_on(plan.port()?));
    let (told, phase) = watch::channel(Phase::Opening);
    let interrupted = async {
        stop.await;
        stopped.store(true, Ordering::Relaxed);
        // Those who open stop by themselves, those who run are told.
        told.send_replace(Phase::Over);
    };
    let run = async {
        tell(&format!("signing {} users in", plan.users));
        let accounts = crew.sign_in().await;
        tell(&format!("opening {} sessions with {} terminals", accounts.len() * plan.sessions, plan.terminals));
        let mut seats = JoinSet::new();
        for seat in crew.open(&accounts).await {
            seats.spawn(seat.sit(phase.clone()));
        }
        tell(&format!("{} terminals for {:?}", seats.len(), plan.duration));
        told.send_if_modified(|phase| {
            let begins = *phase == Phase::Opening;
            *phase = if begins { Phase::Running } else { *phase };
            begins
        });
        let machine = look_at(pid, plan.duration, phase.clone()).await;
        told.send_replace(Phase::Over);
        let records: Vec<Record> = seats.join_all().await;
        tell("removing the sessions");
        let left = crew.clean_up(&accounts).await;
        (machine, records, left)
    };
    tokio::pin!(interrupted, run);
    let (machine, records, left) = tokio::select! {
        done = &mut run => done,
        () = &mut interrupted => run.await,
    };
    let opened = crew.opened.lock().map(|mut opened| std::mem::take(&mut *opened)).unwrap_or_default();
    Ok(Outcome::of(plan, opened, &records, machine, left, stopped.load(Ordering::Relaxed)))
}

/// Watches the server's process while the run lasts.
async fn look_at(pid: Option<u32>, duration: Duration, mut phase: watch::Receiver<Phase>) -> Option<Machine> {
    let (begun, mut machine) = (Instant::now(), None::<Machine>);
    let first = pid.and_then(|pid| process::cpu_time(pid).ok());
    while begun.elapsed() < duration {
        let pause = LOOK.min(duration.saturating_sub(begun.elapsed()));
        let over = tokio::time::timeout(pause, phase.wait_for(|phase| *phase == Phase::Over)).await.is_ok();
        if let Some((pid, first)) = pid.zip(first)
            && let (Ok(cpu), Ok(kib)) = (process::cpu_time(pid), process::resident_kib(pid))
        {
            let mib = kib as f64 / 1024.0;
            let most = machine.as_ref().map_or(mib, |machine| machine.most_memory_mib.max(mib));
            let cpu_percent = (cpu - first).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
            machine = Some(Machine { pid, cpu_percent, memory_mib: mib, most_memory_mib: most });
        }
        if over {
            break;
        }
    }
    machine
}
