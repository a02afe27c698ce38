//! A configuration for kube-state-metrics, which makes series of single objects out of their status.
//!
//! The kinds and their fields come from [`resources::KINDS`], so a new kind has its series as soon as it is in
//! the table.

use resources::{KINDS, Kind, Scope};
use serde::Serialize;
use serde_json::{Value, json};

/// What every series of ours begins with.
const PREFIX: &str = "polyscaler_object";

/// Series of the replicas of a target: the field of the status, the name of the series, and its help.
const REPLICAS: [(&str, &str, &str); 2] = [
    ("currentReplicas", "current_replicas", "Replicas of the target when it was last polled"),
    ("desiredReplicas", "desired_replicas", "Replicas that the last decision asks for"),
];

/// The configuration of kube-state-metrics.
pub(super) fn configuration() -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Configuration {
        kind: &'static str,
        spec: Value,
    }
    let resources: Vec<Value> = KINDS.iter().map(|kind| resource(kind)).collect::<anyhow::Result<_>>()?;
    let spec = json!({ "resources": resources });
    let text = serde_saphyr::to_string(&Configuration { kind: "CustomResourceStateMetrics", spec })?;
    Ok(format!("{}{text}", super::BANNER))
}

fn resource(kind: &Kind) -> anyhow::Result<Value> {
    let crd = serde_json::to_value(kind.crd(&engine::POLICIES))?;
    let version = &crd["spec"]["versions"][0];
    let status = &version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
    let mut metrics = vec![info(status), condition()];
    for (column, name, help) in [
        ("Min", "min_replicas", "Minimum of replicas in the spec"),
        ("Max", "max_replicas", "Maximum of replicas in the spec"),
    ] {
        let columns = version["additionalPrinterColumns"].as_array().into_iter().flatten();
        let path = columns
            .into_iter()
            .find(|found| found["name"] == column)
            .and_then(|found| found["jsonPath"].as_str());
        if let Some(path) = path {
            let path: Vec<&str> = path.trim_start_matches('.').split('.').collect();
            metrics.push(gauge(name, help, json!({ "path": path })));
        }
    }
    let members = &status["members"]["items"]["properties"];
    for (field, name, help) in REPLICAS {
        if status.get(field).is_some() {
            metrics.push(gauge(name, help, json!({ "path": ["status", field] })));
        }
        if members.get(field).is_some() {
            let of_member = json!({
                "path": ["status", "members"],
                "labelsFromPath": { "member": ["name"], "target": ["target"] },
                "valueFrom": [field],
            });
            metrics.push(gauge(&format!("member_{name}"), help, of_member));
        }
    }
    Ok(json!({
        "groupVersionKind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
        "metricNamePrefix": PREFIX,
        // A new object has no status for a moment, which is no error.
        "errorLogV": 4,
        "labelsFromPath": { "name": ["metadata", "name"], "namespace": namespace(kind, version) },
        "metrics": metrics,
    }))
}

/// Where an object says in which namespace it acts, as the label of the same name on the operator's own metrics.
fn namespace(kind: &Kind, version: &Value) -> Value {
    let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    match kind.scope {
        Scope::Cluster if spec.get("namespace").is_some() => json!(["spec", "namespace"]),
        Scope::Cluster | Scope::Namespaced => json!(["metadata", "namespace"]),
    }
}

fn info(status: &Value) -> Value {
    let mut labels = json!({});
    for (label, field) in [("mode", "mode"), ("target", "target"), ("target_kind", "scaleTargetKind")] {
        if status.get(field).is_some() {
            labels[label] = json!(["status", field]);
        }
    }
    json!({
        "name": "info",
        "help": "An object, with its target and whether it is Active, Observing or Paused",
        "each": { "type": "Info", "info": { "labelsFromPath": labels } },
    })
}

fn condition() -> Value {
    let each = json!({
        "path": ["status", "conditions"],
        "labelsFromPath": { "condition": ["type"], "reason": ["reason"] },
        "valueFrom": ["status"],
    });
    gauge("condition", "1 where the condition is True, 0 where it is not", each)
}

fn gauge(name: &str, help: &str, gauge: Value) -> Value {
    json!({ "name": name, "help": help, "each": { "type": "Gauge", "gauge": gauge } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_conditions_and_replicas() {
        let configuration: Value = serde_saphyr::from_str(&configuration().unwrap()).unwrap();
        let resources = configuration["spec"]["resources"].as_array().unwrap();
        assert_eq!(resources.len(), KINDS.len());
        for (resource, kind) in resources.iter().zip(KINDS) {
            assert_eq!(resource["groupVersionKind"]["kind"], kind.kind);
            let names: Vec<&str> = resource["metrics"]
                .as_array()
                .unwrap()
                .iter()
                .map(|metric| metric["name"].as_str().unwrap())
                .collect();
            assert!(names.starts_with(&["info", "condition"]), "{names:?}");
            let of_replicas = |prefix: &str| {
                ["current_replicas", "desired_replicas"]
                    .iter()
                    .all(|name| names.contains(&&*format!("{prefix}{name}")))
            };
            // A status that is someone else's contract has none: its HPA has them.
            let has_replicas = of_replicas("") || of_replicas("member_");
            assert_eq!(has_replicas, kind.needs.hpa.is_none(), "{}: {names:?}", kind.kind);
        }
    }
}
