//! A GitOps tool that applies a manifest with `replicas` again and again.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_replicas_back_is_named_with_what_to_do() {
    let scene = Scene::new("gitops").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let api: Api<Deployment> = scene.namespaced();
    let manifest = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "replicas": 2 } });
    let params = PatchParams::apply("argocd-controller").force();
    for _ in 0..3 {
        target.wait_for(6).await;
        operator.wait_for_polls("unchanged", 1.0).await;
        api.patch("web", &params, &Patch::Apply(&manifest)).await.unwrap();
    }
    let message = scaling.wait_for("AbleToScale", "False", "ReplicasReverted").await;
    for words in ["argocd-controller", "back to 2 replicas", "ignoreDifferences", "drop replicas"] {
        assert!(message.contains(words), "{message}");
    }
    scaling.wait_for("Ready", "False", "ReplicasReverted").await;
    scaling.wait_for_event("Warning", "ReplicasReverted", "argocd-controller").await;
    target.wait_for(6).await;
    let page = operator.activity_page().await;
    assert!(page.contains("set back by argocd-controller") && page.contains("ReplicasReverted"), "{page}");
    // Scaling goes on, and when nobody sets it back any more, all is well.
    scaling.wait_for("Ready", "True", "Ready").await;
}
