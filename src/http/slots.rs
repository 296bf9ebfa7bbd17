//! Bounds how many of something costly go on at the same time: all together, and for each user or session.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{ApiError, Code};

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
}
