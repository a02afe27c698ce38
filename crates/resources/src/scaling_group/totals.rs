//! What all members of a ScalingGroup come to together, beside the budget.

use engine::{GroupBudget, MemberDecision, Total};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::cost::CostStatus;
use crate::common::status::Poll;

/// Replicas of all members whose targets were found.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodsStatus {
    /// Those that there were before the last decision.
    pub now: u64,
    /// Those that the policy wished; absent where it could wish nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wished: Option<u64>,
    /// Those that the last decision came to.
    pub decided: u64,
    /// The most that there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
}

/// Replicas of all members together, and what they cost in an hour, where anything has a price.
pub(super) fn totals(poll: &Poll) -> (PodsStatus, Option<CostStatus>) {
    let decisions = &poll.decision.members;
    let total = |count: fn(&MemberDecision) -> u32| {
        Total::new(&poll.plan.members, decisions.iter().map(|decided| (decided.member, count(decided))))
    };
    let (now, decided) = (total(|decided| decided.from), total(|decided| decided.to));
    // A member without a wish counts with what it has.
    let is_wished = decisions.iter().any(|decided| decided.recommended.is_some());
    let wished = is_wished.then(|| total(|decided| decided.recommended.unwrap_or(decided.from)));
    let budget = poll.plan.group.as_ref().and_then(|group| group.budget);
    let GroupBudget { max_pods, max_cost_per_hour } = budget.unwrap_or_default();
    let pods = PodsStatus {
        now: now.pods,
        wished: wished.map(|wished| wished.pods),
        decided: decided.pods,
        budget: max_pods,
    };
    let is_priced = poll.plan.members.iter().any(|member| member.role.cost_per_pod_hour > 0.0);
    let wished = wished.map(|wished| wished.cost_per_hour);
    let cost = CostStatus::new(now.cost_per_hour, wished, decided.cost_per_hour, max_cost_per_hour);
    (pods, (is_priced || max_cost_per_hour.is_some()).then_some(cost))
}
