//! Replicas that follow a query of the real Prometheus, by the operator's own server.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{Answer, PROMETHEUS_USER, PrometheusOptions, PrometheusServer, Scrape};

use crate::harness::Scene;

/// The real server, which scrapes what the scene's metric server shows.
pub(super) async fn server(scene: &Scene, basic_auth: bool) -> PrometheusServer {
    let options = PrometheusOptions {
        scrapes: vec![Scrape::of("shop", scene.metrics.address().to_string())],
        interval: Duration::from_millis(500),
        basic_auth,
        ..PrometheusOptions::default()
    };
    PrometheusServer::start(options).await.unwrap()
}

pub(super) fn users(scene: &Scene, pods: &[u32]) {
    let lines = pods.iter().enumerate();
    let text: String = lines.map(|(pod, users)| format!("active_users{{pod=\"{pod}\"}} {users}\n")).collect();
    scene.metrics.set("/metrics", Answer::new(http::StatusCode::OK, testbed::Body::Text(text)));
}

pub(super) fn spec(scene: &Scene, config: Value) -> Value {
    json!({
        "targetDeployment": "web", "namespace": scene.namespace, "intervalSeconds": 1, "safety": {},
        "metric": { "type": "prometheus", "config": config },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_sum_over_pods() {
    let scene = Scene::new("prometheus").await;
    users(&scene, &[1000, 2000]);
    let server = server(&scene, false).await;
    let target = scene.podless_deployment("web", 2).await;
    let url = format!("--prometheus-url={}", server.url());
    let _operator = scene.operator(&[&url]).await;
    let scaling = scene.business_scaling("web", spec(&scene, json!({ "query": "active_users" }))).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    users(&scene, &[5000]);
    target.wait_for(10).await;

    scaling.patch_spec(json!({ "metric": { "config": { "query": "active_users{" } } })).await;
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("parse error"), "{message}");
    scaling.patch_spec(json!({ "metric": { "config": { "query": "active_visitors" } } })).await;
    scaling.wait_for("Ready", "False", "MetricValueMissing").await;
    assert_eq!(target.asked().await, 10, "no scale-in without a reading");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_counts_at_the_next_poll() {
    let scene = Scene::new("prometheus").await;
    users(&scene, &[3000]);
    let server = server(&scene, true).await;
    let target = scene.podless_deployment("web", 2).await;
    let secrets: Api<Secret> = scene.namespaced();
    let secret =
        |password: &str| json!({ "metadata": { "name": "login" }, "stringData": { "password": password } });
    secrets.create(&PostParams::default(), &serde_json::from_value(secret("guess")).unwrap()).await.unwrap();
    let operator = scene.operator(&[]).await;
    let config = json!({
        "query": "active_users", "serverAddress": server.url(), "username": PROMETHEUS_USER.0,
        "passwordFrom": { "secretKeyRef": { "name": "login", "key": "password" } },
    });
    let scaling = scene.business_scaling("web", spec(&scene, config)).await;
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("status 401"), "{message}");
    secrets.patch("login", &PatchParams::default(), &Patch::Merge(secret(PROMETHEUS_USER.1))).await.unwrap();
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let reported = format!("{}{}{:?}", operator.log(), scaling.status().await, scaling.events().await);
    assert!(!reported.contains(PROMETHEUS_USER.1) && !reported.contains("guess"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_field_is_named() {
    let scene = Scene::new("prometheus").await;
    scene.podless_deployment("web", 2).await;
    let _operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", spec(&scene, json!({ "query": "up" }))).await;
    let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
    let wanted =
        "spec.metric.config.serverAddress: Required value: the operator runs without --prometheus-url";
    assert!(message.contains(wanted), "{message}");
}
