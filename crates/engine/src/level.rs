//! Values of a metric at which a policy changes its mind, for people who look at a curve.

use serde::Serialize;

use crate::{MetricTarget, Plan, TargetType};

/// A value of a metric that the plan's author has set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// What it is called in manifests, for example `targetValue`.
    pub name: &'static str,
    /// The value, in the metric's unit.
    pub value: f64,
    /// Whether it is the share of one replica, so that the whole metric is compared with `value` times the replicas.
    pub is_per_replica: bool,
}

impl Level {
    /// A level of the whole metric.
    pub fn whole(name: &'static str, value: f64) -> Self {
        Self { name, value, is_per_replica: false }
    }

    /// What the metric is compared with while there are so many `replicas`.
    pub fn of(self, replicas: u32) -> f64 {
        if self.is_per_replica { self.value * f64::from(replicas) } else { self.value }
    }
}

impl From<MetricTarget> for Level {
    fn from(target: MetricTarget) -> Self {
        let is_per_replica = target.type_() == TargetType::AverageValue;
        Self { name: "target", value: target.value(), is_per_replica }
    }
}

impl Plan {
    /// The levels of the metric at `metric`: its target, or what the policy compares it with.
    pub fn levels(&self, metric: usize) -> Vec<Level> {
        let target = self.metrics.get(metric).and_then(|metric| metric.target).map(Level::from);
        target.map_or_else(|| self.policy.levels(metric), |target| vec![target])
    }
}
