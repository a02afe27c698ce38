//! Writes of one object: only what changed, and only where it is still the object that was seen.

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use resources::{KeptStatus, Kind};
use serde_json::{Map, Value, json};

use super::objects::Known;
use crate::refusal::Asked;

/// What a write came to that was answered.
pub(super) enum Patched {
    Done(Known),
    Outdated(Known),
    Gone,
}

/// Which request failed, and how.
pub(super) struct Failed {
    pub(super) asked: Asked,
    pub(super) error: kube::Error,
}

/// Writes what changed between `known` and `next`: first the metadata, where memory is kept in an annotation, then the
/// status, which is `asked`, each only where the object is still the one that was seen.
pub(super) async fn send(
    api: &Api<DynamicObject>,
    name: &str,
    params: &PatchParams,
    known: &Known,
    next: &KeptStatus,
    asked: &Asked,
) -> Result<DynamicObject, Failed> {
    let mut version = known.resource_version.clone();
    let mut metadata = next.changed_metadata(&known.status);
    if !metadata.is_empty() {
        metadata.insert("resourceVersion".to_owned(), version.into());
        metadata.insert("uid".to_owned(), known.uid.clone().into());
        let patched = api.patch(name, params, &Patch::Merge(&json!({ "metadata": metadata }))).await;
        let object = patched.map_err(|error| Failed { asked: asked.clone().to("patch", ""), error })?;
        version = object.metadata.resource_version.unwrap_or_default();
    }
    let patch = json!({
        "metadata": { "resourceVersion": version, "uid": known.uid },
        "status": merge_patch(&known.status.to_value(), &next.to_value()),
    });
    let patched = api.patch_status(name, params, &Patch::Merge(&patch)).await;
    patched.map_err(|error| Failed { asked: asked.clone(), error })
}

/// The object as the API server answered it.
pub(super) fn known_of(kind: &Kind, object: DynamicObject) -> Known {
    Known::of(kind, &serde_json::to_value(object).unwrap_or_default())
}

/// The merge patch (RFC 7386) that turns `before` into `next`: what is gone becomes null.
fn merge_patch(before: &Value, next: &Value) -> Value {
    match (before, next) {
        (Value::Object(before), Value::Object(next)) => {
            let mut patch: Map<String, Value> = Map::new();
            for field in before.keys().filter(|field| !next.contains_key(*field)) {
                patch.insert(field.clone(), Value::Null);
            }
            for (field, value) in next {
                patch.insert(field.clone(), merge_patch(before.get(field).unwrap_or(&Value::Null), value));
            }
            Value::Object(patch)
        }
        (_, next) => next.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_removes_what_is_gone() {
        let before = json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": [1, 2] });
        let next = json!({ "b": { "c": 3 }, "e": [2], "f": "new" });
        assert_eq!(
            merge_patch(&before, &next),
            json!({ "a": null, "b": { "c": 3, "d": null }, "e": [2], "f": "new" })
        );
        assert_eq!(merge_patch(&Value::Null, &next), next);
    }
}
