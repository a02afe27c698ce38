//! Conditions: the few words by which an object says how it is.
//!
//! Types and, where they fit, reasons are those of the HPA, which people know.

use std::fmt;

use crate::common::fields::date_time;
use engine::{AbsenceReason, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One condition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// When `status` last changed.
    #[schemars(schema_with = "date_time")]
    pub last_transition_time: String,
    /// The generation of the spec that the condition speaks of.
    pub observed_generation: i64,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    /// The summary: the object does what its spec asks for.
    Ready,
    /// The metrics can be read.
    ScalingActive,
    /// The target can be read and scaled.
    AbleToScale,
    /// Something holds the wish back.
    ScalingLimited,
}

impl ConditionType {
    /// The type as it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::ScalingActive => "ScalingActive",
            Self::AbleToScale => "AbleToScale",
            Self::ScalingLimited => "ScalingLimited",
        }
    }
}

/// What a condition says now, without the times that only the status knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionStatus {
    /// What it is about.
    pub type_: ConditionType,
    /// Whether it holds.
    pub holds: bool,
    /// Why, in one word.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
}

/// The closed list of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// All is well.
    Ready,
    /// All is well, and nothing is written, as the object asks for.
    Observing,
    /// The spec has problems; nothing is read or scaled.
    InvalidSpec,
    /// An object that the spec refers to does not exist; nothing is read or scaled.
    ReferenceNotFound,
    /// Something else already scales the target.
    TargetConflict,
    /// Every metric has a reading.
    ValidMetricFound,
    /// A metric has none.
    Metric(AbsenceReason),
    /// The target can be scaled.
    ReadyForNewScale,
    /// The target does not exist.
    TargetNotFound,
    /// The target's kind is unknown or has no scale subresource.
    TargetNotScalable,
    /// The API server forbids reading or scaling the target.
    TargetForbidden,
    /// An admission policy, webhook, quota or plugin denies the write, although permission is granted.
    AdmissionDenied,
    /// The target is in another namespace than its object, which may not act there.
    CrossNamespace,
    /// The target could not be read for another reason.
    FailedGetScale,
    /// Someone else changed the target between read and write; it is looked at again at once.
    ScaleConflict,
    /// The write was refused or failed for another reason.
    FailedUpdateScale,
    /// The write was not answered in time; whether it happened shows when the target is looked at again.
    ScaleTimedOut,
    /// Another field manager sets the replicas back after each scale operation.
    ReplicasReverted,
    /// The HPA that is to be kept exists already and is controlled by something else.
    HpaConflict,
    /// The HPA that is to be kept could not be created, updated or deleted.
    FailedUpdateHpa,
    /// The wish stands as it is.
    DesiredWithinRange,
    /// The wish is above the most replicas.
    TooManyReplicas,
    /// The wish is below the least replicas.
    TooFewReplicas,
    /// The wish costs more than the budget.
    BudgetReached,
    /// A stabilization window holds the wish back.
    Stabilized,
    /// Scale-in waits for every reading.
    ReadingMissing,
    /// The wish asks for more pods than one operation may move.
    RateLimited,
    /// The last scale is too recent.
    CoolingDown,
    /// The decision would have violated an invariant, a fault of polyscaler, and is not carried out.
    DecisionHeld,
}

impl Reason {
    /// Every reason, for documentation and tests.
    pub fn all() -> Vec<Reason> {
        let own = [
            Self::Ready,
            Self::Observing,
            Self::InvalidSpec,
            Self::ReferenceNotFound,
            Self::TargetConflict,
            Self::ValidMetricFound,
            Self::ReadyForNewScale,
            Self::TargetNotFound,
            Self::TargetNotScalable,
            Self::TargetForbidden,
            Self::AdmissionDenied,
            Self::CrossNamespace,
            Self::FailedGetScale,
            Self::ScaleConflict,
            Self::FailedUpdateScale,
            Self::ScaleTimedOut,
            Self::ReplicasReverted,
            Self::HpaConflict,
            Self::FailedUpdateHpa,
            Self::DesiredWithinRange,
            Self::TooManyReplicas,
            Self::TooFewReplicas,
            Self::BudgetReached,
            Self::Stabilized,
            Self::ReadingMissing,
            Self::RateLimited,
            Self::CoolingDown,
            Self::DecisionHeld,
        ];
        own.into_iter().chain(AbsenceReason::ALL.iter().copied().map(Self::Metric)).collect()
    }

    /// The reason as it stands in conditions and Events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Observing => "Observing",
            Self::InvalidSpec => "InvalidSpec",
            Self::ReferenceNotFound => "ReferenceNotFound",
            Self::TargetConflict => "TargetConflict",
            Self::ValidMetricFound => "ValidMetricFound",
            Self::Metric(absence) => absence.as_str(),
            Self::ReadyForNewScale => "ReadyForNewScale",
            Self::TargetNotFound => "TargetNotFound",
            Self::TargetNotScalable => "TargetNotScalable",
            Self::TargetForbidden => "TargetForbidden",
            Self::AdmissionDenied => "AdmissionDenied",
            Self::CrossNamespace => "CrossNamespace",
            Self::FailedGetScale => "FailedGetScale",
            Self::ScaleConflict => "ScaleConflict",
            Self::FailedUpdateScale => "FailedUpdateScale",
            Self::ScaleTimedOut => "ScaleTimedOut",
            Self::ReplicasReverted => "ReplicasReverted",
            Self::HpaConflict => "HPAConflict",
            Self::FailedUpdateHpa => "FailedUpdateHPA",
            Self::DesiredWithinRange => "DesiredWithinRange",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::BudgetReached => "BudgetReached",
            Self::Stabilized => "Stabilized",
            Self::ReadingMissing => "ReadingMissing",
            Self::RateLimited => "RateLimited",
            Self::CoolingDown => "CoolingDown",
            Self::DecisionHeld => "DecisionHeld",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Joins what conditions say now with the times of the previous ones.
pub(crate) fn merge(
    now_said: &[ConditionStatus],
    previous: &[Condition],
    generation: i64,
    now: Time,
) -> Vec<Condition> {
    let stamp = |said: &ConditionStatus| {
        let status = if said.holds { "True" } else { "False" };
        let type_ = said.type_.as_str();
        let unchanged = previous.iter().find(|before| before.type_ == type_ && before.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: said.reason.as_str().to_owned(),
            message: said.message.clone(),
            last_transition_time: unchanged
                .map_or_else(|| whole_seconds(now), |before| before.last_transition_time.clone()),
            observed_generation: generation,
        }
    };
    now_said.iter().map(stamp).collect()
}

/// RFC 3339 without fractions, as Kubernetes writes times.
pub(crate) fn whole_seconds(time: Time) -> String {
    Time::from_seconds(time.as_millis().div_euclid(1000)).to_string()
}
