//! The decision itself: readings and replicas in, wanted replicas and reasons out.

mod between;
mod chain;
mod foresee;
mod group;
mod known;
mod limit;
mod start;

use crate::activation::{Report, StandIn};
use crate::{AbsentMetric, Decision, MemberDecision, Memory, Observation, Plan, Step, Time, View};
use chain::Chain;
use foresee::Foreseen;
pub(crate) use known::Known;
use start::Start;

/// Decides what every member of `plan` should come to, and why.
///
/// Pure: no clock, no I/O, no hidden state; the same arguments give the same decision.
/// `memory` is changed by what was recommended; what was *done* is recorded by whoever did it,
/// through [`cycle::record_writes`](crate::cycle::record_writes). The plan is taken as [`Plan::at`] gives it. Observations shorter than the plan count as absent.
pub fn decide(plan: &Plan, memory: &mut Memory, observation: &Observation, now: Time) -> Decision {
    let Known { values, highest, shown, loads, mut absences } = Known::of(plan, observation, now);
    let advice = match &observation.advice {
        Some(Ok(advice)) => Some(advice),
        Some(Err(absence)) => {
            absences.push(AbsentMetric { metric: plan.policy.name().to_owned(), absence: absence.clone() });
            None
        }
        None => None,
    };
    let alarms = plan.safeguards.look(&plan.metrics, &values, &absences, &mut memory.metrics, now);
    let scales = start::within_bounds(plan, memory, observation);
    let (readings, is_between) = (observation.readings.as_slice(), observation.is_between);
    let view = View { advice, readings, is_between, ..plan.view(&scales, &values, now) };
    let mut unasked = (!observation.outlooks.is_empty()).then(|| memory.policy.clone());
    let (mut recommended, report) = plan.policy.recommend_and_report(&view, &mut memory.policy);
    let Report { activity, published, stand_ins, mut switch, mut wakes_to } = report;
    let foreseen =
        unasked.as_mut().and_then(|unasked| Foreseen::of(plan, &view, &observation.outlooks, unasked));
    if let Some(highest) = highest {
        let view = View { values: &highest, ..view };
        let most = plan.policy.recommend_all(&view, &mut memory.policy.clone());
        recommended = between::agreed(&view, recommended, most);
    }
    let facts = facts(plan, &absences, stand_ins, now);
    let mut disabled = Vec::new();
    let mut chains = Vec::with_capacity(plan.members.len());
    for member in 0..plan.members.len() {
        let recommended = recommended.get_mut(member).and_then(Option::take);
        match start::of(plan, memory, observation, member) {
            Start::Nowhere => {}
            Start::Disabled => disabled.push(start::disabled(plan, memory, member, now)),
            Start::At { from, order } => {
                let mut chain = Chain::new(member, from, order, &facts, memory.has_failed(plan, member));
                chain.hear(plan, &alarms);
                chain.show_pods(plan, &loads);
                chain.show_unforeseen(plan, &values, &observation.outlooks);
                chain.switch(switch.take());
                chain.switch(wakes_to.take());
                let waits = from != order && plan.policy.waits_for_bounds();
                let foreseen = foreseen.as_ref().filter(|_| !waits);
                chain.recommend(plan, memory, recommended.filter(|_| !waits), foreseen, now);
                chains.push(chain);
            }
        }
    }
    // A group's budget looks at all members at once: at what is recommended, and at its observed state.
    group::cut_recommendations(plan, &mut chains);
    for chain in &mut chains {
        chain.hold(plan, memory, now);
    }
    group::trim_scale_outs(plan, &mut chains);
    let mut members: Vec<MemberDecision> = chains.into_iter().map(|chain| chain.decided(plan)).collect();
    if !disabled.is_empty() {
        members.extend(disabled);
        members.sort_unstable_by_key(|decided| decided.member);
    }
    Decision {
        at: now,
        mode: plan.mode,
        values: shown.unwrap_or(values),
        absences,
        outlooks: observation.outlooks.clone(),
        activity,
        published,
        members,
    }
}

/// What every member's steps begin with.
fn facts(plan: &Plan, absences: &[AbsentMetric], stand_ins: Vec<StandIn>, now: Time) -> Vec<Step> {
    let mut facts = Vec::new();
    facts.extend(absences.iter().cloned().map(Step::Absent));
    facts.extend(stand_ins.into_iter().map(Step::StandIn));
    facts.extend(plan.brakes.override_at(now).cloned().map(Step::Override));
    facts
}

#[cfg(test)]
mod tests;
