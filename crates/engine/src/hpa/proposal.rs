//! The count that one number asks for: Object and External metrics.

use super::Tolerance;
use crate::Scale;

/// `AverageValue`: the value is shared among the replicas, and the target is the share of one. Amounts are in
/// milli-units; `target` is above 0.
///
/// While the share of each replica that exists is as near to the target as the tolerance, it is those that exist, which
/// may be other than those asked for.
pub(super) fn average_value(milli: i64, target: i64, scale: Scale, tolerance: Tolerance) -> u32 {
    let existing = scale.status_replicas;
    let ratio = milli as f64 / (target as f64 * f64::from(existing));
    if tolerance.covers(ratio) { existing } else { replicas((milli as f64 / target as f64).ceil()) }
}

/// `Value`: the value is one figure that falls as replicas are added. Amounts are in milli-units; `target` is above 0.
///
/// Replicas that are ready count, and all that exist where the target's kind does not report readiness. From 0 replicas,
/// one is taken to bear one target's worth. `None` while no pod exists, though there should be some.
pub(super) fn value(milli: i64, target: i64, scale: Scale, tolerance: Tolerance) -> Option<u32> {
    let ratio = milli as f64 / target as f64;
    if scale.replicas == 0 {
        return Some(replicas(ratio.ceil()));
    }
    if tolerance.covers(ratio) {
        return Some(scale.replicas);
    }
    (scale.status_replicas > 0).then(|| replicas((ratio * f64::from(scale.serving())).ceil()))
}

/// A count from the controller's arithmetic: never negative, at most what an `int32` holds.
pub(super) fn replicas(count: f64) -> u32 {
    // Not a number becomes 0, as by the controller: 0 over 0 asks for nothing.
    count.clamp(0.0, f64::from(i32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(replicas: u32, existing: u32, ready: u32) -> Scale {
        Scale { replicas, status_replicas: existing, ready: Some(ready) }
    }

    #[test]
    fn a_shared_value_counts_replicas_that_exist() {
        let ask = |milli, scale| average_value(milli, 10_000, scale, Tolerance::default());
        for (milli, existing, wanted) in [
            (70_000, 4, 7),
            (70_001, 4, 8),
            (44_000, 4, 4),
            (44_001, 4, 5),
            (36_000, 4, 4),
            (35_999, 4, 4),
            (30_000, 4, 3),
            (0, 4, 0),
            (0, 0, 0),
            (5, 0, 1),
            (-20_000, 4, 0),
            (i64::MAX, 4, i32::MAX as u32),
        ] {
            assert_eq!(ask(milli, scale(4, existing, 0)), wanted, "{milli} over {existing}");
        }
        assert_eq!(ask(21_000, scale(4, 2, 2)), 2, "within the tolerance, those that exist");
    }

    #[test]
    fn a_ratio_counts_replicas_that_are_ready() {
        let ask = |milli, scale| value(milli, 10_000, scale, Tolerance::default());
        for (milli, seen, wanted) in [
            (15_000, scale(4, 4, 4), Some(6)),
            (15_000, scale(4, 4, 2), Some(3)),
            (11_000, scale(4, 4, 2), Some(4)),
            (15_000, scale(4, 4, 0), Some(0)),
            (15_000, scale(4, 0, 0), None),
            (10_000, scale(4, 0, 0), Some(4)),
            (15_000, scale(0, 0, 0), Some(2)),
            (1, scale(0, 0, 0), Some(1)),
            (0, scale(0, 0, 0), Some(0)),
            (-5, scale(3, 3, 3), Some(0)),
        ] {
            assert_eq!(ask(milli, seen), wanted, "{milli} {seen:?}");
        }
        let unreported = Scale { replicas: 4, status_replicas: 3, ready: None };
        assert_eq!(ask(20_000, unreported), Some(6));
    }
}
