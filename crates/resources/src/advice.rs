//! What a person can do about each reason, in a sentence.

use engine::AbsenceReason;

use crate::Reason;

impl Reason {
    /// The reason of this name, as it stands in conditions and Events.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|reason| reason.as_str() == name)
    }

    /// What would change it; `None` where all is as the object asks for.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::Ready
            | Self::ValidMetricFound
            | Self::ReadyForNewScale
            | Self::DesiredWithinRange
            | Self::NotPaused
            | Self::FallbackInactive => {
                return None;
            }
            Self::Paused | Self::PausedAtReplicas | Self::ScaleInPaused | Self::ScaleOutPaused => {
                "remove the annotation polyscaler.dev/paused, or the one that begins with it, to go on"
            }
            Self::FallbackActive => "have the metric answer again: until then its fallback counts",
            Self::SuspiciousDrop => {
                "wait until the drop is confirmed, or see whether the metric's source is well"
            }
            Self::Observing => "remove the annotation polyscaler.dev/mode to have decisions applied",
            Self::InvalidSpec => {
                "correct the fields that the message names; `polyscaler check` judges a file by the same rules"
            }
            Self::ReferenceNotFound => "create the object that the message names, or correct the reference",
            Self::TargetConflict => {
                "remove this object or the owner that the message names: a target has one owner, the oldest"
            }
            Self::Metric(absence) => of_metric(absence),
            Self::ScalingDisabled => {
                "scale the target to 1 or more by hand to resume scaling, or set minReplicas to 0"
            }
            Self::TargetNotFound => "create the target, or correct its name; it is found at the next poll",
            Self::TargetNotScalable => "name a target whose kind has a scale subresource",
            Self::TargetForbidden => "grant the operator the right that the message names",
            Self::AdmissionDenied => {
                "change what denies the write: the message names the quota, policy or webhook"
            }
            Self::CrossNamespace => {
                "move the object into the namespace of its target, or run the operator with --allow-cross-namespace"
            }
            Self::FailedGetScale | Self::FailedUpdateScale | Self::ScaleTimedOut => {
                "see what the API server says in the message; it is tried again at the next poll"
            }
            Self::ScaleConflict => {
                "nothing: another client changed the target in between, and it is looked at again at once"
            }
            Self::ReplicasReverted => {
                "have the field manager that the message names leave the replicas alone, for example by ignoreDifferences in Argo CD"
            }
            Self::HpaConflict => "delete or rename the HPA that the message names",
            Self::FailedUpdateHpa => {
                "see what the API server says in the message; it is tried again at the next poll"
            }
            Self::TooManyReplicas => "raise maxReplicas to let it go further",
            Self::TooFewReplicas => "lower minReplicas to let it go further",
            Self::BudgetReached => "raise the budget, or lower the load",
            Self::Stabilized => {
                "wait until no recommendation within the stabilization window holds it back any more"
            }
            Self::ReadingMissing => "have every metric answer: without each of them nothing is scaled in",
            Self::RateLimited => "wait for the next poll, or raise the pods that one operation may change",
            Self::CoolingDown => "wait until the cooldown ends, or shorten it",
            Self::DecisionHeld => {
                "report it: the decision would have violated an invariant, which is a fault of polyscaler"
            }
        })
    }
}

fn of_metric(absence: AbsenceReason) -> &'static str {
    match absence {
        AbsenceReason::ConnectionFailed | AbsenceReason::Timeout => {
            "see that the server that the message names runs and can be reached from the operator's pod"
        }
        AbsenceReason::AddressRefused => {
            "have whoever runs the operator allow the address by --allow-addresses, or use another"
        }
        AbsenceReason::TooManyRedirects => "name the address to which the redirects lead",
        AbsenceReason::BadStatus => {
            "ask the address by hand: the server answers with the status in the message"
        }
        AbsenceReason::Unauthorized | AbsenceReason::SecretUnavailable => {
            "correct the secret that the object names; a changed secret counts at the next poll"
        }
        AbsenceReason::TooLarge => "have the query answer less",
        AbsenceReason::Malformed
        | AbsenceReason::NotANumber
        | AbsenceReason::NotFinite
        | AbsenceReason::OutOfRange => "have the source answer with a number as the object expects it",
        AbsenceReason::ValueMissing => "correct the query or the path: the source answers without the value",
        AbsenceReason::ValueAmbiguous => "have the query answer one value, for example by an aggregate",
        AbsenceReason::Partial => "see which part of the source does not answer",
        AbsenceReason::Stale => "see why the source's newest value is so old",
        AbsenceReason::NoPods => "see why no pod can be counted: the message names one and why",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_name_and_what_is_wrong_has_advice() {
        let fine = [
            Reason::Ready,
            Reason::ValidMetricFound,
            Reason::ReadyForNewScale,
            Reason::DesiredWithinRange,
            Reason::NotPaused,
            Reason::FallbackInactive,
        ];
        for reason in Reason::all() {
            assert_eq!(Reason::named(reason.as_str()), Some(reason));
            assert_eq!(reason.advice().is_none(), fine.contains(&reason), "{reason}");
        }
        assert_eq!(Reason::named("Unheard"), None);
    }
}
