//! Notices when one of the actors ends that nobody replaces: without it the process must not go on.

use actix::prelude::*;
use tokio::sync::watch;

/// Where a fall is told.
#[derive(Clone)]
pub(super) struct Fallen(watch::Sender<Option<&'static str>>);

impl Fallen {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Watches the actor of this context: tells its name when it ends, also by a panic.
    pub(super) fn watch<A: Actor<Context = Context<A>>>(&self, name: &'static str, ctx: &mut Context<A>) {
        let notice = Notice { name, fallen: self.0.clone() };
        // The context drops what it has spawned when its actor ends, however that ends.
        let until_then = async move {
            std::future::pending::<()>().await;
            drop(notice);
        };
        ctx.spawn(actix::fut::wrap_future(until_then));
    }

    /// The first that has fallen.
    pub(super) async fn first(&self) -> &'static str {
        let mut fallen = self.0.subscribe();
        match fallen.wait_for(Option::is_some).await {
            Ok(name) => name.unwrap_or_default(),
            // Not while this value lives.
            Err(_) => std::future::pending().await,
        }
    }
}

struct Notice {
    name: &'static str,
    fallen: watch::Sender<Option<&'static str>>,
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.fallen.send_if_modified(|fallen| fallen.is_none() && fallen.replace(self.name).is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Clumsy;

    impl Actor for Clumsy {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Trip;

    impl Handler<Trip> for Clumsy {
        type Result = ();

        fn handle(&mut self, _: Trip, _: &mut Self::Context) {
            panic!("asked to");
        }
    }

    #[actix::test]
    async fn an_actor_that_panics_is_named() {
        let fallen = Fallen::new();
        let watching = fallen.clone();
        let actor = Clumsy::create(move |ctx| {
            watching.watch("Clumsy", ctx);
            Clumsy
        });
        assert!(actor.send(Trip).await.is_err());
        assert_eq!(fallen.first().await, "Clumsy");
    }
}
