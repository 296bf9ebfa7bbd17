//! Which actors answer. Every actor is asked to describe itself now and then; one that was silent twice in a row is unhealthy until it answers.
//!
//! ```text
//!   healthy ── silent ──▶ missed once ── silent ──▶ unhealthy (logged once)
//!      ▲                      │ answers                 │ answers (logged once)
//!      └──────────────────────┴─────────────────────────┘
//! ```
//!
//! **Invariant**: looking holds up nobody: all are asked at once, and who does not answer in time is not waited for.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::Recipient;

use super::describe::{ActorDescription, Describe};
use super::watch::Watch;

/// How often all are asked.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// How long an actor may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Silences in a row that make an actor unhealthy.
const MOST_MISSED: u32 = 2;

/// An actor that can be asked.
pub struct Subject {
    /// Its kind.
    pub kind: &'static str,
    /// Which of its kind.
    pub name: String,
    /// It.
    pub actor: Recipient<Describe>,
    /// What is known of its requests, and whether its silence is excused.
    pub watch: Option<Watch>,
}

impl Subject {
    fn excuse(&self) -> Option<&'static str> {
        self.watch.as_ref().and_then(Watch::excuse)
    }
}

/// Who has been silent.
#[derive(Debug)]
pub struct Health {
    missed: Mutex<HashMap<(&'static str, String), u32>>,
    timeout: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self { missed: Mutex::default(), timeout: TIMEOUT }
    }
}

impl Health {
    /// Asks all of them, and notes who is silent. Those who are not among them any more are forgotten.
    pub async fn look(&self, subjects: Vec<Subject>) {
        let asked = futures_util::future::join_all(subjects.into_iter().map(|subject| async move {
            let answered = self.ask(&subject.actor).await.is_some() || subject.excuse().is_some();
            ((subject.kind, subject.name), answered)
        }));
        let mut seen = HashSet::new();
        for ((kind, name), answered) in asked.await {
            self.note(kind, &name, answered);
            seen.insert((kind, name));
        }
        self.missed().retain(|who, _| seen.contains(who));
    }

    /// What each says of itself, and whether it is healthy; a silent one is named as such.
    pub async fn describe(&self, subjects: Vec<Subject>) -> Vec<ActorDescription> {
        let asking = subjects.into_iter().map(|subject| async move {
            let answer = self.ask(&subject.actor).await.map(|(description, waited)| {
                let measured = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
                // One that does not measure by itself is as quick as this was.
                let wait_us_p95 = if description.wait_us_p95 == 0 { measured } else { description.wait_us_p95 };
                ActorDescription { wait_us_p95, ..description }
            });
            let healthy = self.is_healthy(subject.kind, &subject.name);
            let silent = || {
                let phase = subject.excuse().unwrap_or("does not answer");
                ActorDescription::new(subject.kind, subject.name.clone(), phase.to_owned())
            };
            ActorDescription { healthy, ..answer.unwrap_or_else(silent) }
        });
        futures_util::future::join_all(asking).await
    }

    /// Its answer and how long that took; `None` when there is none in time. An actor that has just ended answers no more and is no trouble, but
    /// cannot be told from one that was not asked: the next look does not find it.
    async fn ask(&self, actor: &Recipient<Describe>) -> Option<(ActorDescription, Duration)> {
        let began = Instant::now();
        let answer = tokio::time::timeout(self.timeout, actor.send(Describe)).await.ok()?.ok()?;
        Some((answer, began.elapsed()))
    }

    fn note(&self, kind: &'static str, name: &str, answered: bool) {
        let mut missed = self.missed();
        if answered {
            if missed.remove(&(kind, name.to_owned())).is_some_and(|count| count >= MOST_MISSED) {
                tracing::info!(actor.kind = kind, actor.name = name, "an actor answers again");
            }
            return;
        }
        let count = missed.entry((kind, name.to_owned())).or_default();
        *count = count.saturating_add(1);
        if *count == MOST_MISSED {
            tracing::error!(actor.kind = kind, actor.name = name, "an actor does not answer and is unhealthy");
        }
    }

    fn is_healthy(&self, kind: &'static str, name: &str) -> bool {
        self.missed().get(&(kind, name.to_owned())).is_none_or(|count| *count < MOST_MISSED)
    }

    fn missed(&self) -> std::sync::MutexGuard<'_, HashMap<(&'static str, String), u32>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use actix::prelude::*;

    use super::*;

    /// Answers only when its flag says so.
    struct Moody(std::sync::Arc<std::sync::atomic::AtomicBool>);

    impl Actor for Moody {
        type Context = Context<Self>;
    }

    impl Handler<Describe> for Moody {
        type Result = ResponseFuture<ActorDescription>;

        fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
            let answers = self.0.load(std::sync::atomic::Ordering::Relaxed);
            Box::pin(async move {
                if !answers {
                    std::future::pending::<()>().await;
                }
                ActorDescription::new("Moody", "one".into(), "here".into())
            })
        }
    }

    #[actix::test]
    async fn an_actor_that_is_silent_twice_is_unhealthy_until_it_answers() {
        let answers = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let actor = Moody(answers.clone()).start().recipient();
        let watch = Watch::default();
        let subject =
            || Subject { kind: "Moody", name: "one".into(), actor: actor.clone(), watch: Some(watch.clone()) };
        let subjects = || vec![subject()];
        let health = Health { timeout: Duration::from_millis(50), ..Health::default() };
        for (answering, healthy) in [(true, true), (false, true), (true, true), (false, true), (false, false)] {
            answers.store(answering, std::sync::atomic::Ordering::Relaxed);
            health.look(subjects()).await;
            let described = health.describe(subjects()).await;
            let phase = if answering { "here" } else { "does not answer" };
            assert_eq!((described[0].healthy, described[0].phase.as_str()), (healthy, phase), "{answering}");
        }
        let excused = watch.excused("away");
        health.look(subjects()).await;
        let described = health.describe(subjects()).await;
        assert_eq!((described[0].healthy, described[0].phase.as_str()), (true, "away"));
        drop(excused);
        for _ in 0..MOST_MISSED {
            health.look(subjects()).await;
        }
        assert!(!health.describe(subjects()).await[0].healthy);
        health.look(Vec::new()).await;
        assert!(health.is_healthy("Moody", "one"), "forgotten");
    }
}
