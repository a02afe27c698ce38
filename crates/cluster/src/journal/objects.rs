//! What the API server last said of each object of ours, as far as the journal needs it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::DynamicObject;
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

    /// The same object after `status` was written, by what was `answered`. What the answer lacks of the status is what the CRD
    /// does not have, such as an older one of KEDA's: it counts as written, or it would be written again at each poll.
    pub(super) fn written(&self, status: &KeptStatus, answered: DynamicObject) -> Self {
        Self {
            uid: self.uid.clone(),
            resource_version: answered.metadata.resource_version.unwrap_or_default(),
            status: status.clone(),
        }
    }
}

impl Objects {
    /// Notes an object as the watch has it; one that is the answer to a write is known already.
    pub(crate) fn seen(&self, key: &ObjectKey, object: &Value) {
        let Some(kind) = kind_of(key) else { return };
        let mut objects = self.lock();
        let is_known = objects.get(key).is_some_and(|known| {
            object["metadata"]["uid"] == known.uid
                && object["metadata"]["resourceVersion"] == known.resource_version
        });
        if !is_known {
            objects.insert(key.clone(), Known::of(kind, object));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_crd_does_not_have_counts_as_written_until_somebody_else_writes() {
        let object = |version: &str| {
            json!({
                "metadata": { "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": version },
                "status": { "conditions": [] },
            })
        };
        let (objects, key) = (Objects::default(), ObjectKey::new("ScaledObject", "shop", "web"));
        let kind = kind_of(&key).unwrap();
        objects.seen(&key, &object("7"));
        let mut told = object("7");
        told["status"]["triggersTypes"] = json!("cron");
        let next = kind.kept_status(&told);
        let answered: DynamicObject = serde_json::from_value(object("8")).unwrap();
        objects.written(&key, objects.get(&key).unwrap().written(&next, answered));
        for (seen, knows) in [("8", true), ("9", false)] {
            objects.seen(&key, &object(seen));
            let known = objects.get(&key).unwrap();
            assert_eq!(known.resource_version, seen);
            assert_eq!(known.status.to_value().get("triggersTypes").is_some(), knows);
        }
    }
}
