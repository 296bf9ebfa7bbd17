//! Who reviews.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::UserId;
use crate::model::session::is_control;

/// What a user may review; persisted as these numbers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "i16", into = "i16")]
pub enum ReviewerLevel {
    /// Nothing.
    #[default]
    None = 0,
    /// What has a low or a medium priority.
    Junior = 1,
    /// Everything.
    Senior = 2,
}

/// A number that is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reviewer's level is 0 (none), 1 (junior) or 2 (senior)")]
pub struct NoSuchLevel;

impl TryFrom<i16> for ReviewerLevel {
    type Error = NoSuchLevel;
    fn try_from(number: i16) -> Result<Self, NoSuchLevel> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Junior),
            2 => Ok(Self::Senior),
            _ => Err(NoSuchLevel),
        }
    }
}

impl From<ReviewerLevel> for i16 {
    fn from(level: ReviewerLevel) -> i16 {
        level as i16
    }
}

/// Most topics of one reviewer, or of one request.
pub const MAX_TOPICS: usize = 16;
/// Longest topic, in characters.
pub const MAX_TOPIC_CHARS: usize = 32;

/// What somebody knows, or a request is about: few short words in lower case, each once, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Topics(Vec<String>);

/// Why topics are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// Over [`MAX_TOPICS`].
    #[error("there are at most 16 topics")]
    TooMany,
    /// Over [`MAX_TOPIC_CHARS`].
    #[error("a topic has at most 32 characters")]
    TooLong,
    /// Control characters, which could make one topic look like another.
    #[error("a topic may not contain control characters")]
    Control,
}

impl Topics {
    /// These topics, in one spelling.
    ///
    /// # Errors
    /// The first rule of [`TopicsError`] they break.
    pub fn new(topics: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, TopicsError> {
        let mut all = Vec::new();
        for topic in topics {
            let topic = topic.as_ref().trim().to_lowercase();
            if topic.chars().any(is_control) {
                return Err(TopicsError::Control);
            }
            if topic.chars().count() > MAX_TOPIC_CHARS {
                return Err(TopicsError::TooLong);
            }
            if !topic.is_empty() && !all.contains(&topic) {
                all.push(topic);
            }
            if all.len() > MAX_TOPICS {
                return Err(TopicsError::TooMany);
            }
        }
        all.sort_unstable();
        Ok(Self(all))
    }

    /// Each of them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Somebody who reviews, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewer {
    /// Who.
    pub user: UserId,
    /// What they sign in with.
    pub username: String,
    /// What others see.
    pub display_name: String,
    /// What they may review.
    pub level: ReviewerLevel,
    /// Since when; `None` where they have never been asked.
    pub since: Option<OffsetDateTime>,
    /// They take nothing new for the time being.
    pub paused: bool,
    /// How many reviews they want to hold at a time.
    pub capacity: u32,
    /// What they know.
    pub topics: Topics,
    /// How many they hold.
    pub load: u32,
}

/// Most reviews a reviewer may want to hold at a time.
pub const MAX_CAPACITY: u32 = 100;

/// A level somebody wants, where operators decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelRequest {
    /// Its id.
    pub id: Uuid,
    /// Who wants it.
    pub user: UserId,
    /// What they sign in with.
    pub username: String,
    /// Which.
    pub level: ReviewerLevel,
    /// When they asked.
    pub asked_at: OffsetDateTime,
    /// When an operator has decided.
    pub decided_at: Option<OffsetDateTime>,
    /// How.
    pub granted: Option<bool>,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_their_numbers_and_nothing_else_is_a_level() {
        for level in [ReviewerLevel::None, ReviewerLevel::Junior, ReviewerLevel::Senior] {
            assert_eq!(ReviewerLevel::try_from(i16::from(level)), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), i16::from(level));
        }
        assert!(ReviewerLevel::try_from(3).is_err() && ReviewerLevel::try_from(-1).is_err());
        assert!(serde_json::from_str::<ReviewerLevel>("3").is_err());
    }

    #[test]
    fn topics_are_few_short_words_in_one_spelling() {
        let topics = Topics::new([" Pandas", "sql", "PANDAS ", ""]).unwrap();
        assert_eq!(topics.as_slice(), ["pandas", "sql"]);
        let many = (0..=MAX_TOPICS).map(|n| n.to_string());
        assert_eq!(Topics::new(many.clone()), Err(TopicsError::TooMany));
        assert_eq!(Topics::new(many.take(MAX_TOPICS)).unwrap().as_slice().len(), MAX_TOPICS);
        assert_eq!(Topics::new(["x".repeat(MAX_TOPIC_CHARS + 1)]), Err(TopicsError::TooLong));
        assert_eq!(Topics::new(["a\u{202e}b"]), Err(TopicsError::Control));
    }
}
