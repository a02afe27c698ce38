//! What becomes of a GeneralScaler: each metric beside its target, and the money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::cost::CostStatus;
use crate::common::metric_status::{MetricStatus, metric_status};
use crate::common::status::{Outcome, SingleTargetStatus};

/// What became of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GeneralScalerStatus {
    /// Each metric beside its target, in one line: `73/100 avg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_summary: Option<String>,
    /// Each metric, as last read.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub metrics: Vec<MetricStatus>,
    /// What the replicas cost, under a policy with a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostStatus>,
    /// What all kinds with one target tell.
    #[serde(flatten)]
    pub common: SingleTargetStatus,
}

pub(super) fn status(outcome: &Outcome, previous: &Value) -> Value {
    let mut status = GeneralScalerStatus::deserialize(previous).unwrap_or_default();
    status.common.update(outcome);
    if let Some(poll) = outcome.poll() {
        let replicas = poll.decided(0).map(|decided| decided.from).unwrap_or_default();
        let metrics = 0..poll.plan.metrics.len();
        status.metrics =
            metrics.map(|metric| metric_status(poll, metric, Some(replicas), outcome.at)).collect();
        let summaries: Vec<String> = status.metrics.iter().map(MetricStatus::summary).collect();
        status.metric_summary = Some(summaries.join(", "));
        status.cost = poll.decided(0).and_then(|decided| decided.cost).map(CostStatus::from);
    }
    serde_json::to_value(status).unwrap_or_else(|error| unreachable!("plain data: {error}"))
}
