//! ScaledObjects with a Prometheus trigger, and what answers it.

use kube::api::DynamicObject;
use serde_json::{Value, json};

/// How the operator scales them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actuation {
    /// By an HPA each.
    Hpa,
    /// By itself.
    Direct,
}

/// What Prometheus answers a query whose result is one series of this value.
#[must_use]
pub fn answer(value: f64) -> Value {
    let result = json!([{ "metric": {}, "value": [0, value.to_string()] }]);
    json!({ "status": "success", "data": { "resultType": "vector", "result": result } })
}

/// The ScaledObject `name` of the Deployment of the same name, with a query of its own to `server`, of which a replica
/// handles 10, asked every `interval` seconds.
pub fn scaled_object(
    name: &str,
    server: &str,
    interval: u64,
    actuation: Actuation,
) -> anyhow::Result<DynamicObject> {
    let mode = if actuation == Actuation::Direct { "direct" } else { "hpa" };
    let query = format!("sum(requests{{app=\"{name}\"}})");
    let trigger = json!({ "serverAddress": server, "query": query, "threshold": "10" });
    Ok(serde_json::from_value(json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": { "name": name, "namespace": "default", "annotations": { "polyscaler.dev/actuation": mode } },
        "spec": {
            "scaleTargetRef": { "name": name },
            "pollingInterval": interval,
            "triggers": [{ "type": "prometheus", "metadata": trigger }],
        },
    }))?)
}
