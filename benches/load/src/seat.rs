//! Somebody at one terminal: types a key now and then, sees what is printed, comes back when the connection ends.

use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::api::{Account, Terminal};
use crate::outcome::Counts;
use crate::programs::{ECHO, GO, KEY, Program};
use crate::samples::Samples;
use crate::viewer::{Seen, Viewer};

/// A key whose echo has not come by then is lost.
const KEY_PATIENCE: Duration = Duration::from_secs(10);

/// Programs begin within this time, one after the other: a thousand people do not press Enter at the same moment.
const SPREAD: Duration = Duration::from_secs(1);

/// Pauses before a lost connection is tried again; a random one between.
const RETRY: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_millis(500);

/// A connection that cannot be had again for so long is given up.
const RETRY_PATIENCE: Duration = Duration::from_secs(60);

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Others are still being opened.
    Opening,
    /// Programs print and people type.
    Running,
    /// That was it.
    Over,
}

/// A terminal with somebody in front of it.
pub(crate) struct Seat {
    pub account: Account,
    pub terminal: Terminal,
    pub program: Program,
    pub viewer: Viewer,
    pub key_interval: Duration,
}

/// What was seen from a seat.
#[derive(Debug)]
pub(crate) struct Record {
    pub program: Program,
    /// Bytes printed while it ran, and for how long that was.
    pub printed: u64,
    pub ran: Duration,
    pub echoes: Samples,
    pub keys_lost: u64,
    /// Connections that ended, by cause.
    pub disconnects: Counts,
    pub reconnected: u64,
    /// How often output was missing after a connection came back.
    pub resets: u64,
}

impl Seat {
    /// Sits there until the run is over.
    pub(crate) async fn sit(mut self, mut phase: watch::Receiver<Phase>) -> Record {
        let mut record = Record {
            program: self.program,
            printed: 0,
            ran: Duration::ZERO,
            echoes: Samples::new(),
            keys_lost: 0,
            disconnects: Counts::new(),
            reconnected: 0,
            resets: 0,
        };
        let first = Duration::from_secs_f64(rand::rng().random::<f64>() * SPREAD.as_secs_f64());
        let mut start: Option<Instant> = None;
        // Fires for the program's start first, then for every key.
        let mut keys = tokio::time::interval(Duration::from_secs(3600));
        let mut pending: Option<Instant> = None;
        loop {
            // Not marked as seen: that is for `changed` below.
            let running = *phase.borrow() == Phase::Running;
            tokio::select! {
                seen = self.viewer.next() => match seen {
                    Seen::Output(bytes) if start.is_some() => {
                        record.printed += bytes.len() as u64;
                        if let Some(typed) = pending && bytes.contains(&ECHO) {
                            record.echoes.push(typed.elapsed());
                            pending = None;
                        }
                    }
                    Seen::Output(_) | Seen::Control(_) => {}
                    Seen::End(why) => {
                        *record.disconnects.entry(why).or_default() += 1;
                        pending = None;
                        if !self.come_back(&mut record, &mut phase).await {
                            break;
                        }
                    }
                },
                changed = phase.changed() => {
                    if changed.is_err() || *phase.borrow() == Phase::Over {
                        break;
                    }
                    let every = if self.key_interval.is_zero() { Duration::from_secs(3600) } else { self.key_interval };
                    keys = tokio::time::interval_at(tokio::time::Instant::now() + first, every);
                    keys.set_missed_tick_behavior(MissedTickBehavior::Delay);
                }
                _ = keys.tick(), if running => match (start, pending) {
                    (None, _) => {
                        if self.program != Program::Silent {
                            self.viewer.input(GO).await;
                        }
                        start = Some(Instant::now());
                    }
                    (_, Some(typed)) if typed.elapsed() < KEY_PATIENCE => {}
                    (_, waited) => {
                        record.keys_lost += u64::from(waited.is_some());
                        pending = Some(Instant::now());
                        self.viewer.input(KEY).await;
                    }
                },
            }
        }
        record.ran = start.map(|start| start.elapsed()).unwrap_or_default();
        record
    }

    /// Connects again where the connection ended; `false` when the run is over or it is given up.
    async fn come_back(&mut self, record: &mut Record, phase: &mut watch::Receiver<Phase>) -> bool {
        let (since, lost) = (self.viewer.next_seq(), Instant::now());
        while lost.elapsed() < RETRY_PATIENCE {
            let pause = rand::rng().random_range(RETRY);
            let over = phase.wait_for(|phase| *phase == Phase::Over);
            if tokio::time::timeout(pause, over).await.is_ok() {
                return false;
            }
            if let Ok(viewer) = Viewer::attach(&self.account, &self.terminal, Some(since)).await {
                record.reconnected += 1;
                record.resets += u64::from(viewer.reset);
                self.viewer = viewer;
                return true;
            }
        }
        *record.disconnects.entry("not to be had again".to_owned()).or_default() += 1;
        false
    }
}
