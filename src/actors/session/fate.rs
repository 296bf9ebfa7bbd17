//! What becomes of a sandbox whose changes could not be collected, as a table.

use super::SessionError;

/// What is to become of what cannot be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes with its session.
    Deleted,
    /// Its user gives it up.
    GivenUp,
    /// Nobody is there to be asked, and it stays on its volume.
    Left,
    /// Its user is asked.
    Asked,
}

/// What becomes of a stop whose changes could not be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// They are given up, with their session or by their user.
    Remove,
    /// The container goes, and its volume stays.
    Park,
    /// The session goes on.
    Keep,
    /// The sandbox cannot be reached: it stays, and the session has failed.
    Leave,
    /// Another try.
    Again,
}

/// What follows from an `error`; `late`: collecting was tried for long enough.
pub(super) fn after_failure(error: &SessionError, fate: Fate, linked: bool, late: bool) -> Next {
    // What passes is waited for; a workspace that is too large is its user's to make smaller.
    let passes = matches!(error, SessionError::Unavailable(_) | SessionError::Busy | SessionError::Internal);
    match (linked, late) {
        _ if fate == Fate::Deleted || (fate == Fate::GivenUp && (late || !passes)) => Next::Remove,
        (true, _) if fate == Fate::Left && !passes => Next::Park,
        (true, late) if late || !passes => Next::Keep,
        (false, true) => Next::Leave,
        _ => Next::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_that_could_not_be_emptied_goes_only_with_its_session() {
        let (away, full) = (SessionError::Unavailable("away".into()), SessionError::TooManyBytes);
        for (error, linked, late, next) in [
            (&away, true, false, Next::Again),
            (&away, true, true, Next::Keep),
            (&full, true, false, Next::Keep),
            (&full, true, true, Next::Keep),
            (&away, false, false, Next::Again),
            (&away, false, true, Next::Leave),
            (&full, false, false, Next::Again),
            (&full, false, true, Next::Leave),
        ] {
            assert_eq!(after_failure(error, Fate::Asked, linked, late), next, "{error} {linked} {late}");
            assert_eq!(after_failure(error, Fate::Deleted, linked, late), Next::Remove, "{error} {linked} {late}");
            // What may pass is worth waiting for, even to a user who would give it up.
            let given_up = if next == Next::Again && *error == away { Next::Again } else { Next::Remove };
            assert_eq!(after_failure(error, Fate::GivenUp, linked, late), given_up, "{error} {linked} {late}");
            // What a volume keeps although it could be collected once the database is back is left to the session that goes on.
            let left = if next == Next::Keep && *error == full { Next::Park } else { next };
            assert_eq!(after_failure(error, Fate::Left, linked, late), left, "{error} {linked} {late}");
        }
    }
}
