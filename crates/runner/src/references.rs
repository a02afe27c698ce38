//! Which objects rest on which supporting ones: the resolve stage.
//!
//! It knows the supporting objects that the watches have reported, and who refers to them, so that a change of
//! one, its creation and its deletion have just those objects compiled again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use resources::{Reference, Resolved};
use serde_json::Value;

use crate::ObjectKey;

/// See the module.
#[derive(Default)]
pub(crate) struct References {
    known: HashMap<Reference, Arc<Value>>,
    by_object: HashMap<ObjectKey, Vec<Reference>>,
    by_reference: HashMap<Reference, BTreeSet<ObjectKey>>,
}

impl References {
    /// Notes that `key` refers to these from now on, and to no others; returns them as they are.
    pub(crate) fn rest(&mut self, key: &ObjectKey, references: Vec<Reference>) -> Resolved {
        self.forget(key);
        for reference in &references {
            self.by_reference.entry(reference.clone()).or_default().insert(key.clone());
        }
        let find = |reference: &Reference| (reference.clone(), self.known.get(reference).cloned());
        let resolved = Resolved::new(references.iter().map(find));
        if !references.is_empty() {
            self.by_object.insert(key.clone(), references);
        }
        resolved
    }

    /// Notes that `key` refers to nothing any more.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        for reference in self.by_object.remove(key).unwrap_or_default() {
            if let Some(keys) = self.by_reference.get_mut(&reference) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_reference.remove(&reference);
                }
            }
        }
    }

    /// Notes a supporting object as it is now, or that it is gone. Returns who rests on it, where it has changed in
    /// more than its status.
    pub(crate) fn changed(&mut self, reference: Reference, object: Option<Value>) -> BTreeSet<ObjectKey> {
        let object = object.map(without_status);
        if self.known.get(&reference).map(|known| &**known) == object.as_ref() {
            return BTreeSet::new();
        }
        let resting = self.by_reference.get(&reference).cloned().unwrap_or_default();
        match object {
            Some(object) => self.known.insert(reference, Arc::new(object)),
            None => self.known.remove(&reference),
        };
        resting
    }
}

/// The object without what others write into it all the time.
fn without_status(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
            metadata.remove("managedFields");
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("Scaler", "shop", name)
    }

    fn login(name: &str) -> Reference {
        Reference { kind: "Login", namespace: "shop".to_owned(), name: name.to_owned() }
    }

    fn object(user: &str, version: u32, state: &str) -> Option<Value> {
        Some(json!({ "metadata": { "resourceVersion": version.to_string() }, "spec": { "user": user },
            "status": { "state": state } }))
    }

    fn missing(resolved: &Resolved) -> Vec<String> {
        resolved.missing().map(|reference| reference.name.clone()).collect()
    }

    #[test]
    fn who_rests_on_a_changed_object_hears_of_it() {
        let mut references = References::default();
        assert_eq!(missing(&references.rest(&key("a"), vec![login("one")])), ["one"]);
        references.rest(&key("b"), vec![login("one"), login("two")]);
        references.rest(&key("c"), vec![login("two")]);
        assert_eq!(references.changed(login("one"), object("x", 1, "new")), [key("a"), key("b")].into());
        assert_eq!(missing(&references.rest(&key("a"), vec![login("one")])), [""; 0]);
        // Its own status is nobody's concern.
        assert!(references.changed(login("one"), object("x", 2, "used")).is_empty());
        assert_eq!(references.changed(login("one"), object("y", 3, "used")).len(), 2);
        assert_eq!(references.changed(login("one"), None).len(), 2);
        assert!(references.changed(login("one"), None).is_empty());
        assert_eq!(missing(&references.rest(&key("a"), vec![login("one")])), ["one"]);
    }

    #[test]
    fn who_refers_to_it_no_more_does_not() {
        let mut references = References::default();
        references.rest(&key("a"), vec![login("one")]);
        references.rest(&key("a"), vec![login("two")]);
        assert!(references.changed(login("one"), object("x", 1, "")).is_empty());
        assert_eq!(references.changed(login("two"), object("x", 1, "")), [key("a")].into());
        references.forget(&key("a"));
        assert!(references.changed(login("two"), None).is_empty());
        assert!(references.by_reference.is_empty() && references.by_object.is_empty());
    }
}
