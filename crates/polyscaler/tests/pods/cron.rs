//! Replicas by the time of day.

use serde_json::{Value, json};
use testbed::Load;

use super::metrics_api;
use super::usage::requesting;
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

#[tokio::test(flavor = "multi_thread")]
async fn beside_cpu_a_closed_window_means_no_replicas_and_no_failure() {
    let api = metrics_api();
    let scene = Scene::new("cron-cpu").await;
    let target = scene.create_deployment(requesting(&scene, "web", 2)).await;
    target.wait_until_ready(2).await;
    api.set_each(&scene.namespace, "web", Load { cpu: 0.1, memory: 1_048_576.0 });
    let metrics = |window: Value| {
        let [window, cpu] = [(window, 1.0), (json!({ "type": "cpu" }), 80.0)].map(|(mut metric, target)| {
            metric["targetValue"] = json!(target);
            metric
        });
        json!([window, cpu])
    };
    let (open, closed) = (window("0 0 1 1 *", "* * * * *"), window("* * * * *", "0 0 1 1 *"));
    let spec = json!({
        "targetDeployment": "web", "minReplicas": 0, "maxReplicas": 20, "intervalSeconds": 1,
        "metrics": metrics(open.clone()), "safety": {},
    });
    let scaler = scene.general_scaler("web", spec).await;
    let _operator = scene.operator(&[]).await;
    target.wait_for(5).await;
    target.wait_until_ready(5).await;

    // By what idle pods use there would always be one; whether there are any is left to the window.
    scaler.patch_spec(json!({ "metrics": metrics(closed) })).await;
    target.wait_for(0).await;
    scaler.wait_for("Ready", "True", "Ready").await;

    // Without a pod there is no usage to read, and the window wakes the target all the same.
    scaler.patch_spec(json!({ "metrics": metrics(open) })).await;
    target.wait_for(5).await;
    target.wait_until_ready(5).await;
    // All pods together need 10 of 400m, whatever the window says. The load is theirs together: were it each
    // one's, 10 would only be passed by on the way to the maximum.
    api.set(&scene.namespace, "web", Load { cpu: 3.9, memory: 1_048_576.0 });
    target.wait_for(10).await;
    scaler.wait_for("Ready", "True", "Ready").await;
}
