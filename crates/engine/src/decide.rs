//! The decision itself: readings and replicas in, wanted replicas and reasons out.

use crate::decision::{AbsentMetric, Decision, MemberDecision, Step};
use crate::limit;
use crate::policy::{View, Wished};
use crate::{Absence, Cost, Memory, Plan, Reading, Time};

/// What was seen in one poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The scale of each of the plan's members, in the plan's order; `None` where the target was not found.
    pub scales: Vec<Option<Scale>>,
    /// The reading of each of the plan's metrics, in the plan's order.
    pub readings: Vec<Reading>,
    /// What an adviser outside answered, or why it did not; `None` where none is asked.
    pub advice: Option<Result<Advice, Absence>>,
}

/// What an adviser outside wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Replicas for each of the plan's members, in the plan's order; `None` for one that it leaves as it is.
    pub replicas: Vec<Option<u32>>,
    /// Its reasons, in its own words.
    pub reason: String,
}

/// The replicas of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Replicas asked for (`spec.replicas`).
    pub replicas: u32,
    /// Replicas that exist (`status.replicas`).
    pub status_replicas: u32,
    /// Replicas that are ready, where the target's kind tells.
    pub ready: Option<u32>,
}

impl Scale {
    /// Replicas that serve: the ready ones, or all that exist where the target's kind does not tell.
    pub fn serving(self) -> u32 {
        self.ready.unwrap_or(self.status_replicas)
    }
}

/// Decides what every member of `plan` should come to, and why.
///
/// Pure: no clock, no I/O, no hidden state; the same arguments give the same decision.
/// `memory` is changed by what was wished; what was *done* is noted by whoever did it,
/// through [`Memory::applied`]. Observations shorter than the plan count as absent.
pub fn decide(plan: &Plan, memory: &mut Memory, observation: &Observation, now: Time) -> Decision {
    let mut values = Vec::with_capacity(plan.metrics.len());
    let mut absences = Vec::new();
    for (index, metric) in plan.metrics.iter().enumerate() {
        match metric.value(observation.readings.get(index)) {
            Ok(value) => values.push(Some(value)),
            Err(absence) => {
                values.push(None);
                absences.push(AbsentMetric { metric: metric.name.clone(), absence });
            }
        }
    }
    let advice = match &observation.advice {
        Some(Ok(advice)) => Some(advice),
        Some(Err(absence)) => {
            absences.push(AbsentMetric { metric: plan.policy.name().to_owned(), absence: absence.clone() });
            None
        }
        None => None,
    };
    let view = View { round: memory.rounds, advice, ..View::new(plan, &observation.scales, &values, now) };
    if plan.policy.counts_rounds() {
        memory.rounds = memory.rounds.wrapping_add(1);
    }
    let members = (0..plan.members.len())
        .filter(|&member| plan.members[member].role.refusal.is_none() && view.scale(member).is_some())
        .map(|member| decide_member(plan, memory, &view, &absences, member))
        .collect();
    Decision { at: now, mode: plan.mode, absences, members }
}

fn decide_member(
    plan: &Plan,
    memory: &mut Memory,
    view: &View<'_>,
    absences: &[AbsentMetric],
    member: usize,
) -> MemberDecision {
    let current = view.replicas(member);
    let target = &plan.members[member];
    let mut chain = Chain { to: current, steps: absences.iter().cloned().map(Step::Absent).collect() };

    let wished = plan.policy.wish(view, member);
    let wish = wished.as_ref().map(|wished| wished.replicas);
    if let Some(Wished { policy, replicas, basis }) = wished {
        chain.push(Some(Step::Policy { policy, from: current, to: replicas, basis }));
        if plan.safety.stabilizes() {
            let wishes = memory.members.entry(target.target.to_string()).or_default();
            chain.push(limit::stabilize(chain.to, current, wishes, &plan.safety, view.now));
        }
    }
    let budget = plan.policy.budget();
    chain.push(budget.and_then(|budget| limit::afford(chain.to, budget, target.bounds)));
    chain.push(limit::bound(chain.to, target.bounds));
    chain.push(limit::forbid_blind_scale_in(chain.to, current, absences.is_empty() && wish.is_some()));
    chain.push(limit::rate(chain.to, current, &plan.safety));
    chain.push(limit::cool_down(chain.to, current, memory.last_scale, plan.safety.cooldown, view.now));

    MemberDecision {
        member,
        from: current,
        wish,
        to: chain.to,
        cost: budget.map(|budget| Cost::of(budget, current, wish, chain.to)),
        steps: chain.steps,
    }
}

/// The wish on its way through the limits.
struct Chain {
    to: u32,
    steps: Vec<Step>,
}

impl Chain {
    fn push(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            if let Some((_, to)) = step.change() {
                self.to = to;
            }
            self.steps.push(step);
        }
    }
}

#[cfg(test)]
mod tests;
