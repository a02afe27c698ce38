//! Where a decision starts from: not always from the replicas that are asked for.
//!
//! Bounds are the user's order and no guess. A target outside of them is brought inside by every decision, without
//! a reading and whatever cooldown and rate say; those limit only what is done beyond that. A target that someone
//! set to 0 although it has a minimum is switched off, and is left alone until someone raises it, as by the HPA.
//! A pause wins over both.

use std::borrow::Cow;

use crate::{Cost, MemberDecision, Memory, Observation, Plan, Scale, Step, Time};

/// Where the decision for one member starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There is no decision: the target was not found, or must be left alone.
    Nowhere,
    /// The target was set to 0 by someone.
    Disabled,
    /// The target asks for `from` replicas, and the bounds for `order`, which is as near as they and a pause allow.
    At { from: u32, order: u32 },
}

/// Where the member at `place` starts.
pub(super) fn of(plan: &Plan, memory: &Memory, observation: &Observation, place: usize) -> Start {
    let (member, pause) = (&plan.members[place], plan.brakes.pause);
    let Some(Scale { replicas: from, .. }) = observation.scales.get(place).copied().flatten() else {
        return Start::Nowhere;
    };
    if member.role.refusal.is_some() {
        return Start::Nowhere;
    }
    if pause.is_complete() {
        return Start::At { from, order: from };
    }
    // What this plan set to 0 while it might is not switched off by anybody, and a minimum that was raised counts.
    if from == 0 && member.bounds.is_off_at_0() && memory.last_set(&member.target) != Some(0) {
        return Start::Disabled;
    }
    Start::At { from, order: pause.allows(from, member.bounds.clamp(from)) }
}

/// The scales with replicas as the bounds order them.
pub(super) fn within_bounds<'a>(
    plan: &Plan,
    memory: &Memory,
    observation: &'a Observation,
) -> Cow<'a, [Option<Scale>]> {
    let mut scales = Cow::Borrowed(observation.scales.as_slice());
    for place in 0..plan.members.len() {
        if let Start::At { from, order } = of(plan, memory, observation, place)
            && from != order
            && let Some(scale) = &mut scales.to_mut()[place]
        {
            scale.replicas = order;
        }
    }
    scales
}

/// The decision for a member that is switched off.
pub(super) fn disabled(plan: &Plan, memory: &mut Memory, member: usize, now: Time) -> MemberDecision {
    if plan.limits.stabilize() && plan.policy.waits_for_bounds() {
        // The HPA controller notes what it sees first before it looks whether scaling is disabled.
        memory.members.entry(&plan.members[member].target).begin(0, now);
    }
    let steps = vec![Step::Disabled { min: plan.members[member].bounds.min() }];
    let cost = plan.policy.budget().map(|budget| Cost::of(budget, 0, None, 0));
    MemberDecision { member, from: 0, recommended: None, to: 0, cost, steps }
}
