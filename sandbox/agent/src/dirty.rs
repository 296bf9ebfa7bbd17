//! The paths that changed since the server was last told, and the batch it is being told about.

use std::collections::BTreeMap;

use carrel_protocol::MAX_IGNORED_ENTRIES;

/// Bounded: past the limit single paths are given up for "everything may have changed".
#[derive(Debug, Default)]
pub struct Dirty {
    /// Each with whether a folder went away there: what it held is gone with it, and nobody has told that by name.
    paths: BTreeMap<Vec<u8>, bool>,
    lost_track: bool,
    told: Option<Told>,
    limit: usize,
    /// Ignored things among them that came or went: a program may do that without end, and only some of them are shown.
    ignored: usize,
}

/// What one batch speaks of, kept until the server has taken it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    paths: Vec<(Vec<u8>, bool)>,
    lost_track: bool,
}

impl Dirty {
    /// Nothing has changed; at most `limit` paths will be remembered.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Changes the limit.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Notes that something at `path` changed.
    pub fn mark(&mut self, path: Vec<u8>) {
        self.note(path, false);
    }

    /// Notes that the folder at `path` went away, whatever is there now.
    pub fn mark_vanished(&mut self, path: Vec<u8>) {
        self.note(path, true);
    }

    fn note(&mut self, path: Vec<u8>, vanished: bool) {
        if self.lost_track {
            return;
        }
        *self.paths.entry(path).or_default() |= vanished;
        if self.paths.len() > self.limit {
            self.lose_track();
        }
    }

    /// Notes that something ignored came or went.
    pub fn mark_ignored(&mut self, path: Vec<u8>) {
        if self.ignored < MAX_IGNORED_ENTRIES {
            self.ignored += 1;
            self.mark(path);
        }
    }

    /// Notes that changes were missed.
    pub fn lose_track(&mut self) {
        self.paths.clear();
        self.lost_track = true;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Whether there is something to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.lost_track
    }

    /// Begins a batch of at most `most` paths in byte order, so parents come before children, each with whether a folder went away there; also
    /// says whether track was lost. A batch the server never took is begun again.
    pub fn take(&mut self, most: usize) -> (Vec<(Vec<u8>, bool)>, bool) {
        if let Some(told) = self.told.take() {
            for (path, vanished) in told.paths {
                *self.paths.entry(path).or_default() |= vanished;
            }
            if told.lost_track {
                self.lose_track();
            }
        }
        let mut paths = Vec::new();
        while paths.len() < most
            && let Some(path) = self.paths.pop_first()
        {
            paths.push(path);
        }
        if self.paths.is_empty() {
            self.ignored = 0;
        }
        let lost_track = std::mem::take(&mut self.lost_track);
        self.told = Some(Told { paths: paths.clone(), lost_track });
        (paths, lost_track)
    }

    /// The server has taken the batch.
    pub fn taken(&mut self) {
        self.told = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<(Vec<u8>, bool)> {
        names.iter().map(|name| (name.as_bytes().to_vec(), false)).collect()
    }

    fn marked(limit: usize, names: &[&str]) -> Dirty {
        let mut dirty = Dirty::new(limit);
        for (path, _) in paths(names) {
            dirty.mark(path);
        }
        dirty
    }

    #[test]
    fn a_batch_the_server_never_took_comes_again() {
        let mut dirty = marked(10, &["b", "a", "a/x", "c"]);
        assert_eq!(dirty.take(2), (paths(&["a", "a/x"]), false));
        assert_eq!(dirty.take(9), (paths(&["a", "a/x", "b", "c"]), false));
        dirty.taken();
        assert_eq!(dirty.take(9), (paths(&[]), false));
    }

    #[test]
    fn a_path_changed_while_its_batch_was_in_flight_is_told_again() {
        let mut dirty = marked(10, &["a"]);
        dirty.take(9);
        dirty.mark(b"a".to_vec());
        dirty.taken();
        assert_eq!(dirty.take(9), (paths(&["a"]), false));
    }

    #[test]
    fn that_a_folder_went_away_is_remembered_whatever_comes_to_its_place() {
        let mut dirty = marked(10, &["a"]);
        dirty.mark_vanished(b"a".to_vec());
        dirty.mark(b"a".to_vec());
        let told = (vec![(b"a".to_vec(), true)], false);
        assert_eq!(dirty.take(9), told);
        dirty.mark(b"a".to_vec());
        assert_eq!(dirty.take(9), told, "not taken, so told again");
        dirty.taken();
        dirty.mark(b"a".to_vec());
        assert_eq!(dirty.take(9), (paths(&["a"]), false));
    }

    #[test]
    fn of_ignored_things_only_so_many_are_told_at_once() {
        let mut dirty = Dirty::new(usize::MAX);
        for round in 0..2 {
            for number in 0..2 * MAX_IGNORED_ENTRIES {
                dirty.mark_ignored(format!("{round}/{number}").into_bytes());
            }
            assert_eq!(dirty.take(usize::MAX).0.len(), MAX_IGNORED_ENTRIES);
            dirty.taken();
        }
    }

    #[test]
    fn past_the_limit_only_a_listing_tells() {
        let mut dirty = marked(2, &["a", "b", "c", "d"]);
        assert!(!dirty.is_empty());
        assert_eq!(dirty.take(9), (paths(&[]), true));
        assert_eq!(dirty.take(9), (paths(&[]), true), "not taken, so told again");
        dirty.taken();
        assert!(dirty.is_empty());
    }
}
