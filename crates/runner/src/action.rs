//! What is remembered of a group's last action: which writes it took, and when all was ready.
//!
//! Pure functions over [`engine::Action`]. `act` notes writes, the loop notes readiness; as a poll
//! may run while members become ready, what both know is put together when the poll ends.

use std::time::Duration;

use engine::{Action, ActionMember, Decision, Memory, Plan, Scale, Target, Time};
use resources::TargetFailure;

use crate::act::Tried;

/// A member that is not ready by then is not waited for any longer.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Notes a round of writes, one entry for each of the plan's members. Where it does nothing but
/// try again what an action could not write, it is part of that action, and else a new one.
pub(crate) fn note(memory: &mut Memory, plan: &Plan, decision: &Decision, tried: &[Option<Tried>]) {
    let writes: Vec<(ActionMember, &Tried)> = decision
        .members
        .iter()
        .filter_map(|decided| {
            let tried = tried[decided.member].as_ref()?;
            let name = plan.members[decided.member].role.name.clone();
            let (from, to) = (decided.from, decided.to);
            let member =
                ActionMember { name, from, to, attempts: 0, written: None, ready: None, failure: None };
            Some((member, tried))
        })
        .collect();
    if writes.is_empty() {
        return;
    }
    let mut action = match memory.last_action.take() {
        Some(last) if writes.iter().all(|(member, _)| is_missing(&last, member)) => last,
        _ => {
            let members = writes.iter().map(|(member, _)| member.clone()).collect();
            Action { at: decision.at, members }
        }
    };
    for (member, tried) in writes {
        if let Some(member) = action.members.iter_mut().find(|noted| noted.name == member.name) {
            note_write(member, tried);
        }
    }
    memory.last_action = Some(action);
}

/// Whether `member` is to come to a count that `action` has not been able to write.
fn is_missing(action: &Action, member: &ActionMember) -> bool {
    let unwritten = action.members.iter().filter(|noted| noted.written.is_none());
    unwritten.into_iter().any(|noted| noted.name == member.name && noted.to == member.to)
}

fn note_write(member: &mut ActionMember, tried: &Tried) {
    member.attempts = member.attempts.saturating_add(u32::from(tried.sent));
    match &tried.result {
        Ok(()) => (member.written, member.failure) = (Some(tried.at), None),
        Err(failure) => member.failure = Some(failure.message.clone()),
    }
}

/// Takes a write that failed for carried out where its target has come to the count all the same: the
/// API server may have answered too late, or somebody did it by hand. No later decision would write it.
pub(crate) fn settle(memory: &mut Memory, plan: &Plan, seen: &[Result<Scale, TargetFailure>], now: Time) {
    let Some(action) = &mut memory.last_action else { return };
    for noted in action.members.iter_mut().filter(|noted| noted.written.is_none()) {
        let place = plan.members.iter().position(|member| member.role.name == noted.name);
        let scale = place.and_then(|place| seen.get(place)?.as_ref().ok());
        if scale.is_some_and(|scale| scale.replicas == noted.to) {
            (noted.written, noted.failure) = (Some(now), None);
        }
    }
}

/// Puts what the loop knows of the readiness of an action into what a poll brings back of the same one.
pub(crate) fn merge(known: Option<&Action>, brought: Option<&mut Action>) {
    let (Some(known), Some(brought)) = (known, brought) else { return };
    if known.at != brought.at {
        return;
    }
    for member in &mut brought.members {
        let same = known.members.iter().find(|known| known.name == member.name && known.to == member.to);
        member.ready = member.ready.or(same.and_then(|known| known.ready));
    }
}

/// Time from the decision to the last write; `None` while one is missing.
pub(crate) fn written_after(action: &Action) -> Option<Duration> {
    last(action, |member| member.written)
}

/// Time from the decision until the last member was ready; `None` while one is not.
pub(crate) fn ready_after(action: &Action) -> Option<Duration> {
    last(action, |member| member.written.and(member.ready))
}

fn last(action: &Action, time: fn(&ActionMember) -> Option<Time>) -> Option<Duration> {
    let times: Option<Vec<Time>> = action.members.iter().map(time).collect();
    Some(times?.into_iter().max()?.since(action.at))
}

/// A member that was written and has not been seen ready.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Awaited {
    pub(crate) name: String,
    pub(crate) target: Target,
    /// Replicas that are to be ready.
    pub(crate) replicas: u32,
}

impl Awaited {
    /// Whether these replicas, and no others, exist and are ready. `None` where the target's kind does not tell.
    pub(crate) fn is_ready(&self, scale: &Scale) -> Option<bool> {
        let counts = [scale.replicas, scale.status_replicas, scale.ready?];
        Some(counts.iter().all(|count| *count == self.replicas))
    }
}

/// The members of `action` that are waited for at `now`.
pub(crate) fn awaited(action: &Action, plan: &Plan, now: Time) -> Vec<Awaited> {
    if is_too_old(action.at, now) {
        return Vec::new();
    }
    let waiting = action.members.iter().filter(|member| member.written.is_some() && member.ready.is_none());
    let found = waiting.filter_map(|noted| {
        let mut members = plan.members.iter().filter(|member| member.role.refusal.is_none());
        let member = members.find(|member| member.role.name == noted.name)?;
        Some(Awaited { name: noted.name.clone(), target: member.target.clone(), replicas: noted.to })
    });
    found.collect()
}

/// Whether an action of `at` is no longer waited for.
pub(crate) fn is_too_old(at: Time, now: Time) -> bool {
    now.since(at) >= LONGEST_WAIT
}

#[cfg(test)]
mod tests;
