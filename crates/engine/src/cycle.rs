//! The pure part of a whole poll, around the decision itself: what operator and replay share.
//!
//! ```text
//!  Observation ─▶ next_decision ─▶ Decision ─▶ (guard, write) ─▶ record_writes ─▶ Memory
//!  LastScaled ──┘   learns of scales without a record,                next_poll ─▶ when to look again
//!                   decides, holds what breaks an invariant
//! ```

use std::time::Duration;

use crate::action::WriteResult;
use crate::invariants::{self, Case, Violation};
use crate::{Action, Decision, LastScaled, Memory, Observation, Plan, Time, controller, decide};

/// After someone else changed a target between read and write, the object is looked at again this soon; twice as
/// late each time in a row, so that a lasting quarrel does not press the API server.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Instants of an interval at which polls begin. A process that wakes up once for several polls needs a
/// fraction of the processor time for each, as code and connections are still in its caches: with one instant for each
/// poll, a thousand objects with distinct queries cost three times as much. More at once would be a burst for those who
/// are asked.
const PHASES: i64 = 100;

/// A decision that may be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct NextDecision {
    /// What was decided. Where an invariant was violated nothing changes by it.
    pub decision: Decision,
    /// The invariants that the decision would have violated: faults of the engine or of a policy, to be reported.
    pub violations: Vec<Violation>,
}

/// Decides what is to be done about `observation` at `now`.
///
/// `last_scaled` says for each of the plan's targets who changed its replicas last; it is empty where that was not
/// asked, because nobody but this plan can have done so without a record in `memory`.
pub fn next_decision(
    plan: &Plan,
    memory: &mut Memory,
    observation: &Observation,
    last_scaled: &[LastScaled],
    now: Time,
) -> NextDecision {
    let plan = &*plan.at(now);
    learn_unrecorded_scales(plan, memory, observation, last_scaled, now);
    controller::learn(plan, memory, observation, now);
    if let Some(action) = &mut memory.last_action {
        action.settle(plan, &observation.scales, now);
    }
    let mut decision = decide(plan, memory, observation, now);
    let violations = invariants::violations(&Case { plan, memory, observation, now, decision: &decision });
    if let Some(Violation { invariant, .. }) = violations.first() {
        decision.hold(invariant);
    }
    controller::compare(plan, memory, observation, &mut decision, now);
    NextDecision { decision, violations }
}

/// Takes over what the targets say of scales that the memory does not know: by a leader that was lost between
/// writing a scale and writing the status, or by a write whose answer was lost.
fn learn_unrecorded_scales(
    plan: &Plan,
    memory: &mut Memory,
    observation: &Observation,
    last_scaled: &[LastScaled],
    now: Time,
) {
    for ((member, scale), last_scaled) in plan.members.iter().zip(&observation.scales).zip(last_scaled) {
        let at = match last_scaled {
            LastScaled::NotByUs => continue,
            // An instant in the future comes from another machine's clock.
            LastScaled::At(at) => Some((*at).min(now)),
            LastScaled::AtUnknownTime => {
                let is_recorded = memory.last_set(&member.target) == scale.map(|scale| scale.replicas);
                (!is_recorded).then_some(now)
            }
        };
        memory.last_scale = memory.last_scale.max(at);
        if let Some(scale) = scale {
            memory.replicas.insert(&member.target, scale.replicas);
        }
    }
}

/// Records in `memory` the results of writing `decision`: one entry for each of the plan's members, `None` where
/// nothing was written.
pub fn record_writes(plan: &Plan, memory: &mut Memory, decision: &Decision, writes: &[Option<WriteResult>]) {
    for decided in &decision.members {
        if let Some(Some(WriteResult { at, failure: None, .. })) = writes.get(decided.member) {
            memory.scaled(plan, decided.member, decided.from, decided.to, *at);
            if decided.scales() {
                memory.scales.entry(&plan.members[decided.member].target).add(decided, *at);
            }
        }
    }
    if plan.group.is_some() {
        memory.last_action = Action::after(memory.last_action.take(), plan, decision, writes);
    }
}

/// Whether the count that `decision` has for the member at `member` may still be written where the target now asks
/// for `replicas`: by a retry, some time after the decision. It may not where someone has meanwhile gone beyond a
/// decision that must not scale in, as it lacked a reading or scale-in is paused, or has switched the target off.
pub fn may_write_from(plan: &Plan, decision: &Decision, member: usize, replicas: u32) -> bool {
    let Some(decided) = decision.members.iter().find(|decided| decided.member == member) else {
        return false;
    };
    let pause = plan.brakes.pause;
    if pause.is_complete() {
        return true;
    }
    if pause.allows(replicas, decided.to) != decided.to {
        return false;
    }
    let bounds = plan.at(decision.at).members[member].bounds;
    let is_blind = !decision.absences.is_empty() || decided.recommended.is_none();
    let is_blind_scale_in = is_blind && bounds.clamp(replicas) > decided.to;
    let is_switched_off = replicas == 0 && bounds.is_off_at_0() && decided.from > 0;
    !is_blind_scale_in && !is_switched_off
}

/// The next poll after `now`, on a grid whose phase comes from the plan's first query.
///
/// Objects with equal queries are due at the same instant and share one reading that is
/// never older than a poll; distinct queries spread evenly over [`PHASES`] instants of the interval. A plan without
/// metrics has no reading to share: its interval begins with its last poll, the first one included. So does that of a
/// policy which says so ([`Policy::counts_from_poll`](crate::Policy::counts_from_poll)), to a hundredth of it.
pub fn next_poll(plan: &Plan, now: Time) -> Time {
    poll_after(plan, plan.interval, now)
}

/// The same after `decision`, which may ask for it sooner.
pub fn next_poll_after(plan: &Plan, decision: &Decision, now: Time) -> Time {
    poll_after(plan, plan.interval_after(decision), now)
}

/// The first regular poll of an object that has not been polled yet, whatever that will come to.
pub fn first_regular_poll(plan: &Plan, now: Time) -> Time {
    poll_after(plan, plan.shortest_interval(), now)
}

fn poll_after(plan: &Plan, interval: Duration, now: Time) -> Time {
    let Some(metric) = plan.metrics.first() else { return now.plus(interval) };
    let counts_from_poll = plan.policy.counts_from_poll(interval);
    let interval = (interval.as_millis() as i64).max(1);
    let step = (interval / PHASES).max(1);
    if counts_from_poll {
        // The nearest instant, so that neither the time that a poll takes adds up nor a crowd falls apart.
        let due = now.as_millis() + interval + step / 2;
        return Time::from_millis(due - due.rem_euclid(step));
    }
    let phase = (metric.query.digest() % interval as u64) as i64;
    let phase = phase - phase % step;
    let passed = (now.as_millis() - phase).rem_euclid(interval);
    Time::from_millis(now.as_millis() - passed + interval)
}

/// The next poll after one that met a change by someone else, the `conflicts`th of its kind in a row: soon, and
/// never later than the regular one. It may use the reading that the poll before had.
pub fn look_again(plan: &Plan, conflicts: u32, now: Time) -> Time {
    let pause = LOOK_AGAIN.saturating_mul(2_u32.saturating_pow(conflicts.saturating_sub(1)));
    next_poll(plan, now).min(now.plus(pause))
}

#[cfg(test)]
mod tests;
