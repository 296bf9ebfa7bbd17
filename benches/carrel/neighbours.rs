//! One session computes for ever, one prints for ever: what does a third notice?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use carrel_load::samples::{Samples, human};

use crate::api::User;
use crate::echo;
use crate::figures::{Report, ratio};
use crate::relay::Relay;
use crate::server::{Server, pause};

/// Turns in quiet and with neighbours, and keys in each.
const TURNS: usize = 5;
const KEYS: usize = 300;

/// Between two keys.
const PAUSE: Duration = Duration::from_millis(5);

/// The neighbours make noise for so long before a turn.
const WARM_UP: Duration = Duration::from_millis(500);

/// What the server may grow by in a turn, in KiB: the windows of a few viewers.
const FLAT_KIB: u64 = 2048;

pub fn measure(server: &Server, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let [computing, printing, quiet] = [user.new_session()?, user.new_session()?, user.new_session()?];
    let (mut ours, mut bare) = (echo::open(&user, &quiet)?, echo::open_relay(relay)?);
    // Started now, so that their starts are in no turn.
    user.open_terminal(&computing, None)?;
    user.open_terminal(&printing, None)?;
    let [mut calm, mut disturbed, mut bare_calm, mut bare_disturbed] = [const { Samples::new() }; 4];
    let (mut printed, mut grown) = (0.0_f64, 0);
    for _ in 0..TURNS {
        calm.extend(&echo::type_keys(&mut ours, KEYS, PAUSE)?);
        bare_calm.extend(&echo::type_keys(&mut bare, KEYS, PAUSE)?);
        let noise = Noise::start(&user, &computing, &printing)?;
        pause(WARM_UP);
        let (before, start) = (server.resident_kib()?, Instant::now());
        let bytes = noise.printed.load(Ordering::Relaxed);
        disturbed.extend(&echo::type_keys(&mut ours, KEYS, PAUSE)?);
        let bytes = noise.printed.load(Ordering::Relaxed) - bytes;
        printed += bytes as f64 / 1e6 / start.elapsed().as_secs_f64() / TURNS as f64;
        grown = grown.max(server.resident_kib()?.saturating_sub(before));
        bare_disturbed.extend(&echo::type_keys(&mut bare, KEYS, PAUSE)?);
        noise.stop(&user)?;
    }
    let count = disturbed.count();
    let p95 = |samples: &Samples| samples.percentile(95.0);
    let times = ratio(p95(&disturbed), p95(&calm));
    let what = format!("key to echo beside busy neighbours, p95 of {count}; floor: without them");
    report.judge(&what, human(p95(&disturbed)), human(p95(&calm)), format!("{times:.2}"), "≤ 1.2", times <= 1.2);
    let times = ratio(p95(&bare_disturbed), p95(&bare_calm));
    let both = format!("{} ({times:.2} × {})", human(p95(&bare_disturbed)), human(p95(&bare_calm)));
    report.note("the same of the relay", both, "");
    report.note("what the printing neighbour's client got meanwhile", format!("{printed:.1} MB/s"), "");
    report.judge("server memory meanwhile", format!("+{grown} KiB"), "", "", "flat", grown <= FLAT_KIB);
    [computing, printing, quiet].iter().try_for_each(|session| user.delete_session(session))
}

/// Two busy neighbours, one of them with a client that reads.
struct Noise {
    terminals: [carrel_load::api::Terminal; 2],
    reader: std::thread::JoinHandle<()>,
    printed: Arc<AtomicU64>,
}

impl Noise {
    fn start(user: &User, computing: &str, printing: &str) -> anyhow::Result<Self> {
        let computer = user.open_terminal(computing, Some("exec python3 -c 'while True: pass'"))?;
        let printer = user.open_terminal(printing, Some("exec yes"))?;
        let mut socket = user.attach(&printer)?;
        let printed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&printed);
        let reader = std::thread::spawn(move || {
            // Until the terminal is closed.
            while let Ok(bytes) = socket.output() {
                counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
        });
        Ok(Self { terminals: [computer, printer], reader, printed })
    }

    fn stop(self, user: &User) -> anyhow::Result<()> {
        self.terminals.iter().try_for_each(|terminal| user.close_terminal(terminal))?;
        self.reader.join().map_err(|_| anyhow::anyhow!("the reader fell over"))
    }
}
