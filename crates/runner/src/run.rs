//! The loop itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Plan, SourceCatalog, Time};
use resources::{Context, Kind, Outcome, Verdict};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use crate::clock::instant_in;
use crate::entry::{Entry, Identity, Polling, stored_memory};
use crate::ownership::Ownership;
use crate::poll::{self, Finished, Job};
use crate::schedule::{Schedule, first_poll, next_poll};
use crate::{Activity, Actuator, Board, Clock, Event, Guard, Journal, Metrics, ObjectKey, Sampler};

/// After someone else changed a target in between, the object is looked at again this soon.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long polls that still run may take to end when the loop ends.
const DRAIN: Duration = Duration::from_secs(5);

/// What polls use; cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Reads metrics.
    pub sampler: Arc<dyn Sampler>,
    /// Reads and moves targets.
    pub actuator: Arc<dyn Actuator>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Tells whether this replica may write.
    pub guard: Arc<dyn Guard>,
    /// Keeps the record.
    pub journal: Arc<dyn Journal>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Remembers the last scale operations.
    pub activity: Arc<Activity>,
    /// Shows the present state of every object.
    pub board: Arc<Board>,
}

/// The loop over all objects.
pub struct Runner {
    services: Services,
    catalog: Arc<dyn SourceCatalog>,
    allow_cross_namespace: bool,
    entries: HashMap<ObjectKey, Entry>,
    ownership: Ownership,
    schedule: Schedule,
    polls: JoinSet<Finished>,
    polling: HashMap<Id, ObjectKey>,
    synced: bool,
    leading: bool,
}

impl Runner {
    /// A loop without objects.
    pub fn new(services: Services, catalog: Arc<dyn SourceCatalog>, allow_cross_namespace: bool) -> Self {
        Self {
            services,
            catalog,
            allow_cross_namespace,
            entries: HashMap::new(),
            ownership: Ownership::default(),
            schedule: Schedule::default(),
            polls: JoinSet::new(),
            polling: HashMap::new(),
            synced: false,
            leading: false,
        }
    }

    /// Runs until all senders of `events` are gone, then lets running polls end.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        loop {
            let wait = self.schedule.next().map_or(Duration::from_secs(3600), |due| due.since(self.now()));
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.take(event),
                    None => break,
                },
                Some(finished) = self.polls.join_next_with_id() => self.finish(finished),
                () = tokio::time::sleep_until(instant_in(wait)) => self.start_due(),
            }
        }
        let drained = tokio::time::timeout(DRAIN, async { while self.polls.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(polls = self.polls.len(), "polls did not end in time and are given up");
        }
    }

    fn now(&self) -> Time {
        self.services.clock.now()
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Applied { key, kind, object } => self.apply(key, kind, &object),
            Event::Deleted(key) => self.delete(&key),
            Event::Hpa { hpa, target } => {
                let concerned = self.ownership.hpa(hpa, target);
                self.wake(concerned);
            }
            Event::Synced => {
                self.synced = true;
                self.begin();
            }
            Event::Leading(leading) => self.lead(leading),
        }
    }

    fn apply(&mut self, key: ObjectKey, kind: &'static Kind, object: &Value) {
        let identity = Identity::of(object);
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.identity == identity {
                // Its status moved. While leading, what this replica remembers counts.
                if !self.leading {
                    entry.store(object);
                }
                return;
            }
            if entry.identity.uid != identity.uid {
                self.delete(&key);
            }
        }
        let context =
            Context { catalog: &*self.catalog, allow_cross_namespace: self.allow_cross_namespace };
        let compiled = kind.compile(object, &context).map(Arc::new);
        let concerned = match &compiled {
            Ok(plan) => self.ownership.claim(&key, &identity.created, plan),
            Err(_) => self.ownership.withdraw(&key),
        };
        match self.entries.get_mut(&key) {
            Some(entry) => {
                entry.revoke();
                if let Ok(plan) = &compiled {
                    entry.memory.fit(plan);
                }
                (entry.identity, entry.compiled, entry.told) = (identity, compiled, None);
            }
            None => {
                let stored = stored_memory(object);
                let memory = stored.clone().restored(self.now());
                let entry = Entry {
                    kind,
                    identity,
                    compiled,
                    memory,
                    stored,
                    due: None,
                    polling: None,
                    reuse_reading: true,
                    takeover: true,
                    told: None,
                };
                self.entries.insert(key.clone(), entry);
                self.services.metrics.objects(kind.kind, 1);
            }
        }
        self.wake(concerned);
        self.wake([key]);
    }

    fn delete(&mut self, key: &ObjectKey) {
        let concerned = self.ownership.withdraw(key);
        if let Some(entry) = self.entries.remove(key) {
            entry.revoke();
            self.services.metrics.objects(entry.kind.kind, -1);
            self.services.activity.forget(key);
            self.services.board.forget(key);
            tracing::info!(object = %key, "object is gone, its target stays as it is");
        }
        self.wake(concerned);
    }

    fn lead(&mut self, leading: bool) {
        self.leading = leading;
        self.schedule.clear();
        let now = self.now();
        for entry in self.entries.values_mut() {
            entry.due = None;
            entry.revoke();
            entry.told = None;
            if leading {
                entry.memory = entry.stored.clone().restored(now);
                (entry.takeover, entry.reuse_reading) = (true, true);
            } else {
                entry.stored = entry.memory.clone();
            }
        }
        self.begin();
    }

    /// Spreads the first poll of every object, once all are known and this replica leads.
    fn begin(&mut self) {
        let keys: Vec<ObjectKey> = self.entries.keys().cloned().collect();
        self.wake(keys);
    }

    /// Makes objects due soon.
    fn wake(&mut self, keys: impl IntoIterator<Item = ObjectKey>) {
        if !self.synced || !self.leading {
            return;
        }
        let now = self.now();
        let waiting = self.entries.len();
        for key in keys {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let interval = entry.compiled.as_ref().map_or(Duration::from_secs(1), |plan| plan.interval);
            let crowd = if entry.takeover { waiting } else { 1 };
            let due = first_poll(&key, interval, crowd, now);
            entry.due = Some(due);
            self.schedule.push(due, key);
        }
    }

    fn start_due(&mut self) {
        let now = self.now();
        while let Some((due, key)) = self.schedule.pop_due(now) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if entry.due != Some(due) || entry.polling.is_some() {
                continue;
            }
            entry.due = None;
            let plan = match &entry.compiled {
                Ok(plan) => Arc::clone(plan),
                Err(problems) => {
                    let verdict = Verdict::Invalid(problems.clone());
                    let outcome = Outcome { generation: entry.identity.generation, at: now, verdict };
                    poll::record(&self.services, &key, outcome, &mut entry.told);
                    continue;
                }
            };
            if let Some(conflict) = self.ownership.conflict(&key, &plan) {
                let verdict = Verdict::Conflict(conflict);
                let outcome = Outcome { generation: entry.identity.generation, at: now, verdict };
                poll::record(&self.services, &key, outcome, &mut entry.told);
                let again = next_poll(&plan, now);
                entry.due = Some(again);
                self.schedule.push(again, key);
                continue;
            }
            self.services.metrics.late(now.since(due));
            self.start(key, plan, due);
        }
    }

    fn start(&mut self, key: ObjectKey, plan: Arc<Plan>, due: Time) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let revoked = Arc::new(AtomicBool::new(false));
        let job = Job {
            key: key.clone(),
            generation: entry.identity.generation,
            not_before: if entry.reuse_reading { due.minus(plan.interval) } else { due },
            plan,
            memory: entry.memory.clone(),
            takeover: entry.takeover,
            revoked: Arc::clone(&revoked),
            told: entry.told.take(),
        };
        (entry.takeover, entry.reuse_reading) = (false, false);
        let task = self.polls.spawn(poll::poll(self.services.clone(), job)).id();
        entry.polling = Some(Polling { task, revoked });
        self.polling.insert(task, key);
    }

    fn finish(&mut self, finished: Result<(Id, Finished), JoinError>) {
        let (task, finished) = match finished {
            Ok((task, finished)) => (task, Some(finished)),
            Err(error) => {
                tracing::error!(%error, "a poll broke off; its object is polled again");
                (error.id(), None)
            }
        };
        let Some(key) = self.polling.remove(&task) else { return };
        let now = self.now();
        // The object may be gone, or gone and made anew: then the poll was of another one.
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(polling) = entry.polling.take_if(|polling| polling.task == task) else { return };
        let revoked = polling.revoked.load(Ordering::Acquire);
        let look_again = finished.as_ref().is_some_and(|finished| finished.look_again);
        if let Some(finished) = finished {
            entry.memory = finished.memory;
            if !revoked {
                entry.told = finished.told;
            }
        }
        if let Ok(plan) = &entry.compiled {
            entry.memory.fit(plan);
        }
        if !self.leading {
            entry.stored = entry.memory.clone();
            return;
        }
        let due = match &entry.compiled {
            Ok(plan) if !revoked && !look_again => next_poll(plan, now),
            Ok(plan) => now.plus(LOOK_AGAIN).min(next_poll(plan, now)),
            Err(_) => now,
        };
        entry.reuse_reading = revoked || look_again;
        entry.due = Some(due);
        self.schedule.push(due, key);
    }
}

#[cfg(test)]
mod tests;
