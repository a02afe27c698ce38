//! Replicas by what the target's own pods use.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};
use testbed::{Load, fixtures};

use crate::harness::{Scene, Target};
use crate::pods::{metrics_api, spec};

const MEBIBYTE: f64 = 1_048_576.0;

fn load(cpu: f64, mebibytes: f64) -> Load {
    Load { cpu, memory: mebibytes * MEBIBYTE }
}

/// A Deployment whose pods request half a core and 64 Mi.
pub(crate) fn requesting(scene: &Scene, name: &str, replicas: i32) -> Deployment {
    let mut deployment = fixtures::deployment(name, &scene.namespace, replicas);
    let requests = json!({ "requests": { "cpu": "500m", "memory": "64Mi" } });
    let container = &mut deployment.spec.as_mut().unwrap().template.spec.as_mut().unwrap().containers[0];
    container.resources = Some(serde_json::from_value(requests).unwrap());
    deployment
}

async fn target(scene: &Scene, name: &str, replicas: i32) -> Target {
    let target = scene.create_deployment(requesting(scene, name, replicas)).await;
    target.wait_until_ready(i64::from(replicas)).await;
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_what_all_pods_use_together() {
    let api = metrics_api();
    let scene = Scene::new("usage").await;
    let metrics: [(&str, Value, f64); 4] = [
        ("cpu-percent", json!({ "type": "cpu" }), 100.0),
        ("cpu-cores", json!({ "type": "cpu", "config": { "measure": "usage", "container": "app" } }), 0.5),
        ("memory-percent", json!({ "type": "memory", "config": { "measure": "utilization" } }), 100.0),
        ("memory-bytes", json!({ "type": "memory", "config": { "measure": "usage" } }), 64.0 * MEBIBYTE),
    ];
    let mut followed = Vec::new();
    for (name, metric, unit) in metrics {
        // A little more than a whole number of units, as what is measured is rounded.
        api.set(&scene.namespace, name, load(2.01, 257.0));
        let target = target(&scene, name, 1).await;
        let scaling = scene.business_scaling(name, spec(&scene, name, metric, unit)).await;
        followed.push((name, scaling, target));
    }
    let _operator = scene.operator(&[]).await;
    for (name, scaling, target) in &followed {
        target.wait_for(4).await;
        target.wait_until_ready(4).await;
        scaling.wait_for("Ready", "True", "Ready").await;
        api.set(&scene.namespace, name, load(1.01, 129.0));
        target.wait_for(2).await;
        api.set(&scene.namespace, name, load(3.01, 385.0));
        target.wait_for(6).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_scales_nothing_and_is_named() {
    let api = metrics_api();
    let scene = Scene::new("unknown").await;
    let bare = fixtures::deployment("bare", &scene.namespace, 3);
    let mut bare = bare;
    bare.spec.as_mut().unwrap().template.spec.as_mut().unwrap().containers[0].resources = None;
    let bare = scene.create_deployment(bare).await;
    let silent = target(&scene, "silent", 3).await;
    let asleep = scene.deployment("asleep", 0).await;
    bare.wait_until_ready(3).await;
    api.set(&scene.namespace, "bare", load(2.01, 257.0));
    let _operator = scene.operator(&[]).await;
    let cpu = |config: Value| json!({ "type": "cpu", "config": config });

    let without_request = scene.business_scaling("bare", spec(&scene, "bare", cpu(json!({})), 100.0)).await;
    // A pod counts from the first measurement that was made while it was ready.
    let look = || async {
        let message = without_request.wait_for("Ready", "False", "MetricValueMissing").await;
        let named = message.contains("missing request for cpu in container app of pod bare-");
        if named { Ok(()) } else { Err(message) }
    };
    testbed::wait::until("the request is missed", crate::harness::LIMIT, look).await.unwrap();
    let without_sample =
        scene.business_scaling("silent", spec(&scene, "silent", cpu(json!({})), 100.0)).await;
    let message = without_sample.wait_for("Ready", "False", "MetricValueMissing").await;
    assert!(message.contains("none of its 3 pods can be counted: pod silent-"), "{message}");
    let without_pods = scene.business_scaling("asleep", spec(&scene, "asleep", cpu(json!({})), 100.0)).await;
    without_pods.wait_for("ScalingActive", "False", "ScalingDisabled").await;
    assert_eq!((bare.asked().await, silent.asked().await), (3, 3));
    assert_eq!(asleep.asked().await, 0, "somebody has switched it off");

    without_request.patch_spec(json!({ "metric": cpu(json!({ "container": "web" })) })).await;
    without_request.wait_for_event("Warning", "MetricValueMissing", "").await;
    let look = || async {
        let message = without_request.wait_for("Ready", "False", "MetricValueMissing").await;
        if message.contains("has no container \"web\"") { Ok(()) } else { Err(message) }
    };
    testbed::wait::until("the container is named", crate::harness::LIMIT, look).await.unwrap();
    assert_eq!(bare.asked().await, 3);

    // Cores need no request.
    let cores = json!({ "measure": "usage", "container": null });
    without_request
        .patch_spec(json!({ "metric": cpu(cores), "scaleThresholds": { "minUsers": 0.5, "maxUsers": 5 } }))
        .await;
    bare.wait_for(4).await;
    api.set(&scene.namespace, "silent", load(2.51, 1.0));
    silent.wait_for(5).await;
}
