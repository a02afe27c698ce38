//! The decision itself: readings and replicas in, wanted replicas and reasons out.

mod between;
mod chain;
mod foresee;
mod group;
mod known;
mod limit;
mod start;

use std::mem::take;

use crate::activation::Report;
use crate::{AbsentMetric, Decision, Memory, Observation, Plan, Step, Time, View};
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
    let starts = start::of(plan, memory, observation);
    let scales = start::within_bounds(observation, &starts);
    let (readings, is_between) = (observation.readings.as_slice(), observation.is_between);
    let view = View { advice, readings, is_between, ..plan.view(&scales, &values, now) };
    let mut unasked = (!observation.outlooks.is_empty()).then(|| memory.policy.clone());
    let (mut recommended, mut report) = plan.policy.recommend_and_report(&view, &mut memory.policy);
    let foreseen =
        unasked.as_mut().and_then(|unasked| Foreseen::of(plan, &view, &observation.outlooks, unasked));
    if let Some(highest) = highest {
        let view = View { values: &highest, ..view };
        let most = plan.policy.recommend_all(&view, &mut memory.policy.clone());
        recommended = between::agreed(&view, recommended, most);
    }
    let facts = facts(plan, &absences, report.as_ref(), now);
    let mut switches = report.as_mut().map(|report| take(&mut report.switches)).unwrap_or_default();
    let mut members = Vec::with_capacity(plan.members.len());
    let mut chains = Vec::with_capacity(plan.members.len());
    let mut recommended = recommended.into_iter();
    for (member, start) in starts.into_iter().enumerate() {
        let recommended = recommended.next().flatten();
        match start {
            Start::Nowhere => {}
            Start::Disabled => members.push(start::disabled(plan, member)),
            Start::At { from, order } => {
                let mut chain = Chain::new(member, from, order, &facts, memory.has_failed(plan, member));
                chain.hear(plan, &alarms);
                chain.show_pods(plan, &loads);
                chain.show_unforeseen(plan, &values, &observation.outlooks);
                chain.switch(switches.get_mut(member).map(take).unwrap_or_default());
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
    members.extend(chains.into_iter().map(|chain| chain.decided(plan)));
    members.sort_unstable_by_key(|decided| decided.member);
    let (activity, published) = report.map(|report| (report.activity, report.published)).unzip();
    Decision {
        at: now,
        mode: plan.mode,
        values: shown,
        absences,
        outlooks: observation.outlooks.clone(),
        activity,
        published: published.unwrap_or_default(),
        members,
    }
}

/// What every member's steps begin with.
fn facts(plan: &Plan, absences: &[AbsentMetric], report: Option<&Report>, now: Time) -> Vec<Step> {
    let absent = absences.iter().cloned().map(Step::Absent);
    let stand_ins = report.into_iter().flat_map(|report| &report.stand_ins).cloned().map(Step::StandIn);
    let over = plan.brakes.override_at(now).cloned();
    absent.chain(stand_ins).chain(over.map(Step::Override)).collect()
}

#[cfg(test)]
mod tests;
