//! The status of a GeneralScaler: each metric beside its target, and the cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::common::cost::CostStatus;
use crate::common::metric_status::{MetricStatus, metric_status};
use crate::common::status::{ObservedStatus, SingleTargetStatus};
use crate::kept_status::Status;

/// Observed state of a GeneralScaler.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GeneralScalerStatus {
    /// Each metric beside its target, in one line: `73/100 avg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_summary: Option<String>,
    /// Last value of each metric.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub metrics: Vec<MetricStatus>,
    /// Cost of the replicas, for a policy with a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostStatus>,
    /// What all kinds with one target report.
    #[serde(flatten)]
    pub common: SingleTargetStatus,
}

impl Status for GeneralScalerStatus {
    fn update(&mut self, outcome: &Outcome) {
        self.common.update(outcome);
        let Some(poll) = outcome.poll() else { return };
        let replicas = poll.decided(0).map(|decided| decided.from).unwrap_or_default();
        let metrics = 0..poll.plan.metrics.len();
        self.metrics =
            metrics.map(|metric| metric_status(poll, metric, Some(replicas), outcome.at)).collect();
        let summaries: Vec<String> = self.metrics.iter().map(MetricStatus::summary).collect();
        self.metric_summary = Some(summaries.join(", "));
        self.cost = poll.decided(0).and_then(|decided| decided.cost).map(CostStatus::from);
    }

    fn clear_volatile(&mut self) {
        self.common.clear_volatile();
        self.metric_summary = None;
        self.metrics.clear();
        self.cost = None;
    }

    fn metric_values(&self) -> Vec<Option<f64>> {
        self.metrics.iter().map(|metric| metric.value).collect()
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Some(&self.common.observed)
    }
}
