//! How long a session runs: whether it is used, and its end when nobody needs it any more.
//!
//! ```text
//!   look (once a minute; often while an end is announced) ──▶ agent: Usage ──▶ used? ──▶ model::idle::decide
//!      ▲                                                                                  │ stay: an announced end is called off
//!      └──────────────────────────────────────────────────────────────────────────────────┤ warn: pages and terminals are told
//!                                                                                         └ end: collect, stop, cold
//! ```
//!
//! **Invariants**: nothing ends unless a look has just found it unused, and nobody is ended unwarned, nor where that would lose what could not
//! be saved (`unsaved.rs`). What happens between two looks counts as
//! of the second: a session may live a minute too long, never too short. An agent that does not answer counts as unused, so that a hostile one
//! keeps its sandbox no longer than an idle one.

use actix::prelude::*;
use carrel_protocol::Usage;
use time::OffsetDateTime;

use super::{
    AgentLink, Duration, Instant, Level, Phase, Session, SessionActor, SessionError, SessionNotice, SessionState, db,
};
use crate::link::LinkError;
use crate::model::idle::{self, Decision, Ending, EndsWhy, Facts, LIFE_EXTENSION, MAX_LIFE_EXTENSION, Policy};
use crate::model::{Announcement, Load, Quotas};

/// How often pages are told what the sandbox takes, while one looks.
pub(super) const SHOW_EVERY: Duration = Duration::from_secs(2);

/// An end is told again when it has moved by more than this.
const MOVED: Duration = Duration::from_millis(500);

/// Keep it: counts as use, and puts an announced end off. The reply comes at once.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct ExtendSession;

/// What is known of a session's use.
pub(super) struct Lifetime {
    /// When a terminal of it was last seen open, and whether one was at the last look.
    watched_at: Instant,
    watched: bool,
    announced: Option<Announced>,
    /// What the last look found.
    looked: Option<Sample>,
    /// What pages were last told.
    shown: Option<Sample>,
    showing: bool,
    /// Its end was due and would have lost what could not be saved.
    pub(super) spared: bool,
}

struct Announced {
    ending: Ending,
    ends: Instant,
    since: Instant,
}

/// What an agent said, and when.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    usage: Usage,
}

impl Lifetime {
    pub(super) fn new() -> Self {
        let watched_at = Instant::now();
        Self { watched_at, watched: false, announced: None, looked: None, shown: None, showing: false, spared: false }
    }

    /// Another agent, or the same one again, answers from here on.
    pub(super) fn forget_samples(&mut self) {
        (self.looked, self.shown) = (None, None);
    }
}

impl Handler<ExtendSession> for SessionActor {
    type Result = Result<Session, SessionError>;

    fn handle(&mut self, _: ExtendSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        let session = self.session.as_mut().ok_or(SessionError::NotFound)?;
        if !matches!(self.phase, Phase::Live(_)) || session.state != SessionState::Ready {
            return Err(SessionError::NotReady { state: session.state });
        }
        if self.lifetime.announced.as_ref().is_some_and(|announced| announced.ending.why == EndsWhy::Life) {
            session.granted = (session.granted + LIFE_EXTENSION).min(MAX_LIFE_EXTENSION);
            let (db, granted) = (self.deps.db.clone(), session.granted);
            let lease = self.lease.clone();
            self.deps.io.spawn(async move {
                let granting = async { db::sessions::grant(&db.interactive().await?, &lease, granted).await };
                if let Err(error) = granting.await {
                    tracing::warn!(session.id = %lease.session(), error = %error, "cannot write an extension down; a restart of the server forgets it");
                }
            });
            self.reconsider();
        }
        self.session.clone().ok_or(SessionError::NotFound)
    }
}

impl SessionActor {
    /// Its sandbox is there: from here on it is looked after.
    pub(super) fn lifetime_begins(&mut self) {
        self.lifetime = Lifetime::new();
        self.last_used = Instant::now();
    }

    /// The link of a session that is ready, while its agent is connected.
    fn measurable(&self) -> Option<AgentLink> {
        let ready = self.session.as_ref().is_some_and(|session| session.state == SessionState::Ready);
        match &self.phase {
            Phase::Live(live) if ready => live.link.as_deref().cloned().filter(|link| !link.is_closed()),
            _ => None,
        }
    }

    fn policy(&self) -> Policy {
        let sandbox = &self.deps.config.sandbox;
        Policy {
            idle: Duration::from_secs(sandbox.idle_seconds),
            watched: Duration::from_secs(sandbox.watched_seconds),
            life: Duration::from_secs(sandbox.max_life_seconds),
        }
    }

    fn facts(&self) -> Facts {
        let started = self.session.as_ref().and_then(|session| session.started_at);
        let age = started.and_then(|at| Duration::try_from(OffsetDateTime::now_utc() - at).ok());
        Facts {
            quiet: self.last_used.elapsed(),
            unwatched: self.lifetime.watched_at.elapsed(),
            age: age.unwrap_or_default(),
            granted: self.session.as_ref().map(|session| session.granted).unwrap_or_default(),
            announced: self.lifetime.announced.as_ref().map(|told| (told.ending.why, told.since.elapsed())),
        }
    }

    /// Looks whether it is used, again and again.
    pub(super) fn look_later(&mut self, ctx: &mut Context<Self>) {
        let left = self.lifetime.announced.as_ref().map(|told| told.ends.saturating_duration_since(Instant::now()));
        ctx.run_later(self.policy().look_after(left), Self::look);
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let Some(link) = self.measurable() else { return self.look_later(ctx) };
        let number = self.live().map(|live| live.link_number);
        let looking = async move { (link.usage().await, link.viewers() > 0) };
        ctx.spawn(looking.into_actor(self).map(move |(usage, watched), actor, ctx| {
            // A link that has ended says nothing; the next one is looked at in its turn.
            let same = actor.live().map(|live| live.link_number) == number && usage != Err(LinkError::Closed);
            if same && actor.measurable().is_some() {
                actor.note_use(usage.ok(), watched);
                actor.decide(ctx);
            }
            actor.look_later(ctx);
        }));
    }

    /// Compares what a look has found with what the one before had.
    fn note_use(&mut self, usage: Option<Usage>, watched: bool) {
        let now = Instant::now();
        if std::mem::replace(&mut self.lifetime.watched, watched) || watched {
            self.lifetime.watched_at = now;
        }
        let Some(usage) = usage else { return };
        let Some(before) = self.lifetime.looked.replace(Sample { at: now, usage }) else { return };
        let through = |usage: &Usage| usage.input_bytes.saturating_add(usage.output_bytes);
        if through(&usage) > through(&before.usage) {
            self.last_used = now;
            self.touch();
        } else if cpu_percent(&before, &usage, now) >= self.deps.config.sandbox.idle_cpu_percent {
            self.last_used = now;
        }
    }

    fn decide(&mut self, ctx: &mut Context<Self>) {
        let policy = self.policy();
        match idle::decide(&policy, &self.facts()) {
            Decision::Stay => self.call_off(),
            _ if self.is_spared() => self.call_off(),
            Decision::Warn(left, why) => self.announce(left, why),
            Decision::End(why) => {
                let reason = idle::reason(why, &policy);
                tracing::info!(session.id = %self.id, reason, "a session ends by itself");
                // Where the stop cannot be written down, the next look tries again.
                let stopping = self.begin_stop(reason, true, ctx);
                ctx.spawn(stopping.map(|_, _, _| ()));
            }
        }
    }

    /// Somebody has just used it: an announced end may be off. Ending is left to a look.
    pub(super) fn reconsider(&mut self) {
        if self.lifetime.announced.is_none() {
            return;
        }
        match idle::decide(&self.policy(), &self.facts()) {
            Decision::Stay => self.call_off(),
            Decision::Warn(left, why) => self.announce(left, why),
            Decision::End(_) => {}
        }
    }

    fn announce(&mut self, left: Duration, why: EndsWhy) {
        let ends = Instant::now() + left;
        let known = self.lifetime.announced.as_ref().filter(|told| told.ending.why == why);
        if known.is_some_and(|told| ends.max(told.ends) - ends.min(told.ends) < MOVED) {
            return;
        }
        let since = known.map_or_else(Instant::now, |told| told.since);
        if known.is_none() {
            self.tell_everybody(Level::Warning, idle::announcement(left, why));
        }
        let ending = Ending { at: OffsetDateTime::now_utc() + left, why };
        self.lifetime.announced = Some(Announced { ending, ends, since });
        self.set_ending(Some(ending));
    }

    /// Takes an announcement back, if there is one.
    pub(super) fn call_off(&mut self) {
        if self.lifetime.announced.take().is_some() {
            self.set_ending(None);
        }
    }

    fn set_ending(&mut self, ending: Option<Ending>) {
        if let Some(session) = &mut self.session {
            session.ending = ending;
        }
        self.tell(SessionNotice::Ending(ending));
    }

    /// Tells those who look at its terminals; pages show what they need of it by other means.
    pub(super) fn tell_everybody(&self, level: Level, text: String) {
        // An error means that nobody looks.
        self.announcements.send(Announcement { level, text }).ok();
    }

    /// A program was ended for the memory it needed.
    pub(super) fn tell_out_of_memory(&self, text: String) {
        self.tell_everybody(Level::Warning, text.clone());
        self.tell(SessionNotice::Message { level: Level::Warning, text });
    }

    /// Tells pages what the sandbox takes. Nothing is measured while none looks.
    pub(super) fn show(&mut self, ctx: &mut Context<Self>) {
        if self.notices.receiver_count() == 0 {
            self.lifetime.shown = None;
            return;
        }
        let Some(link) = self.measurable().filter(|_| !self.lifetime.showing) else { return };
        self.lifetime.showing = true;
        let measuring = async move { link.usage().await };
        ctx.spawn(measuring.into_actor(self).map(|usage, actor, _| {
            actor.lifetime.showing = false;
            let Ok(usage) = usage else { return };
            let now = Instant::now();
            let before = actor.lifetime.shown.replace(Sample { at: now, usage });
            let cpu = before.map_or(0.0, |before| cpu_percent(&before, &usage, now));
            actor.tell(SessionNotice::Load(load(&usage, cpu, &actor.quotas())));
        }));
    }
}

/// Per cent of one CPU between two samples.
fn cpu_percent(before: &Sample, usage: &Usage, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(before.at).as_secs_f64();
    let used = Duration::from_millis(usage.cpu_ms.saturating_sub(before.usage.cpu_ms)).as_secs_f64();
    if passed > 0.0 { 100.0 * used / passed } else { 0.0 }
}

/// What pages are told: nothing an agent says goes past what its sandbox may take.
fn load(usage: &Usage, cpu_percent: f64, quotas: &Quotas) -> Load {
    let (memory, disk) = (quotas.memory_mb * 1024 * 1024, quotas.disk_mb * 1024 * 1024);
    let processes = u64::try_from(quotas.pids).unwrap_or(0);
    Load {
        cpu_percent: (cpu_percent.clamp(0.0, 100.0 * quotas.cpus) * 10.0).round() / 10.0,
        cpus: quotas.cpus,
        memory_bytes: usage.memory_bytes.min(memory),
        memory_limit_bytes: memory,
        disk_bytes: usage.disk_bytes.min(disk),
        disk_limit_bytes: disk,
        processes: usage.processes.min(processes),
        processes_limit: processes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_exaggerates_is_believed_up_to_the_limits() {
        let quotas = Quotas { memory_mb: 512, cpus: 0.5, pids: 64, disk_mb: 100 };
        let most = Usage { memory_bytes: u64::MAX, disk_bytes: u64::MAX, processes: u64::MAX, ..Usage::default() };
        let told = load(&most, 1e300, &quotas);
        assert_eq!(
            (told.cpu_percent, told.memory_bytes, told.disk_bytes, told.processes),
            (50.0, 512 << 20, 100 << 20, 64)
        );
        assert_eq!(load(&Usage::default(), 12.34, &quotas).cpu_percent, 12.3);
    }

    #[test]
    fn cpu_is_what_was_used_since_and_never_less_than_nothing() {
        let at = Instant::now();
        let usage = |cpu_ms| Usage { cpu_ms, ..Usage::default() };
        let before = Sample { at, usage: usage(1000) };
        assert!((cpu_percent(&before, &usage(1500), at + Duration::from_secs(2)) - 25.0).abs() < 1e-9);
        assert_eq!(cpu_percent(&before, &usage(10), at + Duration::from_secs(2)), 0.0);
        assert_eq!(cpu_percent(&before, &usage(9999), at), 0.0);
    }
}
