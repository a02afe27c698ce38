//! Whether a target owns a pod, by the pod's own owner references.
//!
//! A Deployment owns its pods through ReplicaSets, whose names it makes of its own and of the hash that their pods carry
//! as a label, so that the ReplicaSets themselves need not be read. Of kinds that are not Kubernetes' own, nobody knows
//! what is in between: their pods are those with their labels, but for pods of Jobs.

use engine::Target;

use crate::pods::{OwnerReference, Pod};

/// The label by which a Deployment tells its ReplicaSets' pods apart.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// Whether `target` owns `pod`, which has its labels.
pub(super) fn owns(target: &Target, pod: &Pod) -> bool {
    let controller = pod.metadata.owner_references.iter().find(|owner| owner.controller);
    match (group(&target.api_version), target.kind.as_str()) {
        ("apps", "Deployment") => controller.is_some_and(|owner| is_replica_set_of(target, pod, owner)),
        ("apps" | "", _) => controller.is_some_and(|owner| {
            let is_of_group = group(&owner.api_version) == group(&target.api_version);
            is_of_group && owner.kind == target.kind && owner.name == target.name
        }),
        _ => controller.is_none_or(|owner| owner.kind != "Job"),
    }
}

fn is_replica_set_of(target: &Target, pod: &Pod, owner: &OwnerReference) -> bool {
    let hash = pod.metadata.labels.get(TEMPLATE_HASH);
    let name = owner.name.strip_prefix(&target.name).and_then(|rest| rest.strip_prefix('-'));
    owner.kind == "ReplicaSet" && name.is_some() && name == hash.map(String::as_str)
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn target(api_version: &str, kind: &str) -> Target {
        let [api_version, kind, namespace, name] = [api_version, kind, "shop", "web"].map(str::to_owned);
        Target { api_version, kind, namespace, name }
    }

    fn pod(owners: Value) -> Pod {
        let labels = json!({ "app": "web", "pod-template-hash": "5d7f" });
        let metadata = json!({ "name": "web-5d7f-x", "labels": labels, "ownerReferences": owners });
        serde_json::from_value(json!({ "metadata": metadata, "spec": { "containers": [] } })).unwrap()
    }

    fn owner(api_version: &str, kind: &str, name: &str) -> Pod {
        pod(json!([{ "apiVersion": api_version, "kind": kind, "name": name, "controller": true }]))
    }

    #[test]
    fn a_deployment_owns_the_pods_of_its_replica_sets() {
        let web = target("apps/v1", "Deployment");
        assert!(owns(&web, &owner("apps/v1", "ReplicaSet", "web-5d7f")));
        for (kind, name) in [
            ("ReplicaSet", "web-api-5d7f"),
            ("ReplicaSet", "web-77aa"),
            ("ReplicaSet", "web"),
            ("Job", "web-5d7f"),
        ] {
            assert!(!owns(&web, &owner("apps/v1", kind, name)), "{kind} {name}");
        }
        assert!(!owns(&web, &pod(json!(null))) && !owns(&web, &pod(json!([]))));
        let not_controller = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d7f" }]);
        assert!(!owns(&web, &pod(not_controller)));
    }

    #[test]
    fn other_kinds_of_kubernetes_own_pods_themselves() {
        let web = target("apps/v1", "StatefulSet");
        assert!(owns(&web, &owner("apps/v1", "StatefulSet", "web")));
        assert!(!owns(&web, &owner("apps/v1", "StatefulSet", "api")));
        assert!(!owns(&web, &owner("apps/v1", "ReplicaSet", "web")));
        assert!(owns(&target("v1", "ReplicationController"), &owner("v1", "ReplicationController", "web")));
    }

    #[test]
    fn of_kinds_that_are_not_known_only_pods_of_jobs_are_foreign() {
        let web = target("argoproj.io/v1alpha1", "Rollout");
        assert!(owns(&web, &owner("apps/v1", "ReplicaSet", "web-5d7f")));
        assert!(owns(&web, &pod(json!([]))));
        assert!(!owns(&web, &owner("batch/v1", "Job", "web-migration")));
    }
}
