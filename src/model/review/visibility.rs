//! Who sees a review.

use super::{Actor, ReviewState, ReviewerLevel, Standing};

/// Whether there is such a review for `actor`; `took_part`: a step of it is theirs, or something that was said of it. For everybody else it is as if there were none.
///
/// A draft is its author's alone. What was submitted is for those it was meant for: every reviewer, or those who were asked.
#[must_use]
pub fn may_see(standing: &Standing, actor: &Actor, took_part: bool) -> bool {
    let Actor::User { id, level, operator, .. } = *actor else { return true };
    if id == standing.author {
        return true;
    }
    if standing.state == ReviewState::Draft || standing.round == 0 {
        return false;
    }
    let is_asked = standing.wanted.contains(&id) || (standing.wanted.is_empty() && level > ReviewerLevel::None);
    operator || took_part || standing.holder == Some(id) || is_asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;
    use crate::model::review::{Availability, Checks, Priority};

    #[test]
    fn a_review_is_there_for_its_author_and_for_those_it_was_meant_for() {
        let [author, holder, wanted, other] = [(); 4].map(|()| UserId::new());
        let user = |id, level, operator| Actor::User { id, level, availability: Availability::Free, operator };
        let (none, junior) = (ReviewerLevel::None, ReviewerLevel::Junior);
        let standing = |state, round, wanted: &[UserId]| Standing {
            state,
            author,
            holder: Some(holder),
            wanted: wanted.to_vec(),
            priority: Priority::Urgent,
            round,
            open_issues: 0,
            checks: Checks::Passed,
        };
        let draft = standing(ReviewState::Draft, 0, &[wanted]);
        let taken_back = standing(ReviewState::Withdrawn, 0, &[wanted]);
        let named = standing(ReviewState::InReview, 1, &[wanted]);
        let open = standing(ReviewState::Approved, 1, &[]);
        for (actor, took_part, expected) in [
            (user(author, none, false), false, [true, true, true, true]),
            (user(holder, none, false), false, [false, false, true, true]),
            (user(wanted, none, false), false, [false, false, true, false]),
            (user(other, junior, false), false, [false, false, false, true]),
            (user(other, junior, false), true, [false, false, true, true]),
            (user(other, none, false), false, [false, false, false, false]),
            (user(other, none, true), false, [false, false, true, true]),
            (Actor::Time, false, [true, true, true, true]),
        ] {
            let seen = [&draft, &taken_back, &named, &open].map(|standing| may_see(standing, &actor, took_part));
            assert_eq!(seen, expected, "{actor:?} {took_part}");
        }
    }
}
