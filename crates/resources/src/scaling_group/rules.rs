//! The rules across fields of a ScalingGroup: over each member, over each call, over the whole.
//!
//! What they compare is bounded in length by the schema, and their messages name nobody, as the API server
//! refuses rules that could cost too much. Cycles and what a policy needs are beyond them, so compilation
//! reports those.

use super::{Call, GroupMember, GroupMetric, ScalingGroupSpec};
use crate::common::rule::Rule;
use crate::common::safety::{FallbackSpec, MayFallBack, replicas_of_fallback};

impl MayFallBack for GroupMetric {
    fn fallback(&self) -> Option<&FallbackSpec> {
        self.fallback.as_ref()
    }
}

pub(super) const OF_METRICS: &[Rule<GroupMetric>] = &[replicas_of_fallback("spec.metrics[]")];

pub(super) const OF_MEMBERS: &[Rule<GroupMember>] = &[Rule {
    path: "spec.members[]",
    field: "minReplicas",
    cel: "self.minReplicas <= self.maxReplicas",
    message: "minReplicas must not be above maxReplicas",
    holds: |member| member.min_replicas <= member.max_replicas,
}];

pub(super) const OF_CALLS: &[Rule<Call>] = &[Rule {
    path: "spec.callGraph[]",
    field: "to",
    cel: "self.from != self.to",
    message: "a member must not call itself",
    holds: |call| call.from != call.to,
}];

/// What the group calls a member.
macro_rules! name {
    ($member:literal) => {
        concat!("(has(", $member, ".name) ? ", $member, ".name : ", $member, ".targetRef.name)")
    };
}

/// Whether two members have one name.
macro_rules! same_name {
    () => {
        concat!(name!("other"), " == ", name!("member"))
    };
}

/// Whether two members have one target, as far as it is written out.
macro_rules! same_target {
    () => {
        "other.targetRef == member.targetRef && has(other.__namespace__) == has(member.__namespace__) && \
         (!has(member.__namespace__) || other.__namespace__ == member.__namespace__)"
    };
}

/// Whether a member has the name that an expression comes to.
macro_rules! is_member {
    ($called:literal) => {
        concat!("self.members.exists(member, ", name!("member"), " == ", $called, ")")
    };
}

/// What one replica of a member costs, where a budget is set.
macro_rules! cost {
    () => {
        "(has(member.costPerPodHour) ? member.costPerPodHour : \
          has(self.budget.costPerPodHour) ? self.budget.costPerPodHour : 0.0)"
    };
}

pub(super) const RULES: &[Rule<ScalingGroupSpec>] = &[
    Rule {
        path: "spec",
        field: "members",
        cel: concat!("self.members.all(member, self.members.exists_one(other, ", same_name!(), "))"),
        message: "names of members must be distinct",
        holds: |spec| are_distinct(spec, GroupMember::name),
    },
    Rule {
        path: "spec",
        field: "members",
        cel: concat!("self.members.all(member, self.members.exists_one(other, ", same_target!(), "))"),
        message: "a target can be a member only once",
        holds: |spec| are_distinct(spec, |member| (&member.target_ref, &member.namespace)),
    },
    Rule {
        path: "spec",
        field: "metrics",
        cel: concat!("self.metrics.all(metric, !has(metric.member) || ", is_member!("metric.member"), ")"),
        message: "a metric's member must be the name of a member",
        holds: |spec| {
            let mut named = spec.metrics.iter().filter_map(|metric| metric.member.as_ref());
            named.all(|name| is_member(spec, name))
        },
    },
    Rule {
        path: "spec",
        field: "callGraph",
        cel: concat!(
            "self.callGraph.all(call, ",
            is_member!("call.from"),
            " && ",
            is_member!("call.to"),
            ")"
        ),
        message: "from and to must be names of members",
        holds: |spec| {
            spec.call_graph.iter().all(|call| is_member(spec, &call.from) && is_member(spec, &call.to))
        },
    },
    Rule {
        path: "spec.budget",
        field: "",
        cel: "has(self.maxPods) || has(self.maxCostPerHour)",
        message: "maxPods or maxCostPerHour must be set",
        holds: |spec| {
            let budget = spec.budget.as_ref();
            budget.is_none_or(|budget| budget.max_pods.is_some() || budget.max_cost_per_hour.is_some())
        },
    },
    Rule {
        path: "spec",
        field: "budget.maxPods",
        cel: "!has(self.budget) || !has(self.budget.maxPods) || \
              self.members.map(member, member.minReplicas).sum() <= self.budget.maxPods",
        message: "the budget must allow minReplicas of all members: their sum must not be above maxPods",
        holds: |spec| {
            let least: u64 = spec.members.iter().map(|member| u64::from(member.min_replicas)).sum();
            let most = spec.budget.as_ref().and_then(|budget| budget.max_pods);
            most.is_none_or(|most| least <= u64::from(most))
        },
    },
    Rule {
        path: "spec",
        field: "budget.maxCostPerHour",
        cel: "!has(self.budget) || !has(self.budget.maxCostPerHour) || has(self.budget.costPerPodHour) || \
              self.members.all(member, has(member.costPerPodHour))",
        message: "maxCostPerHour needs costPerPodHour of the budget or of every member",
        holds: |spec| {
            let budget = spec.budget.as_ref().filter(|budget| budget.max_cost_per_hour.is_some());
            budget.is_none_or(|budget| budget.cost_per_pod_hour.is_some())
                || spec.members.iter().all(|member| member.cost_per_pod_hour.is_some())
        },
    },
    Rule {
        path: "spec",
        field: "budget.maxCostPerHour",
        cel: concat!(
            "!has(self.budget) || !has(self.budget.maxCostPerHour) || self.members.map(member, \
             double(member.minReplicas) * ",
            cost!(),
            ").sum() <= self.budget.maxCostPerHour * 1.000000001"
        ),
        message: "the budget must cover minReplicas of all members: their cost must not be above maxCostPerHour",
        holds: |spec| pays_for_the_least(spec).unwrap_or(true),
    },
];

fn are_distinct<'a, K: PartialEq>(spec: &'a ScalingGroupSpec, key: impl Fn(&'a GroupMember) -> K) -> bool {
    spec.members
        .iter()
        .all(|member| spec.members.iter().filter(|other| key(other) == key(member)).count() == 1)
}

fn is_member(spec: &ScalingGroupSpec, name: &str) -> bool {
    spec.members.iter().any(|member| member.name() == name)
}

/// `None` where there is no budget of money. A billionth more is noise, not money.
fn pays_for_the_least(spec: &ScalingGroupSpec) -> Option<bool> {
    let budget = spec.budget.as_ref()?;
    let price = |member: &GroupMember| member.cost_per_pod_hour.or(budget.cost_per_pod_hour).unwrap_or(0.0);
    let least: f64 = spec.members.iter().map(|member| f64::from(member.min_replicas) * price(member)).sum();
    Some(least <= budget.max_cost_per_hour? * 1.000_000_001)
}
