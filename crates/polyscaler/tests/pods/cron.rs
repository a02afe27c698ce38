//! Replicas by the time of day.

use serde_json::{Value, json};

use crate::harness::Scene;
use crate::pods::spec;

fn window(start: &str, end: &str) -> Value {
    let config = json!({ "timezone": "Europe/Paris", "start": start, "end": end, "desiredReplicas": 5 });
    json!({ "type": "cron", "config": config })
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_a_window_that_opens_and_closes() {
    let scene = Scene::new("cron").await;
    let target = scene.podless_deployment("web", 2).await;
    let operator = scene.operator(&[]).await;
    // One that closes each minute and opens once a year is open until it closes next, at any time.
    let open = window("0 0 1 1 *", "* * * * *");
    let closed = window("* * * * *", "0 0 1 1 *");
    let scaling = scene.business_scaling("web", spec(&scene, "web", open.clone(), 1.0)).await;
    target.wait_for(5).await;
    scaling.wait_for_field("metricValue", 5).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    scaling.patch_spec(json!({ "metric": closed })).await;
    target.wait_for(1).await;
    scaling.wait_for_field("metricValue", 0).await;
    scaling.patch_spec(json!({ "metric": open })).await;
    target.wait_for(5).await;
    operator.wait_for_metric("polyscaler_readings_total", &[("source", "cron"), ("result", "ok")], 3.0).await;

    // A window that never comes is refused, and nothing is scaled by it.
    scaling.patch_spec(json!({ "metric": window("0 0 30 2 *", "0 0 1 3 *") })).await;
    let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
    assert!(message.contains("spec.metric.config.start: Invalid value: \"0 0 30 2 *\""), "{message}");
    assert_eq!(target.asked().await, 5);
}
