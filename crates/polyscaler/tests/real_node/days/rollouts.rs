//! New versions: one that is good, by processor time, and two that are not.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testbed::wait;

use crate::harness::Scaling;
use crate::packaging::manifests::wait_until_rolled_out;
use crate::real_node::cluster::{Cluster, LIMIT};
use crate::real_node::days::documented::Row;
use crate::real_node::days::reasons::Reasons;
use crate::real_node::days::shop::{NAME, NAMESPACE, NEEDED, Shop, WINDOW};
use crate::real_node::load::Load;
use crate::real_node::loads::python;

/// Where the application is that is scaled by processor time.
const PROCESSOR: &str = "processor";

/// Changes the pods of a Deployment.
async fn patch(cluster: &Cluster, namespace: &str, name: &str, template: Value) {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let patch = Patch::Strategic(json!({ "spec": { "template": template } }));
    deployments.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// What the containers of a namespace's pods use together, in cores, once all pods are measured.
async fn used(cluster: &Cluster, pods: usize) -> Result<f64, String> {
    let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
    let kind = ApiResource::from_gvk_with_plural(&kind, "pods");
    let measured: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), PROCESSOR, &kind);
    let measured = measured.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
    let cores = measured.iter().flat_map(|pod| pod.data["containers"].as_array().into_iter().flatten()).map(
        |container| {
            let text = container["usage"]["cpu"].as_str().unwrap_or_default();
            text.trim_end_matches('n').parse::<f64>().unwrap_or(0.0) / 1e9
        },
    );
    let cores: f64 = cores.sum();
    if measured.len() == pods && cores > 0.02 {
        Ok(cores)
    } else {
        Err(format!("{} pods, {cores} cores", measured.len()))
    }
}

/// New pods use much when they begin, and during a rollout there are more of them than are asked for. Neither is load.
pub(super) async fn under_load_by_processor_time(cluster: &Cluster) {
    cluster.namespace(PROCESSOR).await;
    python::deploy(cluster, PROCESSOR).await;
    let target = cluster.target(PROCESSOR, "test");
    target.set(2).await;
    target.wait_until_ready(2).await;
    let load =
        Load::start(format!("http://{}:5000/", cluster.service_address(PROCESSOR, "test").await), 40).await;
    // What is measured at first has the pods' start in it.
    load.wait_for(1200).await;
    let cores = wait::until("processor time is measured", LIMIT, || used(cluster, 2)).await.unwrap();
    // It needs two replicas, also if a busy machine makes the same work cost two thirds more. Less only matters for scaling in.
    let scaler = json!({
        "apiVersion": "autoscaling.example.com/v1",
        "kind": "GeneralScaler",
        "metadata": { "name": "python" },
        "spec": {
            "targetDeployment": "test",
            "maxReplicas": 6,
            "intervalSeconds": 1,
            "metrics": [{ "type": "cpu", "config": { "measure": "usage" }, "targetValue": cores / 1.15 }],
            "safety": { "scaleDownStabilizationSeconds": WINDOW },
        },
    });
    cluster.apply(PROCESSOR, &scaler.to_string()).await;
    let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
    let scaler = Scaling::namespaced(&cluster.client, PROCESSOR, kind, "python");
    scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
    let (recorder, reasons) = (target.record().await, Reasons::record(&scaler).await);
    let (_, first) = reasons.since(0, &scaler).await;
    let version = json!({ "metadata": { "annotations": { "version": "2" } } });
    patch(cluster, PROCESSOR, "test", version).await;
    wait_until_rolled_out(&cluster.client, PROCESSOR, "test").await;
    // Measurements of the new pods' first seconds come last.
    let answered = load.counts().0;
    load.wait_for(answered + 1000).await;
    wait::until("processor time is measured again", LIMIT, || used(cluster, 2)).await.unwrap();
    scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
    println!(
        "rolling update by processor time, {cores:.3} cores: {:?} after 2 replicas",
        recorder.replicas()
    );
    assert_eq!(recorder.replicas(), Vec::<i64>::new(), "{}", scaler.status().await);
    let (seen, _) = reasons.since(first, &scaler).await;
    Row::of("a rolling update, with `cpu` as metric").compare(&seen);
    let (answered, failed) = load.counts();
    assert_eq!(failed, 0, "of {answered}");
}

/// Rolls out a change, waits until a container of a new pod is as bad as it gets, and takes the change back.
async fn bad_version(shop: &Shop<'_>, template: Value, is_bad: fn(&ContainerStatus) -> bool, undo: Value) {
    patch(shop.cluster, NAMESPACE, NAME, template).await;
    let bad = || async {
        let pods = shop.pods().await;
        let containers =
            pods.iter().filter_map(|pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
        let states: Vec<_> = containers.collect();
        if states.iter().any(|state| is_bad(state)) {
            Ok(())
        } else {
            Err(serde_json::to_string(&states).unwrap())
        }
    };
    wait::until("a bad pod", LIMIT, bad).await.unwrap();
    // Polls go by with it.
    shop.polls_go_by(10.0).await;
    let ready = shop.target.ready().await;
    assert!(ready >= i64::from(NEEDED), "{ready} old ones serve");
    patch(shop.cluster, NAMESPACE, NAME, undo).await;
    wait_until_rolled_out(&shop.cluster.client, NAMESPACE, NAME).await;
}

pub(super) async fn an_image_crashes(shop: &Shop<'_>) {
    let address = |value: Value| json!({ "spec": { "containers": [{ "name": NAME, "env": [{ "name": "LISTEN_ADDRESS", "value": value }] }] } });
    let has_crashed = |container: &ContainerStatus| container.restart_count > 0 && !container.ready;
    bad_version(shop, address("nowhere".into()), has_crashed, address(Value::Null)).await;
}

pub(super) async fn a_pod_never_gets_ready(shop: &Shop<'_>) {
    // Nobody listens there.
    let probe = |port: Value| {
        let probe = json!({ "httpGet": { "path": "/healthz", "port": port } });
        json!({ "spec": { "containers": [{ "name": NAME, "readinessProbe": probe }] } })
    };
    let runs_in_vain = |container: &ContainerStatus| container.started == Some(true) && !container.ready;
    bad_version(shop, probe(9.into()), runs_in_vain, probe("http".into())).await;
}
