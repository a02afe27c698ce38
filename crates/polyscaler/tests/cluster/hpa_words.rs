//! What `polyscaler check` says of HPAs is what the API server says of them.

use std::collections::BTreeSet;
use std::process::Command;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{POLYSCALER, Scene};

fn object(fields: &Value) -> Value {
    let mut spec = json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "minReplicas": 1, "maxReplicas": 5,
    });
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "web" }, "spec": spec })
}

/// What the API server refuses: fields, and what is wrong with each.
async fn refused(api: &Api<HorizontalPodAutoscaler>, object: &Value) -> BTreeSet<(String, String)> {
    let typed: HorizontalPodAutoscaler = serde_json::from_value(object.clone()).unwrap();
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&params, &typed).await {
        Ok(_) => BTreeSet::new(),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.map(|details| details.causes).unwrap_or_default();
            causes.into_iter().map(|cause| (cause.field, cause.message)).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

/// What `polyscaler check` refuses.
fn judged(object: &Value) -> BTreeSet<(String, String)> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hpa.json");
    std::fs::write(&file, object.to_string()).unwrap();
    let ran = Command::new(POLYSCALER).args(["check", "-o", "json"]).arg(file).output().unwrap();
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let problems = found[0]["problems"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problems.iter().map(|problem| (text(&problem["path"]), text(&problem["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hpas_are_refused_in_the_words_of_the_api_server() {
    let scene = Scene::new("hpa-words").await;
    let api: Api<HorizontalPodAutoscaler> = scene.namespaced();
    let utilization = |percent: i32| json!({ "type": "Utilization", "averageUtilization": percent });
    let metric = |type_: &str, field: &str, of: Value| json!({ "metrics": [{ "type": type_, field: of }] });
    let cpu = |target: Value| metric("Resource", "resource", json!({ "name": "cpu", "target": target }));
    let container = |name: &str, container: &str| {
        metric(
            "ContainerResource",
            "containerResource",
            json!({ "name": name, "container": container, "target": utilization(50) }),
        )
    };
    let external = |target: Value| {
        metric("External", "external", json!({ "metric": { "name": "m" }, "target": target }))
    };
    let about = json!({ "apiVersion": "v1", "kind": "Service", "name": "web" });
    let of_object = |about: &Value, target: Value| {
        metric(
            "Object",
            "object",
            json!({ "describedObject": about, "metric": { "name": "m" }, "target": target }),
        )
    };
    let rules = |rules: Value| json!({ "behavior": { "scaleDown": rules } });
    let policy = |type_: &str, value: i32, seconds: i32| {
        rules(json!({ "policies": [{ "type": type_, "value": value, "periodSeconds": seconds }] }))
    };
    let mut cases = vec![
        json!({}),
        json!({ "minReplicas": 0 }),
        json!({ "minReplicas": -1, "maxReplicas": -2 }),
        json!({ "minReplicas": 3, "maxReplicas": 2 }),
        json!({ "maxReplicas": 0 }),
        json!({ "scaleTargetRef": { "apiVersion": "", "kind": "", "name": "" } }),
        json!({ "scaleTargetRef": { "apiVersion": "v1", "kind": "Pod/x", "name": ".." } }),
        json!({ "scaleTargetRef": { "apiVersion": "a/b/c", "kind": "Deployment", "name": "100%" } }),
        json!({ "scaleTargetRef": { "apiVersion": "v1", "kind": "ReplicationController", "name": "web" } }),
        cpu(utilization(0)),
        cpu(json!({ "type": "Utilization" })),
        cpu(json!({ "type": "Average", "averageValue": "0" })),
        cpu(json!({ "type": "", "averageValue": "1", "averageUtilization": 5 })),
        metric("Resource", "resource", json!({ "name": "", "target": utilization(5) })),
        metric("Resource", "resource", json!({ "name": "nvidia.com/gpu", "target": utilization(5) })),
        container("cpu", ""),
        container("gpu", "app"),
        container("pods", "app"),
        container("limits.cpu", "app"),
        container("ephemeral-storage", "app"),
        metric(
            "Pods",
            "pods",
            json!({ "metric": { "name": "a%b" }, "target": { "type": "Value", "value": "-1500m" } }),
        ),
        metric(
            "Pods",
            "pods",
            json!({ "metric": { "name": "" }, "target": { "type": "AverageValue", "averageValue": "1" } }),
        ),
        external(json!({ "type": "Value" })),
        external(json!({ "type": "Value", "value": "1", "averageValue": "1" })),
        of_object(&about, json!({ "type": "Value" })),
        of_object(&json!({ "kind": "", "name": "" }), json!({ "type": "Value", "value": "1" })),
        metric("External", "resource", json!({ "name": "cpu", "target": utilization(5) })),
        metric("Weather", "resource", json!({ "name": "cpu", "target": utilization(5) })),
        json!({ "metrics": [{ "type": "Resource" }, { "type": "" }] }),
        json!({ "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": utilization(5) },
            "external": { "metric": { "name": "" }, "target": { "type": "Value" } } }] }),
        rules(json!({ "stabilizationWindowSeconds": -1, "policies": [] })),
        rules(json!({ "stabilizationWindowSeconds": 3601, "selectPolicy": "Most", "tolerance": "-100m" })),
        policy("Pods", 0, 0),
        policy("Half", -1, 1801),
    ];
    cases.push(policy("Percent", 10, 1800));
    for case in cases {
        let object = object(&case);
        assert_eq!(judged(&object), refused(&api, &object).await, "{case}");
    }
}
