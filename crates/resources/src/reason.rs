//! Why an object is as it is, in one word: the reasons of its conditions and Events.
//!
//! Where they fit they are those of the HPA, which people know.

use std::fmt;

use engine::{AbsenceReason, Pause};

/// The closed list of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The object does what its spec asks for.
    Ready,
    /// Decisions are recorded but not applied, as the object asks for.
    Observing,
    /// Scaling is paused, as the object asks for.
    Paused,
    /// Scaling is paused, and the target is kept at a number of replicas.
    PausedAtReplicas,
    /// Scale-in is paused.
    ScaleInPaused,
    /// Scale-out is paused.
    ScaleOutPaused,
    /// Nothing is paused.
    NotPaused,
    /// The spec is invalid; nothing is read or scaled.
    InvalidSpec,
    /// An object that the spec refers to does not exist; nothing is read or scaled.
    ReferenceNotFound,
    /// Something else already scales the target.
    TargetConflict,
    /// All metrics are available.
    ValidMetricFound,
    /// A metric is unavailable.
    Metric(AbsenceReason),
    /// Someone scaled the target to 0 although it has a minimum; it is left alone until it is scaled up.
    ScalingDisabled,
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
    /// The target changed between read and write; it is read again at once.
    ScaleConflict,
    /// The write was refused or failed for another reason.
    FailedUpdateScale,
    /// The write was not answered in time; the next read of the target shows whether it was carried out.
    ScaleTimedOut,
    /// Another field manager sets the replicas back after each scaling.
    ReplicasReverted,
    /// The HPA that is to be kept exists already and is controlled by something else.
    HpaConflict,
    /// The HPA that is to be kept could not be created, updated or deleted.
    FailedUpdateHpa,
    /// The desired count is the recommended one.
    DesiredWithinRange,
    /// The recommendation is above the maximum.
    TooManyReplicas,
    /// The recommendation is below the minimum.
    TooFewReplicas,
    /// The recommendation costs more than the budget.
    BudgetReached,
    /// A stabilization window limits the desired count.
    Stabilized,
    /// A metric is unavailable, so nothing is scaled in.
    ReadingMissing,
    /// A metric has failed for so long that its fallback counts.
    FallbackActive,
    /// No fallback counts at present.
    FallbackInactive,
    /// A metric has fallen so fast that it must be confirmed before anything is scaled in.
    SuspiciousDrop,
    /// The recommendation changes more pods than one operation may.
    RateLimited,
    /// The last scaling is too recent.
    CoolingDown,
    /// The decision would have violated an invariant, a fault of polyscaler, and is not applied.
    DecisionHeld,
}

impl From<Pause> for Reason {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::Nothing => Self::NotPaused,
            Pause::Everything | Pause::BothDirections => Self::Paused,
            Pause::At(_) => Self::PausedAtReplicas,
            Pause::ScaleIn => Self::ScaleInPaused,
            Pause::ScaleOut => Self::ScaleOutPaused,
        }
    }
}

impl Reason {
    /// Every reason, for documentation and tests.
    pub fn all() -> Vec<Reason> {
        let own = [
            Self::Ready,
            Self::Observing,
            Self::Paused,
            Self::PausedAtReplicas,
            Self::ScaleInPaused,
            Self::ScaleOutPaused,
            Self::NotPaused,
            Self::InvalidSpec,
            Self::ReferenceNotFound,
            Self::TargetConflict,
            Self::ValidMetricFound,
            Self::ScalingDisabled,
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
            Self::FallbackActive,
            Self::FallbackInactive,
            Self::SuspiciousDrop,
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
            Self::Paused => "Paused",
            Self::PausedAtReplicas => "PausedAtReplicas",
            Self::ScaleInPaused => "ScaleInPaused",
            Self::ScaleOutPaused => "ScaleOutPaused",
            Self::NotPaused => "NotPaused",
            Self::InvalidSpec => "InvalidSpec",
            Self::ReferenceNotFound => "ReferenceNotFound",
            Self::TargetConflict => "TargetConflict",
            Self::ValidMetricFound => "ValidMetricFound",
            Self::Metric(absence) => absence.as_str(),
            Self::ScalingDisabled => "ScalingDisabled",
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
            Self::FallbackActive => "FallbackActive",
            Self::FallbackInactive => "FallbackInactive",
            Self::SuspiciousDrop => "SuspiciousDrop",
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
