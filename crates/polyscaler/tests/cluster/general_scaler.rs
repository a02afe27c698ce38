//! A GeneralScaler as its users see it: several metrics, two policies, money, columns.

use serde_json::{Value, json};

use crate::harness::{Scaling, Scene, Target};

/// A metric of source `http` at `path`, by its name.
fn metric(scene: &Scene, path: &str, target: f64, target_type: &str) -> Value {
    json!({
        "name": path.trim_start_matches('/'),
        "type": "http",
        "config": { "url": scene.metrics.url(path), "valuePath": "$.value" },
        "targetValue": target,
        "targetType": target_type,
    })
}

fn set(scene: &Scene, path: &str, value: impl Into<Value>) {
    scene.metrics.set_json(path, &json!({ "value": value.into() }));
}

/// A Deployment of 2 pods and its scaler: 2 to 10 replicas, polled each second.
async fn scaled(
    scene: &Scene,
    name: &str,
    metrics: Value,
    policy: Value,
    safety: Value,
) -> (Target, Scaling) {
    let target = scene.podless_deployment(name, 2).await;
    let spec = json!({
        "targetDeployment": name, "minReplicas": 2, "maxReplicas": 10, "intervalSeconds": 1,
        "metrics": metrics, "policy": policy, "safety": safety,
    });
    (target, scene.general_scaler(name, spec).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_metric_furthest_from_its_target() {
    let scene = Scene::new("general").await;
    set(&scene, "/requests", 150);
    set(&scene, "/queue", 0);
    let metrics = json!([
        metric(&scene, "/requests", 100.0, "AverageValue"),
        metric(&scene, "/queue", 5.0, "AverageValue")
    ]);
    let (target, scaler) = scaled(&scene, "web", metrics, json!({ "type": "slo" }), json!({})).await;
    let _operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    set(&scene, "/requests", 730);
    target.wait_for(8).await;
    scaler.wait_for_event("Normal", "SuccessfulRescale", "slo 2→8 (requests 730/100)").await;
    set(&scene, "/queue", 48);
    target.wait_for(10).await;
    scaler.wait_for_field("lastScaleReason", "slo 8→10 (queue 48/5)").await;
    scaler.wait_for_field("metricSummary", "73/100 avg, 4.8/5 avg").await;

    let columns = scaler.columns().await;
    assert_eq!(columns["Target"], "Deployment/web");
    assert_eq!(columns["Metrics"], "73/100 avg, 4.8/5 avg");
    assert_eq!((&columns["Current"], &columns["Desired"]), (&json!(10), &json!(10)));
    assert_eq!(columns["Last Reason"], "slo 8→10 (queue 48/5)");
    assert_eq!((&columns["Ready"], &columns["Reason"]), (&json!("True"), &json!("Ready")));

    set(&scene, "/requests", 0);
    set(&scene, "/queue", 0);
    target.wait_for(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_metric_forbids_scale_in_and_lets_the_others_scale_out() {
    let scene = Scene::new("general").await;
    for path in ["/a", "/b", "/c"] {
        set(&scene, path, 400);
    }
    let metrics: Vec<Value> =
        ["/a", "/b", "/c"].iter().map(|path| metric(&scene, path, 100.0, "AverageValue")).collect();
    let (target, scaler) = scaled(&scene, "web", json!(metrics), json!({ "type": "slo" }), json!({})).await;
    let _operator = scene.operator(&[]).await;
    target.wait_for(4).await;
    set(&scene, "/b", "many");
    set(&scene, "/a", 0);
    set(&scene, "/c", 0);
    let message = scaler.wait_for("ScalingActive", "False", "MetricNotANumber").await;
    assert!(message.starts_with("metric b: "), "{message}");
    scaler.wait_for("ScalingLimited", "True", "ReadingMissing").await;
    assert_eq!(target.asked().await, 4);
    set(&scene, "/c", 600);
    target.wait_for(6).await;
    let status = scaler.status().await;
    assert_eq!(status["metrics"][1]["reason"], "MetricNotANumber");
    assert_eq!(status["metrics"][1]["value"], Value::Null);
    set(&scene, "/b", 0);
    set(&scene, "/c", 0);
    target.wait_for(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_caps_replicas_and_shows_the_money() {
    let scene = Scene::new("general").await;
    set(&scene, "/requests", 200);
    let metrics = json!([metric(&scene, "/requests", 100.0, "AverageValue")]);
    let policy = json!({ "type": "cost", "config": { "maxCostPerHour": 0.5, "costPerPodHour": 0.1 } });
    let (target, scaler) = scaled(&scene, "web", metrics, policy, json!({})).await;
    let operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    set(&scene, "/requests", 800);
    target.wait_for(5).await;
    scaler
        .wait_for_event("Normal", "SuccessfulRescale", "slo 2→8 (800/100), cost 8→5 (0.50/h of 0.50/h)")
        .await;
    let message = scaler.wait_for("ScalingLimited", "True", "BudgetReached").await;
    assert_eq!(message, "cost 8→5 (0.50/h of 0.50/h)");
    scaler
        .wait_for_field("cost", json!({ "now": 0.5, "recommended": 0.8, "decided": 0.5, "budget": 0.5 }))
        .await;
    let page = operator.activity_page().await;
    assert!(page.contains("0.50/h, recommended 0.80/h, budget 0.50/h"), "{page}");
    // A budget that is lowered takes effect by the next poll.
    scaler.patch_spec(json!({ "policy": { "config": { "maxCostPerHour": 0.3 } } })).await;
    target.wait_for(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_flips_is_held_by_cooldown_and_rates() {
    let scene = Scene::new("general").await;
    set(&scene, "/load", 200);
    let metrics = json!([metric(&scene, "/load", 100.0, "AverageValue")]);
    let safety = json!({ "cooldownSeconds": 6, "maxScaleUpRate": 3, "maxScaleDownRate": 1 });
    let (target, scaler) = scaled(&scene, "web", metrics, json!({ "type": "slo" }), safety).await;
    let _operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;
    for _ in 0..4 {
        set(&scene, "/load", 1_000_000_000);
        scene.requests("/load", 2).await;
        set(&scene, "/load", 0);
        scene.requests("/load", 2).await;
    }
    let changes = recorder.wait_for(2).await;
    let mut replicas: i64 = 2;
    for change in &changes {
        let moved = change.to - replicas;
        assert!((-1..=3).contains(&moved), "{replicas} to {}", change.to);
        replicas = change.to;
    }
    for pair in changes.windows(2) {
        // Reported by a watch, the first maybe later than the second. Polls are a second apart.
        assert!((pair[1].at - pair[0].at).as_secs_f64() > 3.0, "two scales within the cooldown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_moves_the_ready_replicas() {
    let scene = Scene::new("general").await;
    set(&scene, "/latency", 0.2);
    let target = scene.deployment("web", 3).await;
    target.wait_until_ready(3).await;
    let spec = json!({
        "targetDeployment": "web", "maxReplicas": 10, "intervalSeconds": 1,
        "metrics": [metric(&scene, "/latency", 0.2, "Value")],
    });
    let scaler = scene.general_scaler("web", spec).await;
    let _operator = scene.operator(&[]).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    set(&scene, "/latency", 0.21);
    scaler.wait_for_field("lastDecision", "slo 3 (0.21/0.2 within 0.1)").await;
    set(&scene, "/latency", 0.4);
    scaler.wait_for_event("Normal", "SuccessfulRescale", "slo 3→6 (0.4/0.2 × 3 ready)").await;
}
