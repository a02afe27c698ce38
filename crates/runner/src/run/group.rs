//! What the loop does for a group between two polls: it has failed writes tried again, and follows the
//! members of the last action until they are ready.

use super::*;
use crate::await_ready::{Following, follow};
use crate::retry::traced_retry;

impl Runner {
    /// Reports what a poll came to, and plans what its decision still asks for.
    pub(super) fn came_to(&mut self, key: &ObjectKey, outcome: Outcome, tried: &[usize], round: Round) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key) else { return };
        let is_group = outcome.poll().is_some_and(|poll| poll.plan.group.is_some());
        let outcome = match round {
            Round::First => reporting::record(&self.services, key, outcome, &mut entry.reported),
            Round::Again { news: true } => {
                reporting::again(&self.services, key, outcome, &mut entry.reported, tried)
            }
            Round::Again { news: false } => Arc::new(outcome),
        };
        if !is_group {
            return;
        }
        match round {
            Round::First => entry.pursuit.begin(outcome, now),
            Round::Again { .. } => entry.pursuit.go_on(outcome, now),
        }
        self.plan_retries(key);
    }

    /// Makes the next retry of an object due, where one is wanted before the next poll.
    fn plan_retries(&mut self, key: &ObjectKey) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(due) = entry.pursuit.plan(now, entry.due) {
            self.schedule.push(due, key.clone());
        }
    }

    /// Tries failed writes again that are due, by the decision that stands.
    pub(super) fn retry(&mut self, key: ObjectKey, now: Time) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.polling.is_some() {
            // When that ends, what is still wanted is planned again.
            return;
        }
        if self.services.guard.time_left().is_none() {
            return entry.pursuit.give_up();
        }
        if let Some((retry, revoked)) = entry.retry(now) {
            let plan = Arc::clone(&retry.poll.plan);
            let retry = traced_retry(self.services.clone(), key.clone(), retry);
            self.spawn(&key, plan, revoked, retry);
        }
    }

    /// Waits for the members of the last action that are not ready, where nothing does so already.
    pub(super) fn follow(&mut self, key: &ObjectKey) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key).filter(|_| self.leading) else { return };
        let Some((at, members)) = entry.awaited(now).filter(|(_, members)| !members.is_empty()) else {
            entry.pursuit.following = None;
            return;
        };
        let is_the_same = |following: &Following| {
            following.at == at && following.members == members && !following.task.is_finished()
        };
        if entry.pursuit.following.as_ref().is_some_and(is_the_same) {
            return;
        }
        let task = follow(self.services.clone(), key.clone(), at, members.clone());
        let task = self.follows.spawn(task);
        entry.pursuit.following = Some(Following { task, at, members });
    }

    /// Takes over that members became ready; when they were the last, that is reported.
    pub(super) fn followed(&mut self, followed: Result<Followed, JoinError>) {
        // One that was ended has been replaced, or its group is of no concern any more.
        let Ok(Followed { key, at, ready }) = followed else { return };
        if ready.is_empty() {
            return;
        }
        let now = self.now();
        let Some(entry) = self.entries.get_mut(&key).filter(|_| self.leading) else { return };
        let after = entry.became_ready(at, &ready);
        let outcome = entry.restated(&ready, now);
        if let Some(after) = after {
            self.services.metrics.group_ready(key.kind, after);
            // A quotient has the digits that people wrote; as_secs_f64 adds the noise of binary fractions.
            let seconds = after.as_millis() as f64 / 1000.0;
            tracing::info!(object = %key, seconds, "group is ready");
        }
        if let Some(outcome) = outcome {
            let outcome = if after.is_some() && self.services.guard.time_left().is_some() {
                reporting::again(&self.services, &key, outcome, &mut entry.reported, &[])
            } else {
                Arc::new(outcome)
            };
            entry.pursuit.restate(outcome);
        }
        self.follow(&key);
    }
}
