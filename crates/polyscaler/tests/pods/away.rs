//! metrics.k8s.io that is not installed, goes away and comes back: nothing is scaled without it.

use serde_json::json;
use testbed::{Load, MetricsApi};

use crate::harness::{Scene, control_plane};
use crate::pods::spec;
use crate::pods::usage::requesting;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_scaled_in_while_nobody_measures() {
    let control_plane = control_plane::start().await;
    let client = control_plane::client(&control_plane).await;
    control_plane::install_crds(&client).await;
    let scene = Scene::on(&control_plane, "away").await;
    let target = scene.create_deployment(requesting(&scene, "web", 5)).await;
    target.wait_until_ready(5).await;
    let _operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", spec(&scene, "web", json!({ "type": "cpu" }), 100.0)).await;
    let recorder = target.record().await;
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("does not know metrics.k8s.io: install metrics-server"), "{message}");

    let mut api = MetricsApi::start(&control_plane, client).await.unwrap();
    api.set(&scene.namespace, "web", Load { cpu: 1.51, memory: 1.0 });
    target.wait_for(3).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    api.stop().await.unwrap();
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("metrics-server, is unavailable"), "{message}");
    api.set(&scene.namespace, "web", Load { cpu: 4.01, memory: 1.0 });
    api.resume().await.unwrap();
    target.wait_for(8).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    recorder.expect(&[3, 8]).await;

    api.unregister().await.unwrap();
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("install metrics-server") || message.contains("is unavailable"), "{message}");
    drop(scene);
    control_plane.shutdown().await.unwrap();
}
