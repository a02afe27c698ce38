//! What is published in place of a metric that fails: the value that makes an HPA ask for the fallback's replicas.

use crate::{MetricTarget, Published, Scale, TargetType};

/// What is published in place of a metric that fails.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationFallback {
    /// More failures in a row than this bring it about.
    pub failure_threshold: u32,
    /// The replicas that the value published asks for.
    pub replicas: u32,
    /// How they are found.
    pub behavior: FallbackBehavior,
}

/// How the replicas of a fallback are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackBehavior {
    /// As the fallback says.
    #[default]
    Static,
    /// Those that the target has.
    CurrentReplicas,
    /// Those that the target has, or those that the fallback says where these are more.
    CurrentReplicasIfHigher,
    /// Those that the target has, or those that the fallback says where these are fewer.
    CurrentReplicasIfLower,
    /// The formula decides; triggers that fail are nil in it.
    ScalingModifiers,
}

/// A value that stands in for a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FallbackValue {
    /// The value.
    pub(super) value: f64,
    /// The replicas that it asks for.
    pub(super) replicas: u32,
    /// The value for one pod that is ready, where an HPA multiplies by those.
    pub(super) for_one_pod: Option<f64>,
}

impl ActivationFallback {
    /// Failures in a row beyond which nothing changes.
    pub(super) fn most_failures(&self) -> u32 {
        self.failure_threshold.saturating_add(1)
    }

    /// Whether it counts for a metric that has failed so many times in a row.
    pub(super) fn is_due(&self, failures: u32) -> bool {
        failures > self.failure_threshold
    }

    /// The value that makes an HPA with `target` ask for the fallback's replicas of a target with `scale`. `None` where
    /// that cannot be known: what the target has, or which of it is ready, is not.
    pub(super) fn value(&self, target: MetricTarget, scale: Option<Scale>) -> Option<FallbackValue> {
        let current = || scale.map(|scale| scale.replicas);
        let replicas = match self.behavior {
            FallbackBehavior::Static | FallbackBehavior::ScalingModifiers => self.replicas,
            FallbackBehavior::CurrentReplicas => current()?,
            FallbackBehavior::CurrentReplicasIfHigher => current()?.max(self.replicas),
            FallbackBehavior::CurrentReplicasIfLower => current()?.min(self.replicas),
        };
        let whole = milli(target.value(), f64::from(replicas));
        Some(match target.type_() {
            TargetType::AverageValue => FallbackValue { value: whole, replicas, for_one_pod: None },
            // The HPA multiplies by the pods that are ready.
            TargetType::Value => {
                let value = Published::shared_by(whole, scale?.ready?)?;
                FallbackValue { value, replicas, for_one_pod: Some(whole) }
            }
        })
    }

    /// The value that stands for a formula that has no result although nothing fails.
    pub(super) fn of_no_result(&self, target: f64) -> f64 {
        milli(target, f64::from(self.replicas))
    }
}

/// `value × share` in thousandths, cut off.
fn milli(value: f64, share: f64) -> f64 {
    (value * 1000.0 * share).trunc() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(
        behavior: FallbackBehavior,
        target: (TargetType, f64),
        scale: Option<(u32, Option<u32>)>,
    ) -> Option<f64> {
        let fallback = ActivationFallback { failure_threshold: 3, replicas: 6, behavior };
        let scale = scale.map(|(replicas, ready)| Scale { replicas, status_replicas: replicas, ready });
        let target = MetricTarget::new(target.0, target.1).unwrap();
        fallback.value(target, scale).map(|fallback| fallback.value)
    }

    #[test]
    fn contract_4_5_each_behavior_has_its_own_replicas() {
        use FallbackBehavior::*;
        let average = (TargetType::AverageValue, 2.5);
        for (behavior, at_2, at_9, unknown) in [
            (Static, Some(15.0), Some(15.0), Some(15.0)),
            (CurrentReplicas, Some(5.0), Some(22.5), None),
            (CurrentReplicasIfHigher, Some(15.0), Some(22.5), None),
            (CurrentReplicasIfLower, Some(5.0), Some(15.0), None),
        ] {
            let seen = [Some((2, None)), Some((9, None)), None].map(|scale| value(behavior, average, scale));
            assert_eq!(seen, [at_2, at_9, unknown], "{behavior:?}");
        }
    }

    #[test]
    fn contract_4_5_a_value_is_divided_by_ready_pods_and_cut_off_at_thousandths() {
        let of = |target, scale| value(FallbackBehavior::Static, (TargetType::Value, target), scale);
        assert_eq!(of(10.0, Some((4, Some(4)))), Some(15.0));
        assert_eq!(of(10.0, Some((9, Some(9)))), Some(6.666));
        assert_eq!(of(10.0, Some((4, Some(0)))), None, "nobody is ready");
        assert_eq!(of(10.0, Some((4, None))), None, "it is not known who is ready");
        let average = (TargetType::AverageValue, 0.0333);
        assert_eq!(value(FallbackBehavior::Static, average, None), Some(0.199));
    }

    #[test]
    fn contract_4_5_the_threshold_is_strict() {
        let fallback =
            ActivationFallback { failure_threshold: 3, replicas: 6, behavior: FallbackBehavior::Static };
        assert!(!fallback.is_due(3) && fallback.is_due(4));
        assert_eq!(fallback.most_failures(), 4);
    }
}
