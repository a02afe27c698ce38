//! One object as the loop knows it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use engine::action::Awaited;
use engine::{Memory, Pause, Plan, Scale, Target, Time, Warning, cycle};
use resources::{Deletion, Kind, MEMORY_ANNOTATION, Outcome, Verdict};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::Id;

use crate::ObjectKey;
use crate::poll::{Changed, Finished, Job};
use crate::pursuit::Pursuit;
use crate::reporting::Reported;
use crate::retry::Retry;
use crate::reuse::Reuse;
use crate::reversal::Reversals;
use crate::workload::WorkloadCheck;

/// One object: its plan, its memory and when it is due.
pub(crate) struct Entry {
    pub(crate) kind: &'static Kind,
    pub(crate) identity: Identity,
    /// The plan, or why there is none.
    pub(crate) compiled: Planned,
    /// What the plan's object may have and hardly means.
    pub(crate) warnings: Arc<[Warning]>,
    /// The object itself, where it refers to others or defaults may change.
    pub(crate) object: Option<Arc<Value>>,
    /// What it needs of its workload, where it needs anything.
    pub(crate) workload: Option<Arc<WorkloadCheck>>,
    /// While this replica leads, what it remembers; else what the object's status does, for a takeover.
    memory: Memory,
    pub(crate) due: Option<Time>,
    /// When the interval of its plan has passed, where polls in between are due sooner.
    regular: Option<Time>,
    /// Whether a source has reported since its last poll, so that the interval does not count.
    pub(crate) pushed: bool,
    /// The poll that runs, if one does.
    pub(crate) polling: Option<Polling>,
    /// Whether a reading from before `due` will do: at the first poll, and when looking again.
    reuse_reading: Reuse,
    /// Whether the target may have been scaled without the memory knowing: by another replica,
    /// for another object or by a write whose answer was lost.
    ask_last_scaled: bool,
    /// Polls in a row that met a change by someone else.
    conflicts: u32,
    /// Replicas that were written, and who set them back.
    reversals: Reversals,
    /// Whether what it keeps was changed while its poll ran, so that it is due when that ends.
    pub(crate) woken: bool,
    /// What was last said of the object.
    pub(crate) reported: Reported,
    /// What the last decision still asks for, where the object is a group.
    pub(crate) pursuit: Pursuit,
}

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

/// What distinguishes one object, and one state of what users wrote in it, from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: Arc<str>,
    pub(crate) created: Arc<str>,
    pub(crate) generation: i64,
    /// Of spec and annotations: annotations change without a new generation.
    written: u64,
}

impl Identity {
    /// Of an object of `kind`.
    pub(crate) fn of(kind: &Kind, object: &Value) -> Self {
        let text = |pointer: &str| {
            Arc::<str>::from(object.pointer(pointer).and_then(Value::as_str).unwrap_or_default())
        };
        let mut hasher = DefaultHasher::new();
        object.pointer("/spec").unwrap_or(&Value::Null).to_string().hash(&mut hasher);
        let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
        // The operator writes that one itself.
        for (key, value) in annotations.into_iter().flatten().filter(|(key, _)| *key != MEMORY_ANNOTATION) {
            (key, value.to_string()).hash(&mut hasher);
        }
        if kind.needs.hpa.is_some() {
            // An HPA has the labels of its object.
            object.pointer("/metadata/labels").unwrap_or(&Value::Null).to_string().hash(&mut hasher);
        }
        Self {
            uid: text("/metadata/uid"),
            created: text("/metadata/creationTimestamp"),
            generation: object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default(),
            written: hasher.finish(),
        }
    }
}

impl Entry {
    /// An object that was not known before, with the memory that its status holds.
    pub(crate) fn new(
        kind: &'static Kind,
        identity: Identity,
        compiled: Result<Compiled, Verdict>,
        memory: Memory,
        now: Time,
    ) -> Self {
        let (compiled, warnings) = parted(compiled);
        Self {
            kind,
            identity,
            compiled,
            warnings,
            object: None,
            workload: None,
            memory: memory.restored(now),
            due: None,
            regular: None,
            pushed: false,
            polling: None,
            reuse_reading: Reuse::AtFirst,
            ask_last_scaled: true,
            conflicts: 0,
            reversals: Reversals::default(),
            woken: false,
            reported: Reported::default(),
            pursuit: Pursuit::default(),
        }
    }

    /// What users wrote in the object changed, or in one that it refers to.
    pub(crate) fn change(
        &mut self,
        identity: Identity,
        compiled: Result<Compiled, Verdict>,
        object: Option<Arc<Value>>,
    ) {
        self.revoke();
        (self.identity, self.object) = (identity, object);
        (self.compiled, self.warnings) = parted(compiled);
        // It may have other targets now.
        (self.ask_last_scaled, self.regular) = (true, None);
        self.reported.forget();
    }

    /// Notes what the object's status remembers; the last scale that is known never moves back.
    pub(crate) fn remember(&mut self, stored: Memory) {
        let last_scale = self.memory.last_scale;
        self.memory = stored;
        self.learn_last_scale(last_scale);
    }

    /// This replica begins or ceases to lead.
    pub(crate) fn lead(&mut self, leading: bool, now: Time) {
        (self.due, self.regular) = (None, None);
        self.reported.forget();
        self.revoke();
        self.pursuit = Pursuit::default();
        if let Some(polling) = &mut self.polling {
            polling.outdated = true;
        }
        if let Some(workload) = &self.workload {
            workload.forget();
        }
        if leading {
            self.memory = mem::take(&mut self.memory).restored(now);
            (self.reuse_reading, self.ask_last_scaled) = (Reuse::AtFirst, true);
        }
    }

    /// Ends the right of a running poll to write and to report, and that of the last decision.
    pub(crate) fn revoke(&mut self) {
        self.pursuit.forget_decision();
        if let Some(polling) = &self.polling {
            polling.revoked.send_replace(true);
        }
    }

    /// What is to be said of it when it is deleted.
    pub(crate) fn deletion(&self) -> Deletion {
        let is_asked = |plan: &Arc<Plan>| !matches!(plan.brakes.pause, Pause::Everything | Pause::At(_));
        Deletion { was_polled: self.compiled.as_ref().is_ok_and(is_asked) }
    }

    /// Something else owns the target, and may scale it meanwhile.
    pub(crate) fn stand_back(&mut self) {
        self.revoke();
        self.ask_last_scaled = true;
    }

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

    /// What it remembers.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What it keeps beside its targets has changed: a reading of the last interval will do to look at it again.
    /// Returns whether it can be looked at now.
    pub(crate) fn wake_for_kept(&mut self) -> bool {
        if self.reuse_reading == Reuse::Nothing {
            self.reuse_reading = Reuse::Again;
        }
        self.woken = self.polling.is_some();
        !self.woken
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

    /// The members of the last action that are not ready yet, with its time.
    pub(crate) fn awaited(&self, now: Time) -> Option<(Time, Vec<Awaited>)> {
        let (Some(action), Ok(plan)) = (&self.memory.last_action, &self.compiled) else { return None };
        let mut awaited = action.awaited(plan, now);
        if let Some((_, poll)) = self.pursuit.last() {
            let never_reports = |target: &Target| {
                let member = poll.plan.members.iter().position(|member| member.target == *target);
                member.is_some_and(|member| {
                    poll.members[member].seen.as_ref().is_ok_and(|seen| seen.ready.is_none())
                })
            };
            awaited.retain(|member| !never_reports(&member.target));
        }
        Some((action.at, awaited))
    }

    /// When the last action was decided and how long its writes took, where all are done.
    pub(crate) fn written_after(&self) -> Option<(Time, Duration)> {
        let action = self.memory.last_action.as_ref()?;
        Some((action.at, action.written_after()?))
    }

    /// Notes that members of the action of `at` became ready. Returns how long all of them took, where
    /// these were the last.
    pub(crate) fn became_ready(&mut self, at: Time, ready: &[(String, Time, Scale)]) -> Option<Duration> {
        let action = self.memory.last_action.as_mut().filter(|action| action.at == at)?;
        for (name, at, _) in ready {
            action.became_ready(name, *at);
        }
        action.ready_after().filter(|_| !ready.is_empty())
    }

    /// What was last reported, with what is known since; `None` where nothing is reported of the last decision.
    pub(crate) fn restated(&self, ready: &[(String, Time, Scale)], at: Time) -> Option<Outcome> {
        let (outcome, poll) = self.pursuit.last()?;
        let mut poll = poll.clone();
        poll.memory = self.memory.clone();
        for (name, _, scale) in ready {
            let place = poll.plan.members.iter().position(|member| member.role.name == *name);
            if let Some(place) = place {
                poll.members[place].seen = Ok(*scale);
            }
        }
        let (uid, generation) = (outcome.uid.clone(), outcome.generation);
        let (verdict, warnings) = (Verdict::Polled(Box::new(poll)), Arc::clone(&outcome.warnings));
        Some(Outcome { uid, generation, at, verdict, warnings })
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
        let regular = self.regular.unwrap_or_else(|| cycle::next_poll(plan, now));
        let poll = finished.and_then(Finished::poll);
        let next =
            poll.map_or(regular, |poll| cycle::next_poll_after(plan, &poll.decision, now).min(regular));
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

    fn learn_last_scale(&mut self, at: Option<Time>) {
        self.memory.last_scale = self.memory.last_scale.max(at);
    }
}

/// What an object was compiled into.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) plan: Arc<Plan>,
    pub(crate) warnings: Arc<[Warning]>,
}

impl From<resources::Compiled> for Compiled {
    fn from(mut compiled: resources::Compiled) -> Self {
        // It is kept for as long as the object is as it is.
        compiled.plan.members.shrink_to_fit();
        compiled.plan.metrics.shrink_to_fit();
        Self { plan: Arc::new(compiled.plan), warnings: compiled.warnings.into() }
    }
}

/// A plan, or why there is none.
type Planned = Result<Arc<Plan>, Verdict>;

fn parted(compiled: Result<Compiled, Verdict>) -> (Planned, Arc<[Warning]>) {
    match compiled {
        Ok(Compiled { plan, warnings }) => (Ok(plan), warnings),
        Err(verdict) => (Err(verdict), Arc::default()),
    }
}
