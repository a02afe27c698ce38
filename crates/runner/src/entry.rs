//! One object as the loop knows it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Memory, Plan, Problem, Time};
use resources::Kind;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::task::Id;

use crate::poll::Told;

/// One object: its plan, its memory and when it is due.
pub(crate) struct Entry {
    pub(crate) kind: &'static Kind,
    pub(crate) identity: Identity,
    pub(crate) compiled: Result<Arc<Plan>, Vec<Problem>>,
    /// What this replica remembers while it leads.
    pub(crate) memory: Memory,
    /// What the object's status remembers, for a takeover.
    pub(crate) stored: Memory,
    pub(crate) due: Option<Time>,
    /// The poll that runs, if one does.
    pub(crate) polling: Option<Polling>,
    /// Whether a reading from before `due` will do: at the first poll, and when looking again.
    pub(crate) reuse_reading: bool,
    /// Whether this replica has yet to poll the object for the first time since it leads.
    pub(crate) takeover: bool,
    /// The reason of `Ready` that was last told, so that only changes are logged aloud.
    pub(crate) told: Option<Told>,
}

/// A poll that runs.
pub(crate) struct Polling {
    pub(crate) task: Id,
    /// Setting it ends the poll's right to write and to tell.
    pub(crate) revoked: Arc<AtomicBool>,
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
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
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
    /// Ends the right of a running poll to write and to tell.
    pub(crate) fn revoke(&self) {
        if let Some(polling) = &self.polling {
            polling.revoked.store(true, Ordering::Release);
        }
    }

    /// Notes what the object's status remembers.
    pub(crate) fn store(&mut self, object: &Value) {
        self.stored = stored_memory(object);
    }
}

/// The memory that an object's status holds; empty where it holds none that can be read.
pub(crate) fn stored_memory(object: &Value) -> Memory {
    object.pointer("/status/memory").and_then(|memory| Memory::deserialize(memory).ok()).unwrap_or_default()
}
