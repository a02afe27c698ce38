//! `GeneralScaler`: any number of metrics of any source, a policy by name, and safety.

mod rules;
mod status;

use std::collections::BTreeSet;

use engine::policy::Serves;
use engine::{Asked, AskedTarget, Bounds, ConfigPath, Metric, MetricTarget, PolicyTable, Target, TargetType};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::column::{self, Column};
use crate::common::fields::{NAME_PATTERN, TargetRef, any_object, own_namespace};
use crate::common::forecast::ForecastSpec;
use crate::common::interval::Interval;
use crate::common::metric;
use crate::common::policy::{self, PolicySpec};
use crate::common::rule;
use crate::common::safety::{self, FallbackSpec, SafetySpec};
use crate::common::single_target::SingleTarget;
use crate::compile::{Compiled, Context, Findings, NotCompiled, spec};
use crate::kept_status::MemoryPlace;
use crate::kind::Kind;
use crate::scope::Scope;
use crate::status_language::StatusLanguage;
use crate::supporting::Needs;

pub use status::GeneralScalerStatus;

/// The row of the table.
pub const KIND: Kind = Kind {
    group: "autoscaling.example.com",
    version: "v1",
    kind: "GeneralScaler",
    plural: "generalscalers",
    scope: Scope::Namespaced,
    definition,
    compile,
    status: StatusLanguage::of::<GeneralScalerStatus>(MemoryPlace::Status),
    needs: Needs::NOTHING,
};

const COLUMNS: &[Column] = &[
    column::TARGET,
    Column::string("Metrics", ".status.metricSummary"),
    column::MIN,
    column::MAX,
    column::CURRENT,
    column::DESIRED,
    column::READY,
    column::REASON,
    column::MODE,
    column::STALE,
    Column::string("Last Reason", ".status.lastScaleReason"),
    column::COST,
    Column::number("Budget", ".status.cost.budget").wide(),
    column::DECISION,
    column::AGE,
];

/// Scales a target by metrics of any source, under a policy and within safe limits.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "autoscaling.example.com",
    version = "v1",
    kind = "GeneralScaler",
    plural = "generalscalers",
    singular = "generalscaler",
    shortname = "gs",
    category = "polyscaler",
    namespaced,
    status = "GeneralScalerStatus",
    doc = "Scales a target by metrics of any source, with a policy and within limits."
)]
#[serde(rename_all = "camelCase")]
pub struct GeneralScalerSpec {
    /// Name of the Deployment to scale. Set either this or `targetRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = NAME_PATTERN))]
    pub target_deployment: Option<String>,
    /// The target to scale: any object with a scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// Minimum number of replicas.
    #[serde(default = "default_min_replicas")]
    #[schemars(range(max = i32::MAX))]
    pub min_replicas: u32,
    /// Maximum number of replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replicas: u32,
    /// The metrics to scale by, each with its target.
    #[schemars(length(min = 1, max = 20))]
    pub metrics: Vec<ScalerMetric>,
    /// The policy that turns metrics into a recommended number of replicas.
    #[serde(default)]
    pub policy: PolicySpec,
    /// Limits on how fast and how often the target is scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetySpec>,
    /// Whether and how the target is scaled out ahead of a load that is expected. Left out, there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSpec>,
    /// Seconds between two polls of the metrics. Defaults to 15, or to what the operator's defaults file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub interval_seconds: Option<u32>,
}

/// A metric and its target.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ScalerMetric {
    /// Name of the metric in status and messages. Defaults to the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// Type of the metric source, for example `prometheus`, `redis` or `pubsub`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 63))]
    pub source: String,
    /// Settings of the metric source.
    #[serde(default)]
    #[schemars(schema_with = "any_object")]
    pub config: serde_json::Map<String, Value>,
    /// Target value of the metric for policies `slo` and `cost`; must be greater than 0.
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub target_value: f64,
    /// `AverageValue`: the target is an average over the replicas, so ceil(value / target) replicas are
    /// recommended. `Value`: the target is for the value as a whole, so ceil(ready replicas × value / target)
    /// replicas are recommended, unless the ratio is within the tolerance.
    #[serde(default)]
    #[schemars(schema_with = "target_types")]
    pub target_type: TargetType,
    /// What this metric asks for once it has failed for long enough, in place of `safety.fallback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackSpec>,
}

fn target_types(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["AverageValue", "Value"] })
}

fn default_min_replicas() -> u32 {
    1
}

/// Seconds between two polls where nobody says otherwise.
const DEFAULT_INTERVAL: u32 = 15;

fn definition(policies: &PolicyTable) -> CustomResourceDefinition {
    let definition = policy::named_in(GeneralScaler::crd(), Serves::Target, policies);
    let definition = rule::finish(column::print(definition, COLUMNS), rules::OF_METRICS);
    rule::finish(rule::finish(definition, rules::RULES), safety::RULES)
}

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let spec: GeneralScalerSpec = spec(object)?;
    let mut broken_rules = rule::problems_of_items(rules::OF_METRICS, &spec.metrics);
    broken_rules.extend(rule::problems(rules::RULES, &spec));
    let mut findings = Findings::default();
    let reference = TargetRef::either(spec.target_deployment.as_deref(), spec.target_ref.as_ref());
    let target = reference.in_namespace(own_namespace(object));
    let metrics = compile_metrics(&spec, &target, context, &mut findings);
    let policy = spec.policy.compile("spec.policy", context.policies).map_err(|more| {
        // Where a rule has said what its settings lack, it need not be said again.
        if broken_rules.iter().all(|problem| !problem.path.starts_with("spec.policy")) {
            findings.problems.extend(more);
        }
    });
    let compiled = SingleTarget {
        target,
        bounds: Bounds::new(spec.min_replicas, spec.max_replicas),
        minimum_at: "spec.minReplicas",
        metrics,
        policy: policy.ok(),
        safety: spec.safety.as_ref(),
        forecast: spec.forecast.as_ref(),
        fallbacks: spec.metrics.iter().map(|metric| metric.fallback.as_ref()).collect(),
        interval: Interval::Optional(spec.interval_seconds, DEFAULT_INTERVAL),
    };
    compiled.plan(object, broken_rules, findings)
}

fn compile_metrics(
    spec: &GeneralScalerSpec,
    target: &Target,
    context: &Context<'_>,
    findings: &mut Findings,
) -> Vec<Metric> {
    let mut names = BTreeSet::new();
    let compile = |(index, metric): (usize, &ScalerMetric)| {
        let place = format!("spec.metrics[{index}]");
        let (source, settings) = (format!("{place}.type"), format!("{place}.config"));
        let path = ConfigPath { source: &source, config: &settings, elsewhere: &[] };
        let config = Value::Object(metric.config.clone());
        let asked = Asked {
            source: &metric.source,
            config: &config,
            path,
            namespace: &target.namespace,
            target: AskedTarget::Of(target),
            credentials: &[],
        };
        Metric {
            name: metric::distinct_name(&mut names, metric.name.as_ref().unwrap_or(&metric.source), index),
            query: metric::query(context, &asked, findings),
            minimum: Some(0.0),
            target: MetricTarget::new(metric.target_type, metric.target_value),
            member: None,
        }
    };
    spec.metrics.iter().enumerate().map(compile).collect()
}

#[cfg(test)]
mod tests;
