//! What the API server last said of each object of ours, as far as the journal needs it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resources::{KINDS, KeptStatus, Kind};
use runner::ObjectKey;
use serde_json::Value;

/// The objects that exist, with their status.
#[derive(Default)]
pub struct Objects(Mutex<HashMap<ObjectKey, Known>>);

/// One object.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) status: KeptStatus,
}

impl Known {
    /// `object`, which is of `kind`.
    pub(super) fn of(kind: &Kind, object: &Value) -> Self {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
            status: kind.kept_status(object),
        }
    }
}

impl Objects {
    pub(crate) fn seen(&self, key: &ObjectKey, object: &Value) {
        if let Some(kind) = kind_of(key) {
            self.lock().insert(key.clone(), Known::of(kind, object));
        }
    }

    pub(crate) fn remove(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<Known> {
        self.lock().get(key).cloned()
    }

    /// Notes the answer to a write, unless the object has gone meanwhile.
    pub(super) fn written(&self, key: &ObjectKey, known: Known) {
        if let Some(entry) = self.lock().get_mut(key) {
            *entry = known;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The kind of the object `key`.
pub(super) fn kind_of(key: &ObjectKey) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.kind == key.kind)
}
