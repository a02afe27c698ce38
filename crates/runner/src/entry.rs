//! One object as the loop knows it.

mod polls;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use engine::action::Awaited;
use engine::{Memory, Pause, Plan, Scale, Target, Time, Warning};
use resources::{Deletion, Kind, MEMORY_ANNOTATION, Outcome, Verdict};
use serde_json::Value;

pub(crate) use self::polls::Polling;
use crate::pursuit::Pursuit;
use crate::reporting::Reported;
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
    /// The regular instant in whose place its first poll is, where that is so.
    pub(crate) in_place_of: Option<Time>,
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
            in_place_of: None,
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
