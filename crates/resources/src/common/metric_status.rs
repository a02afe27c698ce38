//! A metric in the status of its object: the value beside its target, or why there is none.

use std::time::Duration;

use engine::{MetricTarget, Number, Reading, TargetType, Time, without_noise};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::whole_seconds;
use super::fields::{as_number, date_time};
use crate::Poll;

/// A reading that is older than this says so.
const WORTH_A_TIME: Duration = Duration::from_secs(60);

/// Last value of a metric.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricStatus {
    /// Name of the metric.
    pub name: String,
    /// Type of the metric source.
    #[serde(rename = "type")]
    pub source: String,
    /// Value of the metric; absent while it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub value: Option<f64>,
    /// Value divided by the replicas, where the target is an average.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub average_value: Option<f64>,
    /// Target value.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub target_value: Option<f64>,
    /// Type of the target: `AverageValue` or `Value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// Time of the value at its source, if it is older than a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub time: Option<String>,
    /// Why the metric is unavailable, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why the metric is unavailable, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The plan's metric at `index`; `replicas` are those that an average is taken over.
pub(crate) fn metric_status(poll: &Poll, index: usize, replicas: Option<u32>, now: Time) -> MetricStatus {
    let metric = &poll.plan.metrics[index];
    let absent = poll.decision.absences.iter().find(|absent| absent.metric == metric.name);
    let value = if absent.is_none() { poll.value(index) } else { None };
    let average = metric.target.filter(|target| target.type_() == TargetType::AverageValue);
    let average = average.and(value.zip(replicas));
    let known_since = poll.readings.get(index).and_then(Reading::at);
    let known_since = known_since.filter(|at| now.since(*at) > WORTH_A_TIME);
    let value = value.map(without_noise);
    MetricStatus {
        name: metric.name.clone(),
        source: metric.query.source().to_owned(),
        value,
        average_value: average.map(|(value, replicas)| without_noise(value / f64::from(replicas.max(1)))),
        target_value: metric.target.map(MetricTarget::value),
        target_type: metric.target.map(|target| format!("{:?}", target.type_())),
        time: known_since.map(whole_seconds),
        reason: absent.map(|absent| absent.absence.reason.to_string()),
        message: absent.map(|absent| absent.absence.message.clone()),
    }
}

impl MetricStatus {
    /// `73/100 avg`, `0.4/0.2` or `<unknown>/100 avg`, as an HPA shows it.
    pub(crate) fn summary(&self) -> String {
        let shown = |value: Option<f64>| {
            value.map_or_else(|| "<unknown>".to_owned(), |value| Number(value).to_string())
        };
        let is_average = self.target_type.as_deref() == Some("AverageValue");
        let value = if is_average { self.average_value } else { self.value };
        format!("{}/{}{}", shown(value), shown(self.target_value), if is_average { " avg" } else { "" })
    }
}
