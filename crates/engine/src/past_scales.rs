//! The last scale operations on one target: kept in the memory of its object, so that people still see them after a
//! change of leader.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{MemberDecision, Time, one_line};

/// Operations that are kept, and for how long.
const KEPT: usize = 20;
const KEPT_FOR: Duration = Duration::from_secs(86_400);
/// The newest of them, whose steps are kept as well.
const WITH_STEPS: usize = 5;
/// Characters of a step that are kept.
const LONGEST_STEP: usize = 160;

/// One scale operation that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PastScale {
    /// When.
    pub at: Time,
    /// Replicas before.
    pub from: u32,
    /// Replicas asked for since.
    pub to: u32,
    /// How `from` became `to`; empty where that is no longer kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// The last scale operations on one target, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PastScales(Vec<PastScale>);

impl PastScales {
    /// Adds what was carried out at `at`, and forgets what is too old or too much.
    pub(crate) fn add(&mut self, decided: &MemberDecision, at: Time) {
        let step = |step: &crate::Step| one_line(&step.to_string(), LONGEST_STEP);
        let steps = decided.steps.iter().map(step).collect();
        self.0.push(PastScale { at, from: decided.from, to: decided.to, steps });
        let beyond = self.0.len().saturating_sub(KEPT);
        self.0.drain(..beyond);
        self.0.retain(|past| at.since(past.at) <= KEPT_FOR);
        let without = self.0.len().saturating_sub(WITH_STEPS);
        self.0[..without].iter_mut().for_each(|past| past.steps = Vec::new());
    }

    /// The operations, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &PastScale> {
        self.0.iter()
    }

    /// Whether there may have been earlier ones within the time for which they are kept.
    pub fn is_cut(&self) -> bool {
        self.0.len() >= KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_and_the_steps_of_the_newest() {
        let mut past = PastScales::default();
        for minute in 0..30 {
            let steps = vec![crate::Step::Bounds { from: minute, to: minute + 1 }];
            let decided = MemberDecision {
                member: 0,
                from: minute,
                recommended: None,
                to: minute + 1,
                cost: None,
                steps,
            };
            past.add(&decided, Time::from_seconds(i64::from(minute) * 60));
        }
        let kept: Vec<u32> = past.iter().map(|past| past.to).collect();
        assert_eq!(kept, (11..=30).collect::<Vec<_>>());
        let explained: Vec<u32> =
            past.iter().filter(|past| !past.steps.is_empty()).map(|past| past.to).collect();
        assert_eq!(explained, [26, 27, 28, 29, 30]);
        assert!(past.is_cut());
        let last = past.iter().last().unwrap();
        assert_eq!(last.steps, ["bounds 29→30 (30 at least)"]);
        let stored = serde_json::to_value(&past).unwrap();
        assert_eq!(serde_json::from_value::<PastScales>(stored).unwrap(), past);
    }

    #[test]
    fn what_is_older_than_a_day_is_forgotten() {
        let decided =
            |to| MemberDecision { member: 0, from: 1, recommended: None, to, cost: None, steps: vec![] };
        let mut past = PastScales::default();
        past.add(&decided(2), Time::from_seconds(0));
        past.add(&decided(3), Time::from_seconds(86_401));
        assert_eq!(past.iter().map(|past| past.to).collect::<Vec<_>>(), [3]);
        assert!(!past.is_cut());
    }
}
