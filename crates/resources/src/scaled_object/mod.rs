//! `ScaledObject` of `keda.sh/v1alpha1`: KEDA's kind, for whoever has manifests of it.
//!
//! Schema, status, conditions, Events, annotations and the HPA that is kept are KEDA's, so that dashboards, scripts and
//! people find what they know; it works under KEDA's own CRD, too. What we say beyond that stands in messages.

mod compile;
mod finalizer;
mod hpa;
mod marks;
mod refusals;
mod rules;
mod spec;
mod status;
pub(crate) mod triggers;

use engine::PolicyTable;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::column::{self, Column};
use crate::common::rule;
use crate::kept_status::MemoryPlace;
use crate::kind::Kind;
use crate::scope::Scope;
use crate::status_language::{Counting, StatusLanguage};
use crate::supporting::{HpaNaming, Needs};
use crate::trigger_authentication;

pub use spec::{Advanced, FallbackConfig, HpaConfig, ScaleTarget, ScalingModifiers};
pub use status::{METRICS_API_FIELD, ScaledObjectStatus};
pub use triggers::{AuthenticationRef, TriggerSpec};

/// The row of the table.
pub const KIND: Kind = Kind {
    group: "keda.sh",
    version: "v1alpha1",
    kind: "ScaledObject",
    plural: "scaledobjects",
    scope: Scope::Namespaced,
    definition,
    compile: compile::compile,
    status: StatusLanguage::of::<ScaledObjectStatus>(MemoryPlace::Annotation)
        .inheriting(status::inherited)
        .announcing(status::events)
        .refusing(refusals::taken)
        .parting(status::farewell)
        .regretting(status::unwritten)
        .counting(Counting {
            registered: "scaled_object",
            triggers: refusals::trigger_types,
            refusal: refusals::counted_as,
        }),
    needs: Needs {
        supporting: &[
            &trigger_authentication::TRIGGER_AUTHENTICATION,
            &trigger_authentication::CLUSTER_TRIGGER_AUTHENTICATION,
        ],
        references: trigger_authentication::references,
        hpa: Some(HpaNaming { name: refusals::hpa_name, taken: refusals::hpa_taken }),
        workload: refusals::workload_needs,
        finalizer: Some(finalizer::FINALIZER),
    },
};

const COLUMNS: &[Column] = &[
    Column::string("ScaleTargetKind", ".status.scaleTargetKind"),
    Column::string("ScaleTargetName", ".spec.scaleTargetRef.name"),
    Column::integer("Min", ".spec.minReplicaCount"),
    Column::integer("Max", ".spec.maxReplicaCount"),
    Column::string("Ready", ".status.conditions[?(@.type==\"Ready\")].status"),
    Column::string("Active", ".status.conditions[?(@.type==\"Active\")].status"),
    Column::string("Fallback", ".status.conditions[?(@.type==\"Fallback\")].status"),
    Column::string("Paused", ".status.conditions[?(@.type==\"Paused\")].status"),
    Column::string("Triggers", ".status.triggersTypes"),
    Column::string("Authentications", ".status.authenticationsTypes"),
    column::AGE,
];

/// Scales a target by triggers: to and from zero by itself, between by the HPA that it keeps.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "keda.sh",
    version = "v1alpha1",
    kind = "ScaledObject",
    plural = "scaledobjects",
    singular = "scaledobject",
    shortname = "so",
    namespaced,
    status = "ScaledObjectStatus",
    doc = "Scales a target by triggers: to and from zero by itself, between by the HPA that it keeps."
)]
#[serde(rename_all = "camelCase")]
pub struct ScaledObjectSpec {
    /// What is scaled.
    pub scale_target_ref: ScaleTarget,
    /// Seconds between two polls of the triggers. Defaults to 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = i32::MAX))]
    pub polling_interval: Option<u32>,
    /// Seconds after its creation for which an object that was never active is not scaled in. Defaults to 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i32::MAX))]
    pub initial_cooldown_period: Option<u32>,
    /// Seconds without activity after which the target is scaled in to 0 or idleReplicaCount. Defaults to 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i32::MAX))]
    pub cooldown_period: Option<u32>,
    /// Replicas while no trigger is active, where that is not minReplicaCount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i32::MAX))]
    pub idle_replica_count: Option<u32>,
    /// Minimum number of replicas. Defaults to 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i32::MAX))]
    pub min_replica_count: Option<u32>,
    /// Maximum number of replicas. Defaults to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = i32::MAX))]
    pub max_replica_count: Option<u32>,
    /// What few objects need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced: Option<Advanced>,
    /// What the target is scaled by.
    #[schemars(length(min = 1))]
    pub triggers: Vec<TriggerSpec>,
    /// What stands in place of a trigger that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackConfig>,
}

fn definition(_: &PolicyTable) -> CustomResourceDefinition {
    rule::without_nullable(rule::finish(column::print(ScaledObject::crd(), COLUMNS), rules::RULES))
}

#[cfg(test)]
mod tests;
