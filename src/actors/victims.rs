//! Which program it was that had to go: the engine's news and the kernel's, brought together.
//!
//! The engine says which of our sandboxes ran out of memory, the kernel says how the program was called; either may come first.
//! **Invariants**: what the engine says is told within [`PATIENCE`], with a name if there is one; both are remembered in bounded numbers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::{ContainerId, Victim};
use crate::model::SandboxId;

/// How long the engine's news waits for the kernel's.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// How long the kernel's news waits for the engine's; and how long after a name one without is taken for the same.
const MEMORY: Duration = Duration::from_secs(5);

/// News of each kind that may wait; more at a time are told without a name.
const MOST: usize = 64;

/// News that wait for their other half.
#[derive(Debug, Default)]
pub(super) struct Victims {
    kernel: VecDeque<(Instant, Victim)>,
    engine: VecDeque<(Instant, SandboxId, ContainerId)>,
    named: VecDeque<(Instant, ContainerId)>,
}

impl Victims {
    /// The kernel has ended a program; answers whose it was, if the engine has told already.
    pub(super) fn killed(&mut self, victim: Victim, now: Instant) -> Option<(SandboxId, String)> {
        self.forget(now);
        let waiting = self.engine.iter().position(|(_, _, container)| *container == victim.container);
        let Some((_, sandbox, container)) = waiting.and_then(|place| self.engine.remove(place)) else {
            push(&mut self.kernel, (now, victim));
            return None;
        };
        push(&mut self.named, (now, container));
        Some((sandbox, victim.program))
    }

    /// A sandbox has run out of memory; answers the names the kernel has told already. None: wait [`PATIENCE`], then ask [`Victims::due`].
    pub(super) fn out_of_memory(&mut self, sandbox: SandboxId, container: ContainerId, now: Instant) -> Vec<String> {
        self.forget(now);
        let of = |victim: &Victim| victim.container == container;
        let names: Vec<_> =
            self.kernel.iter().filter(|(_, victim)| of(victim)).map(|(_, victim)| victim.program.clone()).collect();
        self.kernel.retain(|(_, victim)| !of(victim));
        if names.is_empty() {
            push(&mut self.engine, (now, sandbox, container));
        } else {
            push(&mut self.named, (now, container));
        }
        names
    }

    /// The sandboxes of which the kernel has told nothing in time.
    pub(super) fn due(&mut self, now: Instant) -> Vec<SandboxId> {
        let mut due = Vec::new();
        while let Some((at, ..)) = self.engine.front()
            && now.saturating_duration_since(*at) >= PATIENCE
        {
            let Some((_, sandbox, container)) = self.engine.pop_front() else { break };
            // The engine may tell twice of one and the same.
            if self.named.iter().all(|(_, named)| *named != container) {
                due.push(sandbox);
            }
        }
        due
    }

    fn forget(&mut self, now: Instant) {
        let old = |at: &Instant| now.saturating_duration_since(*at) > MEMORY;
        self.kernel.retain(|(at, _)| !old(at));
        self.named.retain(|(at, _)| !old(at));
    }
}

fn push<T>(queue: &mut VecDeque<T>, news: T) {
    if queue.len() >= MOST {
        queue.pop_front();
    }
    queue.push_back(news);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn victim(container: &str, program: &str) -> Victim {
        Victim { container: id(container), program: program.to_owned() }
    }

    fn id(container: &str) -> ContainerId {
        ContainerId::named(container)
    }

    #[test]
    fn both_halves_find_each_other_whichever_comes_first() {
        let (mut victims, now, sandbox) = (Victims::default(), Instant::now(), SandboxId::new());
        assert_eq!(victims.killed(victim("a", "python3"), now), None);
        assert_eq!(victims.out_of_memory(sandbox, id("a"), now), ["python3"]);
        assert!(victims.out_of_memory(sandbox, id("b"), now).is_empty());
        assert_eq!(victims.killed(victim("b", "stress"), now), Some((sandbox, "stress".to_owned())));
        assert!(victims.due(now + PATIENCE).is_empty());
    }

    #[test]
    fn what_the_kernel_keeps_to_itself_is_told_without_a_name_once() {
        let (mut victims, now, sandbox) = (Victims::default(), Instant::now(), SandboxId::new());
        victims.killed(victim("other", "x"), now);
        assert!(victims.out_of_memory(sandbox, id("a"), now).is_empty());
        assert!(victims.due(now + PATIENCE / 2).is_empty());
        assert_eq!(victims.due(now + PATIENCE), [sandbox]);
        assert!(victims.due(now + PATIENCE).is_empty());
        // The same event told twice.
        victims.killed(victim("b", "python3"), now);
        assert_eq!(victims.out_of_memory(sandbox, id("b"), now), ["python3"]);
        assert!(victims.out_of_memory(sandbox, id("b"), now).is_empty());
        assert!(victims.due(now + PATIENCE).is_empty());
    }

    #[test]
    fn a_flood_is_remembered_in_bounded_numbers() {
        let (mut victims, now) = (Victims::default(), Instant::now());
        for number in 0..1000 {
            victims.killed(victim(&number.to_string(), "x"), now);
            victims.out_of_memory(SandboxId::new(), id("never"), now);
        }
        assert!(victims.kernel.len() <= MOST && victims.engine.len() <= MOST);
    }
}
