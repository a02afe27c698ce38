//! What a decision must know of earlier ones: a plain value that survives a restart.
//!
//! The operator keeps it in the object's status, so that a new leader keeps
//! cooldowns and windows instead of beginning blind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Decision, Plan, Target, Time};

/// The past of one plan, as far as decisions depend on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// When this plan last changed the replicas of any member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale: Option<Time>,
    /// The replicas that this plan last set, by the target's name. Where a target has others that
    /// are ours all the same, a scale was carried out and never recorded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub replicas: BTreeMap<String, u32>,
    /// Decisions made so far, where the policy draws anew in each.
    #[serde(skip_serializing_if = "is_zero")]
    pub rounds: u64,
    /// What was last done to a group, and how long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_action: Option<Action>,
    /// Past wishes of each member, by the target's name; kept only under stabilization windows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<String, Wishes>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Memory {
    /// Notes that `decision` was carried out at `at`. A decision that was refused,
    /// failed or only observed starts no cooldown.
    pub fn applied(&mut self, decision: &Decision, at: Time) {
        if decision.scales() {
            self.last_scale = Some(at);
        }
    }

    /// Notes that `target` was asked for `replicas`.
    pub fn scaled_to(&mut self, target: &Target, replicas: u32) {
        self.replicas.insert(target.to_string(), replicas);
    }

    /// Whether the last action of the group could not write the member at `member`.
    pub(crate) fn has_failed(&self, plan: &Plan, member: usize) -> bool {
        let of_action = self.last_action.iter().flat_map(|action| &action.members);
        let mut own = of_action.filter(|done| done.name == plan.members[member].role.name);
        own.any(|done| done.written.is_none() && done.failure.is_some())
    }

    /// Forgets members that `plan` does not have, and all wishes where it has no windows.
    pub fn fit(&mut self, plan: &Plan) {
        let stabilizes = plan.safety.stabilizes();
        let has = |name: &str| plan.members.iter().any(|member| member.target.to_string() == name);
        self.members.retain(|name, _| stabilizes && has(name));
        self.replicas.retain(|name, _| has(name));
    }

    /// The memory as it counts for whoever takes over at `now` from a stored copy.
    ///
    /// The last stored wish is taken to have held until now, and an instant in the
    /// future (another machine's clock) counts as now: both err on the side of waiting.
    pub fn restored(mut self, now: Time) -> Self {
        self.last_scale = self.last_scale.map(|at| at.min(now));
        for wishes in self.members.values_mut() {
            wishes.hold_until(now);
        }
        self
    }
}

/// One move of a group: all its writes, which begin at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// When it was decided.
    pub at: Time,
    /// What became of each member that was to change.
    pub members: Vec<ActionMember>,
}

/// What became of one member in an [`Action`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionMember {
    /// The member's name in its group.
    pub name: String,
    /// Replicas asked for before.
    pub from: u32,
    /// Replicas asked for by the action.
    pub to: u32,
    /// Writes tried so far; at least one.
    pub attempts: u32,
    /// When the API server had taken the write; `None` while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Time>,
    /// When all its replicas were first seen ready; `None` until then, and where its kind does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Time>,
    /// Why the last write failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The wishes of one member within its longest window, oldest first.
///
/// Only those are kept that can still be the greatest or the least of some window
/// ending now: an older wish lying between two later ones never decides again. So
/// a noisy metric leaves a handful of entries, not one for each poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wishes(Vec<Wish>);

/// A wish and when it was last made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wish {
    replicas: u32,
    last: Time,
}

impl Wishes {
    /// Notes a wish and forgets all that are older than `window`.
    pub(crate) fn note(&mut self, replicas: u32, now: Time, window: Duration) {
        let cutoff = now.minus(window);
        let (mut least_later, mut greatest_later) = (replicas, replicas);
        let mut kept = vec![Wish { replicas, last: now }];
        for wish in self.0.drain(..).rev() {
            if wish.last >= cutoff && (wish.replicas > greatest_later || wish.replicas < least_later) {
                least_later = least_later.min(wish.replicas);
                greatest_later = greatest_later.max(wish.replicas);
                kept.push(wish);
            }
        }
        kept.reverse();
        self.0 = kept;
    }

    /// The wishes made after `from`; one made at that very instant is out of the window, as in the HPA.
    pub(crate) fn after(&self, from: Time) -> impl Iterator<Item = u32> {
        self.0.iter().filter(move |wish| wish.last > from).map(|wish| wish.replicas)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn hold_until(&mut self, now: Time) {
        for wish in &mut self.0 {
            wish.last = wish.last.min(now);
        }
        if let Some(newest) = self.0.last_mut() {
            newest.last = now;
        }
    }

    /// The replicas of each entry without their times: what changes only when a wish does.
    pub fn sequence(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|wish| wish.replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(wishes: &[(i64, u32)], window: u64) -> Wishes {
        let mut noted = Wishes::default();
        for &(second, replicas) in wishes {
            noted.note(replicas, Time::from_seconds(second), Duration::from_secs(window));
        }
        noted
    }

    #[test]
    fn noise_leaves_the_extremes_only() {
        let noise: Vec<(i64, u32)> = (0..1000).map(|second| (second, 5 + (second % 3) as u32)).collect();
        assert_eq!(noted(&noise, 3600).sequence().collect::<Vec<_>>(), [7, 5]);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let wishes = noted(&[(0, 9), (30, 3), (61, 4)], 60);
        assert_eq!(wishes.after(Time::from_seconds(1)).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn a_restored_wish_holds_until_the_takeover() {
        let memory = Memory {
            last_scale: Some(Time::from_seconds(500)),
            members: BTreeMap::from([("web".to_owned(), noted(&[(0, 9)], 60))]),
            ..Memory::default()
        };
        let restored = memory.restored(Time::from_seconds(100));
        assert_eq!(restored.last_scale, Some(Time::from_seconds(100)));
        assert_eq!(restored.members["web"].after(Time::from_seconds(99)).collect::<Vec<_>>(), [9]);
    }
}
