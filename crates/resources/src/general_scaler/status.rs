//! What becomes of a GeneralScaler: each metric beside its target, and the money.

use std::time::Duration;

use engine::{Cost, Metric, MetricTarget, Number, Reading, TargetType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::condition::whole_seconds;
use crate::common::fields::as_number;
use crate::common::status::{Outcome, Poll, SingleTargetStatus};

/// A reading that is older than this says so.
const WORTH_A_TIME: Duration = Duration::from_secs(60);

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

/// One metric, as last read.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricStatus {
    /// Its name.
    pub name: String,
    /// The source that was asked.
    #[serde(rename = "type")]
    pub source: String,
    /// The value; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub value: Option<f64>,
    /// The value over the replicas, where the target is an average.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub average_value: Option<f64>,
    /// What is aimed for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub target_value: Option<f64>,
    /// How value and target compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// Since when the value is known at its source, where that is more than a minute ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub time: Option<String>,
    /// Why there is no value, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why there is no value, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Money, for one hour.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostStatus {
    /// What the replicas cost that there were before the last decision.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub now: Option<f64>,
    /// What the policy's wish would cost; absent where it could not wish.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub wished: Option<f64>,
    /// What the desired replicas cost.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub decided: Option<f64>,
    /// What all replicas together may cost.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub budget: Option<f64>,
}

fn date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

impl From<Cost> for CostStatus {
    fn from(cost: Cost) -> Self {
        let amount = |amount: f64| Some((amount * 1e6).round() / 1e6);
        Self {
            now: amount(cost.now),
            wished: cost.wished.and_then(amount),
            decided: amount(cost.decided),
            budget: amount(cost.budget),
        }
    }
}

pub(super) fn status(outcome: &Outcome, previous: &Value) -> Value {
    let mut status = GeneralScalerStatus::deserialize(previous).unwrap_or_default();
    status.common.update(outcome);
    if let Some(poll) = outcome.poll() {
        let metrics = poll.plan.metrics.iter().enumerate();
        status.metrics = metrics.map(|(index, metric)| metric_status(outcome, poll, index, metric)).collect();
        let summaries: Vec<String> = status.metrics.iter().map(MetricStatus::summary).collect();
        status.metric_summary = Some(summaries.join(", "));
        status.cost = poll.decided(0).and_then(|decided| decided.cost).map(CostStatus::from);
    }
    serde_json::to_value(status).unwrap_or_else(|error| unreachable!("plain data: {error}"))
}

fn metric_status(outcome: &Outcome, poll: &Poll, index: usize, metric: &Metric) -> MetricStatus {
    let absent = poll.decision.absences.iter().find(|absent| absent.metric == metric.name);
    let value = if absent.is_none() { poll.value(index) } else { None };
    let average = metric.target.filter(|target| target.type_() == TargetType::AverageValue);
    let replicas = poll.decided(0).map_or(0, |decided| decided.from).max(1);
    let known_since = match poll.readings.get(index) {
        Some(Reading::Value { at, .. }) if outcome.at.since(*at) > WORTH_A_TIME => Some(*at),
        _ => None,
    };
    MetricStatus {
        name: metric.name.clone(),
        source: metric.query.source.clone(),
        value,
        average_value: average.and(value).map(|value| value / f64::from(replicas)),
        target_value: metric.target.map(MetricTarget::value),
        target_type: metric.target.map(|target| format!("{:?}", target.type_())),
        time: known_since.map(whole_seconds),
        reason: absent.map(|absent| absent.absence.reason.to_string()),
        message: absent.map(|absent| absent.absence.message.clone()),
    }
}

impl MetricStatus {
    /// `73/100 avg`, `0.4/0.2` or `<unknown>/100 avg`, as an HPA shows it.
    fn summary(&self) -> String {
        let shown = |value: Option<f64>| {
            value.map_or_else(|| "<unknown>".to_owned(), |value| Number(value).to_string())
        };
        let is_average = self.target_type.as_deref() == Some("AverageValue");
        let value = if is_average { self.average_value } else { self.value };
        format!("{}/{}{}", shown(value), shown(self.target_value), if is_average { " avg" } else { "" })
    }
}
