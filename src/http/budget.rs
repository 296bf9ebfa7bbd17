//! Bounds the bytes of file bodies in memory: of all requests together, and of each user.
//!
//! Small bodies have a lane of their own, so that nobody's great files keep anybody from saving a program. The great lane is made for the
//! files that may be saved now. One that was saved under a higher limit and is more than a user's part is read by who holds nothing else, and
//! one that is more than the whole lane takes all of it and goes alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::contents::BATCH_BYTES;
use super::error::{ApiError, Code};
use crate::model::UserId;

/// How many files of the greatest size fit at the same time.
const GREATEST_FILES: usize = 4;

/// What counts as small.
const SMALL_BYTES: usize = 1024 * 1024;

/// The bytes small bodies may take together.
const SMALL_LANE_BYTES: usize = 32 * SMALL_BYTES;

/// One user may have such a part of a lane: two of the greatest files.
const PARTS: usize = 2;

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The bytes that may be in memory. Clones share them.
#[derive(Clone, Debug)]
pub struct TransferBudget {
    lanes: Arc<Lanes>,
    max_file_bytes: usize,
}

#[derive(Debug)]
struct Lanes {
    small: Lane,
    great: Lane,
}

#[derive(Debug)]
struct Lane {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by: HashMap<UserId, usize>,
}

/// One body's part of the budget, given back when dropped.
#[derive(Debug)]
pub struct Share {
    lanes: Arc<Lanes>,
    user: UserId,
    bytes: usize,
}

impl TransferBudget {
    /// A budget for files of at most `max_file_mb` MiB.
    #[must_use]
    pub fn for_files_of(max_file_mb: u64) -> Self {
        let max_file_bytes = usize::try_from(max_file_mb.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
        let lanes = Lanes { small: Lane::new(SMALL_LANE_BYTES), great: Lane::new(great_lane_bytes(max_file_bytes)) };
        Self { lanes: Arc::new(lanes), max_file_bytes }
    }

    /// The greatest file.
    #[must_use]
    pub fn max_file_bytes(&self) -> usize {
        self.max_file_bytes
    }

    /// A user's share for what is saved, however large that is.
    ///
    /// # Errors
    /// [`Code::Busy`] when the budget, or its user's part, is spent.
    pub fn share_for_saved(&self, user: UserId, bytes: u64) -> Result<Share, ApiError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let (mut share, lane) = (self.share(user), self.lanes.of(bytes));
        if bytes <= lane.most / PARTS {
            share.grow_to(bytes)?;
        } else {
            let bytes = bytes.min(lane.most);
            lane.take_alone(user, bytes)?;
            share.bytes = bytes;
        }
        Ok(share)
    }

    /// An empty share for a user.
    #[must_use]
    pub fn share(&self, user: UserId) -> Share {
        Share { lanes: Arc::clone(&self.lanes), user, bytes: 0 }
    }
}

/// The bytes great bodies may take together: whatever the greatest file is, one user's part has room for one of them beside what is worked
/// on at once, and for two of what is worked on at once.
fn great_lane_bytes(max_file_bytes: usize) -> usize {
    let worked_on = usize::try_from(BATCH_BYTES).unwrap_or(usize::MAX);
    let least = max_file_bytes.saturating_add(2 * worked_on).saturating_mul(PARTS);
    max_file_bytes.saturating_mul(GREATEST_FILES).max(least)
}

impl Lanes {
    fn of(&self, bytes: usize) -> &Lane {
        if bytes <= SMALL_BYTES { &self.small } else { &self.great }
    }
}

impl Lane {
    fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    fn take(&self, user: UserId, bytes: usize) -> Result<(), ApiError> {
        self.take_up_to(user, bytes, self.most / PARTS)
    }

    /// The same for one thing of a user who has nothing else.
    fn take_alone(&self, user: UserId, bytes: usize) -> Result<(), ApiError> {
        self.take_up_to(user, bytes, bytes)
    }

    /// Takes so much where its user then has at most `part`.
    fn take_up_to(&self, user: UserId, bytes: usize, part: usize) -> Result<(), ApiError> {
        let mut held = self.held();
        let by = held.by.get(&user).copied().unwrap_or_default();
        if bytes > self.most.saturating_sub(held.all) || bytes > part.saturating_sub(by) {
            let text = "Too many files are being transferred at the moment.";
            return Err(ApiError::because(Code::Busy, text).retry_after(RETRY_AFTER));
        }
        held.all += bytes;
        *held.by.entry(user).or_default() += bytes;
        Ok(())
    }

    fn give_back(&self, user: UserId, bytes: usize) {
        let mut held = self.held();
        held.all -= bytes;
        if let Some(by) = held.by.get_mut(&user) {
            *by -= bytes;
            if *by == 0 {
                held.by.remove(&user);
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // What a panic leaves behind is counters.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Makes the share large enough for `bytes`, in the lane that is for so many.
    ///
    /// # Errors
    /// [`Code::Busy`] when the budget, or its user's part, is spent.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let (before, after) = (self.lanes.of(self.bytes), self.lanes.of(bytes));
        if std::ptr::eq(before, after) {
            after.take(self.user, bytes - self.bytes)?;
        } else {
            after.take(self.user, bytes)?;
            before.give_back(self.user, self.bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.lanes.of(self.bytes).give_back(self.user, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(budget: &TransferBudget, user: UserId, bytes: usize) -> Result<Share, Code> {
        let mut share = budget.share(user);
        share.grow_to(bytes).map_err(|error| error.code())?;
        Ok(share)
    }

    #[test]
    fn one_user_has_a_part_and_all_together_have_everything() {
        const FILE: usize = 8 << 20;
        let budget = TransferBudget::for_files_of(8);
        let [ada, bob, eve] = [UserId::new(), UserId::new(), UserId::new()];
        let adas = [share(&budget, ada, FILE).expect("room"), share(&budget, ada, FILE).expect("room")];
        assert_eq!(share(&budget, ada, FILE).expect_err("her part is spent"), Code::Busy);
        let _bobs = [share(&budget, bob, FILE).expect("room"), share(&budget, bob, FILE).expect("room")];
        assert_eq!(share(&budget, eve, FILE).expect_err("all of it is spent"), Code::Busy);
        share(&budget, ada, 10_000).expect("a program can be saved all the same");
        drop(adas);
        share(&budget, eve, FILE).expect("what was given back");
        assert!(!budget.lanes.great.held().by.contains_key(&ada), "nobody is remembered for nothing");
    }

    #[test]
    fn whatever_the_greatest_file_is_one_user_can_import_replace_and_search() {
        let batch = usize::try_from(BATCH_BYTES).expect("small");
        for max_file_mb in [1, 2, 3, 4, 64] {
            let budget = TransferBudget::for_files_of(max_file_mb);
            for bytes in [budget.max_file_bytes() + batch, 2 * batch] {
                share(&budget, UserId::new(), bytes).expect("there is room");
            }
        }
    }

    #[test]
    fn what_is_saved_can_be_read_however_low_the_limit_is_now() {
        let budget = TransferBudget::for_files_of(1);
        let [ada, bob] = [UserId::new(), UserId::new()];
        for megabytes in [1, 8, 12, 64] {
            let saved = |user| budget.share_for_saved(user, megabytes << 20);
            let adas = saved(ada).expect("she holds nothing else");
            let most = budget.lanes.great.most;
            assert!(budget.lanes.great.held().all <= most);
            if megabytes > 9 {
                assert_eq!(saved(ada).expect_err("beside another").code(), Code::Busy);
                assert_eq!(share(&budget, bob, 8 << 20).expect_err("nothing goes beside it"), Code::Busy);
            }
            drop(adas);
            saved(bob).expect("what was given back");
        }
    }

    #[test]
    fn a_body_that_grows_changes_its_lane() {
        let budget = TransferBudget::for_files_of(8);
        let held = || (budget.lanes.small.held().all, budget.lanes.great.held().all);
        let mut growing = budget.share(UserId::new());
        for (bytes, expected) in [
            (10, (10, 0)),
            (SMALL_BYTES, (SMALL_BYTES, 0)),
            (SMALL_BYTES + 1, (0, SMALL_BYTES + 1)),
            (SMALL_BYTES, (0, SMALL_BYTES + 1)),
            (8 << 20, (0, 8 << 20)),
        ] {
            growing.grow_to(bytes).expect("room");
            assert_eq!(held(), expected);
        }
        growing.grow_to(17 << 20).expect_err("more than a part");
        assert_eq!(held(), (0, 8 << 20));
        drop(growing);
        assert_eq!(held(), (0, 0));
    }
}
