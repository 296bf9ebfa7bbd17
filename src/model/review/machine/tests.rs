//! The machine as a table.

use super::*;

/// Everybody there is to a review that stands so: in the order of the columns below.
struct Cast {
    author: UserId,
    holder: UserId,
    wanted: UserId,
    other: UserId,
}

impl Cast {
    fn new() -> Self {
        Self { author: UserId::new(), holder: UserId::new(), wanted: UserId::new(), other: UserId::new() }
    }

    fn standing(&self, state: ReviewState) -> Standing {
        let held = !matches!(state, ReviewState::Draft | ReviewState::Pending | ReviewState::Withdrawn);
        Standing {
            state,
            author: self.author,
            holder: held.then_some(self.holder),
            wanted: vec![self.wanted],
            priority: Priority::Medium,
            round: 2,
            open_issues: 0,
            checks: Checks::Passed,
        }
    }

    fn roles(&self) -> [(char, Actor); 8] {
        let user = |id, level| Actor::User { id, level, availability: Availability::Free, operator: false };
        let junior = ReviewerLevel::Junior;
        let operator = Actor::User {
            id: self.other,
            level: ReviewerLevel::None,
            availability: Availability::Free,
            operator: true,
        };
        let paused =
            Actor::User { id: self.wanted, level: junior, availability: Availability::Paused, operator: false };
        [
            ('a', user(self.author, ReviewerLevel::Senior)),
            ('h', user(self.holder, junior)),
            ('w', user(self.wanted, junior)),
            ('p', paused),
            ('r', user(self.other, junior)),
            ('n', user(self.other, ReviewerLevel::None)),
            ('o', operator),
            ('t', Actor::Time),
        ]
    }

    fn events(&self) -> [Event; 10] {
        let to = Actor::User {
            id: self.other,
            level: ReviewerLevel::Junior,
            availability: Availability::Free,
            operator: false,
        };
        let decide = |verdict| Event::Decide { verdict, round: 2 };
        [
            Event::Submit,
            Event::Claim,
            Event::Decline,
            Event::Release,
            Event::HandOver { to },
            decide(Verdict::Approve),
            decide(Verdict::Reject),
            decide(Verdict::RequestChanges),
            Event::Withdraw,
            Event::Reopen,
        ]
    }
}

/// What an answer is in the table: a state by its first two letters, or why not.
fn code(answer: &Result<ReviewState, ReviewError>) -> &'static str {
    match answer {
        Ok(ReviewState::Draft) => "dr",
        Ok(ReviewState::Pending) => "pe",
        Ok(ReviewState::InReview) => "in",
        Ok(ReviewState::Approved) => "ap",
        Ok(ReviewState::Rejected) => "re",
        Ok(ReviewState::ChangesRequested) => "ch",
        Ok(ReviewState::Withdrawn) => "wi",
        Err(ReviewError::Illegal { .. }) => "--",
        Err(ReviewError::NotAuthor) => "!A",
        Err(ReviewError::SelfReview) => "!S",
        Err(ReviewError::NotReviewer) => "!R",
        Err(ReviewError::Paused { .. }) => "!P",
        Err(ReviewError::NotWanted) => "!W",
        Err(ReviewError::Held { .. }) => "!H",
        Err(other) => panic!("{other}"),
    }
}

/// What comes of each event (rows) by each role (columns): author, holder, wanted reviewer, the same paused, another reviewer, no reviewer,
/// operator, time.
#[rustfmt::skip]
const TABLE: [(ReviewState, [&str; 10]); 7] = [
    (ReviewState::Draft, [
        "pe !A !A !A !A !A !A --", // submit
        "!S -- -- !P -- !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "wi !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::Pending, [
        "pe !A !A !A !A !A !A --", // submit
        "!S !W in !P !W !R !R --", // claim
        "!S !W pe pe !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "wi !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::InReview, [
        "in !A !A !A !A !A !A --", // submit
        "!S -- !H !H !H !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S pe !H !H !H !R pe pe", // release
        "!S in !H !H !H !R !R --", // hand_over
        "!S ap !H !H !H !R !R --", // approve
        "!S re !H !H !H !R !R --", // reject
        "!S ch !H !H !H !R !R --", // request_changes
        "wi !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::Approved, [
        "-- !A !A !A !A !A !A --", // submit
        "!S -- -- !P -- !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "-- !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::Rejected, [
        "-- !A !A !A !A !A !A --", // submit
        "!S -- -- !P -- !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "-- !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::ChangesRequested, [
        "pe !A !A !A !A !A !A --", // submit
        "!S -- -- !P -- !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "wi !A !A !A !A !A !A --", // withdraw
        "-- !A !A !A !A !A !A --", // reopen
    ]),
    (ReviewState::Withdrawn, [
        "-- !A !A !A !A !A !A --", // submit
        "!S -- -- !P -- !R !R --", // claim
        "!S !W -- -- !W !R !R --", // decline
        "!S -- -- -- -- !R -- --", // release
        "!S -- -- -- -- !R !R --", // hand_over
        "!S -- -- -- -- !R !R --", // approve
        "!S -- -- -- -- !R !R --", // reject
        "!S -- -- -- -- !R !R --", // request_changes
        "-- !A !A !A !A !A !A --", // withdraw
        "dr !A !A !A !A !A !A --", // reopen
    ]),
];

#[test]
fn every_state_answers_every_event_of_everybody_as_the_table_says() {
    assert_eq!(TABLE.map(|(state, _)| state), ReviewState::ALL);
    let cast = Cast::new();
    for (state, rows) in TABLE {
        let standing = cast.standing(state);
        for (event, expected) in cast.events().iter().zip(rows) {
            let row: Vec<_> = cast.roles().iter().map(|(_, actor)| code(&apply(&standing, event, actor))).collect();
            assert_eq!(row.join(" "), expected, "{state:?} {event:?}");
        }
    }
}

#[test]
fn what_is_possible_is_just_what_works() {
    let cast = Cast::new();
    for state in ReviewState::ALL {
        let standing = cast.standing(state);
        for (role, actor) in cast.roles() {
            let works = |event: &&Event| apply(&standing, event, &actor).is_ok();
            let works: Vec<_> = cast.events().iter().filter(works).map(Event::action).collect();
            assert_eq!(standing.possible(&actor), works, "{state:?} {role}");
            for event in cast.events() {
                if let Err(ReviewError::Illegal { state: said, possible }) = apply(&standing, &event, &actor) {
                    assert_eq!((said, possible), (state, works.clone()), "{event:?} {role}");
                }
            }
        }
    }
}

#[test]
fn a_verdict_is_bound_to_its_round_its_level_and_what_blocks_it() {
    let cast = Cast::new();
    let reviewer = |level| Actor::User { id: cast.holder, level, availability: Availability::Paused, operator: false };
    let (junior, senior) = (reviewer(ReviewerLevel::Junior), reviewer(ReviewerLevel::Senior));
    let decide = |verdict, round| Event::Decide { verdict, round };
    let plain = cast.standing(ReviewState::InReview);
    let high = Standing { priority: Priority::High, ..plain.clone() };
    let blocked = Standing { open_issues: 3, ..plain.clone() };
    let running = Standing { checks: Checks::Running, ..plain.clone() };
    let failed = Standing { checks: Checks::Failed, ..plain.clone() };
    let stale = ReviewError::StaleRound { newest: 2 };
    for (standing, verdict, round, actor, expected) in [
        (&plain, Verdict::Approve, 1, junior, Err(stale.clone())),
        (&plain, Verdict::RequestChanges, 1, junior, Err(stale.clone())),
        (&plain, Verdict::Reject, 3, junior, Err(stale)),
        (&high, Verdict::Approve, 2, junior, Err(ReviewError::LevelTooLow)),
        (&high, Verdict::Reject, 2, junior, Err(ReviewError::LevelTooLow)),
        (&high, Verdict::Approve, 2, senior, Ok(ReviewState::Approved)),
        (&blocked, Verdict::Approve, 2, senior, Err(ReviewError::IssuesOpen { open: 3 })),
        (&blocked, Verdict::RequestChanges, 2, junior, Ok(ReviewState::ChangesRequested)),
        (&running, Verdict::Approve, 2, junior, Err(ReviewError::ChecksNotPassed { failed: false })),
        (&failed, Verdict::Approve, 2, junior, Err(ReviewError::ChecksNotPassed { failed: true })),
        (&failed, Verdict::Reject, 2, junior, Ok(ReviewState::Rejected)),
    ] {
        assert_eq!(apply(standing, &decide(verdict, round), &actor), expected, "{standing:?} {verdict:?} {round}");
    }
}

#[test]
fn who_holds_a_review_and_who_is_asked_follows_from_what_is_done() {
    let cast = Cast::new();
    let user = |id| Actor::User { id, level: ReviewerLevel::Senior, availability: Availability::Free, operator: false };
    let [author, wanted, other] = [cast.author, cast.wanted, cast.other].map(user);
    let verdict = Event::Decide { verdict: Verdict::RequestChanges, round: 1 };
    let mut now = Standing { round: 0, ..cast.standing(ReviewState::Draft) };
    let steps = [
        (Event::Submit, author, ReviewState::Pending, None, vec![cast.wanted]),
        (Event::Claim, wanted, ReviewState::InReview, Some(cast.wanted), vec![cast.wanted]),
        (Event::HandOver { to: other }, wanted, ReviewState::InReview, Some(cast.other), vec![cast.wanted]),
        (verdict, other, ReviewState::ChangesRequested, Some(cast.other), vec![cast.wanted]),
        (Event::Submit, author, ReviewState::Pending, None, vec![cast.wanted, cast.other]),
        (Event::Decline, wanted, ReviewState::Pending, None, vec![cast.other]),
        (Event::Claim, other, ReviewState::InReview, Some(cast.other), vec![cast.other]),
        (Event::Submit, author, ReviewState::InReview, Some(cast.other), vec![cast.other]),
        (Event::Release, Actor::Time, ReviewState::Pending, None, vec![]),
        (Event::Claim, wanted, ReviewState::InReview, Some(cast.wanted), vec![]),
        (Event::Withdraw, author, ReviewState::Withdrawn, None, vec![]),
        (Event::Reopen, author, ReviewState::Draft, None, vec![]),
    ];
    for (event, actor, state, holder, asked) in steps {
        let submitted = u32::from(event == Event::Submit);
        let next = now.after(&event, &actor).unwrap();
        assert_eq!((next.state, next.holder, next.wanted.clone()), (state, holder, asked), "{event:?}");
        assert_eq!(next.round, now.round + submitted);
        now = next;
    }
}

#[test]
fn nobody_takes_over_what_they_may_not_review() {
    let cast = Cast::new();
    let holder = Actor::User {
        id: cast.holder,
        level: ReviewerLevel::Senior,
        availability: Availability::Free,
        operator: false,
    };
    let to = |id, level, availability| Event::HandOver { to: Actor::User { id, level, availability, operator: false } };
    let high = Standing { priority: Priority::Urgent, ..cast.standing(ReviewState::InReview) };
    for (event, expected) in [
        (to(cast.author, ReviewerLevel::Senior, Availability::Free), ReviewError::SelfReview),
        (to(cast.other, ReviewerLevel::None, Availability::Free), ReviewError::NotReviewer),
        (to(cast.other, ReviewerLevel::Senior, Availability::Paused), ReviewError::Paused { other: true }),
        (to(cast.other, ReviewerLevel::Senior, Availability::Full), ReviewError::Full { other: true }),
        (to(cast.other, ReviewerLevel::Junior, Availability::Free), ReviewError::LevelTooLow),
        (Event::HandOver { to: Actor::Time }, ReviewError::NotReviewer),
    ] {
        assert_eq!(apply(&high, &event, &holder), Err(expected), "{event:?}");
    }
}
