//! Replicas by the number of other pods.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{fixtures, wait};

use crate::harness::{LIMIT, Scene};
use crate::pods::spec;

fn counting(config: Value) -> Value {
    json!({ "type": "kubernetes-workload", "config": config })
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_pods_that_a_selector_finds() {
    let scene = Scene::new("workload").await;
    let other = Scene::new("elsewhere").await;
    other.deployment("workers", 2).await.wait_until_ready(2).await;
    let workers = scene.deployment("workers", 3).await;
    let target = scene.podless_deployment("web", 1).await;
    let _operator = scene.operator(&[]).await;
    let metric = counting(json!({ "podSelector": "app in (workers, helpers), app!=web" }));
    let scaling = scene.business_scaling("web", spec(&scene, "web", metric, 1.0)).await;
    target.wait_for(3).await;
    workers.set(5).await;
    target.wait_for(5).await;
    scaling.wait_for_field("metricValue", 5).await;

    // Pods that wait for something count, those that are over do not.
    let slow = fixtures::deployment("helpers", &scene.namespace, 2);
    scene.create_deployment(fixtures::with_ready_delay(slow, Duration::from_secs(3600))).await;
    target.wait_for(7).await;
    let pods: Api<Pod> = scene.namespaced();
    let job: Pod = serde_json::from_value(json!({
        "metadata": { "name": "job", "labels": { "app": "workers" } },
        "spec": { "containers": [{ "name": "app", "image": "registry.k8s.io/pause:3.10" }] },
    }))
    .unwrap();
    pods.create(&PostParams::default(), &job).await.unwrap();
    target.wait_for(8).await;
    let running = || async {
        let pod = pods.get("job").await.map_err(|error| error.to_string())?;
        let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
        if phase == "Running" { Ok(()) } else { Err(phase) }
    };
    wait::until("the job runs", LIMIT, running).await.unwrap();
    let over = Patch::Merge(json!({ "status": { "phase": "Succeeded" } }));
    pods.patch_status("job", &PatchParams::default(), &over).await.unwrap();
    target.wait_for(7).await;

    // None at all is a number, too.
    scaling.patch_spec(json!({ "metric": counting(json!({ "podSelector": "app=nothing" })) })).await;
    target.wait_for(1).await;
    scaling.wait_for_field("metricValue", 0).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_counted_where_they_are_asked_for() {
    let scene = Scene::new("nodes").await;
    scene.deployment("workers", 6).await.wait_until_ready(6).await;
    let target = scene.podless_deployment("web", 5).await;
    let _operator = scene.operator(&[]).await;
    let pods = scene.namespaced::<Pod>().list(&ListParams::default()).await.unwrap().items;
    let nodes: BTreeSet<String> = pods.into_iter().filter_map(|pod| pod.spec?.node_name).collect();
    let metric = counting(json!({ "podSelector": "app=workers", "groupByNode": true }));
    let scaling = scene.business_scaling("web", spec(&scene, "web", metric, 1.0)).await;
    scaling.wait_for_field("metricValue", nodes.len()).await;
    target.wait_for(i32::try_from(nodes.len()).unwrap()).await;
}
