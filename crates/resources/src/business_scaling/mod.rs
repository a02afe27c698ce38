//! `BusinessScaling`: replicas follow one business metric between two thresholds.

mod rules;

use std::sync::Arc;

use engine::policy::Linear;
use engine::{
    Asked, AskedTarget, Bounds, ConfigPath, Metric, Policy, PolicyTable, Query, Target, without_noise,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Outcome;
use crate::common::column::{self, Column};
use crate::common::fields::{
    HeadersFrom, MetricSpec, NAME_PATTERN, NAMESPACE_PATTERN, TargetRef, URL_PATTERN, as_number,
};
use crate::common::forecast::ForecastSpec;
use crate::common::interval::Interval;
use crate::common::metric;
use crate::common::rule;
use crate::common::safety::{self, SafetySpec};
use crate::common::single_target::SingleTarget;
use crate::common::status::{ObservedStatus, SingleTargetStatus};
use crate::compile::{Compiled, Context, Findings, NotCompiled, spec};
use crate::kept_status::{MemoryPlace, Status};
use crate::kind::Kind;
use crate::scope::Scope;
use crate::status_language::StatusLanguage;
use crate::supporting::Needs;

/// The row of the table.
pub const KIND: Kind = Kind {
    group: "example.com",
    version: "v1",
    kind: "BusinessScaling",
    plural: "businessscalings",
    scope: Scope::Cluster,
    definition,
    compile,
    status: StatusLanguage::of::<BusinessScalingStatus>(MemoryPlace::Status),
    needs: Needs::NOTHING,
};

const COLUMNS: &[Column] = &[
    column::TARGET,
    Column::number("Metric", ".status.metricValue"),
    Column::integer("Min", ".spec.scaleThresholds.minReplicas"),
    Column::integer("Max", ".spec.scaleThresholds.maxReplicas"),
    column::CURRENT,
    column::DESIRED,
    column::READY,
    column::REASON,
    column::MODE,
    column::STALE,
    column::DECISION,
    column::AGE,
];

/// Scales a target between two replica counts as a business metric moves between two thresholds.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "BusinessScaling",
    plural = "businessscalings",
    singular = "businessscaling",
    shortname = "bs",
    category = "polyscaler",
    status = "BusinessScalingStatus",
    doc = "Scales a target between two replica counts as a business metric, such as active users, moves between two thresholds."
)]
#[serde(rename_all = "camelCase")]
pub struct BusinessScalingSpec {
    /// Name of the Deployment to scale. Set either this or `targetRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = NAME_PATTERN))]
    pub target_deployment: Option<String>,
    /// The target to scale: any object with a scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// Namespace of the target and of the Secret of `headersFrom`.
    #[serde(default = "default_namespace")]
    #[schemars(length(max = 63), regex(pattern = NAMESPACE_PATTERN))]
    pub namespace: String,
    /// URL that returns JSON. Set either this or `metric`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = URL_PATTERN))]
    pub metric_source: Option<String>,
    /// JSONPath (RFC 9535) of the value in the response of `metricSource`. Defaults to `$.active_users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub value_path: Option<String>,
    /// Request headers for `metricSource`, from a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers_from: Option<HeadersFrom>,
    /// A metric of any other source, in place of `metricSource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricSpec>,
    /// The range of the metric in which the target is scaled, and the range of replicas.
    #[serde(default)]
    pub scale_thresholds: ScaleThresholds,
    /// Seconds between two polls of the metrics. Defaults to 60, or to what the operator's defaults file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub interval_seconds: Option<u32>,
    /// Limits on how fast and how often the target is scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetySpec>,
    /// Whether and how the target is scaled out ahead of a load that is expected. Left out, there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSpec>,
}

/// At or below `minUsers` the target has `minReplicas`, at or above `maxUsers` it has `maxReplicas`; in between
/// the number of replicas grows linearly and is rounded down.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ScaleThresholds {
    /// Metric value at and below which the target has `minReplicas`.
    #[schemars(range(min = 0.0))]
    pub min_users: f64,
    /// Metric value at and above which the target has `maxReplicas`.
    #[schemars(range(min = 0.0))]
    pub max_users: f64,
    /// Minimum number of replicas.
    #[schemars(range(max = i32::MAX))]
    pub min_replicas: u32,
    /// Maximum number of replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replicas: u32,
}

impl Default for ScaleThresholds {
    fn default() -> Self {
        Self { min_users: 1000.0, max_users: 5000.0, min_replicas: 2, max_replicas: 10 }
    }
}

/// Observed state of a BusinessScaling.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BusinessScalingStatus {
    /// Last value of the metric; absent while the metric is unavailable.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub metric_value: Option<f64>,
    /// What all kinds with one target report.
    #[serde(flatten)]
    pub common: SingleTargetStatus,
}

fn default_namespace() -> String {
    "default".to_owned()
}

/// Seconds between two polls where nobody says otherwise.
const DEFAULT_INTERVAL: u32 = 60;

const DEFAULT_VALUE_PATH: &str = "$.active_users";

fn definition(_: &PolicyTable) -> CustomResourceDefinition {
    rule::finish(rule::finish(column::print(BusinessScaling::crd(), COLUMNS), rules::RULES), safety::RULES)
}

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let spec: BusinessScalingSpec = spec(object)?;
    let broken_rules = rule::problems(rules::RULES, &spec);
    let target = spec.target().in_namespace(&spec.namespace);
    let (metric, findings) = compile_metric(&spec, &target, context);
    let thresholds = &spec.scale_thresholds;
    let (least, most) = (thresholds.min_replicas, thresholds.max_replicas);
    let policy = Linear::new(thresholds.min_users, thresholds.max_users, least, most);
    let compiled = SingleTarget {
        target,
        bounds: Bounds::new(least, most),
        minimum_at: "spec.scaleThresholds.minReplicas",
        metrics: vec![metric],
        policy: policy.map(|policy| Arc::new(policy) as Arc<dyn Policy>),
        safety: spec.safety.as_ref(),
        forecast: spec.forecast.as_ref(),
        fallbacks: Vec::new(),
        interval: Interval::Optional(spec.interval_seconds, DEFAULT_INTERVAL),
    };
    compiled.plan(object, broken_rules, findings)
}

/// The metric, whichever way it is written, and what its source finds wrong with it.
fn compile_metric(spec: &BusinessScalingSpec, target: &Target, context: &Context<'_>) -> (Metric, Findings) {
    let (source, config, path) = match &spec.metric {
        Some(metric) => (
            metric.source.as_str(),
            Value::Object(metric.config.clone()),
            ConfigPath { source: "spec.metric.type", config: "spec.metric.config", elsewhere: &[] },
        ),
        None => {
            let value_path = spec.value_path.as_deref().unwrap_or(DEFAULT_VALUE_PATH);
            let mut config = json!({ "url": spec.metric_source, "valuePath": value_path });
            if let Some(headers) = &spec.headers_from {
                config["headersFrom"] = json!(headers);
            }
            let elsewhere = &[("url", "spec.metricSource")];
            ("http", config, ConfigPath { source: "spec.metricSource", config: "spec", elsewhere })
        }
    };
    // A missing metric is named by a rule; its source has nothing to look at then.
    let named = spec.metric.is_some() || spec.metric_source.is_some();
    let mut findings = Findings::default();
    let query = if named {
        let target = AskedTarget::Of(target);
        let namespace = &spec.namespace;
        let asked = Asked { source, config: &config, path, namespace, target, credentials: &[] };
        metric::query(context, &asked, &mut findings)
    } else {
        Query::unprepared(source)
    };
    let name = if spec.metric.is_some() { source } else { "users" };
    (Metric { name: name.to_owned(), query, minimum: Some(0.0), target: None, member: None }, findings)
}

impl BusinessScalingSpec {
    fn target(&self) -> TargetRef {
        TargetRef::either(self.target_deployment.as_deref(), self.target_ref.as_ref())
    }
}

impl Status for BusinessScalingStatus {
    fn update(&mut self, outcome: &Outcome) {
        self.common.update(outcome);
        if let Some(poll) = outcome.poll() {
            self.metric_value = poll.value(0).map(without_noise);
        }
    }

    fn clear_volatile(&mut self) {
        self.common.clear_volatile();
        self.metric_value = None;
    }

    fn metric_values(&self) -> Vec<Option<f64>> {
        vec![self.metric_value]
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Some(&self.common.observed)
    }
}

#[cfg(test)]
mod tests;
