//! Saving a file in a live session: committed to the database and in place in the sandbox when it is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;

use carrel_load::samples::{Samples, human};

use crate::api::User;
use crate::figures::Report;
use crate::server::Server;

/// Saves of each kind.
const SAVES: u32 = 200;

const FILE_BYTES: usize = 10 * 1000;

const TARGET: Duration = Duration::from_millis(10);

/// A Python program that never was before.
fn program(number: u32) -> Bytes {
    let line = format!("print({number}, 'the quick brown fox jumps over the lazy dog')\n");
    line.bytes().cycle().take(FILE_BYTES).collect()
}

pub fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let session = user.new_session()?;
    user.open_terminal(&session, None)?;
    user.save(&session, "main.py", program(0))?;
    let (mut replaced, mut new) = (Samples::default(), Samples::default());
    for number in 1..=SAVES {
        let start = Instant::now();
        user.save(&session, "main.py", program(number))?;
        replaced.push(start.elapsed());
        let start = Instant::now();
        user.save(&session, &format!("new/{number}.py"), program(SAVES + number))?;
        new.push(start.elapsed());
    }
    for (kind, samples) in [("over an older one", replaced), ("new", new)] {
        let (p50, p95) = (samples.percentile(50.0), samples.percentile(95.0));
        let what = format!("save of 10 KB, {kind}, p95 of {} (p50 {})", samples.count(), human(p50));
        report.judge(&what, human(p95), "", "", "≤ 10 ms", p95 <= TARGET);
    }
    user.delete_session(&session)
}
