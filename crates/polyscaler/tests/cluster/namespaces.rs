//! The namespaces in which an operator acts, by their labels and by exclusion.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testbed::fixtures;

use crate::harness::Scene;

const LABEL: &str = "tests.polyscaler.dev/selected-by";

/// Sets the label of a namespace to the scene's name, or removes it.
async fn label(scene: &Scene, namespace: &str, is_selected: bool) {
    let api: Api<Namespace> = Api::all(scene.client.clone());
    let value = if is_selected { json!(scene.namespace) } else { Value::Null };
    let patch = Patch::Merge(json!({ "metadata": { "labels": { LABEL: value } } }));
    api.patch(namespace, &PatchParams::default(), &patch).await.unwrap();
}

/// A BusinessScaling about `namespace`, without a target: it polls all the same, and so is a witness of time.
async fn witness(scene: &Scene, namespace: &str, path: &str) {
    let mut spec = scene.spec("nobody", path);
    spec["namespace"] = json!(namespace);
    scene.business_scaling(&path[1..], spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_namespace_decide_at_once_whether_it_is_acted_on() {
    let scene = Scene::new("selected").await;
    let always = fixtures::create_namespace(&scene.client, "always").await.unwrap();
    let excluded = fixtures::create_namespace(&scene.client, "excluded").await.unwrap();
    for namespace in [&always, &excluded] {
        label(&scene, namespace, true).await;
    }
    witness(&scene, &always, "/always").await;
    witness(&scene, &excluded, "/excluded").await;
    scene.users("/always", 3000);
    scene.users("/web", 3000);
    scene.users("/shop", 3000);
    let (web, shop) = (scene.podless_deployment("web", 2).await, scene.podless_deployment("shop", 2).await);
    scene.business_scaling("web", scene.spec("web", "/web")).await;
    let config = json!({ "url": scene.metrics.url("/shop"), "valuePath": "$.active_users" });
    let spec = json!({ "targetDeployment": "shop", "minReplicas": 1, "maxReplicas": 10, "intervalSeconds": 1, "safety": {},
        "metrics": [{ "type": "http", "config": config, "targetValue": 500 }] });
    scene.general_scaler("shop", spec).await;

    let selector = format!("--namespace-selector={LABEL}={}", scene.namespace);
    let exclusion = format!("--exclude-namespaces={excluded}");
    let operator = scene.begin_operator(&[&selector, &exclusion], &[("POLYSCALER_NAMESPACES", "")]);
    operator.wait_until_ready().await;
    scene.requests("/always", 3).await;
    for path in ["/web", "/shop", "/excluded"] {
        assert_eq!(scene.metrics.seen(path).count, 0, "{path} is in a namespace that is not selected");
    }

    label(&scene, &scene.namespace, true).await;
    web.wait_for(6).await;
    shop.wait_for(6).await;

    label(&scene, &scene.namespace, false).await;
    scene.requests("/always", 3).await;
    let before = ["/web", "/shop"].map(|path| scene.metrics.seen(path).count);
    scene.users("/web", 5000);
    scene.users("/shop", 5000);
    scene.requests("/always", 3).await;
    assert_eq!(["/web", "/shop"].map(|path| scene.metrics.seen(path).count), before);
    assert_eq!(scene.metrics.seen("/excluded").count, 0);
    label(&scene, &scene.namespace, true).await;
    web.wait_for(10).await;
    shop.wait_for(10).await;
}
