//! When a session ends by itself: because nobody uses it, or because it has run for as long as it may.
//!
//! ```text
//!   used ──▶ stay ──────────────── warn ─────────────── end
//!             ▲     end − warning    │  used, extended      (never before a warning was out for its time)
//!             └──────────────────────┘
//! ```
//!
//! Used is: input or output of a terminal, a request, programs that take more CPU than `sandbox.idle_cpu_percent`. A terminal that is merely
//! open counts too, but not for ever: a tab somebody forgot keeps a sandbox no longer than `sandbox.watched_seconds`.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

/// How long before its end a session's viewers are warned; half of the time it has, where that is shorter.
const WARNING: Duration = Duration::from_secs(5 * 60);

/// How often it is looked whether anybody uses a session, at the most.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The same at the least: each look is a question to the sandbox.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(100);

/// The same while an end is announced: whoever types sees soon that it is called off.
const LOOK_WHEN_WARNED: Duration = Duration::from_secs(2);

/// What one extension adds to a maximum life.
pub const LIFE_EXTENSION: Duration = Duration::from_secs(3600);

/// What all of them may add.
pub const MAX_LIFE_EXTENSION: Duration = Duration::from_secs(8 * 3600);

/// An end that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: OffsetDateTime,
    /// Why.
    pub why: EndsWhy,
}

/// Why a session ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndsWhy {
    /// Nobody uses it.
    Idle,
    /// It has run for as long as it may.
    Life,
}

/// What an operator allows. Zero means without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long a session may be unused.
    pub idle: Duration,
    /// How long it may be unused although a terminal of it is open.
    pub watched: Duration,
    /// How long it may run.
    pub life: Duration,
}

/// What is known of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Since when it was not used.
    pub quiet: Duration,
    /// Since when no terminal of it is open; zero while one is.
    pub unwatched: Duration,
    /// How long it has run.
    pub age: Duration,
    /// What was granted beyond the maximum life.
    pub granted: Duration,
    /// The end that was announced: why, and how long ago.
    pub announced: Option<(EndsWhy, Duration)>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing; an announced end is called off.
    Stay,
    /// It ends after this time, for this reason: to be announced if it is not yet.
    Warn(Duration, EndsWhy),
    /// It ends now.
    End(EndsWhy),
}

/// Decides over a session that is ready.
#[must_use]
pub fn decide(policy: &Policy, facts: &Facts) -> Decision {
    let ends =
        [(policy.idle_left(facts), policy.idle, EndsWhy::Idle), (policy.life_left(facts), policy.life, EndsWhy::Life)];
    let soonest = ends.into_iter().filter_map(|(left, whole, why)| Some((left?, warning(whole), why)));
    let Some((left, warning, why)) = soonest.min_by_key(|(left, ..)| *left) else { return Decision::Stay };
    if left > warning {
        return Decision::Stay;
    }
    // Nobody is thrown out unwarned: a server that was away may find a time long over.
    let warned = facts.announced.filter(|(announced, _)| *announced == why).map_or(Duration::ZERO, |(_, ago)| ago);
    let left = if left.is_zero() { warning.saturating_sub(warned) } else { left };
    if left.is_zero() { Decision::End(why) } else { Decision::Warn(left, why) }
}

impl Policy {
    /// How long to wait before the next look. `warned`: an end is announced, in this time.
    #[must_use]
    pub fn look_after(&self, warned: Option<Duration>) -> Duration {
        let shortest = [self.idle, self.life].into_iter().filter(|whole| !whole.is_zero()).map(warning).min();
        let usual = shortest.map_or(LOOK_EVERY, |warning| LOOK_EVERY.min(warning / 4));
        let next = warned.map_or(usual, |left| usual.min(LOOK_WHEN_WARNED).min(left));
        next.max(LOOK_AT_MOST_EVERY)
    }

    fn idle_left(&self, facts: &Facts) -> Option<Duration> {
        let after = |whole: Duration, passed: Duration| whole.saturating_sub(passed);
        let unused = (!self.idle.is_zero()).then(|| after(self.idle, facts.quiet))?;
        let unwatched = after(self.idle, facts.unwatched);
        let forgotten = if self.watched.is_zero() { unwatched } else { after(self.watched, facts.quiet) };
        Some(unused.max(unwatched.min(forgotten)))
    }

    fn life_left(&self, facts: &Facts) -> Option<Duration> {
        let whole = self.life + facts.granted.min(MAX_LIFE_EXTENSION);
        (!self.life.is_zero()).then(|| whole.saturating_sub(facts.age))
    }
}

/// How long before the end of a time it is announced.
fn warning(whole: Duration) -> Duration {
    WARNING.min(whole / 2)
}

/// The reason its user reads after a session has ended by itself.
#[must_use]
pub fn reason(why: EndsWhy, policy: &Policy) -> String {
    match why {
        EndsWhy::Idle => format!("stopped after {} without use", spoken(policy.idle)),
        EndsWhy::Life => format!("stopped after its maximum life of {}", spoken(policy.life)),
    }
}

/// What terminals and pages say when an end is announced.
#[must_use]
pub fn announcement(left: Duration, why: EndsWhy) -> String {
    let left = spoken_at_length(left);
    match why {
        EndsWhy::Idle => {
            format!("This session stops in {left} because nobody uses it. Type anything, or press Extend, to keep it.")
        }
        EndsWhy::Life => format!(
            "This session stops in {left} because it has run for as long as it may. Press Extend to keep it for another hour."
        ),
    }
}

/// A time as short as it can be said: "30 min", "12 h", "90 s", "1 h 30 min".
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (hours, 0, 0) => format!("{hours} h"),
        (hours, minutes, 0) => format!("{hours} h {minutes} min"),
        _ => format!("{seconds} s"),
    }
}

/// A time in whole words, rounded up: "5 minutes", "1 minute", "30 seconds".
fn spoken_at_length(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() > 0);
    let (number, unit) = if seconds > 90 { (seconds.div_ceil(60), "minute") } else { (seconds, "second") };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const NEVER: Duration = Duration::ZERO;

    fn minutes(number: u32) -> Duration {
        MINUTE * number
    }

    fn check(policy: Policy, facts: Facts, expected: Decision) {
        assert_eq!(decide(&policy, &facts), expected, "{policy:?} {facts:?}");
    }

    #[test]
    fn an_unused_session_is_warned_and_ends() {
        let policy = Policy { idle: minutes(30), watched: minutes(240), life: NEVER };
        let told = |ago| Some((EndsWhy::Idle, minutes(ago)));
        for (quiet, unwatched, announced, expected) in [
            (0, 0, None, Decision::Stay),
            (24, 24, None, Decision::Stay),
            (25, 25, None, Decision::Warn(minutes(5), EndsWhy::Idle)),
            (29, 90, told(4), Decision::Warn(minutes(1), EndsWhy::Idle)),
            (30, 30, told(5), Decision::End(EndsWhy::Idle)),
            // Used again: called off.
            (0, 90, told(4), Decision::Stay),
            // Nobody was warned, or not for long enough.
            (90, 90, None, Decision::Warn(minutes(5), EndsWhy::Idle)),
            (90, 90, told(2), Decision::Warn(minutes(3), EndsWhy::Idle)),
            (90, 90, Some((EndsWhy::Life, minutes(9))), Decision::Warn(minutes(5), EndsWhy::Idle)),
            // A terminal is open, or was until a moment ago.
            (200, 0, None, Decision::Stay),
            (200, 10, None, Decision::Stay),
            (200, 25, None, Decision::Warn(minutes(5), EndsWhy::Idle)),
            // It was forgotten.
            (235, 0, None, Decision::Warn(minutes(5), EndsWhy::Idle)),
            (240, 0, told(5), Decision::End(EndsWhy::Idle)),
        ] {
            let facts = Facts { quiet: minutes(quiet), unwatched: minutes(unwatched), announced, ..Facts::default() };
            check(policy, facts, expected);
        }
    }

    #[test]
    fn zero_is_without_end() {
        let old =
            Facts { quiet: minutes(100_000), unwatched: minutes(100_000), age: minutes(100_000), ..Facts::default() };
        check(Policy::default(), old, Decision::Stay);
        let watched = Facts { unwatched: NEVER, ..old };
        check(Policy { idle: minutes(30), ..Policy::default() }, watched, Decision::Stay);
        check(Policy { idle: minutes(30), watched: minutes(1), ..Policy::default() }, Facts::default(), Decision::Stay);
    }

    #[test]
    fn a_maximum_life_ends_what_is_used_and_can_be_extended() {
        let policy = Policy { idle: minutes(30), watched: NEVER, life: minutes(720) };
        for (age, granted, announced, expected) in [
            (714, 0, None, Decision::Stay),
            (715, 0, None, Decision::Warn(minutes(5), EndsWhy::Life)),
            (720, 0, Some((EndsWhy::Life, minutes(5))), Decision::End(EndsWhy::Life)),
            (719, 60, Some((EndsWhy::Life, minutes(4))), Decision::Stay),
            (1195, 480, None, Decision::Warn(minutes(5), EndsWhy::Life)),
            // Never more than eight hours.
            (1200, 6000, Some((EndsWhy::Life, minutes(5))), Decision::End(EndsWhy::Life)),
        ] {
            let facts = Facts { age: minutes(age), granted: minutes(granted), announced, ..Facts::default() };
            check(policy, facts, expected);
        }
        // The end that comes first counts.
        let both = Facts { quiet: minutes(28), unwatched: minutes(28), age: minutes(717), ..Facts::default() };
        check(policy, both, Decision::Warn(minutes(2), EndsWhy::Idle));
    }

    #[test]
    fn short_times_are_warned_of_at_their_half_and_looked_at_often() {
        let policy = Policy { idle: Duration::from_secs(4), ..Policy::default() };
        let quiet = |seconds| Facts {
            quiet: Duration::from_secs(seconds),
            unwatched: Duration::from_secs(seconds),
            ..Facts::default()
        };
        check(policy, quiet(1), Decision::Stay);
        check(policy, quiet(2), Decision::Warn(Duration::from_secs(2), EndsWhy::Idle));
        assert_eq!(policy.look_after(None), Duration::from_millis(500));
        assert_eq!(policy.look_after(Some(Duration::from_millis(20))), LOOK_AT_MOST_EVERY);
        let usual = Policy { idle: minutes(30), ..Policy::default() };
        assert_eq!(usual.look_after(None), LOOK_EVERY);
        assert_eq!(usual.look_after(Some(minutes(5))), LOOK_WHEN_WARNED);
        assert_eq!(Policy::default().look_after(None), LOOK_EVERY);
    }

    #[test]
    fn reasons_are_what_people_say() {
        let policy =
            |idle, life| Policy { idle: Duration::from_secs(idle), watched: NEVER, life: Duration::from_secs(life) };
        for (why, idle, life, expected) in [
            (EndsWhy::Idle, 1800, 0, "stopped after 30 min without use"),
            (EndsWhy::Idle, 5400, 0, "stopped after 1 h 30 min without use"),
            (EndsWhy::Idle, 4, 0, "stopped after 4 s without use"),
            (EndsWhy::Idle, 90, 0, "stopped after 90 s without use"),
            (EndsWhy::Life, 0, 43_200, "stopped after its maximum life of 12 h"),
        ] {
            assert_eq!(reason(why, &policy(idle, life)), expected);
        }
        let told = announcement(minutes(5), EndsWhy::Idle);
        assert!(told.starts_with("This session stops in 5 minutes because nobody uses it."), "{told}");
        assert!(announcement(Duration::from_millis(59_400), EndsWhy::Life).contains("in 60 seconds"));
        assert!(announcement(Duration::from_secs(1), EndsWhy::Life).contains("in 1 second because"));
    }
}
