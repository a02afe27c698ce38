//! What was last done to a group: which writes it took, and when every member was ready.
//!
//! Writes are recorded by [`cycle`](crate::cycle), readiness by whoever watches the members; as a poll may run
//! while members become ready, what both know is put together when the poll ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Decision, Plan, Scale, Target, Time};

/// A member that is not ready by then is no longer waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// One move of a group: all its writes, which begin at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// When it was decided.
    pub at: Time,
    /// What became of each member that was to change.
    pub members: Vec<ActionMember>,
}

/// What became of one member in an [`Action`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionMember {
    /// The member's name in its group.
    pub name: String,
    /// Replicas asked for before.
    pub from: u32,
    /// Replicas asked for by the action.
    pub to: u32,
    /// Writes tried so far; at least one.
    pub attempts: u32,
    /// When the API server had taken the write; `None` while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Time>,
    /// When all its replicas were first seen ready; `None` until then, and where its kind does not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Time>,
    /// Why the last write failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What became of writing the count decided for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteResult {
    /// When it ended.
    pub at: Time,
    /// Whether anything was sent; not where the target asked for these replicas already.
    pub sent: bool,
    /// Why it failed, where it did.
    pub failure: Option<String>,
}

impl Action {
    /// The action after a round of writes, one entry for each of the plan's members. Where the round does nothing
    /// but try again what `last` could not write, it is part of `last`, and else it is a new action.
    pub(crate) fn after(
        last: Option<Self>,
        plan: &Plan,
        decision: &Decision,
        writes: &[Option<WriteResult>],
    ) -> Option<Self> {
        let written = decision.members.iter().filter_map(|decided| {
            let write = writes.get(decided.member)?.as_ref()?;
            let (name, from, to) = (plan.members[decided.member].role.name.clone(), decided.from, decided.to);
            let member =
                ActionMember { name, from, to, attempts: 0, written: None, ready: None, failure: None };
            Some((member, write))
        });
        let written: Vec<(ActionMember, &WriteResult)> = written.collect();
        if written.is_empty() {
            return last;
        }
        let mut action = match last {
            Some(last) if written.iter().all(|(member, _)| last.lacks(member)) => last,
            _ => {
                let members = written.iter().map(|(member, _)| member.clone()).collect();
                Self { at: decision.at, members }
            }
        };
        for (member, write) in written {
            if let Some(member) = action.members.iter_mut().find(|known| known.name == member.name) {
                member.record(write);
            }
        }
        Some(action)
    }

    /// Whether `member` is to come to a count that the action has not been able to write.
    fn lacks(&self, member: &ActionMember) -> bool {
        let mut unwritten = self.members.iter().filter(|known| known.written.is_none());
        unwritten.any(|known| known.name == member.name && known.to == member.to)
    }

    /// Takes a write that failed for carried out where its target has come to the count all the same: the
    /// API server may have answered too late, or someone did it by hand. No later decision would write it.
    pub(crate) fn settle(&mut self, plan: &Plan, scales: &[Option<Scale>], now: Time) {
        for known in self.members.iter_mut().filter(|known| known.written.is_none()) {
            let place = plan.members.iter().position(|member| member.role.name == known.name);
            let scale = place.and_then(|place| scales.get(place).copied().flatten());
            if scale.is_some_and(|scale| scale.replicas == known.to) {
                (known.written, known.failure) = (Some(now), None);
            }
        }
    }

    /// Takes over from `known`, another record of the same action, which members became ready.
    pub fn merge_readiness(&mut self, known: &Self) {
        if known.at != self.at {
            return;
        }
        for member in &mut self.members {
            let same = known.members.iter().find(|known| known.name == member.name && known.to == member.to);
            member.ready = member.ready.or(same.and_then(|known| known.ready));
        }
    }

    /// Records that the member called `name` became ready at `at`, where its write is done.
    pub fn became_ready(&mut self, name: &str, at: Time) {
        let mut waiting = self.members.iter_mut().filter(|member| member.is_awaited());
        if let Some(member) = waiting.find(|member| member.name == name) {
            member.ready = Some(at);
        }
    }

    /// Time from the decision to the last write; `None` while one is missing.
    pub fn written_after(&self) -> Option<Duration> {
        self.last(|member| member.written)
    }

    /// Time from the decision until the last member was ready; `None` while one is not.
    pub fn ready_after(&self) -> Option<Duration> {
        self.last(|member| member.written.and(member.ready))
    }

    fn last(&self, time: fn(&ActionMember) -> Option<Time>) -> Option<Duration> {
        let times: Option<Vec<Time>> = self.members.iter().map(time).collect();
        Some(times?.into_iter().max()?.since(self.at))
    }

    /// The members that are waited for at `now`: those of `plan` that were written and are not ready yet.
    pub fn awaited(&self, plan: &Plan, now: Time) -> Vec<Awaited> {
        if is_too_old(self.at, now) {
            return Vec::new();
        }
        let waiting = self.members.iter().filter(|member| member.is_awaited());
        let found = waiting.filter_map(|known| {
            let mut members = plan.members.iter().filter(|member| member.role.refusal.is_none());
            let member = members.find(|member| member.role.name == known.name)?;
            Some(Awaited { name: known.name.clone(), target: member.target.clone(), replicas: known.to })
        });
        found.collect()
    }
}

impl ActionMember {
    fn record(&mut self, write: &WriteResult) {
        self.attempts = self.attempts.saturating_add(u32::from(write.sent));
        match &write.failure {
            None => (self.written, self.failure) = (Some(write.at), None),
            Some(failure) => self.failure = Some(failure.clone()),
        }
    }

    fn is_awaited(&self) -> bool {
        self.written.is_some() && self.ready.is_none()
    }
}

/// A member that was written and has not been seen ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    /// Its name in the group.
    pub name: String,
    /// Its target.
    pub target: Target,
    /// Replicas that are to be ready.
    pub replicas: u32,
}

impl Awaited {
    /// Whether these replicas, and no others, exist and are ready. `None` where the target's kind does not report it.
    pub fn is_ready(&self, scale: &Scale) -> Option<bool> {
        let counts = [scale.replicas, scale.status_replicas, scale.ready?];
        Some(counts.iter().all(|count| *count == self.replicas))
    }
}

/// Whether an action decided at `at` is no longer waited for.
pub fn is_too_old(at: Time, now: Time) -> bool {
    now.since(at) >= LONGEST_WAIT
}

#[cfg(test)]
mod tests;
