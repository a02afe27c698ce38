//! What scales TeaStore, as a user would write it, and the document where its load is read.

use serde_json::{Map, Value, json};

use super::{CALLS, COUNT, SERVICES, Traffic};

/// The most pods of a service.
const MOST: u32 = 20;

/// The document that reports of every service what arrives, what is served, and the ready pods.
#[must_use]
pub fn report(traffic: &[Traffic; COUNT], ready: &[u32; COUNT]) -> Value {
    let services = SERVICES.iter().zip(traffic).zip(ready).map(|((service, traffic), ready)| {
        let reported = json!({ "arriving": traffic.arriving, "served": traffic.served, "ready": ready });
        (service.name.to_owned(), reported)
    });
    Value::Object(services.collect::<Map<_, _>>())
}

/// One ScalingGroup of all services: only the load at the entry is measured, at `url`, where a
/// [`report`] is read.
#[must_use]
pub fn scaling_group(namespace: &str, url: &str, interval_seconds: u32) -> Value {
    let members = SERVICES.iter().map(|service| {
        json!({
            "name": service.name,
            "targetRef": { "name": service.deployment() },
            "maxReplicas": MOST,
            "capacity": service.capacity,
        })
    });
    let calls = CALLS
        .iter()
        .map(|call| json!({ "from": call.from, "to": call.to, "callsPerCall": call.calls_per_call }));
    let entry = SERVICES[0].name;
    json!({
        "apiVersion": "polyscaler.dev/v1alpha1",
        "kind": "ScalingGroup",
        "metadata": { "name": "teastore", "namespace": namespace },
        "spec": {
            "intervalSeconds": interval_seconds,
            "members": members.collect::<Value>(),
            "metrics": [{
                "name": "requests",
                "type": "http",
                "config": { "url": url, "valuePath": format!("$.{entry}.arriving") },
                "member": entry,
            }],
            "policy": { "type": "bottleneck" },
            // What is looked at is how soon services follow, so nothing holds them back.
            "safety": {},
            "callGraph": calls.collect::<Value>(),
        },
    })
}

/// A GeneralScaler for each service, which follows the calls that arrive there.
#[must_use]
pub fn general_scalers(namespace: &str, url: &str, interval_seconds: u32) -> Vec<Value> {
    let scaler = |service: &super::Service| {
        json!({
            "apiVersion": "autoscaling.example.com/v1",
            "kind": "GeneralScaler",
            "metadata": { "name": service.deployment(), "namespace": namespace },
            "spec": {
                "targetDeployment": service.deployment(),
                "minReplicas": 1,
                "maxReplicas": MOST,
                "intervalSeconds": interval_seconds,
                "metrics": [{
                    "name": "calls",
                    "type": "http",
                    "config": { "url": url, "valuePath": format!("$.{}.arriving", service.name) },
                    "targetValue": service.capacity,
                    "targetType": "AverageValue",
                }],
                "safety": {},
            },
        })
    };
    SERVICES.iter().map(scaler).collect()
}
