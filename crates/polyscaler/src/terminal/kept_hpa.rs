//! The HPA that an object keeps: what KEDA's status leaves to it, the replicas.

use cluster::{OtherKind, View};
use resources::Kind;
use serde_json::Value;

use super::object::Seen;

/// HPAs, as the cluster serves them.
pub(super) const HPA: OtherKind = OtherKind {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
};

/// Adds to `seen`, which are of `kind`, what their HPAs say of replicas. Whoever may not read HPAs sees the rest.
pub(super) async fn add_replicas(view: &View, kind: &Kind, namespace: Option<&str>, seen: &mut [Seen]) {
    let is_needed = |seen: &Seen| seen.hpa.is_some() && seen.current.is_none();
    if kind.needs.hpa.is_none() || !seen.iter().any(is_needed) {
        return;
    }
    let by_name = match &*seen {
        [one] => one.hpa.as_ref().map(|name| format!("metadata.name={name}")).unwrap_or_default(),
        _ => String::new(),
    };
    let Ok(hpas) = view.list_other(&HPA, namespace, &by_name).await else { return };
    for seen in seen.iter_mut().filter(|seen| is_needed(seen)) {
        let is_its = |hpa: &&Value| {
            let metadata = &hpa["metadata"];
            metadata["namespace"] == seen.namespace.as_str()
                && metadata["name"].as_str() == seen.hpa.as_deref()
                && controls(metadata, &seen.uid)
        };
        let Some(hpa) = hpas.iter().find(is_its) else { continue };
        let count = |field: &str| hpa["status"][field].as_u64();
        seen.current = count("currentReplicas");
        // An HPA that cannot compute anything wants 0, it says.
        seen.desired = count("desiredReplicas").filter(|_| computes(hpa));
    }
}

/// Whether the HPA's last count is one that it has computed.
fn computes(hpa: &Value) -> bool {
    let conditions = hpa["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "ScalingActive" && condition["status"] == "True")
}

/// Whether the object with this uid controls what has this metadata.
fn controls(metadata: &Value, uid: &str) -> bool {
    let owners = metadata["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|owner| owner["controller"] == true && owner["uid"] == uid)
}
