//! The loop itself.

mod compile;
mod due;
mod group;
mod hpa;
mod left;
mod push;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use engine::{Plan, PolicyTable, SourceCatalog, Target, TargetId, Time, cycle};
use resources::{Conflict, Outcome, Verdict};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use crate::await_ready::Followed;
use crate::clock::instant_in;
use crate::entry::{Compiled, Entry, Identity, Polling};
use crate::ownership::Ownership;
use crate::pace::Pace;
use crate::poll::{Finished, Round};
use crate::references::References;
use crate::reporting;
use crate::schedule::{FirstPoll, Schedule, first_polls};
use crate::standing::Standing;
use crate::{Event, ObjectKey, Owners, ScaleOperation, Services, SharedDefaults};

/// While the right to write is missing and the loop has not heard that it is lost, it is asked for
/// again this soon.
const LEASE_PAUSE: Duration = Duration::from_millis(500);
/// While a target is still written for another object, which has lost it, its new owner waits so long.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// How long polls that still run may take to end when the loop ends.
const DRAIN: Duration = Duration::from_secs(5);

/// By what objects are compiled.
pub struct Terms {
    /// Checks the settings of metric sources and prepares their queries.
    pub catalog: Arc<dyn SourceCatalog>,
    /// The policies that manifests can name.
    pub policies: PolicyTable,
    /// Whether a namespaced object may act in another namespace.
    pub allow_cross_namespace: bool,
    /// The operator's own namespace: what cluster-scoped supporting objects name stands there.
    pub own_namespace: String,
    /// Defaults and ceilings for all objects, which are kept then: [`Event::Defaults`] has every one compiled again.
    pub defaults: Option<Arc<SharedDefaults>>,
    /// Where to note who wants to scale what.
    pub owners: Arc<Owners>,
}

/// The loop over all objects.
pub struct Runner {
    services: Services,
    terms: Terms,
    /// Boxed, as a table has room for twice as many as there are.
    entries: HashMap<ObjectKey, Box<Entry>>,
    ownership: Ownership,
    references: References,
    schedule: Schedule,
    pace: Pace,
    /// Who acts on objects of an API group in our place.
    left_to: HashMap<&'static str, String>,
    polls: JoinSet<Finished>,
    polling: HashMap<Id, (ObjectKey, Arc<Plan>)>,
    /// What the running polls may write.
    busy: HashMap<TargetId, usize>,
    follows: JoinSet<Followed>,
    synced: bool,
    leading: bool,
}

impl Runner {
    /// A loop without objects.
    pub fn new(services: Services, terms: Terms) -> Self {
        services.answers.count_pods_by(Arc::clone(&services.actuator));
        Self {
            services,
            terms,
            entries: HashMap::new(),
            ownership: Ownership::default(),
            references: References::default(),
            schedule: Schedule::default(),
            pace: Pace::default(),
            left_to: HashMap::new(),
            polls: JoinSet::new(),
            polling: HashMap::new(),
            busy: HashMap::new(),
            follows: JoinSet::new(),
            synced: false,
            leading: false,
        }
    }

    /// Runs until all senders of `events` are gone, then lets running polls end.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        let answers = Arc::clone(&self.services.answers);
        loop {
            let now = self.now();
            let due = [self.schedule.next(), self.pace.next(), self.services.outages.report(now)];
            let due = due.into_iter().flatten().min();
            let wait = due.map_or(Duration::from_secs(3600), |due| due.since(now));
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.take(event),
                    None => break,
                },
                Some(finished) = self.polls.join_next_with_id() => self.finish(finished),
                Some(followed) = self.follows.join_next() => self.followed(followed),
                asked = answers.asked() => asked.into_iter().for_each(|key| self.hasten(key)),
                () = tokio::time::sleep_until(instant_in(wait)) => self.start_due(),
            }
        }
        if tokio::time::timeout(DRAIN, self.drain()).await.is_err() {
            tracing::warn!(polls = self.polls.len(), "polls did not finish in time and are abandoned");
        }
        self.services.outages.end(self.now());
    }

    async fn drain(&mut self) {
        while let Some(finished) = self.polls.join_next_with_id().await {
            self.finish(finished);
        }
    }

    fn now(&self) -> Time {
        self.services.clock.now()
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Applied { key, kind, object } => self.apply(key, kind, &object),
            Event::Deleted(key) => self.delete(&key),
            Event::Hpa { hpa, target, controller } => self.hpa(hpa, target, controller),
            Event::Defaults => self.compile_all(),
            Event::Supporting { reference, object } => self.support(reference, object),
            Event::LeftTo { group, who } => self.leave_to(group, who),
            Event::Synced => {
                self.synced = true;
                self.begin();
            }
            Event::Pushed(key) => self.pushed(key),
            Event::Leading(leading) => self.lead(leading),
        }
    }

    fn lead(&mut self, leading: bool) {
        self.leading = leading;
        self.schedule.clear();
        self.pace.clear();
        let now = self.now();
        for (key, entry) in &mut self.entries {
            // Whoever leads counts.
            self.services.metrics.stands(key.kind, &mut entry.reported.standing, Standing::default());
            entry.lead(leading, now);
            entry.reported.cause = None;
        }
        self.services.outages.lead(leading, now);
        self.services.board.lead(leading);
        self.services.answers.lead(leading);
        for (key, entry) in &self.entries {
            self.expect(key, entry);
        }
        self.services.metrics.tells_registered(leading);
        if let Some(episodes) = &self.services.episodes {
            episodes.forget_all();
        }
        self.services.forecasts.forget_all();
        if !leading {
            self.listen_to_nothing();
        }
        self.begin();
    }

    /// Spreads the first poll of every object, once all are known and this replica leads.
    fn begin(&mut self) {
        if self.synced && self.leading {
            self.restore_activity();
        }
        let keys = self.entries.keys().cloned().collect();
        self.wake(keys);
    }

    /// Shows what earlier leaders have scaled, as the objects remember it.
    fn restore_activity(&self) {
        let planned = || {
            let entries = self.entries.iter();
            entries.filter_map(|(key, entry)| Some((key, entry, entry.compiled.as_ref().ok()?)))
        };
        let past = planned().flat_map(|(key, entry, plan)| {
            ScaleOperation::remembered(key, &entry.identity.uid, plan, entry.memory())
        });
        // Of who was scaled more often than is kept, the earlier operations are not known.
        let cut = planned().flat_map(|(_, entry, _)| entry.memory().scales.iter());
        let cut = cut.filter(|(_, past)| past.is_cut()).filter_map(|(_, past)| past.iter().next());
        let complete_since = cut.map(|first| first.at).max();
        self.services.activity.restore(past.collect(), complete_since);
    }

    /// Looks again at objects whose right to a target may have changed. Whoever lost it stops
    /// at once, not only at its next poll.
    fn reconsider(&mut self, keys: Vec<ObjectKey>) {
        for key in &keys {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            if let Ok(plan) = &entry.compiled
                && self.ownership.conflict(key, plan).is_some()
            {
                entry.stand_back();
            }
        }
        self.wake(keys);
    }

    /// Makes objects due soon, so that together they press nobody.
    fn wake(&mut self, keys: Vec<ObjectKey>) {
        if !self.synced || !self.leading {
            return;
        }
        for key in &keys {
            self.listen(key);
        }
        let plan = |key: &ObjectKey| self.entries.get(key)?.compiled.as_deref().ok();
        let plans: Vec<Option<&Plan>> = keys.iter().map(plan).collect();
        let first = first_polls(&plans, self.now());
        for (key, FirstPoll { due, in_place_of }) in keys.into_iter().zip(first) {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.in_place_of = in_place_of;
            }
            self.due_at(key, due);
        }
    }

    /// Reports why an object is not polled.
    fn report(&mut self, key: &ObjectKey, verdict: Verdict, at: Time) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.pursuit.forget_decision();
        let (uid, generation) = (entry.identity.uid.to_string(), entry.identity.generation);
        let warnings = Arc::clone(&entry.warnings);
        let outcome = Outcome { uid, generation, at, verdict, warnings };
        reporting::record(&self.services, key, outcome, &mut entry.reported);
    }

    /// Makes an object due at `due`, whenever it was before.
    fn due_at(&mut self, key: ObjectKey, due: Time) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.due = Some(due);
        self.schedule.push(due, key);
    }

    /// Runs a poll, or what else writes by `plan`; an object never has two.
    fn spawn(
        &mut self,
        key: &ObjectKey,
        plan: Arc<Plan>,
        revoked: watch::Sender<bool>,
        poll: impl Future<Output = Finished> + Send + 'static,
    ) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let task = self.polls.spawn(poll).id();
        entry.polling = Some(Polling { task, revoked, outdated: false });
        for member in plan.claimed() {
            *self.busy.entry(member.target.identity()).or_default() += 1;
        }
        self.polling.insert(task, (key.clone(), plan));
    }

    /// Forgets a task that has ended; returns whose it was.
    fn ended(&mut self, task: Id) -> Option<ObjectKey> {
        let (key, plan) = self.polling.remove(&task)?;
        for member in plan.claimed() {
            let target = member.target.identity();
            if let Some(count) = self.busy.get_mut(&target) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(&target);
                }
            }
        }
        Some(key)
    }

    fn finish(&mut self, finished: Result<(Id, Finished), JoinError>) {
        let task = finished.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(key) = self.ended(task) else { return };
        let broke_off = |error: &JoinError| tracing::error!(object = %key, %error, "poll panicked, retrying");
        let mut finished = finished.map(|(_, finished)| finished).inspect_err(broke_off).ok();
        let now = self.now();
        let may_report = self.services.guard.time_left().is_some();
        let entry = self.entries.get_mut(&key);
        let Some((entry, polling)) = entry.and_then(|entry| entry.end_poll(task)) else {
            // The object is gone, or gone and recreated: the poll was of another one.
            if let Some(Finished { outcome: Some(outcome), tried, .. }) = finished {
                reporting::mention(&self.services, &key, &outcome, &tried);
            }
            return;
        };
        let (kind, written) = (entry.kind, entry.written_after());
        let next = entry.adopt(&polling, finished.as_mut(), now);
        let woken = std::mem::take(&mut entry.woken);
        if let Some((_, after)) = entry.written_after().filter(|after| written != Some(*after)) {
            self.services.metrics.group_written(key.kind, after);
        }
        let round = finished.as_ref().map_or(Round::First, |finished| finished.round);
        if let Some(Finished { violations, .. }) = &finished {
            reporting::violated(&key, &mut entry.reported, violations);
        }
        // Where something woke the object meanwhile, it is due already.
        if self.leading && entry.due.is_none() {
            // A retry is no poll, and may have held one up.
            self.due_at(key.clone(), if round == Round::First && !woken { next } else { now });
        }
        if let Some(Finished { outcome: Some(outcome), tried, latencies, .. }) = finished {
            if may_report && !polling.is_revoked() {
                self.services.metrics.took(kind, &key, latencies);
                self.came_to(&key, outcome, &tried, round);
            } else {
                reporting::mention(&self.services, &key, &outcome, &tried);
            }
        }
        self.follow(&key);
    }
}

#[cfg(test)]
mod tests;
