//! What must hold for every decision, whatever the plan and whatever was seen.
//!
//! Each is a pure function that returns what is violated. [`cycle::next_decision`](crate::cycle::next_decision) asks
//! them all of every decision, in the operator and in a replay, and holds a decision that violates one.

use crate::decide::Known;
use crate::limits::ScaleEvents;
use crate::{Decision, MemberDecision, Memory, Observation, Plan, Step, Time, Total};

/// A violated invariant and the numbers that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

/// What the invariants look at: the inputs of one call of `decide` and its result.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The memory, before or after the decision: the invariants look only at what a decision leaves as it is: the
    /// last scale, the scale events and the replicas that were last set.
    pub memory: &'a Memory,
    /// What was seen.
    pub observation: &'a Observation,
    /// The instant.
    pub now: Time,
    /// The result.
    pub decision: &'a Decision,
}

/// An invariant: `None` where it holds.
pub type Invariant = fn(&Case<'_>) -> Option<Violation>;

/// All that `case` violates; mostly nothing.
pub fn violations(case: &Case<'_>) -> Vec<Violation> {
    ALL.iter().filter_map(|invariant| invariant(case)).collect()
}

/// Every invariant of a single decision.
pub const ALL: &[Invariant] = &[
    within_bounds,
    within_budget,
    within_group_budget,
    only_who_may_be_scaled,
    switched_off_stays_off,
    no_blind_scale_in,
    rate_respected,
    cooldown_respected,
    pause_respected,
    steps_explain_the_result,
];

/// The names of [`ALL`], in the same order: counters of violations exist from the start, so that the first is seen as
/// an increase.
pub const NAMES: [&str; ALL.len()] = [
    "within_bounds",
    "within_budget",
    "within_group_budget",
    "only_who_may_be_scaled",
    "switched_off_stays_off",
    "no_blind_scale_in",
    "rate_respected",
    "cooldown_respected",
    "pause_respected",
    "steps_explain_the_result",
];

/// Every decision ends within the bounds, wherever it starts; only what is switched off or paused stays outside.
pub fn within_bounds(case: &Case<'_>) -> Option<Violation> {
    let is_paused = case.plan.brakes.pause.is_on();
    violated("within_bounds", case, |member| {
        let bounds = case.plan.members[member.member].bounds;
        let is_kept = is_paused && member.to == ordered(case, member);
        bounds.distance(member.to) > 0 && !is_kept && !is_switched_off(case, member)
    })
}

/// What is paused stays as it is, or where the pause keeps it.
pub fn pause_respected(case: &Case<'_>) -> Option<Violation> {
    let pause = case.plan.brakes.pause;
    violated("pause_respected", case, |member| pause.allows(member.from, member.to) != member.to)
}

/// What someone set to 0 although it has a minimum stays at 0.
pub fn switched_off_stays_off(case: &Case<'_>) -> Option<Violation> {
    violated("switched_off_stays_off", case, |member| is_switched_off(case, member) && member.to != 0)
}

fn is_switched_off(case: &Case<'_>, member: &MemberDecision) -> bool {
    let planned = &case.plan.members[member.member];
    let is_ours = || case.memory.last_set(&planned.target) == Some(0);
    let is_paused = case.plan.brakes.pause.is_complete();
    member.from == 0 && planned.bounds.is_off_at_0() && !is_paused && !is_ours()
}

/// The nearest to the replicas before that the bounds and a pause allow, or 0 of what is switched off. All other limits
/// count from there.
fn ordered(case: &Case<'_>, member: &MemberDecision) -> u32 {
    if is_switched_off(case, member) {
        return 0;
    }
    let bounds = case.plan.members[member.member].bounds;
    case.plan.brakes.pause.allows(member.from, bounds.clamp(member.from))
}

/// Where windows, rates and cooldowns count from: what the policy switches the member to, as far as that holds, or
/// what is ordered.
fn base(case: &Case<'_>, member: &MemberDecision) -> u32 {
    let ordered = ordered(case, member);
    let (least, most) = (ordered.min(member.to), ordered.max(member.to));
    let switched = member.steps.iter().rev().find_map(|step| match step {
        Step::Switch { to, .. } => Some(*to),
        _ => None,
    });
    switched.map_or(ordered, |switched| switched.clamp(least, most))
}

/// Scale-out never exceeds the budget, except up to the minimum replicas.
pub fn within_budget(case: &Case<'_>) -> Option<Violation> {
    let budget = case.plan.policy.budget()?;
    violated("within_budget", case, |member| {
        let most = budget.affordable().max(case.plan.members[member.member].bounds.min());
        member.to > ordered(case, member) && member.to > most
    })
}

/// Scale-outs never lead all members of a group together beyond its budget, except up to their least replicas.
pub fn within_group_budget(case: &Case<'_>) -> Option<Violation> {
    let budget = case.plan.group.as_ref()?.budget?;
    let members = case.decision.members.iter();
    let total = Total::new(&case.plan.members, members.map(|member| (member.member, member.to)));
    violated("within_group_budget", case, |member| {
        let least = case.plan.members[member.member].bounds.min();
        !budget.allows(total) && member.to > ordered(case, member) && member.to > least
    })
}

/// A member whose target was not found, or that must be left alone, gets no decision, and nobody gets two.
pub fn only_who_may_be_scaled(case: &Case<'_>) -> Option<Violation> {
    let members = &case.decision.members;
    violated("only_who_may_be_scaled", case, |decided| {
        let found = case.observation.scales.get(decided.member).copied().flatten();
        let is_refused = case.plan.members[decided.member].role.refusal.is_some();
        let decisions = members.iter().filter(|other| other.member == decided.member).count();
        is_refused || decisions > 1 || found.is_none_or(|scale| scale.replicas != decided.from)
    })
}

/// Without a reading of every metric, and without the advice that a policy rests on, nothing is scaled in, except to
/// the maximum, and by a fallback that says so.
pub fn no_blind_scale_in(case: &Case<'_>) -> Option<Violation> {
    let is_scaled_in = |member: &MemberDecision| member.to < ordered(case, member);
    // What is not known is found anew: nearly no decision scales in.
    if !case.decision.members.iter().any(is_scaled_in) {
        return None;
    }
    let absences = Known::of(case.plan, case.observation, case.now).absences;
    let is_unadvised = matches!(case.observation.advice, Some(Err(_)));
    violated("no_blind_scale_in", case, |member| {
        let falls_back = |name: &str| {
            member.steps.iter().any(|step| match step {
                Step::Fallback { metric, may_scale_in: true, .. } => metric == name,
                Step::StandIn(stand_in) => stand_in.metric == name,
                _ => false,
            })
        };
        let is_blind = is_unadvised || !absences.iter().all(|absent| falls_back(&absent.metric));
        is_blind && is_scaled_in(member)
    })
}

/// Beyond what the bounds order, replicas change no faster than the plan's rates allow.
pub fn rate_respected(case: &Case<'_>) -> Option<Violation> {
    let (none, limits) = (ScaleEvents::default(), &case.plan.limits);
    violated("rate_respected", case, |member| {
        let from = base(case, member);
        if member.to == from {
            return false;
        }
        let target = &case.plan.members[member.member].target;
        let events = case.memory.scale_events.get(target).unwrap_or(&none);
        member.to > limits.up.rate.up_limit(from, events, case.now)
            || member.to < limits.down.rate.down_limit(from, events, case.now)
    })
}

/// Beyond what the bounds order, nothing is scaled within the cooldown of the last scale.
pub fn cooldown_respected(case: &Case<'_>) -> Option<Violation> {
    let (passed, limits) = (case.now.since(case.memory.last_scale?), &case.plan.limits);
    if passed >= limits.up.cooldown.max(limits.down.cooldown) {
        return None;
    }
    violated("cooldown_respected", case, |member| {
        let from = base(case, member);
        member.to != from && passed < limits.between(from, member.to).cooldown
    })
}

/// The steps lead from `from` to `to` without a gap.
pub fn steps_explain_the_result(case: &Case<'_>) -> Option<Violation> {
    violated("steps_explain_the_result", case, |member| {
        let mut reached = member.from;
        for (from, to) in member.steps.iter().filter_map(Step::change) {
            if from != reached {
                return true;
            }
            reached = to;
        }
        reached != member.to
    })
}

fn violated(
    invariant: &'static str,
    case: &Case<'_>,
    is_violated: impl Fn(&MemberDecision) -> bool,
) -> Option<Violation> {
    let member = case.decision.members.iter().find(|member| is_violated(member))?;
    let detail = format!("{}→{} at {}: {}", member.from, member.to, case.now, member.explanation());
    Some(Violation { invariant, detail })
}
