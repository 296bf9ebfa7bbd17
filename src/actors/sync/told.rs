//! What a user has been told already, so that trying again does not say it again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::Work;

/// Names remembered; more are forgotten together, and told once more.
const MAX_NAMES: usize = 1024;

/// What has been told. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    names: HashSet<(String, String)>,
    trouble: Option<String>,
}

impl Told {
    /// Whether nobody has been told of this name and cause yet; now they have been.
    pub(super) fn is_new(&self, name: &str, why: &str) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.names.len() >= MAX_NAMES {
            inner.names.clear();
        }
        inner.names.insert((name.to_owned(), why.to_owned()))
    }

    /// Something that keeps database and sandbox apart: told once, until it is over or something else is the matter.
    pub(super) fn trouble(&self, work: &Work, text: String) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.trouble.as_ref() != Some(&text) {
            tracing::warn!(session.id = %work.session, text, "database and sandbox differ");
            work.warn(text.clone());
            inner.trouble = Some(text);
        }
    }

    /// They agree.
    pub(super) fn over(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once_for_each_cause() {
        let told = Told::default();
        assert!(told.is_new("a", "too large") && told.is_new("a", "unreadable") && told.is_new("b", "too large"));
        assert!(!told.is_new("a", "too large") && !told.clone().is_new("b", "too large"));
    }
}
