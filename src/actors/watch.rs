//! Requests on their way through a mailbox: how many there may be, how many wait, for how long, which was refused, and which was being handled
//! when its actor fell.
//!
//! ```text
//!   sender ── admitted? ── Asked { message, since when } ──▶ mailbox ──▶ its handler, and every step of its future, marked with its kind
//! ```
//!
//! **Invariants**: an actor has no more requests under way, from their being asked to their answer, than its mailbox is made for; a mailbox
//! itself refuses nothing, since it has a slot for every sender. A request costs two looks at the clock, four atomic additions and a lock nobody else wants; bytes of terminals and streams
//! do not come this way. A mark that is still set when an actor is dropped names what it was doing: whoever falls says so even by a panic.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant};

use actix::prelude::*;

use super::api::SessionError;

/// Requests over which the wait is judged.
const WAITS: usize = 32;

/// What is known of one actor's requests. Clones share it.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    most: usize,
    under_way: AtomicUsize,
    waiting: AtomicUsize,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    handling: Option<&'static str>,
    excuse: Option<&'static str>,
    refused: BTreeMap<&'static str, u64>,
    /// Microseconds, the oldest overwritten.
    waits: [u32; WAITS],
    taken: usize,
}

impl Default for Watch {
    /// Of an actor that admits everything.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Watch {
    /// Of an actor that admits `most` requests at a time.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { most, ..Inner::default() }))
    }

    /// What its actor does while it rightly answers nobody.
    #[must_use]
    pub fn excuse(&self) -> Option<&'static str> {
        self.noted().excuse
    }

    /// Excuses its actor's silence until the guard is dropped.
    pub(super) fn excused(&self, excuse: &'static str) -> Excused {
        self.noted().excuse = Some(excuse);
        Excused(self.clone())
    }

    fn admit(&self, kind: &'static str) -> Result<Admitted, SessionError> {
        let before = self.0.under_way.fetch_add(1, Ordering::Relaxed);
        let admitted = Admitted(self.clone());
        if before >= self.0.most {
            self.refuse(kind);
            return Err(SessionError::Busy);
        }
        Ok(admitted)
    }

    /// Requests in the mailbox.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Microseconds within which 19 of 20 of the last requests were taken out of the mailbox.
    #[must_use]
    pub fn wait_us_p95(&self) -> u64 {
        let noted = self.noted();
        let mut waits = noted.waits[..noted.taken.min(WAITS)].to_vec();
        drop(noted);
        waits.sort_unstable();
        waits.get((waits.len() * 19).div_ceil(20).saturating_sub(1)).copied().unwrap_or_default().into()
    }

    /// Requests refused, by kind of message.
    #[must_use]
    pub fn refused_by(&self) -> BTreeMap<String, u64> {
        self.noted().refused.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    }

    /// Counts a refused request.
    pub fn refuse(&self, kind: &'static str) {
        *self.noted().refused.entry(kind).or_default() += 1;
    }

    /// The kind of message being handled; after its fall, the one an actor fell over.
    #[must_use]
    pub fn handling(&self) -> Option<&'static str> {
        self.noted().handling
    }

    fn taken(&self, wait: Duration, kind: &'static str) {
        let mut noted = self.noted();
        let place = noted.taken % WAITS;
        noted.waits[place] = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
        noted.taken += 1;
        noted.handling = Some(kind);
    }

    fn mark(&self, kind: Option<&'static str>) {
        self.noted().handling = kind;
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        // What a panic leaves behind is counters.
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Work<A, T> =
    dyn FnOnce(&mut A, &mut <A as Actor>::Context) -> ResponseActFuture<A, Result<T, SessionError>> + Send;

/// A request on its way to an actor of kind `A`. The reply is the message's own.
pub struct Asked<A: Actor, T> {
    /// Handles the message. A closure, not the message: a handler for every message that is handled would be a handler for itself.
    work: Box<Work<A, T>>,
    kind: &'static str,
    admitted: Admitted,
    waiting: Waiting,
    begun: Arc<AtomicBool>,
}

/// Tells whether a request was begun, also when its actor fell over it and nothing else is left.
#[derive(Debug)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    /// Whether it was.
    #[must_use]
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl<A: Actor, T: 'static> Asked<A, T> {
    /// `message`, on its way to the actor of `watch`.
    ///
    /// # Errors
    /// [`SessionError::Busy`] when that actor has as many requests as it admits.
    pub fn new<M>(message: M, watch: Watch) -> Result<Self, SessionError>
    where
        M: Message + Send + 'static,
        A: Handler<M>,
        <A as Handler<M>>::Result: Reply<A, T>,
    {
        let admitted = watch.admit(kind_of::<M>())?;
        watch.0.waiting.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            work: Box::new(|actor, ctx| <A as Handler<M>>::handle(actor, message, ctx).into_future()),
            kind: kind_of::<M>(),
            admitted,
            waiting: Waiting { watch, since: Instant::now() },
            begun: Arc::default(),
        })
    }

    /// To be asked afterwards.
    #[must_use]
    pub fn begun(&self) -> Begun {
        Begun(Arc::clone(&self.begun))
    }

    /// Handles it: it waits no longer.
    pub(super) fn handle(self, actor: &mut A, ctx: &mut A::Context) -> ResponseActFuture<A, Result<T, SessionError>> {
        let Self { work, kind, admitted, waiting, begun } = self;
        begun.store(true, Ordering::Release);
        let watch = waiting.watch.clone();
        watch.taken(waiting.since.elapsed(), kind);
        drop(waiting);
        let inner = work(actor, ctx);
        watch.mark(None);
        Box::pin(Marked { inner, kind, watch, _admitted: admitted })
    }
}

impl<A: Actor, T: Send + 'static> Message for Asked<A, T> {
    type Result = Result<T, SessionError>;
}

/// Counts a request as under way until it is answered, or dropped.
struct Admitted(Watch);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Excuses an actor's silence.
pub(super) struct Excused(Watch);

impl Drop for Excused {
    fn drop(&mut self) {
        self.0.noted().excuse = None;
    }
}

/// Counts a request as waiting until it is taken, or dropped unread.
struct Waiting {
    watch: Watch,
    since: Instant,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.watch.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The last word of a message's type: `StopSession`.
#[must_use]
pub fn kind_of<M>() -> &'static str {
    let name = std::any::type_name::<M>();
    name.rsplit("::").next().unwrap_or(name)
}

/// What a handler may answer with, made one kind of future.
pub trait Reply<A: Actor, T> {
    /// That future.
    fn into_future(self) -> ResponseActFuture<A, Result<T, SessionError>>;
}

impl<A: Actor, T: 'static> Reply<A, T> for Result<T, SessionError> {
    fn into_future(self) -> ResponseActFuture<A, Self> {
        Box::pin(fut::ready(self))
    }
}

impl<A: Actor, T: 'static> Reply<A, T> for ResponseFuture<Result<T, SessionError>> {
    fn into_future(self) -> ResponseActFuture<A, Result<T, SessionError>> {
        Box::pin(fut::wrap_future(self))
    }
}

impl<A: Actor, T: 'static> Reply<A, T> for ResponseActFuture<A, Result<T, SessionError>> {
    fn into_future(self) -> Self {
        self
    }
}

/// A handler's future that is marked whenever it runs, and whose refusal is counted.
struct Marked<A: Actor, T> {
    inner: ResponseActFuture<A, Result<T, SessionError>>,
    kind: &'static str,
    watch: Watch,
    _admitted: Admitted,
}

impl<A: Actor, T: 'static> ActorFuture<A> for Marked<A, T> {
    type Output = Result<T, SessionError>;

    fn poll(self: Pin<&mut Self>, actor: &mut A, ctx: &mut A::Context, task: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.watch.mark(Some(this.kind));
        let polled = this.inner.as_mut().poll(actor, ctx, task);
        this.watch.mark(None);
        if let Poll::Ready(Err(error)) = &polled
            && error.is_refusal()
        {
            this.watch.refuse(this.kind);
        }
        polled
    }
}

/// Lets an actor take [`Asked`] requests.
macro_rules! watched {
    ($actor:ty) => {
        impl<T: Send + 'static> actix::Handler<$crate::actors::watch::Asked<Self, T>> for $actor {
            type Result = actix::ResponseActFuture<Self, Result<T, $crate::actors::api::SessionError>>;

            fn handle(
                &mut self,
                asked: $crate::actors::watch::Asked<Self, T>,
                ctx: &mut Self::Context,
            ) -> Self::Result {
                asked.handle(self, ctx)
            }
        }
    };
}
pub(super) use watched;

#[cfg(test)]
mod tests {
    use super::*;

    struct Clerk;

    impl Actor for Clerk {
        type Context = Context<Self>;
    }

    watched!(Clerk);

    #[derive(Message)]
    #[rtype(result = "Result<u8, SessionError>")]
    struct Add(u8);

    #[derive(Message)]
    #[rtype(result = "Result<(), SessionError>")]
    struct FallLater;

    impl Handler<Add> for Clerk {
        type Result = Result<u8, SessionError>;

        fn handle(&mut self, Add(number): Add, _: &mut Self::Context) -> Self::Result {
            number.checked_add(1).ok_or(SessionError::Busy)
        }
    }

    impl Handler<FallLater> for Clerk {
        type Result = ResponseActFuture<Self, Result<(), SessionError>>;

        fn handle(&mut self, _: FallLater, _: &mut Self::Context) -> Self::Result {
            let yielding = tokio::task::yield_now().into_actor(self);
            Box::pin(yielding.map(|(), _, _| panic!("asked to")))
        }
    }

    #[actix::test]
    async fn requests_are_counted_while_they_wait_and_refusals_by_kind() {
        let (clerk, watch) = (Clerk.start(), Watch::default());
        let asked = Asked::new(Add(1), watch.clone()).expect("admitted");
        assert_eq!(watch.waiting(), 1);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(clerk.send(asked).await.expect("it lives"), Ok(2));
        let asked = Asked::new(Add(255), watch.clone()).expect("admitted");
        assert_eq!(clerk.send(asked).await.expect("it lives"), Err(SessionError::Busy));
        drop(Asked::<Clerk, _>::new(Add(3), watch.clone()).expect("admitted"));
        assert_eq!((watch.waiting(), watch.handling()), (0, None));
        assert_eq!(watch.refused_by(), BTreeMap::from([("Add".to_owned(), 1)]));
        assert!(watch.wait_us_p95() >= 5_000, "{}", watch.wait_us_p95());
    }

    #[actix::test]
    async fn one_request_more_than_an_actor_admits_is_refused_until_one_is_answered() {
        let (clerk, watch) = (Clerk.start(), Watch::new(2));
        let ask = |number| Asked::<Clerk, u8>::new(Add(number), watch.clone());
        let (one, two) = (ask(1).expect("admitted"), ask(2).expect("admitted"));
        assert!(matches!(ask(3), Err(SessionError::Busy)));
        assert_eq!(watch.refused_by(), BTreeMap::from([("Add".to_owned(), 1)]));
        assert_eq!(clerk.send(one).await.expect("it lives"), Ok(2));
        let three = ask(3).expect("one was answered");
        assert!(ask(4).is_err());
        drop((two, three));
        assert!(ask(5).is_ok(), "what nobody reads any more holds no place");
    }

    #[actix::test]
    async fn a_fall_in_the_middle_of_an_answer_names_its_message() {
        let (clerk, watch) = (Clerk.start(), Watch::default());
        let asked = Asked::new(FallLater, watch.clone()).expect("admitted");
        let begun = asked.begun();
        assert!(clerk.send(asked).await.is_err());
        assert_eq!(watch.handling(), Some("FallLater"));
        assert!(begun.is(), "whoever asked knows that it was begun and does not ask again");
        let late = Asked::new(Add(1), watch.clone()).expect("admitted");
        let begun = late.begun();
        assert!(clerk.send(late).await.is_err());
        assert!(!begun.is(), "nobody was there to begin it");
    }
}
