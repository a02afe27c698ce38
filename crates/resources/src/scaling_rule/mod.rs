//! `ScalingRule`: a Deployment is scaled out step by step while many messages wait in NATS, and scaled in
//! step by step while few do.

mod rules;

use std::sync::Arc;

use engine::policy::Threshold;
use engine::{Asked, AskedTarget, Bounds, ConfigPath, Metric, Policy, PolicyTable, Target};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Outcome;
use crate::common::column::{self, Column};
use crate::common::fields::{
    HeadersFrom, NAME_PATTERN, NAMESPACE_PATTERN, TargetRef, URL_PATTERN, other_namespace,
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
    group: "scaling.example.com",
    version: "v1",
    kind: "ScalingRule",
    plural: "scalingrules",
    scope: Scope::Namespaced,
    definition,
    compile,
    status: StatusLanguage::of::<ScalingRuleStatus>(MemoryPlace::Status),
    needs: Needs::NOTHING,
};

const COLUMNS: &[Column] = &[
    column::TARGET,
    Column::string("Subject", ".spec.subject"),
    Column::integer("Pending", ".status.pendingMessages"),
    column::MIN,
    column::MAX,
    column::CURRENT,
    column::DESIRED,
    column::READY,
    column::REASON,
    column::MODE,
    column::STALE,
    column::DECISION,
    column::AGE,
];

/// Scales a target by the pending messages of a NATS subject.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "scaling.example.com",
    version = "v1",
    kind = "ScalingRule",
    plural = "scalingrules",
    singular = "scalingrule",
    shortname = "sr",
    category = "polyscaler",
    namespaced,
    status = "ScalingRuleStatus",
    doc = "Scales a target step by step by the number of pending messages of a NATS subject."
)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRuleSpec {
    /// Name of the Deployment to scale. Required unless `targetRef` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = NAME_PATTERN))]
    pub deployment_name: Option<String>,
    /// The target to scale: any object with a scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// Namespace of the target. Must be the namespace of this object, unless the operator runs with
    /// `--allow-cross-namespace`.
    #[schemars(length(max = 63), regex(pattern = NAMESPACE_PATTERN))]
    pub namespace: String,
    /// Minimum number of replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub min_replicas: u32,
    /// Maximum number of replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replicas: u32,
    /// URL of the NATS server's monitoring endpoint, for example `http://nats:8222`.
    #[serde(rename = "natsMonitoringURL")]
    #[schemars(length(max = 2048), regex(pattern = URL_PATTERN))]
    pub nats_monitoring_url: String,
    /// Monitoring endpoints of the other servers of the cluster, where they cannot be discovered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 31), inner(length(max = 2048), regex(pattern = URL_PATTERN)))]
    pub monitoring_urls: Vec<String>,
    /// The subject whose pending messages are counted.
    #[schemars(length(min = 1, max = 1024))]
    pub subject: String,
    /// With more pending messages than this the target is scaled out by one step.
    #[schemars(range(max = i32::MAX))]
    pub scale_up_threshold: u32,
    /// With fewer pending messages than this the target is scaled in by one step.
    #[schemars(range(max = i32::MAX))]
    pub scale_down_threshold: u32,
    /// Seconds between two polls of the metrics.
    #[schemars(range(min = 1, max = 86400))]
    pub poll_interval_seconds: u32,
    /// Number of pods that one step adds.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub scale_up_step: u32,
    /// Number of pods that one step removes.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub scale_down_step: u32,
    /// The NATS account whose streams are counted. Defaults to all accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub account: Option<String>,
    /// The stream whose messages are counted. Defaults to every stream with the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub stream: Option<String>,
    /// The consumer whose pending messages are counted. Defaults to every consumer of the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub consumer: Option<String>,
    /// Request headers for the monitoring endpoint, from a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers_from: Option<HeadersFrom>,
    /// Limits on how fast and how often the target is scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetySpec>,
    /// Whether and how the target is scaled out ahead of a load that is expected. Left out, there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSpec>,
}

fn one() -> u32 {
    1
}

/// Observed state of a ScalingRule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingRuleStatus {
    /// Number of pending messages at the last poll; absent while the metric is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "integer")]
    pub pending_messages: Option<i64>,
    /// What all kinds with one target report.
    #[serde(flatten)]
    pub common: SingleTargetStatus,
}

fn integer(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "integer", "format": "int64" })
}

fn definition(_: &PolicyTable) -> CustomResourceDefinition {
    rule::finish(rule::finish(column::print(ScalingRule::crd(), COLUMNS), rules::RULES), safety::RULES)
}

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let spec: ScalingRuleSpec = spec(object)?;
    let broken_rules = rule::problems(rules::RULES, &spec);
    let target = spec.target().in_namespace(&spec.namespace);
    let (metric, mut findings) = compile_metric(&spec, &target, context);
    if let Some(elsewhere) = other_namespace(object, "spec.namespace", &spec.namespace, context) {
        findings.problems.insert(0, elsewhere);
    }
    let policy = Threshold::new(
        f64::from(spec.scale_up_threshold),
        f64::from(spec.scale_down_threshold),
        spec.scale_up_step,
        spec.scale_down_step,
    );
    let compiled = SingleTarget {
        target,
        bounds: Bounds::new(spec.min_replicas, spec.max_replicas),
        minimum_at: "spec.minReplicas",
        metrics: vec![metric],
        policy: policy.map(|policy| Arc::new(policy) as Arc<dyn Policy>),
        safety: spec.safety.as_ref(),
        forecast: spec.forecast.as_ref(),
        fallbacks: Vec::new(),
        interval: Interval::Required(spec.poll_interval_seconds),
    };
    compiled.plan(object, broken_rules, findings)
}

fn compile_metric(spec: &ScalingRuleSpec, target: &Target, context: &Context<'_>) -> (Metric, Findings) {
    let mut config = json!({ "monitoringUrl": spec.nats_monitoring_url, "subject": spec.subject });
    if !spec.monitoring_urls.is_empty() {
        config["monitoringUrls"] = json!(spec.monitoring_urls);
    }
    let narrower = [("account", &spec.account), ("stream", &spec.stream), ("consumer", &spec.consumer)];
    for (setting, name) in narrower {
        if let Some(name) = name {
            config[setting] = json!(name);
        }
    }
    if let Some(headers) = &spec.headers_from {
        config["headersFrom"] = json!(headers);
    }
    let elsewhere = &[("monitoringUrl", "spec.natsMonitoringURL")];
    let path = ConfigPath { source: "spec.natsMonitoringURL", config: "spec", elsewhere };
    let target = AskedTarget::Of(target);
    let namespace = &spec.namespace;
    let asked = Asked { source: "nats", config: &config, path, namespace, target, credentials: &[] };
    let mut findings = Findings::default();
    let query = metric::query(context, &asked, &mut findings);
    (Metric { name: "pending".to_owned(), query, minimum: Some(0.0), target: None, member: None }, findings)
}

impl ScalingRuleSpec {
    fn target(&self) -> TargetRef {
        TargetRef::either(self.deployment_name.as_deref(), self.target_ref.as_ref())
    }
}

impl Status for ScalingRuleStatus {
    fn update(&mut self, outcome: &Outcome) {
        self.common.update(outcome);
        if let Some(poll) = outcome.poll() {
            // The schema takes no more than an i64 holds: what is beyond is shown as the maximum.
            self.pending_messages = poll.value(0).map(|count| count as i64);
        }
    }

    fn clear_volatile(&mut self) {
        self.common.clear_volatile();
        self.pending_messages = None;
    }

    fn metric_values(&self) -> Vec<Option<f64>> {
        vec![self.pending_messages.map(|count| count as f64)]
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Some(&self.common.observed)
    }
}

#[cfg(test)]
mod tests;
