//! What all members of a ScalingGroup come to together, beside the budget.

use engine::{GroupBudget, MemberDecision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::cost::CostStatus;
use crate::common::status::Poll;

/// Replicas of all members whose targets were found.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodsStatus {
    /// Those that there were before the last decision.
    pub now: u32,
    /// Those that the policy wished; absent where it could wish nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wished: Option<u32>,
    /// Those that the last decision came to.
    pub decided: u32,
    /// The most that there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
}

/// Replicas of all members. A member without a wish counts with what it has.
pub(super) fn pods(poll: &Poll) -> PodsStatus {
    let members = &poll.decision.members;
    let mut total = PodsStatus::default();
    for decided in members {
        total.now = total.now.saturating_add(decided.from);
        total.decided = total.decided.saturating_add(decided.to);
    }
    let wishes = members.iter().map(|decided| decided.wish.unwrap_or(decided.from));
    let is_wished = members.iter().any(|decided| decided.wish.is_some());
    total.wished = is_wished.then(|| wishes.fold(0, u32::saturating_add));
    total.budget = budget(poll).max_pods;
    total
}

fn budget(poll: &Poll) -> GroupBudget {
    poll.plan.group.as_ref().and_then(|group| group.budget).unwrap_or_default()
}

/// What they cost in an hour; `None` where nothing has a price and there is no budget of money.
pub(super) fn cost(poll: &Poll) -> Option<CostStatus> {
    let members = &poll.decision.members;
    let price = |member: usize| poll.plan.members[member].role.cost_per_pod_hour;
    let sum = |count: fn(&MemberDecision) -> u32| -> f64 {
        let costs = members.iter().map(|decided| f64::from(count(decided)) * price(decided.member));
        costs.fold(0.0, |sum, cost| sum + cost)
    };
    let budget = budget(poll).max_cost_per_hour;
    let is_priced = poll.plan.members.iter().any(|member| member.role.cost_per_pod_hour > 0.0);
    let is_wished = members.iter().any(|decided| decided.wish.is_some());
    let wished = sum(|decided| decided.wish.unwrap_or(decided.from));
    (is_priced || budget.is_some()).then(|| {
        CostStatus::new(
            sum(|decided| decided.from),
            is_wished.then_some(wished),
            sum(|decided| decided.to),
            budget,
        )
    })
}
