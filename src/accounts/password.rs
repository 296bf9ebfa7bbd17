//! bcrypt, kept from eating the machine: a few workers, a bounded line before them, and the same work for users who do not exist.
//!
//! New passwords have a line of their own, of which one at a time joins the other: however many strangers register, somebody who signs in
//! waits for one of them at the most.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

use crate::model::user::MAX_PASSWORD_BYTES;

/// Salt and hash of no password in particular; only the work of comparing with it matters.
const DUMMY_SALT_AND_HASH: &str = "abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde";

/// Hashes and compares passwords, `workers` at a time.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    cost: u32,
    /// Those being hashed and those in line; none left means 429.
    places: Arc<Semaphore>,
    /// The same for new passwords.
    new_places: Arc<Semaphore>,
    /// Whose turn it is among them.
    new_turn: Arc<Semaphore>,
    /// Those being hashed.
    workers: Arc<Semaphore>,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The line is full.
    #[error("too many passwords wait to be hashed")]
    LineFull,
    /// bcrypt refused, or its thread died.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

impl PasswordHasher {
    /// A hasher of bcrypt `cost` with `workers` threads at the most, and `line` passwords to compare and `line` new ones waiting for them.
    #[must_use]
    pub fn new(cost: u32, workers: usize, line: usize) -> Self {
        let places = || Arc::new(Semaphore::new(workers + line));
        let new_turn = Arc::new(Semaphore::new(1));
        Self { cost, places: places(), new_places: places(), new_turn, workers: Arc::new(Semaphore::new(workers)) }
    }

    /// The hash to keep of `password`.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let cost = self.cost;
        let _place = try_place(&self.new_places)?;
        let turn = self.new_turn.acquire().await;
        let _turn = turn.map_err(|error| PasswordError::Failed(error.to_string()))?;
        self.run(move || {
            check_length(&password)?;
            bcrypt::hash(password, cost).map_err(|error| PasswordError::Failed(error.to_string()))
        })
        .await
    }

    /// Whether `password` is the one with this hash. `None` takes as long and is never right.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| format!("$2b${:02}${DUMMY_SALT_AND_HASH}", self.cost));
        let same = self
            .run(move || {
                check_length(&password)?;
                bcrypt::verify(password, &hash).map_err(|error| PasswordError::Failed(error.to_string()))
            })
            .await?;
        Ok(same && known)
    }

    /// Runs `work` on a blocking thread. Place and worker are given back when it has really ended, not when the caller stops listening;
    /// the worker last: whoever is next takes no processor from whoever waits for this answer.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = try_place(&self.places)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = worker.map_err(|error| PasswordError::Failed(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            // The caller may have stopped listening.
            answer.send(result).ok();
            drop(worker);
        });
        answered.await.map_err(|_| PasswordError::Failed("its thread has died".into()))?
    }
}

fn try_place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, PasswordError> {
    Arc::clone(places).try_acquire_owned().map_err(|error| match error {
        TryAcquireError::NoPermits => PasswordError::LineFull,
        TryAcquireError::Closed => PasswordError::Failed(error.to_string()),
    })
}

/// bcrypt hashes 72 bytes and ignores the rest. The crate's `non_truncating_*` refuse 72 itself already, because they count a
/// terminating NUL that the hash does not need; we hash all 72 and refuse what is longer.
fn check_length(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::Failed("password is longer than bcrypt reads".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn quick() -> PasswordHasher {
        PasswordHasher::new(4, 1, 1)
    }

    #[tokio::test]
    async fn all_72_bytes_of_a_password_count() {
        let hasher = quick();
        let longest = "x".repeat(72);
        let hash = hasher.hash(longest.clone()).await.expect("hash");
        assert!(hasher.verify(longest, Some(hash.clone())).await.expect("verify"));
        for near in ["x".repeat(71), format!("{}y", "x".repeat(71))] {
            assert!(!hasher.verify(near.clone(), Some(hash.clone())).await.expect("verify"), "{near}");
        }
        assert!(hasher.verify("x".repeat(73), Some(hash)).await.is_err(), "refused, not truncated");
    }

    #[tokio::test]
    async fn an_unknown_user_costs_as_much_work_and_is_never_right() {
        let hasher = quick();
        assert!(!hasher.verify("password".into(), None).await.expect("the dummy hash is well formed"));
    }

    #[tokio::test]
    async fn whoever_signs_in_waits_for_one_new_password_at_the_most() {
        let hasher = PasswordHasher::new(6, 1, 100);
        let known = hasher.hash("known".into()).await.expect("hash");
        let done = Arc::new(AtomicU32::new(0));
        let busy = Arc::clone(&hasher.workers).acquire_owned().await.expect("open");
        // A task each: they hear of their ends in the order of these, as whoever signs in does.
        for number in 0..50 {
            let (hasher, done) = (hasher.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                hasher.hash(format!("new {number}")).await.expect("hash");
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        tokio::task::yield_now().await;
        assert_eq!(hasher.new_places.available_permits(), 51, "all are in line");
        let signing_in = tokio::spawn(async move {
            assert!(hasher.verify("known".into(), Some(known)).await.expect("verify"));
            done.load(Ordering::SeqCst)
        });
        tokio::task::yield_now().await;
        drop(busy);
        let before = signing_in.await.expect("signed in");
        // The one that was being hashed, and one whose turn it was.
        assert!(before <= 2, "{before} went first");
    }

    #[tokio::test]
    async fn a_full_line_refuses_at_once_and_empties_again() {
        let hasher = quick();
        // None of them ends before the third has asked.
        let busy = hasher.workers.acquire().await.expect("open");
        let (first, second) = (hasher.hash("a".into()), hasher.hash("b".into()));
        let third = async {
            let third = hasher.hash("c".into()).await;
            drop(busy);
            third
        };
        let (first, second, third) = tokio::join!(biased; first, second, third);
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(PasswordError::LineFull)), "{third:?}");
        assert!(hasher.hash("d".into()).await.is_ok());
    }
}
