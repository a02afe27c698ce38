//! The totals of all members of a ScalingGroup, beside the budget.

use engine::{GroupBudget, MemberDecision, Total};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Poll;
use crate::common::cost::CostStatus;

/// Replicas of all members whose targets were found.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodsStatus {
    /// Replicas before the last decision.
    pub now: u64,
    /// Replicas that the policy recommended; absent if it had no recommendation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended: Option<u64>,
    /// Replicas that the last decision asks for.
    pub decided: u64,
    /// Maximum number of replicas by the budget.
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
    // A member without a recommendation counts with what it has.
    let is_recommended = decisions.iter().any(|decided| decided.recommended.is_some());
    let recommended = is_recommended.then(|| total(|decided| decided.recommended.unwrap_or(decided.from)));
    let budget = poll.plan.group.as_ref().and_then(|group| group.budget);
    let GroupBudget { max_pods, max_cost_per_hour } = budget.unwrap_or_default();
    let pods = PodsStatus {
        now: now.pods,
        recommended: recommended.map(|total| total.pods),
        decided: decided.pods,
        budget: max_pods,
    };
    let is_priced = poll.plan.members.iter().any(|member| member.role.cost_per_pod_hour > 0.0);
    let recommended = recommended.map(|total| total.cost_per_hour);
    let cost = CostStatus::new(now.cost_per_hour, recommended, decided.cost_per_hour, max_cost_per_hour);
    (pods, (is_priced || max_cost_per_hour.is_some()).then_some(cost))
}
