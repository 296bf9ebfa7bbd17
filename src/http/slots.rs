//! Bounds how many of something costly go on at the same time: all together, and for each user or session.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::{ApiError, Code};

/// How often who waits looks whether there is a place.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// So many places. Clones share them.
#[derive(Clone, Debug)]
pub struct Slots<K: Eq + Hash> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
    each: usize,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Slot<K: Eq + Hash> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Copy + Eq + Hash> Slots<K> {
    /// `most` places for all, `each` of them for one.
    #[must_use]
    pub fn new(most: usize, each: usize) -> Self {
        Self { held: Arc::default(), most, each }
    }

    /// A place for `key`.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`] when `key` has its places, [`Code::Busy`] when all are taken.
    pub fn take(&self, key: K) -> Result<Slot<K>, ApiError> {
        let mut held = lock(&self.held);
        if held.get(&key).is_some_and(|count| *count >= self.each) {
            let text = "You have as many of these under way as you may: wait for one to end.";
            return Err(ApiError::because(Code::TooManyRequests, text).retry_after(RETRY_AFTER));
        }
        if held.values().sum::<usize>() >= self.most {
            return Err(ApiError::new(Code::Busy).retry_after(RETRY_AFTER));
        }
        *held.entry(key).or_default() += 1;
        Ok(Slot { held: Arc::clone(&self.held), key })
    }

    /// The same, waiting for one to be given back.
    ///
    /// # Errors
    /// As [`Slots::take`], when there is none for so long.
    pub async fn wait(&self, key: K, most: Duration) -> Result<Slot<K>, ApiError> {
        let until = Instant::now() + most;
        loop {
            match self.take(key) {
                Err(_) if Instant::now() < until => sleep(LOOK_AGAIN).await,
                taken => return taken,
            }
        }
    }
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

fn lock<K>(held: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    // What a panic leaves behind is counters.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_its_places_and_all_together_have_theirs() {
        let slots = Slots::new(3, 2);
        let code = |key: u8| slots.take(key).map_err(|error| error.code());
        let ones = [code(1).expect("free"), code(1).expect("free")];
        assert_eq!(code(1).expect_err("as many as one may have"), Code::TooManyRequests);
        let _two = code(2).expect("free");
        assert_eq!(code(3).expect_err("all are taken"), Code::Busy);
        drop(ones);
        code(3).expect("given back");
        assert_eq!(lock(&slots.held).len(), 1, "nobody is remembered for nothing");
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_place_or_is_told_that_there_was_none() {
        let slots = Slots::new(1, 1);
        let held = slots.take(1).expect("free");
        let error = slots.wait(2, LOOK_AGAIN / 2).await.expect_err("never given back");
        assert_eq!(error.code(), Code::Busy);
        let (taken, ()) = tokio::join!(slots.wait(2, Duration::from_secs(60)), async {
            sleep(LOOK_AGAIN).await;
            drop(held);
        });
        taken.expect("given back in time");
    }
}
