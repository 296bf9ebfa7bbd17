//! Figures of the HTTP side, and the registry to which other parts add theirs.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::actors::describe::ActorDescription;

/// Upper bounds in seconds: from a cached read to a cold start.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// All figures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
    sockets: IntGaugeVec,
}

impl Metrics {
    /// Figures that all stand at zero.
    ///
    /// # Errors
    /// When a figure's name is not legal or used twice: a mistake in this file.
    pub fn new() -> prometheus::Result<Self> {
        let requests = Opts::new("carrel_http_requests_total", "Requests answered, by method, route and status.");
        let seconds = HistogramOpts::new("carrel_http_request_seconds", "Time to the head of the answer, by route.");
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(requests, &["method", "route", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(LATENCY_BUCKETS.to_vec()), &["method", "route"])?,
            in_flight: IntGauge::new("carrel_http_requests_in_flight", "Requests being answered.")?,
            sockets: IntGaugeVec::new(Opts::new("carrel_sockets", "Open WebSockets, by kind."), &["kind"])?,
        };
        metrics.register(metrics.requests.clone())?;
        metrics.register(metrics.seconds.clone())?;
        metrics.register(metrics.in_flight.clone())?;
        metrics.register(metrics.sockets.clone())?;
        Ok(metrics)
    }

    /// Adds figures of another part of Carrel; they are read whenever somebody asks for `/metrics`.
    ///
    /// # Errors
    /// When a figure of that name is there already.
    pub fn register(&self, collector: impl Collector + 'static) -> prometheus::Result<()> {
        self.registry.register(Box::new(collector))
    }

    /// Everything, with what actors say of themselves, in Prometheus' text format.
    ///
    /// # Errors
    /// When a collector gives nonsense.
    pub fn text(&self, actors: &[ActorDescription]) -> prometheus::Result<Vec<u8>> {
        let mut families = self.registry.gather();
        families.extend(of_actors(actors)?);
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }

    /// A request has begun.
    pub(super) fn begun(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// A request was answered. `route` is its pattern, never its path: there are only so many of those.
    pub(super) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// The number of open sockets of a kind.
    pub(super) fn sockets(&self, kind: &str) -> IntGauge {
        self.sockets.with_label_values(&[kind])
    }
}

/// Sums over the actors that are there now, by kind; what those say that have ended is no longer in them.
fn of_actors(actors: &[ActorDescription]) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["kind"]);
    let number = gauge("carrel_actors", "Actors, by kind.")?;
    let handled = gauge("carrel_actors_handled", "Messages the present actors have handled, by kind.")?;
    let refused = gauge("carrel_actors_refused", "Requests the present actors have refused, by kind.")?;
    let queued = gauge("carrel_actors_queued", "Work waiting inside actors, by kind.")?;
    let unhealthy = gauge("carrel_actors_unhealthy", "Actors that were silent twice in a row, by kind.")?;
    let mailbox = gauge("carrel_actors_mailbox", "Requests in mailboxes, by kind.")?;
    let wait =
        gauge("carrel_actors_wait_p95_microseconds", "The longest 95th percentile of waits in mailboxes, by kind.")?;
    let refused_by = Opts::new("carrel_actors_refused_by", "Requests the present actors have refused, by message.");
    let refused_by = IntGaugeVec::new(refused_by, &["kind", "message"])?;
    for actor in actors {
        let add = |gauge: &IntGaugeVec, count: u64| {
            gauge.with_label_values(&[actor.kind]).add(i64::try_from(count).unwrap_or(i64::MAX));
        };
        add(&number, 1);
        add(&handled, actor.handled);
        add(&refused, actor.refused);
        add(&queued, actor.queued as u64);
        add(&unhealthy, u64::from(!actor.healthy));
        add(&mailbox, actor.mailbox as u64);
        let longest = wait.with_label_values(&[actor.kind]);
        longest.set(longest.get().max(i64::try_from(actor.wait_us_p95).unwrap_or(i64::MAX)));
        for (message, count) in &actor.refused_by {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            refused_by.with_label_values(&[actor.kind, message.as_str()]).add(count);
        }
    }
    let all = [number, handled, refused, queued, unhealthy, mailbox, wait, refused_by];
    // One without values cannot be written.
    Ok(all.iter().flat_map(Collector::collect).filter(|family| !family.get_metric().is_empty()).collect())
}

/// Counts a request as long as it lives.
#[derive(Debug)]
pub(super) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status_and_others_may_add_figures() {
        let metrics = Metrics::new().expect("legal names");
        let in_flight = metrics.begun();
        metrics.answered("GET", "/api/v1/sessions/{id}", 404, Duration::from_millis(3));
        metrics.register(IntGauge::new("carrel_other", "Other.").expect("legal")).expect("new name");
        let actor = ActorDescription {
            kind: "WarmPool",
            name: "pool".into(),
            phase: "idle".into(),
            generation: 1,
            handled: 7,
            refused: 0,
            queued: 1,
            healthy: false,
            ..ActorDescription::default()
        };
        assert!(metrics.register(IntGauge::new("carrel_other", "Other.").expect("legal")).is_err());
        let text = String::from_utf8(metrics.text(&[actor]).expect("text")).expect("UTF-8");
        for line in [
            r#"carrel_http_requests_total{method="GET",route="/api/v1/sessions/{id}",status="404"} 1"#,
            r#"carrel_http_request_seconds_bucket{method="GET",route="/api/v1/sessions/{id}",le="0.005"} 1"#,
            "carrel_http_requests_in_flight 1",
            "carrel_other 0",
            r#"carrel_actors_handled{kind="WarmPool"} 7"#,
            r#"carrel_actors_unhealthy{kind="WarmPool"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        drop(in_flight);
        assert_eq!(metrics.in_flight.get(), 0);
    }
}
