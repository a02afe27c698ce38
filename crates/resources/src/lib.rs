//! The kinds that users write: types, rules and their compilation into one [`engine::Plan`].
//!
//! ```text
//!  manifest ─▶ schema ─▶ rules (CEL) ─▶ typed spec ─▶ Plan     or all problems, each with its path
//!  Outcome of a poll ──────────────────────────────▶ status
//! ```
//!
//! Each kind is one folder and one line in [`KINDS`]. The operator, `polyscaler check` and
//! `polyscaler crds` know kinds only through that table, so they all judge a manifest by the
//! same schema and rules, and say what is wrong in the words of the API server.
//!
//! The crate is pure: it knows no client, no clock and no async.

#![allow(clippy::duplicated_attributes, reason = "two printed columns may have the same type")]

pub mod business_scaling;
mod common;
pub mod general_scaler;
mod kind;
mod manifest;
pub mod scaling_group;
pub mod scaling_rule;
mod schema;

pub use common::condition::{Condition, ConditionStatus, ConditionType, Reason};
pub use common::cost::CostStatus;
pub use common::fields::{HeadersFrom, MODE_ANNOTATION, MetricSpec, SafetySpec, SecretRef, TargetRef};
pub use common::metric_status::MetricStatus;
pub use common::policy::{GroupPolicySpec, PolicySpec};
pub use common::status::{
    Difference, MemberPoll, Outcome, Poll, TargetFailure, Verdict, WriteFailure, difference,
};
pub use kind::{Context, Kind, Scope};
pub use manifest::{Finding, check, documents};

/// Every kind there is.
pub const KINDS: &[&Kind] =
    &[&business_scaling::KIND, &general_scaler::KIND, &scaling_rule::KIND, &scaling_group::KIND];

/// The kind with this API version (`group/version`) and name.
pub fn find(api_version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|candidate| candidate.api_version() == api_version && candidate.kind == kind)
}

/// The CRD of `kind` as YAML.
pub fn crd_yaml(kind: &Kind) -> String {
    serde_saphyr::to_string(&kind.crd()).unwrap_or_else(|error| unreachable!("a CRD is plain data: {error}"))
}

/// All CRDs as one YAML stream, in the order of [`KINDS`].
pub fn crds_yaml() -> String {
    KINDS.iter().map(|kind| format!("---\n{}", crd_yaml(kind))).collect()
}
