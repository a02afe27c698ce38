//! What is due begins, or waits while a metric server that it asks has no room.

use super::*;
use crate::poll::traced_poll;

/// That an object is due.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) due: Time,
    /// Whether it has waited for room at a metric server.
    pub(super) has_waited: bool,
}

impl Runner {
    /// Looks at everything that is due.
    pub(super) fn start_due(&mut self) {
        let now = self.now();
        while let Some((due, key)) = self.schedule.pop_due(now) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            // Otherwise another time has overtaken this one.
            if entry.due == Some(due) {
                self.attend(key, Turn { due, has_waited: false }, now);
            } else if entry.pursuit.due() == Some(due) {
                self.retry(key, now);
            }
        }
        while let Some((due, key)) = self.pace.pop(now) {
            if self.entries.get(&key).is_some_and(|entry| entry.due == Some(due)) {
                self.attend(key, Turn { due, has_waited: true }, now);
            }
        }
    }

    /// Polls an object that is due, or reports why it is not polled.
    pub(super) fn attend(&mut self, key: ObjectKey, turn: Turn, now: Time) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.due = None;
        if entry.polling.is_some() {
            // When that poll ends, the object becomes due again.
            return;
        }
        if self.services.guard.time_left().is_none() {
            return self.due_at(key, now.plus(LEASE_PAUSE));
        }
        if self.left_to.contains_key(entry.kind.group) {
            return self.show_left(&key, now);
        }
        let plan = match &entry.compiled {
            Ok(plan) => Arc::clone(plan),
            Err(verdict) => {
                let verdict = verdict.clone();
                return self.report(&key, verdict, now);
            }
        };
        match self.ownership.conflict(&key, &plan) {
            None if plan.claimed().any(|member| self.busy.contains_key(&member.target.identity())) => {
                self.due_at(key, now.plus(BUSY_PAUSE));
            }
            None => self.start(key, plan, turn, now),
            Some(conflict) => {
                entry.stand_back();
                let conflict = Conflict { message: conflict, hpas: self.ownership.rival_hpas(&key) };
                self.report(&key, Verdict::Conflict(conflict), now);
                self.due_at(key.clone(), cycle::next_poll(&plan, now));
                self.withdraw_hpa(&key, plan);
            }
        }
    }

    /// Begins a poll, or has it wait while a server that it asks has no room.
    fn start(&mut self, key: ObjectKey, plan: Arc<Plan>, Turn { due, has_waited }: Turn, now: Time) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let not_before = entry.not_before(&plan, due);
        if !has_waited && !self.pace.admits((due, &key), &plan, not_before, now) {
            entry.due = Some(due);
            return;
        }
        self.pace.begins(&plan, not_before, now);
        self.services.metrics.late(entry.kind, &key, now.since(due));
        // The new decision stands in place of the last one.
        entry.pursuit.give_up();
        let (job, revoked) = entry.job(key.clone(), Arc::clone(&plan), due);
        let poll = traced_poll(self.services.clone(), job);
        self.spawn(&key, plan, revoked, poll);
        self.follow(&key);
    }
}
