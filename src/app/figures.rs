//! Figures of the database's pool, the engine and the warm pool, for `/metrics`.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts};

use crate::actors::warm_pool::PoolFigures;
use crate::db::Db;
use crate::engine::Engine;
use crate::http::Metrics;

/// Adds them to what `/metrics` shows.
pub(super) fn register(
    metrics: &Metrics,
    db: Db,
    engine: Engine,
    warm_pool: Arc<PoolFigures>,
) -> prometheus::Result<()> {
    metrics.register(Figures::of_pool(db)?)?;
    metrics.register(Figures::of_engine(engine)?)?;
    metrics.register(Figures::of_warm_pool(warm_pool)?)
}

/// What a source says, read whenever somebody asks.
struct Figures {
    desc: Vec<Desc>,
    read: Box<dyn Fn() -> prometheus::Result<Vec<MetricFamily>> + Send + Sync>,
}

/// Name, help, and whether it only grows.
type Named = (&'static str, &'static str, bool);

const POOL: [Named; 9] = [
    ("carrel_db_connections_allowed", "Connections a lane may have.", false),
    ("carrel_db_connections_open", "Connections a lane has.", false),
    ("carrel_db_connections_idle", "Connections nobody uses.", false),
    ("carrel_db_checkouts_waiting", "Checkouts waiting.", false),
    ("carrel_db_checkouts_total", "Checkouts served.", true),
    ("carrel_db_checkouts_refused_total", "Checkouts refused because the line was full.", true),
    ("carrel_db_checkouts_timed_out_total", "Checkouts that waited until their deadline.", true),
    ("carrel_db_connections_broken_total", "Connections thrown away because they broke.", true),
    ("carrel_db_checkout_wait_seconds_total", "Seconds all served checkouts waited together.", true),
];

const ENGINE: [Named; 4] = [
    ("carrel_engine_calls_total", "Calls to the Docker Engine that have ended.", true),
    ("carrel_engine_calls_failed_total", "Those of them that failed.", true),
    ("carrel_engine_call_seconds_total", "Seconds they took altogether.", true),
    ("carrel_engine_call_seconds_max", "Seconds the slowest took.", false),
];

const WARM_POOL: [Named; 9] = [
    ("carrel_warm_pool_waiting", "Started sandboxes nobody has claimed.", false),
    ("carrel_warm_pool_oldest_seconds", "How long the oldest of them has waited.", false),
    ("carrel_warm_pool_hits_total", "Sessions that were given one.", true),
    ("carrel_warm_pool_misses_total", "Sessions for which none was there.", true),
    ("carrel_warm_pool_made_total", "Sandboxes made for the pool.", true),
    ("carrel_warm_pool_failures_total", "Starts for the pool that failed.", true),
    ("carrel_warm_pool_shed_total", "Waiting sandboxes given back because memory was short.", true),
    ("carrel_warm_pool_died_total", "Waiting sandboxes that died.", true),
    ("carrel_memory_available_mebibytes", "Memory the machine has left, as the warm pool last saw it.", false),
];

impl Figures {
    fn of_pool(db: Db) -> prometheus::Result<Self> {
        Self::new(&POOL, "lane", move || {
            let figures = db.figures();
            let lanes = [figures.interactive, figures.bulk].into_iter().map(|lane| {
                let values = [
                    f64::from(lane.size),
                    f64::from(lane.open),
                    f64::from(lane.idle),
                    lane.waiting as f64,
                    lane.checkouts as f64,
                    lane.refused as f64,
                    lane.timeouts as f64,
                    lane.broken as f64,
                    lane.wait.as_secs_f64(),
                ];
                (lane.lane, values.to_vec())
            });
            lanes.collect()
        })
    }

    fn of_engine(engine: Engine) -> prometheus::Result<Self> {
        Self::new(&ENGINE, "call", move || {
            let calls = engine.figures().into_iter().map(|line| {
                let values = [line.calls as f64, line.failures as f64, line.seconds_total, line.seconds_max];
                (line.call.as_str(), values.to_vec())
            });
            calls.collect()
        })
    }

    fn of_warm_pool(figures: Arc<PoolFigures>) -> prometheus::Result<Self> {
        Self::new(&WARM_POOL, "pool", move || {
            let count = figures.read();
            let values = [
                count.waiting as f64,
                count.oldest.as_secs_f64(),
                count.hits as f64,
                count.misses as f64,
                count.made as f64,
                count.failures as f64,
                count.shed as f64,
                count.died as f64,
                count.available_mb as f64,
            ];
            vec![("warm", values.to_vec())]
        })
    }

    /// `read` gives, for each value of `label`, one number for each of `named`.
    fn new(
        named: &'static [Named],
        label: &'static str,
        read: impl Fn() -> Vec<(&'static str, Vec<f64>)> + Send + Sync + 'static,
    ) -> prometheus::Result<Self> {
        let desc: prometheus::Result<Vec<_>> = named
            .iter()
            .map(|(name, help, _)| Desc::new((*name).into(), (*help).into(), vec![label.into()], Default::default()))
            .collect();
        let read = move || {
            let lines = read();
            let mut families = Vec::new();
            for (place, (name, help, grows)) in named.iter().enumerate() {
                let values = lines.iter().filter_map(|(label, values)| Some((*label, *values.get(place)?)));
                if *grows {
                    let counter = CounterVec::new(Opts::new(*name, *help), &[label])?;
                    values.for_each(|(label, value)| counter.with_label_values(&[label]).inc_by(value));
                    families.extend(counter.collect());
                } else {
                    let gauge = GaugeVec::new(Opts::new(*name, *help), &[label])?;
                    values.for_each(|(label, value)| gauge.with_label_values(&[label]).set(value));
                    families.extend(gauge.collect());
                }
            }
            Ok(families)
        };
        Ok(Self { desc: desc?, read: Box::new(read) })
    }
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        self.desc.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Names were legal when this was made.
        (self.read)().unwrap_or_default()
    }
}
