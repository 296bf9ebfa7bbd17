//! When the server is told about changed files: after a moment of quiet, one batch at a time.
//!
//! This is the clock only; what changed is known to the lane of the tree ([`crate::tree`]).

use std::time::Duration;

use carrel_protocol::ToServer;
use tokio::time::Instant;

use crate::lanes::{Lanes, TreeJob};
use crate::tree::Batch;
use crate::watch::Drained;

/// A batch is made after this long without a further change …
const QUIET: Duration = Duration::from_millis(40);

/// … or this long after the first one, whichever comes first.
const AT_LATEST: Duration = Duration::from_millis(250);

/// How often a listing is asked for where not everything can be watched.
const BLIND_PAUSE: Duration = Duration::from_secs(2);

/// The state of the announcements.
#[derive(Debug, Default)]
pub struct Changes {
    /// The lane is reading events.
    draining: bool,
    /// More events came meanwhile.
    drain_again: bool,
    /// First and last change that no batch has been made for.
    since: Option<(Instant, Instant)>,
    /// The lane is making a batch.
    making: bool,
    /// The connection it was begun for has ended. What it says may be older than what was written since; the server knows only of the
    /// writes of its own link.
    outdated: bool,
    /// The batch the server has and has not taken.
    in_flight: Option<u64>,
    /// More paths wait behind the one in flight.
    more: bool,
    last_batch: u64,
    /// When to ask for a listing, because some folder cannot be watched.
    blind_at: Option<Instant>,
}

impl Changes {
    /// Events have arrived.
    pub fn heard(&mut self, lanes: &Lanes) {
        if self.draining {
            self.drain_again = true;
        } else {
            self.draining = true;
            lanes.tree(TreeJob::Drain);
        }
    }

    /// The lane has read events.
    pub fn drained(&mut self, drained: Drained, now: Instant, lanes: &Lanes) {
        self.draining = false;
        if drained.touched {
            self.touch(now);
        }
        if drained.blind && self.blind_at.is_none() {
            eprintln!("carrel-agent: not every folder can be watched; asking for a listing every 2 s instead");
            self.blind_at = Some(now + BLIND_PAUSE);
        }
        if drained.more || std::mem::take(&mut self.drain_again) {
            self.heard(lanes);
        }
    }

    /// The lane has tried again to watch everything.
    pub fn looked(&mut self, drained: Drained, now: Instant) {
        self.blind_at = drained.blind.then_some(now + BLIND_PAUSE);
    }

    /// The lane has made a batch; answers the frame to send. `up` when there is a server to send it to.
    pub fn made(&mut self, batch: Batch, up: bool, now: Instant, lanes: &Lanes) -> Option<ToServer> {
        self.making = false;
        if batch.unsettled {
            self.touch(now);
        }
        if std::mem::take(&mut self.outdated) || !up {
            self.touch(now);
            return None;
        }
        if batch.entries.is_empty() && !batch.rescan {
            lanes.tree(TreeJob::Taken);
            if batch.more {
                self.hurry(now);
            }
            return None;
        }
        self.more = batch.more;
        self.last_batch += 1;
        self.in_flight = Some(self.last_batch);
        Some(ToServer::Changed { batch: self.last_batch, entries: batch.entries, rescan: batch.rescan })
    }

    /// The server has taken a batch; numbers other than that of the one in flight mean nothing.
    pub fn taken(&mut self, batch: u64, now: Instant, lanes: &Lanes) {
        if self.in_flight == Some(batch) {
            self.in_flight = None;
            lanes.tree(TreeJob::Taken);
            if std::mem::take(&mut self.more) {
                self.hurry(now);
            }
        }
    }

    /// The connection is gone: what it did not take is told again to the next.
    pub fn disconnected(&mut self, now: Instant) {
        self.last_batch = 0;
        self.more = false;
        self.outdated = self.making;
        if self.in_flight.take().is_some() {
            self.touch(now);
        }
    }

    /// Whatever changed so far is not news.
    pub fn settled(&mut self) {
        self.since = None;
    }

    /// Has a batch made if it is time.
    pub fn tick(&mut self, now: Instant, lanes: &Lanes) {
        if self.making || self.in_flight.is_some() {
            return;
        }
        if self.blind_at.is_some_and(|at| at <= now) {
            self.blind_at = Some(now + BLIND_PAUSE);
            lanes.tree(TreeJob::LoseTrack);
            self.hurry(now);
        }
        if self.due().is_some_and(|due| due <= now) {
            self.since = None;
            self.making = true;
            lanes.tree(TreeJob::Batch);
        }
    }

    /// When [`Changes::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.making || self.in_flight.is_some() {
            return None;
        }
        self.due().into_iter().chain(self.blind_at).min()
    }

    fn due(&self) -> Option<Instant> {
        self.since.map(|(first, last)| (last + QUIET).min(first + AT_LATEST))
    }

    fn touch(&mut self, now: Instant) {
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
    }

    fn hurry(&mut self, now: Instant) {
        let long_ago = now.checked_sub(AT_LATEST).unwrap_or(now);
        self.since = Some((long_ago, now));
    }
}

#[cfg(test)]
mod tests {
    use carrel_protocol::{Entry, EntryKind};
    use tempfile::TempDir;

    use super::*;
    use crate::files::Workspace;

    #[test]
    fn a_batch_begun_for_one_connection_is_not_told_to_the_next_but_made_again() {
        let top = TempDir::new().expect("a folder");
        let workspace = Workspace::open(top.path()).expect("workspace");
        let (lanes, _results) = Lanes::start(&workspace, top.path().to_owned()).expect("threads");
        let (mut changes, now) = (Changes::default(), Instant::now());
        let batch = || {
            let kind = EntryKind::Missing { ignored_file: false, ignored_folder: false };
            let entries = vec![Entry { path: "a".to_owned(), kind }];
            Batch { entries, ..Batch::default() }
        };
        changes.touch(now);
        changes.tick(now + AT_LATEST, &lanes);
        changes.disconnected(now);
        assert_eq!(changes.made(batch(), true, now, &lanes), None);
        assert!(changes.deadline().is_some(), "made again");
        changes.tick(now + AT_LATEST, &lanes);
        assert!(changes.made(batch(), true, now, &lanes).is_some());
    }
}
