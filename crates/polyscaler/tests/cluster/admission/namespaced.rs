//! Manifests of the namespaced kinds that both refuse, and that both take.

use serde_json::{Value, json};

/// A valid object of each kind.
fn valid() -> [Value; 2] {
    [
        json!({
            "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
            "metadata": { "name": "judged", "namespace": "default" },
            "spec": {
                "targetDeployment": "web", "minReplicas": 2, "maxReplicas": 10,
                "metrics": [{
                    "type": "http", "targetValue": 100,
                    "config": { "url": "http://load/requests", "valuePath": "$.n" },
                }],
                "policy": { "type": "slo" },
                "safety": { "cooldownSeconds": 300, "maxScaleUpRate": 3, "maxScaleDownRate": 1 },
            },
        }),
        json!({
            "apiVersion": "scaling.example.com/v1", "kind": "ScalingRule",
            "metadata": { "name": "judged", "namespace": "default" },
            "spec": {
                "deploymentName": "my-app", "namespace": "default", "minReplicas": 1, "maxReplicas": 10,
                "natsMonitoringURL": "http://nats:8222", "subject": "orders.processing",
                "scaleUpThreshold": 50, "scaleDownThreshold": 10, "pollIntervalSeconds": 30,
            },
        }),
    ]
}

/// The object of `kind` in which each field at a JSON pointer under `/spec` holds another value.
fn with(kind: usize, fields: &[(&str, Value)]) -> Value {
    let mut object = valid()[kind].clone();
    for (pointer, value) in fields {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = object["spec"].pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
        match value {
            Value::Null => drop(parent.as_object_mut().unwrap().remove(field)),
            value => parent[field] = value.clone(),
        }
    }
    object
}

fn scaler(pointer: &str, value: Value) -> Value {
    with(0, &[(pointer, value)])
}

fn policy(policy: Value) -> Value {
    scaler("/policy", policy)
}

fn rule(pointer: &str, value: Value) -> Value {
    with(1, &[(pointer, value)])
}

fn safety(safety: Value) -> Value {
    scaler("/safety", safety)
}

pub(super) fn bad() -> Vec<Value> {
    let metric = |name: &str| json!({ "name": name, "type": "http", "targetValue": 1, "config": {} });
    vec![
        scaler("/targetDeployment", Value::Null),
        scaler("/targetRef", json!({ "name": "web" })),
        scaler("/maxReplicas", Value::Null),
        scaler("/maxReplicas", json!(0)),
        scaler("/minReplicas", json!(11)),
        scaler("/minReplicas", json!(-1)),
        scaler("/namespace", json!("other")),
        scaler("/intervalSeconds", json!(0)),
        scaler("/metrics", Value::Null),
        scaler("/metrics", json!([])),
        scaler("/metrics", json!({})),
        scaler("/metrics", (0..21).map(|index| metric(&index.to_string())).collect()),
        scaler("/metrics", json!(["http"])),
        with(0, &[("/metrics/0/type", Value::Null)]),
        with(0, &[("/metrics/0/targetValue", Value::Null)]),
        with(0, &[("/metrics/0/targetValue", json!(0))]),
        with(0, &[("/metrics/0/targetValue", json!(-5))]),
        with(0, &[("/metrics/0/targetValue", json!("100"))]),
        with(0, &[("/metrics/0/targetType", json!("Utilization"))]),
        with(0, &[("/metrics/0/targetType", json!(5))]),
        with(0, &[("/metrics/0/config", json!([]))]),
        with(0, &[("/metrics/0/name", json!(""))]),
        with(0, &[("/metrics/0/name", json!("n".repeat(64)))]),
        with(0, &[("/metrics/0/weight", json!(2))]),
        policy(json!({ "type": "sla" })),
        policy(json!({ "type": 5 })),
        policy(json!({ "type": "slo", "config": { "tolerence": 0.2 } })),
        policy(json!({ "type": "slo", "config": { "tolerance": 1.5 } })),
        policy(json!({ "type": "slo", "config": { "tolerance": "10%" } })),
        policy(json!({ "type": "cost" })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": 1 } })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": 0.19, "costPerPodHour": 0.1 } })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": 1, "costPerPodHour": 0 } })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": -1, "costPerPodHour": 1 } })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": null, "costPerPodHour": 1 } })),
        policy(json!("slo")),
        scaler("/metrics", json!([null])),
        with(0, &[("/metrics/0/fallback", json!({}))]),
        with(
            0,
            &[(
                "/metrics/0/fallback",
                json!({ "failureThreshold": 3, "behavior": "currentReplicasIfHigher" }),
            )],
        ),
        with(0, &[("/metrics/0/fallback", json!({ "replicas": -1 }))]),
        with(0, &[("/metrics/0/fallback", json!({ "replicas": 1, "behavior": "Static" }))]),
        with(
            0,
            &[("/metrics/0/fallback", json!({ "replicas": 1, "failureThreshold": 0, "afterSeconds": 0 }))],
        ),
        with(0, &[("/metrics/0/fallback", json!({ "afterSeconds": 60 })), ("/safety/fallback", json!({}))]),
        scaler("/safety/suspiciousDrop", json!({ "percent": 50 })),
        scaler("/safety/suspiciousDrop", json!({ "percent": 100, "confirmSeconds": 0 })),
        scaler("/safety/behavior", json!({})),
        safety(json!({ "behavior": { "scaleUp": { "policies": [] } } })),
        safety(json!({ "behavior": { "scaleUp": { "policies": [{ "type": "Pods", "value": 4 }] } } })),
        safety(json!({ "behavior": { "scaleUp": { "policies": [
            { "type": "pods", "value": 0, "periodSeconds": 1801 },
            { "type": "Percent", "value": 10, "periodSeconds": 0 },
        ] } } })),
        safety(json!({ "behavior": { "scaleDown": { "selectPolicy": "disabled" } } })),
        safety(json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 3601 } } })),
        safety(json!({ "behavior": { "scaleIn": {} } })),
        scaler("/safety/scaleUpCooldownSeconds", json!(86401)),
        scaler("/safety/scaleDownCooldownSeconds", json!(-1)),
        scaler("/safety/cooldownSeconds", json!(-1)),
        scaler("/safety/maxScaleUpRate", json!(0)),
        rule("/scaleDownThreshold", json!(51)),
        rule("/minReplicas", json!(11)),
        rule("/minReplicas", json!(0)),
        rule("/pollIntervalSeconds", json!(0)),
        rule("/namespace", Value::Null),
        rule("/subject", json!("")),
        rule("/natsMonitoringURL", json!("nats://nats:4222")),
        rule("/deploymentName", Value::Null),
        rule("/scaleUpStep", json!(0)),
        with(1, &[("/minReplicas", json!(5)), ("/maxReplicas", json!(4)), ("/scaleUpThreshold", json!(1))]),
    ]
}

pub(super) fn good() -> Vec<Value> {
    let [scaler_object, rule_object] = valid();
    vec![
        scaler_object,
        rule_object,
        scaler("/minReplicas", Value::Null),
        scaler("/minReplicas", json!(0)),
        scaler("/policy", Value::Null),
        safety(Value::Null),
        safety(json!({
            "cooldownSeconds": 300, "scaleUpCooldownSeconds": 0, "scaleDownCooldownSeconds": 86400,
            "behavior": {
                "scaleUp": { "policies": [
                    { "type": "Percent", "value": 100, "periodSeconds": 15 },
                    { "type": "Pods", "value": 4, "periodSeconds": 1800 },
                ], "selectPolicy": "Min", "stabilizationWindowSeconds": 0, "tolerance": "50m" },
                "scaleDown": { "selectPolicy": "Disabled", "tolerance": 0.05 },
            },
            "fallback": { "failureThreshold": 3, "afterSeconds": 90, "behavior": "currentReplicas" },
            "suspiciousDrop": { "percent": 80, "confirmSeconds": 120 },
        })),
        with(0, &[("/metrics/0/fallback", json!({ "behavior": "currentReplicas" }))]),
        with(
            0,
            &[("/metrics/0/fallback", json!({ "replicas": 0, "allowScaleIn": true, "behavior": "static" }))],
        ),
        with(0, &[("/targetDeployment", Value::Null), ("/targetRef", json!({ "name": "web" }))]),
        with(0, &[("/metrics/0/targetType", json!("Value")), ("/metrics/0/targetValue", json!(0.25))]),
        policy(json!({})),
        policy(json!({ "type": null, "config": null })),
        policy(json!({ "type": "slo", "config": { "tolerance": null } })),
        scaler("/safety", json!({ "cooldownSeconds": null })),
        scaler(
            "/metrics",
            json!([{ "name": null, "type": "cpu", "targetValue": 80, "targetType": null, "config": null }]),
        ),
        policy(json!({ "type": "slo", "config": { "tolerance": 0 } })),
        policy(json!({ "type": "cost", "config": { "maxCostPerHour": 0.2, "costPerPodHour": 0.1 } })),
        policy(
            json!({ "type": "cost", "config": { "maxCostPerHour": 6, "costPerPodHour": 3, "tolerance": 0.05 } }),
        ),
        policy(
            json!({ "type": "linear", "config": { "low": 0, "high": 9, "minReplicas": 1, "maxReplicas": 5 } }),
        ),
        policy(json!({ "type": "threshold", "config": { "scaleUpThreshold": 9, "scaleDownThreshold": 3 } })),
        rule("/scaleDownThreshold", json!(50)),
        rule("/minReplicas", json!(10)),
    ]
}
