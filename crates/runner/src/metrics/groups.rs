//! What is counted of groups: how long their writes take, and how often they are tried again.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{KindLabel, ResultLabel};

const WRITE_BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
const READY_BUCKETS: [f64; 10] = [0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 300.0, 900.0];

/// See the module.
pub(super) struct GroupSeries {
    retries: Family<ResultLabel, Counter>,
    write_seconds: Family<KindLabel, Histogram, fn() -> Histogram>,
    ready_seconds: Family<KindLabel, Histogram, fn() -> Histogram>,
}

impl Default for GroupSeries {
    fn default() -> Self {
        Self {
            retries: Family::default(),
            write_seconds: Family::new_with_constructor(|| Histogram::new(WRITE_BUCKETS)),
            ready_seconds: Family::new_with_constructor(|| Histogram::new(READY_BUCKETS)),
        }
    }
}

impl GroupSeries {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "group_retries",
            "Failed writes of a group that were retried within its interval, by result",
            self.retries.clone(),
        );
        registry.register(
            "group_write_seconds",
            "Time from a group's decision until the API server accepted the last of its writes",
            self.write_seconds.clone(),
        );
        registry.register(
            "group_ready_seconds",
            "Time from a group's decision until all replicas of its last member were ready",
            self.ready_seconds.clone(),
        );
    }

    /// A write was tried again, with this result.
    pub(super) fn retried(&self, result: &'static str) {
        self.retries.get_or_create(&ResultLabel { result }).inc();
    }

    /// All writes of a group of `kind` are done, so long after the decision.
    pub(super) fn written(&self, kind: &'static str, after: Duration) {
        self.write_seconds.get_or_create(&KindLabel { kind }).observe(after.as_secs_f64());
    }

    /// All members of a group of `kind` are ready, so long after the decision.
    pub(super) fn ready(&self, kind: &'static str, after: Duration) {
        self.ready_seconds.get_or_create(&KindLabel { kind }).observe(after.as_secs_f64());
    }
}
