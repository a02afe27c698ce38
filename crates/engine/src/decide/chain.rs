//! One member's recommendation on its way through the limits, link by link.

use super::limit;
use crate::pod_metric::PodLoad;
use crate::policy::Recommendation;
use crate::{AbsentMetric, Cost, MemberDecision, Memory, Plan, Step, Time};

/// The recommendation for one member, and its observed state so far.
pub(super) struct Chain {
    /// Place of the member in the plan.
    pub(super) member: usize,
    /// Replicas asked for at present.
    pub(super) from: u32,
    /// The nearest to that within the bounds: where limits count from.
    pub(super) current: u32,
    /// What is wanted so far.
    pub(super) to: u32,
    /// Whether it must not be scaled in, as not all is known.
    pub(super) is_blind: bool,
    /// Whether its last write failed, so that nobody may count on its scaling in.
    pub(super) is_stuck: bool,
    recommended: Option<u32>,
    steps: Vec<Step>,
}

impl Chain {
    /// The chain of the member at `member`, which asks for `from` replicas where the bounds order `current`.
    pub(super) fn new(
        member: usize,
        from: u32,
        current: u32,
        absences: &[AbsentMetric],
        is_stuck: bool,
    ) -> Self {
        let steps = absences.iter().cloned().map(Step::Absent).collect();
        let is_blind = !absences.is_empty();
        let mut chain =
            Self { member, from, current, to: from, is_blind, is_stuck, recommended: None, steps };
        chain.push((from != current).then_some(Step::Bounds { from, to: current }));
        chain
    }

    /// What is not known of the pods that this member's metrics are measured at, where that is so.
    pub(super) fn show_pods(&mut self, plan: &Plan, loads: &[(usize, PodLoad)]) {
        for &(index, load) in loads.iter().filter(|(_, load)| !load.is_exact()) {
            let metric = &plan.metrics[index];
            if metric.member.unwrap_or_default() == self.member {
                self.push(Some(Step::Pods { metric: metric.name.clone(), load }));
            }
        }
    }

    /// The recommendation itself, and what limits one that has just been made.
    pub(super) fn recommend(
        &mut self,
        plan: &Plan,
        memory: &mut Memory,
        recommended: Option<Recommendation>,
        now: Time,
    ) {
        let member = &plan.members[self.member];
        self.recommended = recommended.as_ref().map(|recommended| recommended.replicas);
        self.is_blind |= recommended.is_none();
        if plan.limits.stabilize() {
            // Also where nothing is recommended yet.
            memory.members.entry(&member.target).begin(self.from, now);
        }
        if let Some(Recommendation { policy, replicas, basis }) = recommended {
            self.push(Some(Step::Policy { policy, from: self.current, to: replicas, basis }));
            if plan.limits.stabilize() {
                let recommendations = memory.members.entry(&member.target);
                self.push(limit::stabilize(self.to, self.current, recommendations, &plan.limits, now));
            }
        }
        self.push(plan.policy.budget().and_then(|budget| limit::afford(self.to, budget, member.bounds)));
    }

    /// What the plan allows this member.
    pub(super) fn hold(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        let member = &plan.members[self.member];
        self.push(limit::bound(self.to, member.bounds));
        self.push(limit::forbid_blind_scale_in(self.to, self.current, !self.is_blind));
        let events = memory.scale_events.get(&member.target);
        self.push(limit::rate(self.to, self.current, &plan.limits, events, now));
        self.push(limit::cool_down(self.to, self.current, memory.last_scale, &plan.limits, now));
    }

    pub(super) fn decided(self, plan: &Plan) -> MemberDecision {
        let Self { member, from, current: _, to, is_blind: _, is_stuck: _, recommended, steps } = self;
        let cost = plan.policy.budget().map(|budget| Cost::of(budget, from, recommended, to));
        MemberDecision { member, from, recommended, to, cost, steps }
    }

    /// Takes a step that changes what is wanted; `None` leaves it.
    pub(super) fn push(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            if let Some((_, to)) = step.change() {
                self.to = to;
            }
            self.steps.push(step);
        }
    }
}
