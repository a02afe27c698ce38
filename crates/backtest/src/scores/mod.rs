//! What a replay is worth: elasticity as SPEC RG measures it, broken SLOs, and money.

mod elasticity;
mod tally;

use serde::Serialize;

pub use elasticity::Elasticity;
pub(crate) use tally::{Segment, Tally};

/// The scores of one contender. Shares are between 0 and 1; the documentation defines each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Replicas missing, on average, as a share of the maximum replicas.
    pub accuracy_u: f64,
    /// Replicas too many, on average, as a share of the maximum replicas.
    pub accuracy_o: f64,
    /// Replicas missing, on average, as a share of those needed.
    pub accuracy_u_norm: f64,
    /// Replicas too many, on average, as a share of those needed.
    pub accuracy_o_norm: f64,
    /// Share of time with too few replicas.
    pub timeshare_u: f64,
    /// Share of time in which there are too many.
    pub timeshare_o: f64,
    /// Share of moments at which supply moves further up, or less far down, than demand does.
    pub k: f64,
    /// Share of moments at which supply moves less far up, or further down, than demand does.
    pub k_prime: f64,
    /// Their sum: share of moments at which supply and demand do not move in the same direction.
    pub instability: f64,
    /// Changes of supply less those of demand, for each moment.
    pub jitter: f64,
    /// Minutes in which the SLO was violated.
    pub slo_violation_minutes: f64,
    /// Share of requests that came in such minutes.
    pub violated_share: f64,
    /// The shortfall in replicas that is not exceeded in 95 % of the time.
    pub p95_shortfall: f64,
    /// Mean seconds from a broken SLO until it is kept again; 0 where it is never broken.
    pub recovery_seconds: f64,
    /// Hours that pods were paid for: starting, ready and stopping ones.
    pub pod_hours: f64,
    /// Their cost.
    pub cost: f64,
    /// Changes of the desired replicas.
    pub actions: u64,
    /// Those in the other direction than the one before.
    pub reversals: u64,
    /// Mean distance to the replicas that perfect knowledge has ready, as a share of those.
    pub oracle_gap: f64,
}

/// One score: its name, its unit and what it says.
#[derive(Clone, Copy, Debug)]
pub struct ScoreInfo {
    /// Name in `summary.json` and in conditions.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its value.
    pub value: fn(&Scores) -> f64,
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// Every score, in the order of `summary.json`.
pub const SCORES: &[ScoreInfo] = &[
    ScoreInfo {
        name: "accuracy_u",
        title: "missing, of the maximum",
        value: |scores| scores.accuracy_u,
        help: "Replicas missing on average, as a share of the maximum replicas.",
    },
    ScoreInfo {
        name: "accuracy_o",
        title: "too many, of the maximum",
        value: |scores| scores.accuracy_o,
        help: "Replicas too many on average, as a share of the maximum replicas.",
    },
    ScoreInfo {
        name: "accuracy_u_norm",
        title: "missing, of the needed",
        value: |scores| scores.accuracy_u_norm,
        help: "Replicas missing on average, as a share of those needed.",
    },
    ScoreInfo {
        name: "accuracy_o_norm",
        title: "too many, of the needed",
        value: |scores| scores.accuracy_o_norm,
        help: "Replicas too many on average, as a share of those needed.",
    },
    ScoreInfo {
        name: "timeshare_u",
        title: "time with too few",
        value: |scores| scores.timeshare_u,
        help: "Share of time with too few replicas.",
    },
    ScoreInfo {
        name: "timeshare_o",
        title: "time with too many",
        value: |scores| scores.timeshare_o,
        help: "Share of time with too many replicas.",
    },
    ScoreInfo {
        name: "k",
        title: "k",
        value: |scores| scores.k,
        help: "Share of moments at which supply moves further up, or less far down, than demand.",
    },
    ScoreInfo {
        name: "k_prime",
        title: "k′",
        value: |scores| scores.k_prime,
        help: "Share of moments at which supply moves less far up, or further down, than demand.",
    },
    ScoreInfo {
        name: "instability",
        title: "instability",
        value: |scores| scores.instability,
        help: "k and k′ together.",
    },
    ScoreInfo {
        name: "jitter",
        title: "jitter",
        value: |scores| scores.jitter,
        help: "Changes of supply less those of demand, for each moment.",
    },
    ScoreInfo {
        name: "slo_violation_minutes",
        title: "SLO violated, minutes",
        value: |scores| scores.slo_violation_minutes,
        help: "Minutes in which the SLO was violated.",
    },
    ScoreInfo {
        name: "violated_share",
        title: "requests affected",
        value: |scores| scores.violated_share,
        help: "Share of requests that arrived while the SLO was violated.",
    },
    ScoreInfo {
        name: "p95_shortfall",
        title: "shortfall, p95",
        value: |scores| scores.p95_shortfall,
        help: "The shortfall in replicas that is not exceeded in 95 % of the time.",
    },
    ScoreInfo {
        name: "recovery_seconds",
        title: "recovery, seconds",
        value: |scores| scores.recovery_seconds,
        help: "Mean seconds from a violation of the SLO until it is met again.",
    },
    ScoreInfo {
        name: "pod_hours",
        title: "pod-hours",
        value: |scores| scores.pod_hours,
        help: "Hours that pods were paid for: starting, ready and stopping ones.",
    },
    ScoreInfo { name: "cost", title: "cost", value: |scores| scores.cost, help: "Their cost." },
    ScoreInfo {
        name: "actions",
        title: "actions",
        value: |scores| scores.actions as f64,
        help: "Changes of the desired replicas.",
    },
    ScoreInfo {
        name: "reversals",
        title: "reversals",
        value: |scores| scores.reversals as f64,
        help: "Changes in the opposite direction of the previous one.",
    },
    ScoreInfo {
        name: "oracle_gap",
        title: "distance to oracle",
        value: |scores| scores.oracle_gap,
        help: "Mean distance to the replicas that perfect knowledge has ready, as a share of those.",
    },
];

/// The score called `name`.
pub fn score(name: &str) -> Option<&'static ScoreInfo> {
    SCORES.iter().find(|score| score.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_score_in_order() {
        let json = serde_json::to_string(&Scores::default()).unwrap();
        let mut from = 0;
        for info in SCORES {
            let place = json.find(&format!("\"{}\":", info.name)).unwrap();
            assert!(place >= from, "{} is out of order", info.name);
            from = place;
        }
        assert_eq!(json.matches(':').count(), SCORES.len());
        assert!(score("cost").is_some() && score("price").is_none());
    }
}
