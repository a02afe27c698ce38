//! GeneralScalers by what pods use, in the situations in which users of other autoscalers were surprised.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{Load, fixtures};

use super::metrics_api;
use super::usage::requesting;
use crate::harness::{Scene, Target};

const MEBIBYTE: f64 = 1_048_576.0;

/// A spec with one metric of pods and no window that would hide what is decided.
fn spec(target: &str, metric: Value, (min, max): (u32, u32)) -> Value {
    json!({
        "targetDeployment": target,
        "minReplicas": min,
        "maxReplicas": max,
        "intervalSeconds": 1, "safety": {},
        "metrics": [metric],
    })
}

fn percent(source: &str, target: f64) -> Value {
    json!({ "type": source, "targetValue": target })
}

/// Replaces all pods, as `kubectl rollout restart` does.
async fn restart(target: &Target) {
    let annotations = json!({ "kubectl.kubernetes.io/restartedAt": "2026-11-29T12:00:00Z" });
    let patch = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
    target.api.patch(&target.name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

/// Waits until a rolling update is over.
async fn wait_until_rolled_out(target: &Target, replicas: i64) {
    let look = || async {
        let object = target.api.get(&target.name).await.map_err(|error| error.to_string())?;
        let count = |field: &str| object.data["status"][field].as_i64().unwrap_or(0);
        let is_seen = object.data["status"]["observedGeneration"].as_i64() == object.metadata.generation;
        let counts = (count("replicas"), count("updatedReplicas"), count("readyReplicas"));
        if is_seen && counts == (replicas, replicas, replicas) { Ok(()) } else { Err(format!("{counts:?}")) }
    };
    testbed::wait::until("the rolling update is over", crate::harness::LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_with_surge_keeps_its_replicas() {
    let api = metrics_api();
    let scene = Scene::new("surge").await;
    let mut deployment = fixtures::with_ready_delay(requesting(&scene, "web", 10), Duration::from_secs(3));
    let surge = IntOrString::String("100%".to_owned());
    deployment.spec.as_mut().unwrap().strategy = Some(DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(surge),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    });
    let target = scene.create_deployment(deployment).await;
    target.wait_until_ready(10).await;
    // 70 percent of 64 Mi, however many pods there are.
    api.set_each(&scene.namespace, "web", Load { cpu: 0.1, memory: 44.8 * MEBIBYTE });
    let scaler = scene.general_scaler("web", spec("web", percent("memory", 80.0), (10, 60))).await;
    let _operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;
    restart(&target).await;
    wait_until_rolled_out(&target, 10).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    assert_eq!(target.asked().await, 10);
    recorder.expect(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_pods_do_not_undo_the_scale_out_that_made_them() {
    let api = metrics_api();
    let scene = Scene::new("new-pods").await;
    // New pods are not ready for long, and their start is not their load.
    let deployment = fixtures::with_ready_delay(requesting(&scene, "web", 4), Duration::from_secs(8));
    let target = scene.create_deployment(deployment).await;
    target.wait_until_ready(4).await;
    api.set_each(&scene.namespace, "web", Load { cpu: 0.6, memory: MEBIBYTE });
    let scaler = scene.general_scaler("web", spec("web", percent("cpu", 80.0), (1, 20))).await;
    let recorder = target.record().await;
    let _operator = scene.operator(&[]).await;
    target.wait_for(6).await;
    // What the new ones will take is not known yet; the old ones are relieved early.
    api.set_each(&scene.namespace, "web", Load { cpu: 0.35, memory: MEBIBYTE });
    scaler.wait_for("Ready", "True", "Ready").await;
    recorder.expect(&[6]).await;
    // All are ready, and there are 3 × 80 percent for all together. A pod that is ready and not measured yet counts as
    // busy, so there may be more than one step on the way down.
    target.wait_until_ready(6).await;
    api.set(&scene.namespace, "web", Load { cpu: 1.2, memory: MEBIBYTE });
    target.wait_for(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_pods_with_the_same_labels_do_not_count() {
    let api = metrics_api();
    let scene = Scene::new("foreign").await;
    let target = scene.create_deployment(requesting(&scene, "web", 2)).await;
    target.wait_until_ready(2).await;
    let template = json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            "restartPolicy": "Never",
            // No request: where it counted, there would be no utilization at all.
            "containers": [{ "name": "migrate", "image": "registry.k8s.io/pause:3.10" }],
        },
    });
    let job = json!({
        "metadata": { "name": "migrate" },
        "spec": { "parallelism": 3, "completions": 3, "template": template },
    });
    let jobs: Api<Job> = scene.namespaced();
    jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
    api.set_each(&scene.namespace, "web", Load { cpu: 0.4, memory: MEBIBYTE });
    let scaler = scene.general_scaler("web", spec("web", percent("cpu", 80.0), (1, 4))).await;
    let _operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    assert_eq!(target.asked().await, 2);
    // New pods take as much each, so only the maximum ends it.
    api.set_each(&scene.namespace, "web", Load { cpu: 0.8, memory: MEBIBYTE });
    target.wait_for(4).await;
    scaler.wait_for("Ready", "True", "Ready").await;
}
