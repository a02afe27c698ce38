//! `ScalingGroup`: several targets that one decision moves together.

mod action;
mod compile;
mod rules;
mod status;
mod totals;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::column::{self, Column};
use crate::common::fields::{MEMBER_PATTERN, NAMESPACE_PATTERN, SafetySpec, TargetRef, any_object};
use crate::common::policy::GroupPolicySpec;
use crate::common::rule;
use crate::kind::{Kind, Scope};
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
    status: status::status,
    volatile: &[
        "bottleneck",
        "cost",
        "lastDecision",
        "members[].demand",
        "members[].lastDecision",
        "members[].load",
        "members[].readyReplicas",
        "metrics",
        "pods",
    ],
    needs: Needs::NOTHING,
};

const COLUMNS: &[Column] = &[
    Column::string("Policy", ".spec.policy.type"),
    Column::string("Members", ".status.memberSummary"),
    Column::integer("Pods", ".status.pods.decided"),
    column::READY,
    column::REASON,
    Column::string("Bottleneck", ".status.bottleneck").wide(),
    Column::number("Ready After", ".status.lastAction.readyAfterSeconds").wide(),
    column::COST,
    column::DECISION,
    column::AGE,
];

/// Moves several targets by one decision, so that services that call each other scale together.
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
    doc = "Moves several targets by one decision, so that services that call each other scale together."
)]
#[serde(rename_all = "camelCase")]
pub struct ScalingGroupSpec {
    /// What is moved together.
    #[schemars(length(min = 1, max = 64))]
    pub members: Vec<GroupMember>,
    /// What is measured, at the group as a whole or at a member.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub metrics: Vec<GroupMetric>,
    /// How metrics become replicas.
    #[serde(default)]
    pub policy: GroupPolicySpec,
    /// Who calls whom. There must be no cycle.
    #[serde(default)]
    #[schemars(
        length(max = 256),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["from", "to"])
    )]
    pub call_graph: Vec<Call>,
    /// What all members together may come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetSpec>,
    /// What holds scaling back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetySpec>,
    /// Seconds between two polls.
    #[serde(default = "default_interval")]
    #[schemars(range(min = 1, max = 86400))]
    pub interval_seconds: u32,
}

/// One target of the group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// What call graph, metrics and status call it. Default: the target's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub name: Option<String>,
    /// What is scaled.
    pub target_ref: TargetRef,
    /// Namespace of the target. Only the object's own is allowed, unless the operator runs with
    /// `--allow-cross-namespace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = NAMESPACE_PATTERN))]
    pub namespace: Option<String>,
    /// The least replicas.
    #[serde(default = "one")]
    #[schemars(range(max = i32::MAX))]
    pub min_replicas: u32,
    /// The most replicas.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replicas: u32,
    /// Its share where a count is spread over the members; above 0. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub weight: Option<f64>,
    /// The demand that one replica can bear, for example calls a second; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub capacity: Option<f64>,
    /// What one replica costs in an hour. Default: the budget's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub cost_per_pod_hour: Option<f64>,
}

/// One metric.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupMetric {
    /// Name for people, in status and reasons. Default: the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// Name of the metric source, for example `prometheus`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 63))]
    pub source: String,
    /// The source's settings.
    #[serde(default)]
    #[schemars(schema_with = "any_object")]
    pub config: serde_json::Map<String, Value>,
    /// The member that it is measured at. Default: the group as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub member: Option<String>,
    /// What one replica can bear of it; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub target_value: Option<f64>,
}

/// One member calls another.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Name of the caller.
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub from: String,
    /// Name of the member that is called.
    #[schemars(length(max = 253), regex(pattern = MEMBER_PATTERN))]
    pub to: String,
    /// How often, for each call that the caller gets; above 0. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0, "exclusiveMinimum" = true))]
    pub calls_per_call: Option<f64>,
}

/// What all members together may come to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSpec {
    /// The most replicas of all members together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_pods: Option<u32>,
    /// The most that all replicas together cost in an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub max_cost_per_hour: Option<f64>,
    /// What one replica costs in an hour, where its member does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0.0))]
    pub cost_per_pod_hour: Option<f64>,
}

impl GroupMember {
    /// What the group calls it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.target_ref.name)
    }
}

fn one() -> u32 {
    1
}

fn default_interval() -> u32 {
    15
}

fn definition() -> CustomResourceDefinition {
    let definition = rule::finish(column::print(ScalingGroup::crd(), COLUMNS), rules::OF_MEMBERS);
    rule::finish(rule::finish(definition, rules::OF_CALLS), rules::RULES)
}

#[cfg(test)]
mod tests;
