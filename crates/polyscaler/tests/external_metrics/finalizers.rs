//! Finalizers that KEDA has left, and those that let a target have its replicas back.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testbed::wait;

use super::MetricsApi;
use crate::harness::{LIMIT, Scaling};

const FINALIZER: &str = "finalizer.keda.sh";

fn finalizers(object: &DynamicObject) -> Vec<String> {
    object.metadata.finalizers.clone().unwrap_or_default()
}

fn has(object: &DynamicObject) -> bool {
    finalizers(object).iter().any(|name| name == FINALIZER)
}

async fn until(scaling: &Scaling, what: &str, is_so: impl Fn(&DynamicObject) -> bool) {
    let look = || async {
        let found = scaling.get().await;
        if is_so(&found) { Ok(()) } else { Err(format!("{:?}", finalizers(&found))) }
    };
    wait::until(what, LIMIT, look).await.unwrap();
}

async fn until_gone(api: &Api<DynamicObject>, name: &str) {
    api.delete(name, &DeleteParams::default()).await.unwrap();
    let look = || async {
        match api.get_opt(name).await.unwrap() {
            None => Ok(()),
            Some(found) => Err(format!("{:?}", finalizers(&found))),
        }
    };
    wait::until("it is gone", LIMIT, look).await.unwrap();
}

fn stale() -> Value {
    json!({ "finalizers": [FINALIZER, "example.com/other"] })
}

fn restoring() -> Value {
    json!({ "advanced": { "restoreToOriginalReplicaCount": true } })
}

fn direct() -> Value {
    json!({ "annotations": { "polyscaler.dev/actuation": "direct" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_needs_goes_and_one_that_is_needed_comes() {
    let api = MetricsApi::begin("finalizers").await;
    let target = api.scene.podless_deployment("web", 3).await;
    api.scene.users("/users", 750);
    let _operator = api.scene.operator(&[]).await;
    let idle = api.scaled_object("idle", stale(), json!({})).await;
    until(&idle, "the stale one is gone", |found| finalizers(found) == ["example.com/other"]).await;

    let scaling = api.scaled_object("web", direct(), restoring()).await;
    until(&scaling, "it has one", has).await;
    target.wait_for(8).await;
    scaling.wait_for_field("originalReplicaCount", 3).await;
    until_gone(&scaling.api, "web").await;
    assert_eq!(target.asked().await, 3, "restored before it was gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_no_longer_wants_replicas_restored_needs_none() {
    let api = MetricsApi::begin("finalizers").await;
    let target = api.scene.podless_deployment("web", 3).await;
    api.scene.users("/users", 750);
    let _operator = api.scene.operator(&[]).await;
    let scaling = api.scaled_object("web", direct(), restoring()).await;
    until(&scaling, "it has one", has).await;
    target.wait_for(8).await;
    scaling.patch_spec(json!({ "advanced": null })).await;
    until(&scaling, "it has none", |found| !has(found)).await;
    until_gone(&scaling.api, "web").await;
    assert_eq!(target.asked().await, 8);
}

/// Deleted while no operator ran, and what is to be restored cannot be.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_an_object_from_going() {
    let api = MetricsApi::begin("finalizers").await;
    api.scene.users("/users", 750);
    let metadata = json!({ "finalizers": [FINALIZER] });
    let scaling = api.scaled_object("gone", metadata.clone(), restoring()).await;
    let status = json!({ "status": { "originalReplicaCount": 3 } });
    let patch = kube::api::Patch::Merge(status);
    scaling.api.patch_status("gone", &Default::default(), &patch).await.unwrap();
    scaling.api.delete("gone", &DeleteParams::default()).await.unwrap();

    let authentication = |kind: &str, plural: &str| {
        let gvk = GroupVersionKind::gvk("keda.sh", "v1alpha1", kind);
        ApiResource::from_gvk_with_plural(&gvk, plural)
    };
    let namespaced = authentication("TriggerAuthentication", "triggerauthentications");
    let of_cluster = authentication("ClusterTriggerAuthentication", "clustertriggerauthentications");
    let (client, namespace) = (api.scene.client.clone(), api.scene.namespace.clone());
    let apis: [(Api<DynamicObject>, &str); 2] = [
        (Api::namespaced_with(client.clone(), &namespace, &namespaced), "TriggerAuthentication"),
        (Api::all_with(client, &of_cluster), "ClusterTriggerAuthentication"),
    ];
    for (of_kind, kind) in &apis {
        let object = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": kind,
            "metadata": { "name": namespace, "finalizers": [FINALIZER] },
            "spec": { "podIdentity": { "provider": "none" } },
        });
        of_kind.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }
    let operator = api.scene.operator(&[]).await;
    let look = || async { scaling.api.get_opt("gone").await.unwrap().is_none().then_some(()) };
    wait::until("it is gone", LIMIT, look).await.unwrap();
    operator.wait_for_lines("cannot be given its replicas back", 1).await;
    for (of_kind, _) in &apis {
        until_gone(of_kind, &namespace).await;
    }
}
