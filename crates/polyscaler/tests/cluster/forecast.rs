//! A GeneralScaler that scales out ahead of its load, which is a line that rises in the real Prometheus.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{PrometheusOptions, PrometheusServer, wait};

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_asked_for_ahead_of_the_load() {
    let scene = Scene::new("forecast").await;
    let server = PrometheusServer::start(PrometheusOptions::default()).await.unwrap();
    scene.podless_deployment("web", 2).await;
    let now = server.query("time()").await.unwrap()["result"][1].as_str().unwrap().to_owned();
    let query = format!("vector(1000 + 20 * (time() - {now}))");
    let spec = json!({
        "targetDeployment": "web", "minReplicas": 2, "maxReplicas": 1000, "intervalSeconds": 1,
        "metrics": [{ "name": "requests", "type": "prometheus", "targetValue": 20,
            "config": { "query": query, "serverAddress": server.url() } }],
        "forecast": { "horizonSeconds": 9 },
    });
    let operator = scene.operator(&[]).await;
    let scaler = scene.general_scaler("web", spec).await;
    let message = scaler.wait_for("ScalingActive", "True", "ValidMetricFound").await;
    assert!(message.contains("; no forecast of requests is used: "), "{message}");
    // Once a model has proved right: the trend, or the past that Prometheus gives.
    let ahead = || async {
        let objects: Value = serde_json::from_str(&operator.activity_text("/objects").await).unwrap();
        let found = objects.as_array().unwrap().iter().find(|object| object["name"] == scaler.name.as_str());
        let found = found.ok_or("it is not shown yet")?;
        let (decision, forecast) = (&found["targets"][0]["decision"], &found["metrics"][0]["forecast"]);
        let is_ahead = decision.as_str().is_some_and(|decision| decision.contains(", forecast "));
        let rises = forecast["value"].as_f64() > found["metrics"][0]["value"].as_f64();
        if is_ahead && rises { Ok(()) } else { Err(found.to_string()) }
    };
    wait::until("a decision ahead of the load", Duration::from_secs(240), ahead).await.unwrap();
    scaler.wait_for_event("Normal", "SuccessfulRescale", ", forecast ").await;
}
