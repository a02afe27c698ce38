//! The decision itself: readings and replicas in, wanted replicas and reasons out.

mod chain;
mod group;

use crate::policy::View;
use crate::{Absence, AbsentMetric, Decision, Memory, Plan, Reading, Time};
use chain::Chain;

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
    let mut chains = Vec::with_capacity(plan.members.len());
    for (member, wished) in plan.policy.wishes(&view).into_iter().enumerate() {
        let Some(scale) = view.scale(member).filter(|_| plan.members[member].role.refusal.is_none()) else {
            continue;
        };
        let mut chain = Chain::new(member, scale.replicas, &absences, memory.has_failed(plan, member));
        chain.wish(plan, memory, wished, now);
        chains.push(chain);
    }
    // A group's budget looks at all members at once: at what is wished, and at what became of it.
    group::cut_wishes(plan, &mut chains);
    for chain in &mut chains {
        chain.hold(plan);
    }
    group::trim_scale_outs(plan, &mut chains);
    for chain in &mut chains {
        chain.cool_down(plan, memory, now);
    }
    let members = chains.into_iter().map(|chain| chain.decided(plan)).collect();
    Decision { at: now, mode: plan.mode, absences, members }
}

#[cfg(test)]
mod tests;
