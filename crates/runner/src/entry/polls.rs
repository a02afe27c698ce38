//! What an object's polls begin with, and what they came to.

use std::mem;
use std::sync::Arc;

use engine::{Plan, Time, cycle};
use tokio::sync::watch;
use tokio::task::Id;

use super::Entry;
use crate::ObjectKey;
use crate::poll::{Changed, Finished, Job};
use crate::retry::Retry;
use crate::reuse::Reuse;

/// A poll that runs.
pub(crate) struct Polling {
    pub(crate) task: Id,
    /// Setting it ends the poll's right to write and to report.
    pub(crate) revoked: watch::Sender<bool>,
    /// Whether leadership changed since it began: others may know more than it does.
    pub(crate) outdated: bool,
}

impl Polling {
    pub(crate) fn is_revoked(&self) -> bool {
        *self.revoked.borrow()
    }
}

impl Entry {
    /// The job of a poll of this object, which is `key`, by `plan` that is due at `due`, and the way to revoke it.
    pub(crate) fn job(&mut self, key: ObjectKey, plan: Arc<Plan>, due: Time) -> (Job, watch::Sender<bool>) {
        let (revoke, revoked) = watch::channel(false);
        // What is remembered may come from an earlier plan.
        self.memory.fit(&plan);
        self.reversals.retain(|target| plan.members.iter().any(|member| member.target == *target));
        let written = plan.members.iter().map(|member| self.reversals.written(&member.target)).collect();
        let is_between = !mem::take(&mut self.pushed) && self.regular.is_some_and(|regular| due < regular);
        if !is_between {
            self.regular = None;
        }
        let not_before = self.not_before(&plan, due);
        self.reuse_reading = Reuse::default();
        let job = Job {
            key,
            kind: self.kind,
            uid: self.identity.uid.to_string(),
            generation: self.identity.generation,
            warnings: Arc::clone(&self.warnings),
            not_before,
            plan,
            memory: self.memory.clone(),
            is_between,
            workload: self.workload.clone(),
            ask_last_scaled: mem::take(&mut self.ask_last_scaled),
            written,
            revoked,
        };
        (job, revoke)
    }

    /// From when on a reading will do for a poll by `plan` that is due at `due`.
    pub(crate) fn not_before(&self, plan: &Plan, due: Time) -> Time {
        due.minus(self.reuse_reading.oldest(plan))
    }

    /// The retries that are due at `now`, by the decision of the last poll, and the way to revoke them.
    pub(crate) fn retry(&mut self, now: Time) -> Option<(Retry, watch::Sender<bool>)> {
        let members = self.pursuit.due_members(now);
        let until = self.due.filter(|_| !members.is_empty())?;
        let (outcome, poll) = self.pursuit.last()?;
        let (revoke, revoked) = watch::channel(false);
        let (uid, generation) = (outcome.uid.clone(), outcome.generation);
        let (poll, memory) = (poll.clone(), self.memory.clone());
        let warnings = Arc::clone(&outcome.warnings);
        Some((Retry { uid, generation, warnings, poll, memory, members, until, revoked }, revoke))
    }

    /// The poll that ran as `task`, where it was of this object.
    pub(crate) fn end_poll(&mut self, task: Id) -> Option<(&mut Self, Polling)> {
        let polling = self.polling.take_if(|polling| polling.task == task)?;
        Some((self, polling))
    }

    /// Takes over what a poll came to; `None` for one that broke off. Returns when the next is due.
    pub(crate) fn adopt(
        &mut self,
        polling: &Polling,
        mut finished: Option<&mut Finished>,
        now: Time,
    ) -> Time {
        let met_conflict = finished.as_deref().is_some_and(Finished::met_conflict);
        self.conflicts = if met_conflict { self.conflicts.saturating_add(1) } else { 0 };
        match finished.as_deref_mut() {
            Some(finished) if polling.outdated => self.learn_last_scale(finished.memory.last_scale),
            Some(finished) => {
                if let (Some(known), Some(brought)) =
                    (&self.memory.last_action, &mut finished.memory.last_action)
                {
                    brought.merge_readiness(known);
                }
                let memory = finished.memory.clone();
                if let Some(poll) = finished.poll() {
                    poll.memory.last_action.clone_from(&memory.last_action);
                }
                self.memory = memory;
            }
            None => {}
        }
        if let Some(finished) = finished.as_deref_mut() {
            self.note_reversals(finished, now);
        }
        // A poll that broke off may have scaled before.
        self.ask_last_scaled |= finished.as_ref().is_none_or(|finished| finished.ask_last_scaled);
        self.reuse_reading = match (polling.is_revoked(), met_conflict) {
            (true, _) => Reuse::AtFirst,
            (false, true) => Reuse::Again,
            (false, false) => Reuse::Nothing,
        };
        let Ok(plan) = &self.compiled else { return now };
        if self.reuse_reading != Reuse::Nothing {
            return cycle::look_again(plan, self.conflicts, now);
        }
        // One that came much earlier was not the first poll that was meant.
        let in_place_of = self.in_place_of.take();
        let in_place_of = in_place_of.filter(|instant| instant.since(now) <= plan.shortest_interval() / 4);
        let from = in_place_of.map_or(now, |instant| instant.max(now));
        let regular = self.regular.unwrap_or_else(|| cycle::next_poll(plan, from));
        let poll = finished.and_then(Finished::poll);
        let next =
            poll.map_or(regular, |poll| cycle::next_poll_after(plan, &poll.decision, from).min(regular));
        self.regular = Some(regular).filter(|regular| next < *regular);
        next
    }

    /// Takes over what a poll wrote and what it saw of what was written before.
    fn note_reversals(&mut self, finished: &mut Finished, now: Time) {
        let (changed, tried) = (mem::take(&mut finished.changed), finished.tried.clone());
        let Some(poll) = finished.poll() else { return };
        let target = |member: usize| &poll.plan.members[member].target;
        for Changed { member, replicas, manager } in changed {
            self.reversals.changed(target(member), replicas, manager, now);
        }
        let members = 0..poll.plan.members.len();
        poll.reversals =
            members.filter_map(|member| self.reversals.of(member, target(member), now)).collect();
        for decided in tried.iter().filter_map(|&member| poll.decided(member)) {
            if matches!(poll.members[decided.member].write, Some(Ok(()))) {
                self.reversals.scaled(&poll.plan.members[decided.member].target, decided.to);
            }
        }
    }
}
