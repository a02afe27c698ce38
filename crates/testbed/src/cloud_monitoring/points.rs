//! Time series, their points, and which project shows them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

/// What distinguishes a series from others: metric, labels and monitored resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesName {
    /// The project that the resource is in.
    pub project: String,
    /// The metric's type.
    pub metric: String,
    /// The metric's labels.
    pub metric_labels: BTreeMap<String, String>,
    /// What the resource is: `subscription` or `topic`.
    pub resource: &'static str,
    /// Its name.
    pub name: String,
}

impl SeriesName {
    /// The series of one metric of a subscription.
    #[must_use]
    pub fn of_subscription(project: &str, metric: &str, subscription: &str) -> Self {
        Self::of("subscription", project, metric, subscription)
    }

    /// The series of one metric of a topic.
    #[must_use]
    pub fn of_topic(project: &str, metric: &str, topic: &str) -> Self {
        Self::of("topic", project, metric, topic)
    }

    fn of(resource: &'static str, project: &str, metric: &str, name: &str) -> Self {
        let (project, metric, name) = (project.into(), metric.into(), name.into());
        Self { project, metric, metric_labels: BTreeMap::new(), resource, name }
    }

    /// The same with a label of the metric.
    #[must_use]
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        self.metric_labels.insert(name.into(), value.into());
        self
    }

    /// The value of a selector such as `resource.labels.subscription_id`; `None` for one that there is not.
    pub(super) fn selected(&self, selector: &str) -> Option<&str> {
        match selector {
            "project" | "resource.labels.project_id" | "resource.label.project_id" => Some(&self.project),
            "metric.type" => Some(&self.metric),
            "resource.type" => {
                Some(if self.resource == "topic" { "pubsub_topic" } else { "pubsub_subscription" })
            }
            other => {
                let id =
                    other.strip_prefix("resource.labels.").or_else(|| other.strip_prefix("resource.label."));
                if let Some(id) = id {
                    return (id.strip_suffix("_id") == Some(self.resource)).then_some(&self.name);
                }
                let label =
                    other.strip_prefix("metric.labels.").or_else(|| other.strip_prefix("metric.label."))?;
                self.metric_labels.get(label).map(String::as_str)
            }
        }
    }

    pub(super) fn to_json(&self, points: &[&Point]) -> Value {
        let mut labels = json!({ "project_id": self.project });
        labels[format!("{}_id", self.resource)] = self.name.as_str().into();
        let kind = if points.first().is_some_and(|point| point.value.get("doubleValue").is_some()) {
            "DOUBLE"
        } else {
            "INT64"
        };
        json!({
            "metric": { "type": self.metric, "labels": self.metric_labels },
            "resource": { "type": format!("pubsub_{}", self.resource), "labels": labels },
            "metricKind": "GAUGE",
            "valueType": kind,
            "points": points.iter().map(|point| point.to_json()).collect::<Vec<_>>(),
        })
    }
}

/// A value at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it was true.
    pub end: Timestamp,
    /// The typed value, for example `{"int64Value": "12"}`.
    pub value: Value,
}

impl Point {
    /// The number.
    pub(super) fn number(&self) -> f64 {
        let float = self.value["doubleValue"].as_f64();
        float.or_else(|| self.value["int64Value"].as_str()?.parse().ok()).unwrap_or(f64::NAN)
    }

    /// A whole number, which the API writes as a text.
    #[must_use]
    pub fn whole(value: i64, end: Timestamp) -> Self {
        Self { end, value: json!({ "int64Value": value.to_string() }) }
    }

    /// A float.
    #[must_use]
    pub fn float(value: f64, end: Timestamp) -> Self {
        Self { end, value: json!({ "doubleValue": value }) }
    }

    fn to_json(&self) -> Value {
        json!({ "interval": { "startTime": self.end, "endTime": self.end }, "value": self.value })
    }
}

/// All series.
#[derive(Debug, Default)]
pub(super) struct Store {
    series: BTreeMap<SeriesName, Vec<Point>>,
    scopes: BTreeMap<String, BTreeSet<String>>,
}

impl Store {
    pub(super) fn add(&mut self, series: &SeriesName, point: Point) {
        let points = self.series.entry(series.clone()).or_default();
        points.push(point);
        // The API answers the newest first.
        points.sort_by_key(|point| std::cmp::Reverse(point.end));
    }

    pub(super) fn widen(&mut self, scope: &str, others: &[&str]) {
        self.scopes.entry(scope.to_owned()).or_default().extend(others.iter().map(ToString::to_string));
    }

    /// The series that a metrics scope shows, each with its points.
    pub(super) fn in_scope(&self, scope: &str) -> impl Iterator<Item = (&SeriesName, &Vec<Point>)> {
        let others = self.scopes.get(scope);
        let scope = scope.to_owned();
        self.series.iter().filter(move |(name, _)| {
            name.project == scope || others.is_some_and(|others| others.contains(&name.project))
        })
    }
}
