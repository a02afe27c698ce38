//! Safeguards: what holds while a metric fails for long, or falls so fast that it is hardly true.

mod drop;
mod fallback;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AbsentMetric, Metric, Time};

pub use drop::{HeldDrop, SuspiciousDrop};
pub use fallback::{Failing, Fallback, FallbackReplicas};

/// The safeguards of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Safeguards {
    /// What each of the plan's metrics falls back to, in the plan's order; `None`, and none at the end, for those that
    /// have no fallback.
    pub fallbacks: Vec<Option<Fallback>>,
    /// What is a suspicious drop of a metric; `None`: nothing is.
    pub drop: Option<SuspiciousDrop>,
}

/// What is remembered of one metric between decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricMemory {
    /// Since when it has no usable reading; only where it has a fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<Failing>,
    /// The last value that was believed, and since when a lower one is not.
    #[serde(flatten)]
    drop: drop::Believed,
}

/// What is remembered of the metrics, by their names; only where the plan has safeguards.
pub type MetricMemories = BTreeMap<String, MetricMemory>;

/// What the safeguards say of one metric at present.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarm {
    /// What it falls back to, and how long it has failed.
    pub fallback: Option<(Fallback, Failing)>,
    /// The drop that is not believed yet.
    pub drop: Option<HeldDrop>,
}

impl Safeguards {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.drop.is_none() && !self.has_fallback()
    }

    /// Whether any metric has a fallback.
    pub fn has_fallback(&self) -> bool {
        self.fallbacks.iter().any(Option::is_some)
    }

    /// The fallback of the metric at `index`.
    pub fn fallback(&self, index: usize) -> Option<Fallback> {
        self.fallbacks.get(index).copied().flatten()
    }

    /// What they say at `now` of each of `metrics`, of which `values` are known and `absences` are not.
    pub(crate) fn look(
        &self,
        metrics: &[Metric],
        values: &[Option<f64>],
        absences: &[AbsentMetric],
        memories: &mut MetricMemories,
        now: Time,
    ) -> Vec<Alarm> {
        if self.is_empty() {
            return Vec::new();
        }
        let look = |(index, metric): (usize, &Metric)| {
            let memory = memories.entry(metric.name.clone()).or_default();
            let fails = absences.iter().any(|absent| absent.metric == metric.name);
            let fallback = self.fallback(index).filter(|_| fails);
            memory.failing = fallback.map(|fallback| fallback.failing(memory.failing, now));
            let fallback = fallback.zip(memory.failing);
            let value = values.get(index).copied().flatten();
            Alarm {
                fallback: fallback.filter(|(fallback, failing)| fallback.is_due(*failing, now)),
                drop: self.drop.and_then(|drop| memory.drop.look(drop, value?, now)),
            }
        };
        metrics.iter().enumerate().map(look).collect()
    }
}
