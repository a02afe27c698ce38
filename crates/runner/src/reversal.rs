//! Replicas that someone sets back after each scale operation, as a GitOps tool does that applies `spec.replicas`.
//!
//! What was written is remembered until it is seen that it no longer stands; who changed it, the API server knows
//! by its field managers. The same manager setting the same count several times in a row is no accident.

use std::collections::HashMap;
use std::time::Duration;

use engine::{Target, Time};
use resources::Reversal;

/// So many reversals in a row are reported.
const REPORTED: u32 = 3;

/// A reversal is forgotten after twice the time between two of them, and no sooner than this.
const SHORTEST_MEMORY: Duration = Duration::from_secs(60);

/// Two reversals that lie further apart have nothing to do with each other.
const LONGEST_GAP: Duration = Duration::from_secs(2 * 3600);

/// What is known of the targets of one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reversals(HashMap<Target, Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    /// The replicas that were written, until someone changes them.
    written: Option<u32>,
    row: Option<Row>,
}

/// Reversals by the same manager to the same count, without another in between.
#[derive(Clone, Debug)]
struct Row {
    manager: String,
    replicas: u32,
    times: u32,
    last: Time,
    /// The longest time between two of them.
    gap: Duration,
}

impl Reversals {
    /// The target was scaled to `replicas`.
    pub(crate) fn scaled(&mut self, target: &Target, replicas: u32) {
        self.0.entry(target.clone()).or_default().written = Some(replicas);
    }

    /// The replicas that were written, where nobody has been seen to change them since.
    pub(crate) fn written(&self, target: &Target) -> Option<u32> {
        self.0.get(target)?.written
    }

    /// Someone has set the target to `replicas`: `manager`, where the API server knows.
    pub(crate) fn changed(&mut self, target: &Target, replicas: u32, manager: Option<String>, now: Time) {
        let known = self.0.entry(target.clone()).or_default();
        known.written = None;
        let Some(manager) = manager else { return };
        known.row = Some(match known.row.take() {
            Some(row)
                if row.manager == manager
                    && row.replicas == replicas
                    && now.since(row.last) < LONGEST_GAP =>
            {
                Row { times: row.times + 1, gap: row.gap.max(now.since(row.last)), last: now, ..row }
            }
            _ => Row { manager, replicas, times: 1, last: now, gap: Duration::ZERO },
        });
    }

    /// The reversal of the target in the plan's place `member`, if it is to be known of: it is new, or one of several
    /// in a row of which the last is not long ago.
    pub(crate) fn of(&self, member: usize, target: &Target, now: Time) -> Option<Reversal> {
        let row = self.0.get(target)?.row.as_ref()?;
        let lasts = now.since(row.last) <= (row.gap * 2).max(SHORTEST_MEMORY);
        let (is_new, is_reported) = (row.last == now, row.times >= REPORTED && lasts);
        (is_new || is_reported).then(|| Reversal {
            member,
            manager: row.manager.clone(),
            replicas: row.replicas,
            times: row.times,
            is_new,
            is_reported,
        })
    }

    /// Forgets targets that are none any more.
    pub(crate) fn retain(&mut self, is_target: impl Fn(&Target) -> bool) {
        self.0.retain(|target, _| is_target(target));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::deployment;

    const ARGO: &str = "argocd-controller";

    /// Scaled to 5, and set to `replicas` by `manager`, at each of these seconds.
    fn fight(reversals: &mut Reversals, manager: &str, replicas: u32, seconds: &[i64]) -> Vec<bool> {
        let web = deployment("web");
        let report = |&second: &i64| {
            let now = Time::from_seconds(second);
            reversals.scaled(&web, 5);
            assert_eq!(reversals.written(&web), Some(5));
            reversals.changed(&web, replicas, Some(manager.to_owned()), now);
            assert_eq!(reversals.written(&web), None, "one scale operation is reversed once");
            let reversal = reversals.of(0, &web, now).unwrap();
            assert!(reversal.is_new);
            reversal.is_reported
        };
        seconds.iter().map(report).collect()
    }

    #[test]
    fn three_in_a_row_are_reported_until_they_cease() {
        let mut reversals = Reversals::default();
        assert_eq!(fight(&mut reversals, ARGO, 2, &[0, 60, 180, 240]), [false, false, true, true]);
        let web = deployment("web");
        let later = |second| reversals.of(0, &web, Time::from_seconds(second));
        let lasting = later(480).unwrap();
        assert_eq!((lasting.manager.as_str(), lasting.replicas, lasting.times), (ARGO, 2, 4));
        assert!(!lasting.is_new);
        assert_eq!(later(481), None, "twice the longest gap has passed");
    }

    #[test]
    fn another_manager_or_another_count_begins_again() {
        for (manager, replicas) in [("kubectl", 2), (ARGO, 3)] {
            let mut reversals = Reversals::default();
            fight(&mut reversals, ARGO, 2, &[0, 10]);
            assert_eq!(fight(&mut reversals, manager, replicas, &[20, 30, 40]), [false, false, true]);
        }
        let mut reversals = Reversals::default();
        assert_eq!(fight(&mut reversals, ARGO, 2, &[0, 8000, 16_000]), [false; 3], "hours apart");
    }

    #[test]
    fn whom_nobody_knows_is_not_reported() {
        let (mut reversals, web) = (Reversals::default(), deployment("web"));
        for second in 0..5 {
            reversals.scaled(&web, 5);
            reversals.changed(&web, 2, None, Time::from_seconds(second));
        }
        assert_eq!(reversals.of(0, &web, Time::from_seconds(5)), None);
        reversals.retain(|_| false);
        assert!(reversals.0.is_empty());
    }
}
