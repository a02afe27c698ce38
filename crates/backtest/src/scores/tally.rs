//! One contender's scores in the making.

use super::{Elasticity, Scores};

const HOUR: f64 = 3_600_000.0;
/// A shortfall of more replicas than this counts as this.
const GREATEST_SHORTFALL: usize = 100_000;

/// A stretch of time in which nothing changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    /// Its length in milliseconds.
    pub(crate) millis: i64,
    /// Requests that came.
    pub(crate) requests: f64,
    /// Whether the SLO was broken.
    pub(crate) violated: bool,
    /// Pods that are paid for.
    pub(crate) pods: u64,
    /// What they cost in an hour.
    pub(crate) cost_per_hour: f64,
    /// Replicas that are missing.
    pub(crate) shortfall: u64,
}

/// Scores in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    elasticity: Elasticity,
    violated_millis: i64,
    violations: u64,
    is_violated: bool,
    requests: f64,
    violated_requests: f64,
    pod_millis: f64,
    /// Costs of an hour times milliseconds: divided once, at the end, so that rounding does not add up.
    cost_millis: f64,
    /// Milliseconds with a shortfall of as many replicas as the place says.
    shortfalls: Vec<i64>,
    millis: i64,
    actions: u64,
    reversals: u64,
    oracle_distance: f64,
    oracle_ready: f64,
}

impl Tally {
    pub(crate) fn segment(&mut self, segment: Segment) {
        let Segment { millis, requests, violated, pods, cost_per_hour, shortfall } = segment;
        self.millis += millis;
        self.requests += requests;
        self.pod_millis += pods as f64 * millis as f64;
        self.cost_millis += cost_per_hour * millis as f64;
        if violated {
            self.violated_millis += millis;
            self.violated_requests += requests;
            self.violations += u64::from(!self.is_violated);
        }
        self.is_violated = violated;
        let shortfall = (shortfall as usize).min(GREATEST_SHORTFALL);
        if self.shortfalls.len() <= shortfall {
            self.shortfalls.resize(shortfall + 1, 0);
        }
        self.shortfalls[shortfall] += millis;
    }

    /// What is needed and ready of each member at a moment, and what the oracle has ready in all.
    pub(crate) fn sample(&mut self, members: impl Iterator<Item = (u32, u32)> + Clone, oracle: Option<u64>) {
        if let Some(oracle) = oracle {
            let ready: u64 = members.clone().map(|(_, ready)| u64::from(ready)).sum();
            self.oracle_distance += ready.abs_diff(oracle) as f64;
            self.oracle_ready += oracle as f64;
        }
        self.elasticity.push_all(members);
    }

    /// The replicas of a member were changed; in the other direction than the time before, or not.
    pub(crate) fn action(&mut self, reverses: bool) {
        self.actions += 1;
        self.reversals += u64::from(reverses);
    }

    /// The scores, where there may be at most so many replicas.
    pub(crate) fn scores(&self, most: f64) -> Scores {
        let (accuracy_u, accuracy_o) = self.elasticity.accuracy(most);
        let (accuracy_u_norm, accuracy_o_norm) = self.elasticity.normalized_accuracy();
        let (timeshare_u, timeshare_o) = self.elasticity.timeshare();
        let (k, k_prime) = self.elasticity.instability();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Scores {
            accuracy_u,
            accuracy_o,
            accuracy_u_norm,
            accuracy_o_norm,
            timeshare_u,
            timeshare_o,
            k,
            k_prime,
            instability: k + k_prime,
            jitter: self.elasticity.jitter(),
            slo_violation_minutes: self.violated_millis as f64 / 60_000.0,
            violated_share: share(self.violated_requests, self.requests),
            p95_shortfall: self.shortfall_at(0.95),
            recovery_seconds: share(self.violated_millis as f64 / 1000.0, self.violations as f64),
            pod_hours: self.pod_millis / HOUR,
            cost: self.cost_millis / HOUR,
            actions: self.actions,
            reversals: self.reversals,
            oracle_gap: share(self.oracle_distance, self.oracle_ready),
        }
    }

    fn shortfall_at(&self, share: f64) -> f64 {
        let mut left = (self.millis as f64 * share).ceil() as i64;
        for (shortfall, millis) in self.shortfalls.iter().enumerate() {
            left -= millis;
            if left <= 0 {
                return shortfall as f64;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(violated: bool, shortfall: u64) -> Segment {
        Segment { millis: 60_000, requests: 60.0, violated, pods: 3, cost_per_hour: 0.6, shortfall }
    }

    #[test]
    fn minutes_shares_and_money_are_counted() {
        let mut tally = Tally::default();
        for (violated, shortfall) in [(false, 0), (true, 2), (true, 1), (false, 0), (true, 1)] {
            tally.segment(minute(violated, shortfall));
        }
        let scores = tally.scores(10.0);
        assert_eq!(scores.slo_violation_minutes, 3.0);
        assert!((scores.violated_share - 0.6).abs() < 1e-12);
        assert_eq!(scores.recovery_seconds, 90.0);
        assert!((scores.pod_hours - 0.25).abs() < 1e-12 && (scores.cost - 0.05).abs() < 1e-12);
        assert_eq!(scores.p95_shortfall, 2.0);
    }

    #[test]
    fn a_rare_shortfall_is_beyond_the_percentile() {
        let mut tally = Tally::default();
        for index in 0..100 {
            tally.segment(minute(false, if index < 4 { 5 } else { 0 }));
        }
        assert_eq!(tally.scores(10.0).p95_shortfall, 0.0);
        assert_eq!(Tally::default().scores(1.0), Scores::default());
    }

    #[test]
    fn the_distance_to_the_oracle_is_a_share_of_its_replicas() {
        let mut tally = Tally::default();
        for (ready, oracle) in [(4_u32, 2_u64), (2, 2), (1, 2)] {
            tally.sample([(2, ready)].into_iter(), Some(oracle));
        }
        assert_eq!(tally.scores(10.0).oracle_gap, 0.5);
    }
}
