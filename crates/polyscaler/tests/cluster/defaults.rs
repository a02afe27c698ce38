//! Defaults and ceilings of the operator: one file for all objects, read again when it changes.

use serde_json::{Value, json};
use testbed::wait;

use crate::harness::{LIMIT, Scaling, Scene};

/// What the status says of defaults, by field: the value and where it comes from.
async fn wait_for_default(scaling: &Scaling, field: &str, value: &str, from: &str) {
    let look = || async {
        let defaults = scaling.status().await["defaults"].clone();
        let all = defaults.as_array().cloned().unwrap_or_default();
        let found =
            all.iter().any(|one| one["field"] == field && one["value"] == value && one["from"] == from);
        if found { Ok(()) } else { Err(defaults.to_string()) }
    };
    wait::until(&format!("{field}={value} from {from}"), LIMIT, look).await.unwrap();
}

fn scaler(scene: &Scene, metric: &str) -> Value {
    let config = json!({ "url": scene.metrics.url(metric), "valuePath": "$.active_users" });
    json!({ "targetDeployment": "web", "minReplicas": 1, "maxReplicas": 100,
            "metrics": [{ "type": "http", "config": config, "targetValue": 100 }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gives_defaults_and_ceilings_and_its_changes_take_effect() {
    let scene = Scene::new("defaults").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 5000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("defaults.yaml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("defaults: {intervalSeconds: 1, safety: {maxScaleUpRate: 6}}\nceilings: {maxReplicas: 8}\n");
    let operator = scene.operator(&["--defaults-file", file.to_str().unwrap()]).await;
    let object = scene.general_scaler("web", scaler(&scene, "/users")).await;

    target.wait_for(8).await;
    let from = "the operator's defaults";
    wait_for_default(&object, "spec.maxReplicas", "8", from).await;
    wait_for_default(&object, "spec.intervalSeconds", "1", from).await;
    wait_for_default(&object, "spec.safety", r#"{"maxScaleUpRate":6}"#, from).await;
    object.wait_for("ScalingLimited", "True", "TooManyReplicas").await;
    let spec = object.get().await.data["spec"].clone();
    assert_eq!((&spec["maxReplicas"], spec.get("intervalSeconds")), (&json!(100), None));

    write(&format!(
        "defaults: {{intervalSeconds: 1}}\nceilings: {{maxReplicas: 8}}\nnamespaces: [{{names: [{}], ceilings: {{maxReplicas: 12}}}}]",
        scene.namespace
    ));
    target.wait_for(12).await;
    let from = format!("the operator's defaults for namespaces {}", scene.namespace);
    wait_for_default(&object, "spec.maxReplicas", "12", &from).await;

    // What makes no sense changes nothing, and is named.
    write("ceilings: {maxReplicas: 0}");
    operator.wait_for_lines("ceilings.maxReplicas: 0: must be a whole number", 1).await;
    write("ceilings: {metricTypes: [htpp]}");
    operator.wait_for_lines("unknown metric type; known are", 1).await;
    assert_eq!(target.asked().await, 12);

    write("ceilings: {metricTypes: [prometheus]}");
    let message = object.wait_for("Ready", "False", "InvalidSpec").await;
    assert!(message.contains("spec.metrics[0].type: Forbidden: source http is not allowed"), "{message}");
    write("");
    target.wait_for(50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_go_by_the_labels_of_namespaces() {
    let scene = Scene::new("gold").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 5000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("defaults.yaml");
    let text = "defaults: {intervalSeconds: 1, safety: {}}\nceilings: {maxReplicas: 8}\n\
                namespaces: [{matchLabels: {tier: gold}, ceilings: {maxReplicas: 12}}]";
    std::fs::write(&file, text).unwrap();
    scene.operator(&["--defaults-file", file.to_str().unwrap()]).await;
    let object = scene.general_scaler("web", scaler(&scene, "/users")).await;
    target.wait_for(8).await;
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(scene.client.clone());
    let label =
        |value: Value| kube::api::Patch::Merge(json!({ "metadata": { "labels": { "tier": value } } }));
    let params = kube::api::PatchParams::default();
    namespaces.patch(&scene.namespace, &params, &label(json!("gold"))).await.unwrap();
    target.wait_for(12).await;
    wait_for_default(&object, "spec.maxReplicas", "12", "the operator's defaults for namespaces tier=gold")
        .await;
    namespaces.patch(&scene.namespace, &params, &label(Value::Null)).await.unwrap();
    target.wait_for(8).await;
}
