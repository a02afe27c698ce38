//! What the API server last said of each object of ours, as far as the journal needs it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::DynamicObject;
use resources::{KINDS, KeptStatus, Kind, PackedStatus};
use runner::{ObjectKey, Shared};
use serde_json::Value;

/// The objects that exist, with their status.
#[derive(Default)]
pub struct Objects(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    objects: HashMap<ObjectKey, Packed>,
    /// The conditions that objects have, as they are packed.
    conditions: Shared<str>,
}

/// One object in the least room.
struct Packed {
    /// The uid, and the resourceVersion behind it.
    texts: Box<str>,
    uid: usize,
    status: PackedStatus,
}

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

impl Packed {
    fn of(known: &Known) -> Self {
        let Known { uid, resource_version, status } = known;
        let texts = [uid.as_str(), resource_version].concat().into();
        Self { texts, uid: uid.len(), status: status.packed() }
    }

    /// Its uid and its resourceVersion.
    fn version(&self) -> (&str, &str) {
        self.texts.split_at(self.uid)
    }

    fn known(&self) -> Known {
        let (uid, resource_version) = self.version();
        let (uid, resource_version) = (uid.to_owned(), resource_version.to_owned());
        Known { uid, resource_version, status: self.status.unpacked() }
    }
}

impl Kept {
    fn packed(&mut self, known: &Known) -> Packed {
        let mut packed = Packed::of(known);
        let conditions = packed.status.conditions_mut();
        *conditions = self.conditions.one(Arc::clone(conditions));
        packed
    }
}

impl Objects {
    /// Notes an object as the watch has it; one that is the answer to a write is known already.
    pub(crate) fn seen(&self, key: &ObjectKey, object: &Value) {
        let Some(kind) = kind_of(key) else { return };
        let mut kept = self.lock();
        let is_known = kept.objects.get(key).is_some_and(|known| {
            let (uid, resource_version) = known.version();
            object["metadata"]["uid"] == uid && object["metadata"]["resourceVersion"] == resource_version
        });
        if !is_known {
            let packed = kept.packed(&Known::of(kind, object));
            kept.objects.insert(key.clone(), packed);
        }
    }

    pub(crate) fn remove(&self, key: &ObjectKey) {
        self.lock().objects.remove(key);
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<Known> {
        self.lock().objects.get(key).map(Packed::known)
    }

    /// Notes the answer to a write, unless the object has gone meanwhile.
    pub(super) fn written(&self, key: &ObjectKey, known: &Known) {
        let mut kept = self.lock();
        let packed = kept.packed(known);
        if let Some(entry) = kept.objects.get_mut(key) {
            *entry = packed;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
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
        objects.written(&key, &objects.get(&key).unwrap().written(&next, answered));
        for (seen, knows) in [("8", true), ("9", false)] {
            objects.seen(&key, &object(seen));
            let known = objects.get(&key).unwrap();
            assert_eq!(known.resource_version, seen);
            assert_eq!(known.status.to_value().get("triggersTypes").is_some(), knows);
        }
    }
}
