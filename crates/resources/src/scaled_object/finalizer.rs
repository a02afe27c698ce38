//! What the deletion of a ScaledObject leaves to do: its target may get back the replicas that it had at first.

use serde::Deserialize as _;
use serde_json::Value;

use super::ScaleTarget;
use crate::common::annotations::MODE_ANNOTATION;
use crate::finalizer::{Finalizer, Restoration};

/// KEDA's own, so that objects of a former KEDA can go.
pub(super) const FINALIZER: Finalizer =
    Finalizer { is_needed, restoration, ..Finalizer::of_others("finalizer.keda.sh") };

fn is_needed(object: &Value) -> bool {
    // Whoever only observes has moved no replicas.
    let observes =
        object["metadata"]["annotations"][MODE_ANNOTATION].as_str().is_some_and(|mode| mode == "observe");
    !observes && object["spec"]["advanced"]["restoreToOriginalReplicaCount"] == true
}

fn restoration(object: &Value) -> Option<Restoration> {
    let replicas = u32::try_from(object["status"]["originalReplicaCount"].as_u64()?).ok()?;
    let target = ScaleTarget::deserialize(&object["spec"]["scaleTargetRef"]).ok()?;
    let namespace = object["metadata"]["namespace"].as_str()?;
    Some(Restoration { target: target.in_namespace(namespace), replicas })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": {
                "scaleTargetRef": { "name": "web" },
                "advanced": { "restoreToOriginalReplicaCount": true },
            },
            "status": { "originalReplicaCount": 3 },
        })
    }

    #[test]
    fn contract_3_a_finalizer_is_needed_where_replicas_are_to_be_restored() {
        assert!(is_needed(&object()));
        let mut observing = object();
        observing["metadata"]["annotations"] = json!({ "polyscaler.dev/mode": "observe" });
        assert!(!is_needed(&observing));
        let mut not_wanted = object();
        not_wanted["spec"]["advanced"] = json!({});
        assert!(!is_needed(&not_wanted));
        assert!(!is_needed(&json!({ "spec": 7 })));
    }

    #[test]
    fn what_is_not_known_is_not_restored() {
        let restored = restoration(&object()).unwrap();
        assert_eq!((restored.target.to_string(), restored.replicas), ("Deployment shop/web".to_owned(), 3));
        for pointer in ["/status/originalReplicaCount", "/spec/scaleTargetRef", "/metadata/namespace"] {
            let mut object = object();
            *object.pointer_mut(pointer).unwrap() = Value::Null;
            assert_eq!(restoration(&object), None, "{pointer}");
        }
    }
}
