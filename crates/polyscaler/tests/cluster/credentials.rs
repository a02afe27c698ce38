//! Credentials that are no Secret's key, each read by its name from the real API server.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use k8s_openapi::api::core::v1::{ConfigMap, EnvVar, Secret, ServiceAccount};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testbed::{Answer, PROMETHEUS_USER, PrometheusServer, fixtures};

use super::prometheus::{server, spec, users};
use crate::harness::Scene;

async fn create<K>(scene: &Scene, object: Value)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize,
    K::DynamicType: Default,
{
    let api: Api<K> = scene.namespaced();
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
}

/// A query that logs in with the password that `from` names.
fn login(server: &PrometheusServer, from: Value) -> Value {
    json!({
        "query": "active_users", "serverAddress": server.url(), "username": PROMETHEUS_USER.0,
        "passwordFrom": from,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_comes_from_a_config_map() {
    let scene = Scene::new("config-map").await;
    users(&scene, &[3000]);
    let server = server(&scene, true).await;
    let target = scene.podless_deployment("web", 2).await;
    let _operator = scene.operator(&[]).await;
    let config = login(&server, json!({ "configMapKeyRef": { "name": "login", "key": "password" } }));
    let scaling = scene.business_scaling("web", spec(&scene, config)).await;
    let message = scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    assert!(message.contains(&format!("{}/login", scene.namespace)), "{message}");
    let map = json!({ "metadata": { "name": "login" }, "data": { "password": PROMETHEUS_USER.1 } });
    create::<ConfigMap>(&scene, map).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_7_a_password_comes_from_the_environment_of_the_targets_container() {
    let scene = Scene::new("target-env").await;
    users(&scene, &[3000]);
    let server = server(&scene, true).await;
    let mut deployment = fixtures::deployment("web", &scene.namespace, 2);
    let template = deployment.spec.as_mut().unwrap();
    template.paused = Some(true);
    let container = &mut template.template.spec.as_mut().unwrap().containers[0];
    let from_secret = json!({ "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "login", "key": "password" } } });
    container.env = Some(vec![serde_json::from_value::<EnvVar>(from_secret).unwrap()]);
    let target = scene.create_deployment(deployment).await;
    let _operator = scene.operator(&[]).await;
    let config = login(&server, json!({ "targetEnv": { "name": "PASSWORD", "containerName": "app" } }));
    let scaling = scene.business_scaling("web", spec(&scene, config)).await;
    let message = scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    assert!(message.contains("login"), "{message}");
    let secret = json!({ "metadata": { "name": "login" }, "stringData": { "password": PROMETHEUS_USER.1 } });
    create::<Secret>(&scene, secret).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    // Another value in the pod template counts at the next poll.
    users(&scene, &[5000]);
    let env = json!([{ "name": "PASSWORD", "value": "guess", "valueFrom": null }]);
    let template = json!({ "spec": { "containers": [{ "name": "app", "env": env }] } });
    let patch = json!({ "spec": { "template": template } });
    target.api.patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    let message = scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("status 401"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_7_a_token_is_requested_for_a_service_account() {
    let scene = Scene::new("token").await;
    let result = json!([{ "metric": {}, "value": [1_764_000_000, "3000"] }]);
    let answer = json!({ "status": "success", "data": { "resultType": "vector", "result": result } });
    scene.metrics.set("/api/v1/query", Answer::json(&answer));
    let target = scene.podless_deployment("web", 2).await;
    let _operator = scene.operator(&[]).await;
    let config = json!({
        "query": "active_users", "serverAddress": scene.metrics.url(""),
        "bearerTokenFrom": { "serviceAccountToken": { "name": "reader", "audience": "prometheus" } },
    });
    let scaling = scene.business_scaling("web", spec(&scene, config)).await;
    let message = scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    assert!(message.contains("reader"), "{message}");
    assert_eq!(scene.metrics.requests(), 0, "nothing is asked without the token");
    create::<ServiceAccount>(&scene, json!({ "metadata": { "name": "reader" } })).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    // The API server itself says whose token was presented, and for whom.
    let headers = scene.metrics.seen("/api/v1/query").headers;
    let presented = headers.get("authorization").unwrap().to_str().unwrap();
    let review = review(&scene, presented.strip_prefix("Bearer ").unwrap(), "prometheus").await;
    let user = format!("system:serviceaccount:{}:reader", scene.namespace);
    assert_eq!(review.user.unwrap_or_default().username, Some(user), "{:?}", review.error);
}

async fn review(scene: &Scene, token: &str, audience: &str) -> TokenReviewStatus {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![audience.to_owned()]) };
    let review = TokenReview { spec, ..TokenReview::default() };
    let api: Api<TokenReview> = Api::all(scene.client.clone());
    api.create(&PostParams::default(), &review).await.unwrap().status.unwrap()
}
