//! How much is staged, by whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{StagingBounds, StagingError, lock};
use crate::model::UserId;

/// One user may have such a part of the bytes.
const PARTS: u64 = 4;

/// Room for what is staged. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Rooms {
    bounds: StagingBounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: u64,
    by: HashMap<UserId, Part>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    uploads: usize,
    bytes: u64,
}

/// A part of the room, given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Rooms,
    user: UserId,
    uploads: usize,
    bytes: u64,
}

impl Rooms {
    pub(super) fn new(bounds: StagingBounds) -> Self {
        Self { bounds, taken: Arc::default() }
    }

    /// Room for `bytes` of an upload, or of something else.
    pub(super) fn take(&self, user: UserId, bytes: u64, upload: bool) -> Result<Room, StagingError> {
        let mut room = Room { rooms: self.clone(), user, uploads: 0, bytes: 0 };
        if upload {
            let mut taken = lock(&self.taken);
            let part = taken.by.entry(user).or_default();
            if part.uploads >= self.bounds.uploads {
                drop(taken);
                return Err(StagingError::TooManyUploads(self.bounds.uploads));
            }
            part.uploads += 1;
            room.uploads = 1;
        }
        room.grow(bytes)?;
        Ok(room)
    }
}

impl Room {
    /// Makes it larger by `bytes`.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), StagingError> {
        let most = self.rooms.bounds.bytes;
        let mut taken = lock(&self.rooms.taken);
        let by = taken.by.get(&self.user).map_or(0, |part| part.bytes);
        if bytes > (most / PARTS).saturating_sub(by) {
            return Err(StagingError::TooManyBytes);
        }
        if bytes > most.saturating_sub(taken.bytes) {
            return Err(StagingError::Full);
        }
        taken.bytes += bytes;
        taken.by.entry(self.user).or_default().bytes += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = lock(&self.rooms.taken);
        taken.bytes -= self.bytes;
        if let Some(part) = taken.by.get_mut(&self.user) {
            part.bytes -= self.bytes;
            part.uploads -= self.uploads;
            if part.bytes == 0 && part.uploads == 0 {
                taken.by.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_a_part_and_nobody_is_remembered_for_nothing() {
        let rooms = Rooms::new(StagingBounds { bytes: 400, uploads: 2 });
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut one = rooms.take(ada, 60, true).expect("room");
        let two = rooms.take(ada, 40, true).expect("room");
        assert!(matches!(rooms.take(ada, 0, true), Err(StagingError::TooManyUploads(2))));
        assert!(matches!(rooms.take(ada, 1, false), Err(StagingError::TooManyBytes)));
        assert!(matches!(one.grow(1), Err(StagingError::TooManyBytes)));
        drop(two);
        one.grow(40).expect("given back");
        let others: Vec<_> = (0..3).map(|_| rooms.take(UserId::new(), 100, false).expect("room")).collect();
        assert!(matches!(rooms.take(bob, 1, false), Err(StagingError::Full)));
        drop((one, others));
        assert!(lock(&rooms.taken).by.is_empty() && lock(&rooms.taken).bytes == 0);
    }
}
