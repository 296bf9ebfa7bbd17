//! What of one sandbox is not kept: found by the jobs on its workspace, shown to its user.

use std::sync::{Arc, Mutex, PoisonError};

use carrel_protocol::rules::{MAX_IGNORE_FILE_BYTES, MAX_PATTERNS};
use carrel_protocol::{Disobeyed, Entry, Unusable};

use super::Work;
use super::told::Told;
use crate::actors::api::SessionError;
use crate::model::SessionNotice;
use crate::model::unkept::{UnkeptList, Why, WorkspaceLimits, printable};

/// Things a user is told of in words for each job; the list has all of them.
const TOLD_AT_ONCE: usize = 3;

/// The list as it is now. Clones share it.
#[derive(Clone, Default)]
pub struct Unkept(Arc<Mutex<UnkeptList>>);

impl Unkept {
    /// The list as it is now.
    #[must_use]
    pub fn list(&self) -> UnkeptList {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What of it there was no room for, as the error of whoever would lose it.
    #[must_use]
    pub fn unsaved(&self, limits: &WorkspaceLimits) -> Option<SessionError> {
        self.list().unsaved(limits).map(SessionError::NotSaved)
    }

    /// Changes the list, and tells the pages where that made a difference.
    pub(super) fn change(&self, work: &Work, change: impl FnOnce(&mut UnkeptList)) {
        let changed = {
            let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let before = list.clone();
            change(&mut list);
            *list != before
        };
        if changed {
            work.tell(SessionNotice::Unkept);
        }
    }
}

impl Work {
    /// Takes over what a job has `found` in the whole sandbox, or in what a batch speaks of. One that failed for want of a database or an agent
    /// has not found everything; it comes again.
    pub(super) fn mark<T>(&self, batch: Option<&[Entry]>, found: UnkeptList, outcome: &Result<T, SessionError>) {
        let looked = |error: &SessionError| matches!(error, SessionError::TooManyItems | SessionError::TooManyBytes);
        if !outcome.as_ref().err().is_none_or(looked) {
            return;
        }
        self.unkept.change(self, |list| match batch {
            Some(batch) => list.update(batch, &found),
            None => *list = found,
        });
    }

    /// Tells the user in words of what was never kept and never told.
    pub(super) fn warn_of(&self, told: &Told, found: &UnkeptList) {
        let limits = self.config.workspace.limits();
        let news = found.iter().filter(|(name, unkept)| {
            !matches!(unkept.why, Why::Ignored | Why::Quota) && told.is_new(name, &unkept.why.cause(&limits))
        });
        for (name, unkept) in news.take(TOLD_AT_ONCE) {
            self.warn(format!("{} is {}: {}", printable(name), unkept.why.verdict(), unkept.why.cause(&limits)));
        }
    }

    /// Tells the user of ignore files that are not obeyed.
    pub(super) fn warn_of_disobeyed(&self, told: &Told, disobeyed: &[Disobeyed]) {
        for Disobeyed { path, why } in disobeyed {
            let cause = match why {
                Unusable::TooLarge => format!("it is larger than {} KB", MAX_IGNORE_FILE_BYTES / 1024),
                Unusable::TooManyPatterns => {
                    format!("it has more than {MAX_PATTERNS} patterns, or there are too many such files")
                }
                Unusable::TooSlow => "its patterns take too long to match".to_owned(),
                Unusable::Unreadable => "it cannot be read as text".to_owned(),
            };
            if told.is_new(path, &cause) {
                self.warn(format!("{} is not obeyed: {cause}", printable(path)));
            }
        }
    }
}
