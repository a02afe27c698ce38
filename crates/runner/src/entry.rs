//! One object as the loop knows it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use engine::{Memory, Plan, Problem, Time};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::Id;

use crate::ObjectKey;
use crate::poll::{Finished, Job};
use crate::schedule::next_poll;
use crate::telling::Told;

/// After someone else changed a target in between, the object is looked at again this soon;
/// twice as late each time in a row, so that a lasting quarrel does not press the API server.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// One object: its plan, its memory and when it is due.
pub(crate) struct Entry {
    pub(crate) identity: Identity,
    pub(crate) compiled: Result<Arc<Plan>, Vec<Problem>>,
    /// While this replica leads, what it remembers; else what the object's status does, for a takeover.
    memory: Memory,
    pub(crate) due: Option<Time>,
    /// The poll that runs, if one does.
    pub(crate) polling: Option<Polling>,
    /// Whether a reading from before `due` will do: at the first poll, and when looking again.
    reuse_reading: bool,
    /// Whether the target may have been scaled without the memory knowing: by another replica,
    /// for another object or by a write whose answer was lost.
    ask_last_scaled: bool,
    /// Polls in a row that met a change by someone else.
    conflicts: u32,
    /// What was last said of the object.
    pub(crate) told: Told,
}

/// A poll that runs.
pub(crate) struct Polling {
    pub(crate) task: Id,
    /// Setting it ends the poll's right to write and to tell.
    pub(crate) revoked: watch::Sender<bool>,
    /// Whether leadership changed since it began: others may know more than it does.
    pub(crate) outdated: bool,
}

impl Polling {
    pub(crate) fn is_revoked(&self) -> bool {
        *self.revoked.borrow()
    }
}

/// What tells one object, and one state of what users wrote in it, from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: String,
    pub(crate) created: String,
    pub(crate) generation: i64,
    /// Of spec and annotations: annotations change without a new generation.
    written: u64,
}

impl Identity {
    pub(crate) fn of(object: &Value) -> Self {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut hasher = DefaultHasher::new();
        for pointer in ["/spec", "/metadata/annotations"] {
            object.pointer(pointer).unwrap_or(&Value::Null).to_string().hash(&mut hasher);
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
        identity: Identity,
        compiled: Result<Arc<Plan>, Vec<Problem>>,
        object: &Value,
        now: Time,
    ) -> Self {
        Self {
            identity,
            compiled,
            memory: stored_memory(object).restored(now),
            due: None,
            polling: None,
            reuse_reading: true,
            ask_last_scaled: true,
            conflicts: 0,
            told: Told::default(),
        }
    }

    /// What users wrote in the object changed.
    pub(crate) fn change(&mut self, identity: Identity, compiled: Result<Arc<Plan>, Vec<Problem>>) {
        self.revoke();
        (self.identity, self.compiled) = (identity, compiled);
        // It may have other targets now.
        self.ask_last_scaled = true;
        self.told.forget();
    }

    /// Notes what the object's status remembers; the last scale that is known never moves back.
    pub(crate) fn remember(&mut self, object: &Value) {
        let last_scale = self.memory.last_scale;
        self.memory = stored_memory(object);
        self.learn_last_scale(last_scale);
    }

    /// This replica begins or ceases to lead.
    pub(crate) fn lead(&mut self, leading: bool, now: Time) {
        self.due = None;
        self.told.forget();
        self.revoke();
        if let Some(polling) = &mut self.polling {
            polling.outdated = true;
        }
        if leading {
            self.memory = mem::take(&mut self.memory).restored(now);
            (self.reuse_reading, self.ask_last_scaled) = (true, true);
        }
    }

    /// Ends the right of a running poll to write and to tell.
    pub(crate) fn revoke(&self) {
        if let Some(polling) = &self.polling {
            polling.revoked.send_replace(true);
        }
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
        let oldest = if mem::take(&mut self.reuse_reading) { plan.interval } else { Duration::ZERO };
        let job = Job {
            key,
            generation: self.identity.generation,
            not_before: due.minus(oldest),
            plan,
            memory: self.memory.clone(),
            ask_last_scaled: mem::take(&mut self.ask_last_scaled),
            revoked,
        };
        (job, revoke)
    }

    /// The poll that ran as `task`, where it was of this object.
    pub(crate) fn end_poll(&mut self, task: Id) -> Option<(&mut Self, Polling)> {
        let polling = self.polling.take_if(|polling| polling.task == task)?;
        Some((self, polling))
    }

    /// Takes over what a poll came to; `None` for one that broke off. Returns when the next is due.
    pub(crate) fn adopt(&mut self, polling: &Polling, finished: Option<&Finished>, now: Time) -> Time {
        let met_conflict = finished.is_some_and(Finished::met_conflict);
        self.conflicts = if met_conflict { self.conflicts.saturating_add(1) } else { 0 };
        match finished {
            Some(finished) if polling.outdated => self.learn_last_scale(finished.memory.last_scale),
            Some(finished) => self.memory = finished.memory.clone(),
            None => {}
        }
        // A poll that broke off may have scaled before.
        self.ask_last_scaled |= finished.is_none_or(|finished| finished.ask_last_scaled);
        self.reuse_reading = polling.is_revoked() || met_conflict;
        let Ok(plan) = &self.compiled else { return now };
        let regular = next_poll(plan, now);
        if self.reuse_reading { regular.min(now.plus(self.pause())) } else { regular }
    }

    fn pause(&self) -> Duration {
        LOOK_AGAIN.saturating_mul(2_u32.saturating_pow(self.conflicts.saturating_sub(1)))
    }

    fn learn_last_scale(&mut self, at: Option<Time>) {
        self.memory.last_scale = self.memory.last_scale.max(at);
    }
}

/// The memory that an object's status holds; empty where it holds none that can be read.
fn stored_memory(object: &Value) -> Memory {
    object.pointer("/status/memory").and_then(|memory| Memory::deserialize(memory).ok()).unwrap_or_default()
}
