//! Reviews and reviewers, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::config::SelfService;
use crate::model::review::{self, Action, Priority, ReviewState, Turn};
use crate::model::{UserId, UserName};

/// Somebody, as far as others see them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// What they sign in with.
    pub username: String,
    /// What others see.
    pub display_name: String,
}

impl Person {
    /// The one with this id; every user there ever was is known.
    pub(super) fn of(id: UserId, names: &HashMap<UserId, UserName>) -> Self {
        let UserName { username, display_name } = names.get(&id).cloned().unwrap_or_default();
        Self { id: id.0, username, display_name }
    }
}

/// What you may review, and what you want.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// What others see of you as a reviewer.
    #[serde(flatten)]
    pub reviewer: Reviewer,
    /// How one becomes a reviewer here.
    pub self_service: SelfService,
    /// The level you have asked for last, where operators decide.
    pub request: Option<LevelRequest>,
}

/// Somebody who reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reviewer {
    /// Who.
    pub user: Person,
    /// 0 nothing, 1 junior: what has a low or a medium priority, 2 senior: everything.
    #[schema(value_type = i16)]
    pub level: i16,
    /// Since when.
    #[serde(with = "time::serde::rfc3339::option")]
    pub reviewer_since: Option<OffsetDateTime>,
    /// They take nothing new for the time being.
    pub paused: bool,
    /// How many reviews they want to hold at a time.
    pub capacity: u32,
    /// How many they hold.
    pub load: u32,
    /// What they know.
    pub topics: Vec<String>,
}

impl From<review::Reviewer> for Reviewer {
    fn from(reviewer: review::Reviewer) -> Self {
        let review::Reviewer { user, username, display_name, level, since, paused, capacity, topics, load } = reviewer;
        Self {
            user: Person { id: user.0, username, display_name },
            level: level.into(),
            reviewer_since: since,
            paused,
            capacity,
            load,
            topics: topics.as_slice().to_vec(),
        }
    }
}

/// Changes what you review; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeReviewer {
    /// 0, 1 or 2. Where operators decide, a higher one is asked for and not yet given.
    pub level: Option<i16>,
    /// Take nothing new.
    pub paused: Option<bool>,
    /// 1 to 100.
    pub capacity: Option<u32>,
    /// At most 16, each of at most 32 characters.
    pub topics: Option<Vec<String>>,
}

/// A level somebody wants.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelRequest {
    /// Its id.
    pub id: Uuid,
    /// Who wants it.
    pub user: Uuid,
    /// What they sign in with.
    pub username: String,
    /// Which.
    pub level: i16,
    /// When they asked.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// When an operator has decided.
    #[serde(with = "time::serde::rfc3339::option")]
    pub decided_at: Option<OffsetDateTime>,
    /// How.
    pub granted: Option<bool>,
    /// Why.
    pub reason: String,
}

impl From<review::LevelRequest> for LevelRequest {
    fn from(request: review::LevelRequest) -> Self {
        let review::LevelRequest { id, user, username, level, asked_at, decided_at, granted, reason } = request;
        Self { id, user: user.0, username, level: level.into(), asked_at, decided_at, granted, reason }
    }
}

/// Open requests for a level.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelRequestList {
    /// The oldest first.
    pub items: Vec<LevelRequest>,
    /// Always absent: there is one page.
    pub next: Option<String>,
}

/// An operator's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideLevel {
    /// Whether they get it.
    pub granted: bool,
    /// Why; at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// A page of reviewers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewerList {
    /// Those who take something first, then by level and load.
    pub items: Vec<Reviewer>,
    /// Ask for the next page with this.
    pub next: Option<String>,
}

/// A new review request, as a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateReview {
    /// Whose files; yours.
    pub session: Uuid,
    /// What it is called; at most 200 characters.
    pub title: String,
    /// What is to be looked at, in Markdown; at most 20,000 characters.
    #[serde(default)]
    pub description: String,
    /// How much it is wanted.
    #[serde(default)]
    pub priority: Priority,
    /// What it is about.
    #[serde(default)]
    pub topics: Vec<String>,
    /// When you want a verdict.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// Who is asked for it; anybody when empty.
    #[serde(default)]
    pub wanted: Vec<Uuid>,
}

/// Changes what is said of a review; all of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeReview {
    /// As in the answer you saw: what somebody else has changed meanwhile is not overwritten.
    pub version: i64,
    /// As in a new one.
    pub title: String,
    /// As in a new one.
    #[serde(default)]
    pub description: String,
    /// As in a new one.
    #[serde(default)]
    pub priority: Priority,
    /// As in a new one.
    #[serde(default)]
    pub topics: Vec<String>,
    /// As in a new one.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// As in a new one.
    #[serde(default)]
    pub wanted: Vec<Uuid>,
}

/// Something to be done to a review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeStep {
    /// What. A round is submitted by `rounds`.
    pub action: Action,
    /// With a verdict: the round you have looked at.
    pub round: Option<u32>,
    /// With `hand_over`: who.
    pub to: Option<Uuid>,
    /// Why; at most 2,000 characters.
    #[serde(default)]
    pub why: String,
}

/// A round to be submitted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRound {
    /// What has changed; at most 2,000 characters.
    #[serde(default)]
    pub note: String,
}

/// One review request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    /// Its id.
    pub id: Uuid,
    /// Whose files it submits; only its author is told.
    pub session: Option<Uuid>,
    /// What it is called.
    pub title: String,
    /// What is to be looked at, in Markdown.
    pub description: String,
    /// How much it is wanted.
    pub priority: Priority,
    /// What it is about.
    pub topics: Vec<String>,
    /// Where it stands.
    pub state: ReviewState,
    /// Who wants it.
    pub author: Person,
    /// Who holds it, or has decided it.
    pub reviewer: Option<Person>,
    /// Who is asked for it and has not declined.
    pub wanted: Vec<Person>,
    /// Its newest round; 0 before the first.
    pub round: u32,
    /// Comments that block its approval.
    pub open_issues: u32,
    /// Whose turn it is.
    pub turn: Turn,
    /// Whether that is you.
    pub your_turn: bool,
    /// What you can do to it now.
    pub possible: Vec<Action>,
    /// Raised with every change.
    pub version: i64,
    /// When a verdict is wanted.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When something last happened to it.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Review {
    /// A review as `viewer` sees it.
    #[must_use]
    pub fn seen_by(review: review::Review, viewer: &review::Actor, names: &HashMap<UserId, UserName>) -> Self {
        let review::Review { id, session, title, description, topics, standing, version, .. } = review;
        let turn = standing.turn();
        let you = viewer.user();
        let person = |id: UserId| Person::of(id, names);
        Self {
            id: id.0,
            session: session.filter(|_| you == Some(standing.author)).map(|session| session.0),
            title,
            description,
            priority: standing.priority,
            topics: topics.as_slice().to_vec(),
            state: standing.state,
            author: person(standing.author),
            reviewer: standing.holder.map(person),
            wanted: standing.wanted.iter().copied().map(person).collect(),
            round: standing.round,
            open_issues: standing.open_issues,
            turn,
            your_turn: standing.is_turn_of(you),
            possible: standing.possible(viewer),
            version,
            due_at: review.due_at,
            created_at: review.created_at,
            updated_at: review.updated_at,
        }
    }
}

/// A page of reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewList {
    /// In the order of the list that was asked for.
    pub items: Vec<Review>,
    /// Ask for the next page with this.
    pub next: Option<String>,
}

/// What was submitted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Round {
    /// The first is 1.
    pub number: u32,
    /// SHA-256 of its manifest, in hexadecimal digits: rounds with one hash hold the same.
    pub hash: String,
    /// Files, folders and links in it.
    pub items: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// What its author says has changed.
    pub note: String,
    /// When it was submitted.
    #[serde(with = "time::serde::rfc3339")]
    pub submitted_at: OffsetDateTime,
}

impl From<review::Round> for Round {
    fn from(round: review::Round) -> Self {
        let review::Round { number, hash, items, bytes, note, submitted_at, snapshot: _ } = round;
        Self { number, hash: hash.to_string(), items, bytes, note, submitted_at }
    }
}

/// A review's rounds.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoundList {
    /// The first first.
    pub items: Vec<Round>,
    /// Always absent: there is one page.
    pub next: Option<String>,
}

/// A step that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// Its place in the review's trail, from 1 on.
    pub number: u32,
    /// What was done.
    pub action: Action,
    /// By whom; absent where time has.
    pub by: Option<Person>,
    /// Where the review stood.
    pub from: ReviewState,
    /// Where it stood then.
    pub to: ReviewState,
    /// Who held it then.
    pub reviewer: Option<Person>,
    /// Its newest round then.
    pub round: u32,
    /// Why.
    pub why: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Step {
    /// A step, with names.
    #[must_use]
    pub fn named(step: review::Step, names: &HashMap<UserId, UserName>) -> Self {
        let review::Step { number, action, by, from, to, holder, round, why, at } = step;
        let person = |id: UserId| Person::of(id, names);
        Self { number, action, by: by.map(person), from, to, reviewer: holder.map(person), round, why, at }
    }
}

/// A page of a review's trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepList {
    /// The first first.
    pub items: Vec<Step>,
    /// Ask for the next page with this.
    pub next: Option<String>,
}
