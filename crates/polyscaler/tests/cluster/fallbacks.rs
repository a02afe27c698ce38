//! What holds while a metric fails for long, or falls so fast that it is hardly true.

use serde_json::json;

use crate::harness::{Scene, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_fails_for_long_falls_back_and_comes_back() {
    let scene = Scene::new("fallback").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "maxScaleUpRate": 100, "fallback": { "failureThreshold": 3, "replicas": 8 } });
    let scaling = scene.business_scaling("web", spec).await;
    scaling.wait_for("Fallback", "False", "FallbackInactive").await;

    scene.users("/users", "down");
    let message = scaling.wait_for("Fallback", "True", "FallbackActive").await;
    assert!(message.contains("fallback 2→8 (users has failed since"), "{message}");
    target.wait_for(8).await;
    scaling.wait_for("ScalingActive", "False", "MetricNotANumber").await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "fallback 2→8").await;

    scene.users("/users", 3000);
    target.wait_for(6).await;
    scaling.wait_for("Fallback", "False", "FallbackInactive").await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_metrics_each_has_its_own_fallback() {
    let scene = Scene::new("fallback-own").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/good", 300);
    scene.users("/bad", "down");
    let metric = |path: &str| {
        let config = json!({ "url": scene.metrics.url(path), "valuePath": "$.active_users" });
        json!({ "name": path, "type": "http", "config": config, "targetValue": 100 })
    };
    let mut bad = metric("/bad");
    bad["fallback"] = json!({ "afterSeconds": 2, "replicas": 7 });
    let spec = json!({ "targetDeployment": "web", "maxReplicas": 20, "intervalSeconds": 1,
                       "metrics": [metric("/good"), bad], "safety": {} });
    let scaler = scene.general_scaler("web", spec).await;
    target.wait_for(7).await;
    scaler.wait_for("Fallback", "True", "FallbackActive").await;
    scene.users("/good", 900);
    target.wait_for(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sudden_drop_scales_in_only_once_it_has_stayed() {
    let scene = Scene::new("drop").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 5000);
    let mut spec = scene.spec("web", "/users");
    spec["safety"] =
        json!({ "maxScaleDownRate": 100, "suspiciousDrop": { "percent": 50, "confirmSeconds": 10 } });
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(10).await;
    scene.users("/users", 0);
    let fallen = tokio::time::Instant::now();
    let message = scaling.wait_for("ScalingLimited", "True", "SuspiciousDrop").await;
    assert!(message.contains("users 5000→0"), "{message}");
    target.wait_for(2).await;
    assert!(fallen.elapsed() >= seconds(4.0), "{:?}", fallen.elapsed());
}
