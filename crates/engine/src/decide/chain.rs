//! One member's wish on its way through the limits, link by link.

use crate::policy::Wished;
use crate::{AbsentMetric, Cost, MemberDecision, Memory, Plan, Step, Time, limit};

/// The wish for one member, and what became of it so far.
pub(super) struct Chain {
    /// Place of the member in the plan.
    pub(super) member: usize,
    /// Replicas asked for at present.
    pub(super) current: u32,
    /// What is wanted so far.
    pub(super) to: u32,
    /// Whether it must not be scaled in, as not all is known.
    pub(super) is_blind: bool,
    /// Whether its last write failed, so that nobody may count on its scaling in.
    pub(super) is_stuck: bool,
    wish: Option<u32>,
    steps: Vec<Step>,
}

impl Chain {
    pub(super) fn new(member: usize, current: u32, absences: &[AbsentMetric], is_stuck: bool) -> Self {
        let steps = absences.iter().cloned().map(Step::Absent).collect();
        Self { member, current, to: current, is_blind: !absences.is_empty(), is_stuck, wish: None, steps }
    }

    /// The wish itself, and what holds back one that has just been made.
    pub(super) fn wish(&mut self, plan: &Plan, memory: &mut Memory, wished: Option<Wished>, now: Time) {
        let (member, safety) = (&plan.members[self.member], &plan.safety);
        self.wish = wished.as_ref().map(|wished| wished.replicas);
        self.is_blind |= wished.is_none();
        if let Some(Wished { policy, replicas, basis }) = wished {
            self.push(Some(Step::Policy { policy, from: self.current, to: replicas, basis }));
            if safety.stabilizes() {
                let wishes = memory.members.entry(member.target.to_string()).or_default();
                self.push(limit::stabilize(self.to, self.current, wishes, safety, now));
            }
        }
        self.push(plan.policy.budget().and_then(|budget| limit::afford(self.to, budget, member.bounds)));
    }

    /// What the plan allows this member.
    pub(super) fn hold(&mut self, plan: &Plan) {
        self.push(limit::bound(self.to, plan.members[self.member].bounds));
        self.push(limit::forbid_blind_scale_in(self.to, self.current, !self.is_blind));
        self.push(limit::rate(self.to, self.current, &plan.safety));
    }

    pub(super) fn cool_down(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        self.push(limit::cool_down(self.to, self.current, memory.last_scale, plan.safety.cooldown, now));
    }

    pub(super) fn decided(self, plan: &Plan) -> MemberDecision {
        let Self { member, current, to, is_blind: _, is_stuck: _, wish, steps } = self;
        let cost = plan.policy.budget().map(|budget| Cost::of(budget, current, wish, to));
        MemberDecision { member, from: current, wish, to, cost, steps }
    }

    /// Takes a step that changes the wish; `None` leaves it.
    pub(super) fn push(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            if let Some((_, to)) = step.change() {
                self.to = to;
            }
            self.steps.push(step);
        }
    }
}
