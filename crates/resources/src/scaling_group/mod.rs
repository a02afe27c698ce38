//! `ScalingGroup`: several targets that are scaled together by one decision.

mod action;
mod compile;
mod rules;
mod status;
mod totals;

use engine::PolicyTable;
use engine::policy::Serves;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::column::{self, Column};
use crate::common::fields::{MEMBER_PATTERN, NAMESPACE_PATTERN, TargetRef, any_object};
use crate::common::forecast::ForecastSpec;
use crate::common::policy::{self, GroupPolicySpec};
use crate::common::rule;
use crate::common::safety::{self, FallbackSpec, SafetySpec};
use crate::kept_status::MemoryPlace;
use crate::kind::Kind;
use crate::scope::Scope;
use crate::status_language::StatusLanguage;
use crate::supporting::Needs;

pub use action::{ActionMemberStatus, ActionStatus};
pub use status::{GroupMemberStatus, GroupMetricStatus, ScalingGroupStatus};
pub use totals::PodsStatus;

/// The row of the table.
pub const KIND: Kind = Kind {
    group: "polyscaler.dev",
    version: "v1alpha1",
    kind: "ScalingGroup",
    plural: "scalinggroups",
    scope: Scope::Namespaced,
    definition,
    compile: compile::compile,
    status: StatusLanguage::of::<ScalingGroupStatus>(MemoryPlace::Status),
    needs: Needs::NOTHING,
};

const COLUMNS: &[Column] = &[
    Column::string("Policy", ".spec.policy.type"),
    Column::string("Members", ".status.memberSummary"),
    Column::integer("Pods", ".status.pods.decided"),
    column::READY,
    column::REASON,
    column::MODE,
    column::STALE,
    Column::string("Bottleneck", ".status.bottleneck").wide(),
    Column::number("Ready After", ".status.lastAction.readyAfterSeconds").wide(),
    column::COST,
    column::DECISION,
    column::AGE,
];

/// Scales several targets by one decision, so that services that call each other scale together.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "polyscaler.dev",
    version = "v1alpha1",
    kind = "ScalingGroup",
    plural = "scalinggroups",
    singular = "scalinggroup",
    shortname = "sg",
    category = "polyscaler",
    namespaced,
    status = "ScalingGroupStatus",
    doc = "Scales several targets by one decision, so that services that call each other scale together."
)]
#[serde(rename_all = "camelCase")]
pub struct ScalingGroupSpec {
    /// The targets that are scaled together.
    #[schemars(length(min = 1, max = 64))]
    pub members: Vec<GroupMember>,
    /// The metrics to scale by, of the group as a whole or of a member.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub metrics: Vec<GroupMetric>,
    /// The policy that turns metrics into a recommended number of replicas.
    #[serde(default)]
    pub policy: GroupPolicySpec,
    /// Which member calls which. Must have no cycle.
    #[serde(default)]
    #[schemars(
        length(max = 256),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["from", "to"])
    )]
    pub call_graph: Vec<Call>,
    /// Upper bounds for all members together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetSpec>,
    /// Limits on how fast and how often the target is scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetySpec>,
    /// Whether and how the members are scaled out ahead of a load that is expected. Left out, there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSpec>,
    /// Seconds between two polls of the metrics. Defaults to 15, or to what the operator's defaults file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub interval_seconds: Option<u32>,
}

/// A target of the group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// Name of the member in call graph, metrics and status. Defaults to the name of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub name: Option<String>,
    /// The target to scale.
    pub target_ref: TargetRef,
    /// Namespace of the target. Must be the namespace of this object, unless the operator runs with
    /// `--allow-cross-namespace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = NAMESPACE_PATTERN))]
    pub namespace: Option<String>,
    /// Minimum number of replicas.
    #[serde(default = "one")]
    #[schemars(range(max = i32::MAX))]
    pub min_replicas: u32,
    /// Maximum number of replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replicas: u32,
    /// Weight of the member where a number of replicas is divided among the members; must be greater than 0. Defaults
    /// to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub weight: Option<f64>,
    /// The load that one replica can handle, for example calls per second; must be greater than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub capacity: Option<f64>,
    /// Cost of one replica per hour. Defaults to that of the budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub cost_per_pod_hour: Option<f64>,
}

/// A metric of the group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupMetric {
    /// Name of the metric in status and messages. Defaults to the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// Type of the metric source, for example `prometheus`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 63))]
    pub source: String,
    /// Settings of the metric source.
    #[serde(default)]
    #[schemars(schema_with = "any_object")]
    pub config: serde_json::Map<String, Value>,
    /// The member at which the metric is measured. Defaults to the group as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub member: Option<String>,
    /// The value of the metric that one replica can handle; must be greater than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub target_value: Option<f64>,
    /// What this metric asks for of each member that it concerns once it has failed for long enough, in place of
    /// `safety.fallback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackSpec>,
}

/// A call from one member to another.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Name of the calling member.
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub from: String,
    /// Name of the called member.
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub to: String,
    /// Number of calls for each call that the calling member receives; must be greater than 0. Defaults to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub calls_per_call: Option<f64>,
}

/// Upper bounds for all members together.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSpec {
    /// Maximum number of replicas of all members together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_pods: Option<u32>,
    /// Maximum cost of all replicas together per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub max_cost_per_hour: Option<f64>,
    /// Cost of one replica per hour, for members that set none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub cost_per_pod_hour: Option<f64>,
}

impl GroupMember {
    /// Its name in the group.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.target_ref.name)
    }
}

fn one() -> u32 {
    1
}

/// Seconds between two polls where nobody says otherwise.
const DEFAULT_INTERVAL: u32 = 15;

fn definition(policies: &PolicyTable) -> CustomResourceDefinition {
    let definition = policy::named_in(ScalingGroup::crd(), Serves::Group, policies);
    let definition = rule::finish(column::print(definition, COLUMNS), rules::OF_MEMBERS);
    let definition = rule::finish(rule::finish(definition, rules::OF_CALLS), rules::RULES);
    let definition = rule::finish(definition, rules::OF_METRICS);
    rule::finish(definition, safety::RULES)
}

#[cfg(test)]
mod tests;
