//! Uploads that have become files, for a while: who has not heard the answer to the last chunk asks again, and hears it then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Held, NewUpload, Staging, StagingError, disk, lock};
use crate::model::{SessionId, UserId};

/// How long an answer is kept: a connection that broke is back within minutes, a laptop's lid is up again within the hour.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(3600);

/// Answers kept of one user and of all, whose oldest go first. A page sends three files at a time; an answer has some kilobytes.
const EACH: usize = 64;
const MOST: usize = 1024;

/// An upload that has become a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finished {
    /// What it was to become.
    pub upload: NewUpload,
    /// What was answered, in whoever's words that were.
    pub answer: serde_json::Value,
}

/// The answers, oldest first.
#[derive(Debug, Default)]
pub(super) struct Answers(VecDeque<(Uuid, SystemTime, Arc<Finished>)>);

impl Answers {
    /// Of those an earlier server has left; the second answer is what has to go.
    pub(super) fn of(mut found: Vec<(Uuid, SystemTime, Finished)>) -> (Self, Vec<Uuid>) {
        found.sort_by_key(|(_, at, _)| *at);
        let (mut answers, mut gone) = (Self::default(), Vec::new());
        for (id, at, finished) in found {
            gone.extend(answers.keep(id, at, finished));
        }
        gone.extend(answers.forget_old());
        (answers, gone)
    }

    /// Keeps one more; the ids of those that go for it.
    fn keep(&mut self, id: Uuid, at: SystemTime, finished: Finished) -> Vec<Uuid> {
        let user = finished.upload.user;
        self.0.push_back((id, at, Arc::new(finished)));
        let of_user = self.0.iter().filter(|(_, _, one)| one.upload.user == user).count();
        let (mut mine, mut all) = (of_user.saturating_sub(EACH), self.0.len().saturating_sub(MOST));
        self.take(|_, one| {
            let goes = all > 0 || (mine > 0 && one.upload.user == user);
            all = all.saturating_sub(usize::from(goes));
            mine = mine.saturating_sub(usize::from(goes && one.upload.user == user));
            goes
        })
    }

    /// Forgets what has been kept for long enough; their ids.
    pub(super) fn forget_old(&mut self) -> Vec<Uuid> {
        self.take(|at, _| !is_young(at))
    }

    fn take(&mut self, mut goes: impl FnMut(SystemTime, &Finished) -> bool) -> Vec<Uuid> {
        let mut gone = Vec::new();
        self.0.retain(|(id, at, finished)| {
            let goes = goes(*at, finished);
            gone.extend(goes.then_some(*id));
            !goes
        });
        gone
    }
}

/// A clock that was put back makes nothing old.
fn is_young(at: SystemTime) -> bool {
    at.elapsed().map_or(true, |age| age < ANSWERS_KEPT)
}

impl Staging {
    /// What was answered when this upload had become a file.
    ///
    /// # Errors
    /// [`StagingError::NotFound`] when it has not, or that is too long ago.
    pub fn finished(&self, id: Uuid, session: SessionId, user: UserId) -> Result<Arc<Finished>, StagingError> {
        let answers = lock(&self.inner.answers);
        let found = answers.0.iter().find(|(known, at, _)| *known == id && is_young(*at));
        let found = found.map(|(_, _, finished)| Arc::clone(finished));
        let is_theirs = |one: &Arc<Finished>| one.upload.session == session && one.upload.user == user;
        found.filter(is_theirs).ok_or(StagingError::NotFound)
    }
}

impl Held {
    /// Ends it: it has become a file, and `answer` is what its sender is told, however often they ask.
    pub async fn finish(self, answer: serde_json::Value) {
        let (inner, id) = (Arc::clone(&self.staging.inner), self.id);
        let finished = Finished { upload: self.upload().clone(), answer };
        // The disk only helps after a restart.
        if let Err(error) = disk::write_answer(&inner.root, id, &finished).await {
            tracing::warn!(error = %error, "the answer to an upload cannot be kept over a restart");
        }
        // Known before the upload is not, so that who asks at this moment finds one of them.
        let gone = lock(&inner.answers).keep(id, SystemTime::now(), finished);
        disk::remove_answers(&inner.root, gone).await;
        self.remove().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkspacePath;

    fn finished(user: UserId) -> Finished {
        let (session, path) = (SessionId::new(), WorkspacePath::new("a").expect("a path"));
        let upload = NewUpload { session, user, path, size: 1, executable: None, replace: false };
        Finished { upload, answer: serde_json::Value::Null }
    }

    #[test]
    fn so_many_answers_are_kept_of_one_and_of_all_for_so_long() {
        let (mut answers, ada) = (Answers::default(), UserId::new());
        let now = SystemTime::now();
        let first = Uuid::new_v4();
        assert!(answers.keep(first, now, finished(ada)).is_empty());
        for _ in 1..EACH {
            assert!(answers.keep(Uuid::new_v4(), now, finished(ada)).is_empty());
        }
        assert_eq!(answers.keep(Uuid::new_v4(), now, finished(ada)), [first]);
        for _ in EACH..MOST {
            assert!(answers.keep(Uuid::new_v4(), now, finished(UserId::new())).is_empty());
        }
        let oldest = answers.0[0].0;
        assert_eq!(answers.keep(Uuid::new_v4(), now, finished(UserId::new())), [oldest]);

        let old = Uuid::new_v4();
        let found = vec![(Uuid::new_v4(), now, finished(ada)), (old, now - ANSWERS_KEPT, finished(ada))];
        let (answers, gone) = Answers::of(found);
        assert_eq!((answers.0.len(), gone), (1, vec![old]));
    }
}
