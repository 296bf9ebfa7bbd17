//! Tells open WebSockets that the login they were opened with has ended: at once where it ended here, within a minute
//! ([`super::Accounts::tell_ended`]) where it expired or another server ended it.
//!
//! **Invariant**: an entry lives as long as somebody listens, so there are never more of them than sockets.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

use crate::model::LoginId;

/// Who listens for the end of which login.
#[derive(Clone, Debug, Default)]
pub struct LoginEnds(Arc<DashMap<LoginId, watch::Sender<bool>>>);

impl LoginEnds {
    /// Listens for the end of `login`. The caller must look afterwards whether it has not ended already.
    #[must_use]
    pub fn listen(&self, login: LoginId) -> LoginEnd {
        let receiver = match self.0.entry(login) {
            Entry::Occupied(entry) => entry.get().subscribe(),
            Entry::Vacant(entry) => entry.insert(watch::Sender::new(false)).subscribe(),
        };
        LoginEnd { login, receiver: Some(receiver), ends: self.clone() }
    }

    /// Tells everybody who listens that `login` has ended.
    pub fn tell(&self, login: LoginId) {
        if let Some((_, sender)) = self.0.remove(&login) {
            sender.send_replace(true);
        }
    }

    /// The logins somebody listens for.
    #[must_use]
    pub fn listened(&self) -> Vec<LoginId> {
        self.0.iter().map(|entry| *entry.key()).collect()
    }

    /// How many logins somebody listens for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody listens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Waits for the end of one login; stops listening when dropped.
#[derive(Debug)]
pub struct LoginEnd {
    login: LoginId,
    receiver: Option<watch::Receiver<bool>>,
    ends: LoginEnds,
}

impl LoginEnd {
    /// Returns when the login has ended.
    pub async fn ended(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            // An error means that the sender is gone, and it goes only by telling.
            drop(receiver.wait_for(|ended| *ended).await);
        }
    }
}

impl Drop for LoginEnd {
    fn drop(&mut self) {
        self.receiver = None;
        self.ends.0.remove_if(&self.login, |_, sender| sender.receiver_count() == 0);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_login_reaches_those_who_listen_for_it_and_nobody_else() {
        let ends = LoginEnds::default();
        let (mine, other) = (LoginId::new(), LoginId::new());
        let (mut first, mut second, mut third) = (ends.listen(mine), ends.listen(mine), ends.listen(other));
        assert!(first.ended().now_or_never().is_none());
        ends.tell(mine);
        first.ended().await;
        second.ended().await;
        assert!(third.ended().now_or_never().is_none());
    }

    #[test]
    fn nothing_is_kept_once_nobody_listens() {
        let ends = LoginEnds::default();
        let login = LoginId::new();
        let (first, second) = (ends.listen(login), ends.listen(login));
        drop(first);
        assert_eq!(ends.len(), 1);
        drop(second);
        assert!(ends.is_empty());
    }
}
