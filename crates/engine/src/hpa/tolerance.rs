//! How far from its target a metric may be before the replicas change.

/// The tolerated distance of a ratio from 1, in each direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Above 1, before replicas are added; at least 0.
    pub up: f64,
    /// Below 1, before replicas are removed; at least 0.
    pub down: f64,
}

impl Tolerance {
    /// The controller's own, `--horizontal-pod-autoscaler-tolerance`, in either direction.
    pub const DEFAULT: f64 = 0.1;

    /// Whether replicas stay at this ratio of value to target. Never for a ratio that is not a number.
    pub fn covers(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { up: Self::DEFAULT, down: Self::DEFAULT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_own() {
        let tolerance = Tolerance { up: 0.2, down: 0.05 };
        for (ratio, is_covered) in
            [(0.94, false), (0.95, true), (1.0, true), (1.2, true), (1.21, false), (f64::NAN, false)]
        {
            assert_eq!(tolerance.covers(ratio), is_covered, "{ratio}");
        }
        let none = Tolerance { up: 0.0, down: 0.0 };
        assert!(none.covers(1.0) && !none.covers(1.0 + f64::EPSILON) && !none.covers(1.0 - f64::EPSILON));
    }
}
