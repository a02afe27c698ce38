//! What decisions need of earlier ones: a plain value that is kept in the object's status, so that a new
//! leader goes on with cooldowns, windows and rates instead of beginning blind.

use serde::{Deserialize, Serialize};

use crate::by_target::ByTarget;
use crate::limits::ScaleEvents;
use crate::safeguards::MetricMemories;
use crate::{Action, Beside, Decision, PastScales, Plan, PolicyMemory, Recommendations, Target, Time, Told};

/// The past of one plan, as far as decisions depend on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// When this plan last changed the replicas of any member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale: Option<Time>,
    /// The replicas that this plan last set. Where a target has others that are ours all the same, a scale was
    /// carried out and never recorded.
    #[serde(skip_serializing_if = "ByTarget::is_empty")]
    pub replicas: ByTarget<u32>,
    /// What was last done to a group, and how long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_action: Option<Action>,
    /// Past recommendations for each member; kept only under stabilization windows.
    #[serde(skip_serializing_if = "ByTarget::is_empty")]
    pub members: ByTarget<Recommendations>,
    /// Past scale events of each member; kept only under rates that look back.
    #[serde(skip_serializing_if = "ByTarget::is_empty")]
    pub scale_events: ByTarget<ScaleEvents>,
    /// The last scale operations on each member, for people.
    #[serde(skip_serializing_if = "ByTarget::is_empty")]
    pub scales: ByTarget<PastScales>,
    /// What the policy remembers of each member.
    #[serde(skip_serializing_if = "ByTarget::is_empty")]
    pub policy: ByTarget<PolicyMemory>,
    /// What is remembered of each metric, by its name; kept only under safeguards.
    #[serde(skip_serializing_if = "MetricMemories::is_empty")]
    pub metrics: MetricMemories,
    /// What is remembered of a target that the HPA controller scales; kept only beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<Beside>>,
    /// What has been said of the object in Events, so that it is said once; kept only where the status has no field for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Box<Told>>,
}

impl Memory {
    /// Records that the replicas of the member at `member` were changed from `from` to `to` at `at`. A decision
    /// that was refused, failed or only observed changes nothing, and starts no cooldown.
    pub fn scaled(&mut self, plan: &Plan, member: usize, from: u32, to: u32, at: Time) {
        let target = &plan.members[member].target;
        self.replicas.insert(target, to);
        if from == to {
            return;
        }
        self.last_scale = self.last_scale.max(Some(at));
        if plan.limits.look_back() {
            let [up, down] = [&plan.limits.up, &plan.limits.down].map(|limit| limit.rate.longest_period());
            self.scale_events.entry(target).record(from, to, at, up, down);
        }
    }

    /// Records that all of `decision` was carried out at `at`.
    pub fn applied(&mut self, plan: &Plan, decision: &Decision, at: Time) {
        for decided in decision.members.iter().filter(|decided| decided.scales()) {
            self.scaled(plan, decided.member, decided.from, decided.to, at);
        }
    }

    /// The replicas that this plan last set for `target`.
    pub(crate) fn last_set(&self, target: &Target) -> Option<u32> {
        self.replicas.get(target).copied()
    }

    /// Whether the last action of the group could not write the member at `member`.
    pub(crate) fn has_failed(&self, plan: &Plan, member: usize) -> bool {
        let of_action = self.last_action.iter().flat_map(|action| &action.members);
        let mut own = of_action.filter(|done| done.name == plan.members[member].role.name);
        own.any(|done| done.written.is_none() && done.failure.is_some())
    }

    /// Forgets members that `plan` does not have, and what its limits do not look at.
    pub fn fit(&mut self, plan: &Plan) {
        let (stabilizes, looks_back) = (plan.limits.stabilize(), plan.limits.look_back());
        let targets = || plan.members.iter().map(|member| &member.target);
        self.members.retain(targets(), |_| stabilizes);
        self.scale_events.retain(targets(), |_| looks_back);
        self.replicas.retain(targets(), |_| true);
        self.scales.retain(targets(), |_| true);
        self.policy.retain(targets(), |_| true);
        let Self { members, scale_events, replicas, scales, policy, .. } = self;
        members.share_names(policy);
        scale_events.share_names(members);
        replicas.share_names(members);
        scales.share_names(members);
        let guards = !plan.safeguards.is_empty();
        self.metrics.retain(|name, _| guards && plan.metrics.iter().any(|metric| metric.name == *name));
    }

    /// The memory as it counts for whoever takes over at `now` from a stored copy.
    ///
    /// The last stored recommendation is taken to have held until now, and an instant in the
    /// future (another machine's clock) counts as now: both err on the side of waiting.
    pub fn restored(mut self, now: Time) -> Self {
        self.last_scale = self.last_scale.map(|at| at.min(now));
        for recommendations in self.members.values_mut() {
            recommendations.hold_until(now);
        }
        for events in self.scale_events.values_mut() {
            events.restore(now);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_lies_in_the_future_counts_as_now() {
        let memory = Memory { last_scale: Some(Time::from_seconds(500)), ..Memory::default() };
        assert_eq!(memory.restored(Time::from_seconds(100)).last_scale, Some(Time::from_seconds(100)));
    }

    #[test]
    fn a_memory_of_an_earlier_version_is_read() {
        let stored = serde_json::json!({
            "lastScale": "1970-01-01T00:08:20Z",
            "replicas": { "Deployment shop/web": 6 },
            "rounds": 7,
            "members": { "Deployment shop/web": [{ "replicas": 9, "last": "1970-01-01T00:00:30Z" }] },
        });
        let memory: Memory = serde_json::from_value(stored).unwrap();
        assert_eq!(memory.last_scale, Some(Time::from_seconds(500)));
        assert_eq!(memory.replicas.iter().collect::<Vec<_>>(), [("Deployment shop/web", &6)]);
        let (name, recommendations) = memory.members.iter().next().unwrap();
        assert_eq!(name, "Deployment shop/web");
        let since = Time::from_seconds(30).minus(Duration::from_millis(1));
        assert_eq!(recommendations.after(since).collect::<Vec<_>>(), [9]);
    }
}
