//! The kinds that users write: types, rules and their compilation into one [`engine::Plan`].
//!
//! ```text
//!  manifest ─▶ schema ─▶ rules (CEL) ─▶ typed spec ─▶ Plan     or all problems, each with its path
//!  Outcome of a poll ─▶ the kind's status language ─▶ status, conditions, Events
//! ```
//!
//! Each kind is one folder and one line in [`KINDS`]. The operator, `polyscaler check` and
//! `polyscaler crds` know kinds only through that table, so they all judge a manifest by the
//! same schema and rules, and say what is wrong in the words of the API server.
//!
//! The crate is pure: it knows no client, no clock and no async.

#![allow(clippy::duplicated_attributes, reason = "two printed columns may have the same type")]

mod advice;
pub mod business_scaling;
mod common;
mod compile;
mod events;
mod finalizer;
#[cfg(test)]
mod fixture;
pub mod general_scaler;
pub mod horizontal_pod_autoscaler;
mod keda_differences;
mod kept_status;
mod kind;
#[cfg(test)]
mod lenient;
mod manifest;
mod nulls;
mod operator_defaults;
mod outcome;
mod reason;
mod reversal;
pub mod scaled_object;
pub mod scaling_group;
pub mod scaling_rule;
mod schema;
mod scope;
mod status_language;
mod supporting;
pub mod trigger_authentication;
mod workload_needs;

use engine::PolicyTable;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

pub use common::annotations::{
    ACTUATION_ANNOTATION, MEMORY_ANNOTATION, MODE_ANNOTATION, OVERRIDE_ANNOTATION, PAUSED_ANNOTATION,
    PAUSED_REPLICAS_ANNOTATION, PAUSED_SCALE_IN_ANNOTATION, PAUSED_SCALE_OUT_ANNOTATION, expired_override,
};
pub use common::condition::{Condition, ConditionState, ConditionStatus};
pub use common::conditions::Health;
pub use common::cost::CostStatus;
pub use common::fields::{HeadersFrom, MetricSpec, SecretRef, TargetRef};
pub use common::metric_status::MetricStatus;
pub use common::policy::{GroupPolicySpec, PolicySpec};
pub use common::safety::{FallbackBehavior, FallbackSpec, SafetySpec};
pub use common::status::{ObservedStatus, OriginStatus, SingleTargetStatus, WarningStatus};
pub use compile::{Compiled, Context, NotCompiled};
pub use events::{Announcement, Change, Deletion};
pub use finalizer::{Finalizer, Restoration};
pub use keda_differences::{KedaDifference, KedaDifferenceKind, keda_differences};
pub use kept_status::{KeptStatus, MemoryPlace, PackedStatus, Status};
pub use kind::Kind;
pub use manifest::{Claim, Finding, TargetOwner, check, documents, judge_together, unknown_version};
pub use nulls::without_nulls;
pub use operator_defaults::{DefaultsError, Labels, NamespaceDefaults, OperatorDefaults};
pub use outcome::{
    Conflict, HpaAction, HpaChange, HpaScaling, MemberPoll, Outcome, Poll, TargetFailure, Verdict,
    WriteFailure,
};
pub use reason::Reason;
pub use reversal::Reversal;
pub use scope::Scope;
pub use status_language::{Counting, StatusLanguage};
pub use supporting::{HpaNaming, Lookup, Needs, Reference, Resolved, Step, Supporting};
pub use workload_needs::WorkloadNeeds;

/// Every kind there is.
pub const KINDS: &[&Kind] = &[
    &business_scaling::KIND,
    &general_scaler::KIND,
    &scaling_rule::KIND,
    &scaling_group::KIND,
    &scaled_object::KIND,
];

/// Every kind that is not ours, and that is read and never written: judged by `check`, replayed, and observed where the
/// operator is asked to. There is no CRD of them here.
pub const READ_ONLY: &[&Kind] = &[&horizontal_pod_autoscaler::KIND];

/// Every kind that gives no plan, and to which those of [`KINDS`] may refer.
pub const SUPPORTING: &[&Supporting] = &[
    &trigger_authentication::TRIGGER_AUTHENTICATION,
    &trigger_authentication::CLUSTER_TRIGGER_AUTHENTICATION,
];

/// The kind with this API version (`group/version`) and name, of [`KINDS`] or [`READ_ONLY`].
pub fn find(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let all = KINDS.iter().chain(READ_ONLY).copied();
    all.into_iter().find(|candidate| candidate.api_version() == api_version && candidate.kind == kind)
}

/// The CRDs of all kinds with their names, in the order of [`KINDS`] and then [`SUPPORTING`], for objects that may name
/// `policies`.
pub fn crds(policies: &PolicyTable) -> impl Iterator<Item = (String, CustomResourceDefinition)> {
    let supporting = SUPPORTING.iter().map(|kind| (kind.crd_name(), (kind.definition)()));
    KINDS.iter().map(|kind| (kind.crd_name(), kind.crd(policies))).chain(supporting)
}

/// A CRD as YAML.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    serde_saphyr::to_string(crd).unwrap_or_else(|error| unreachable!("a CRD is plain data: {error}"))
}

/// All CRDs as one YAML stream.
pub fn crds_yaml(policies: &PolicyTable) -> String {
    crds(policies).map(|(_, crd)| format!("---\n{}", crd_yaml(&crd))).collect()
}

#[cfg(test)]
mod tests {
    use super::{KINDS, SUPPORTING};

    #[test]
    fn what_a_kind_refers_to_stands_in_the_table() {
        for supporting in KINDS.iter().flat_map(|kind| kind.needs.supporting) {
            assert!(SUPPORTING.iter().any(|known| known.crd_name() == supporting.crd_name()));
        }
    }
}
