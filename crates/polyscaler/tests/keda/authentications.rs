//! What is written about authentications, and what triggers find in them.

use std::path::Path;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DeleteParams, Patch, PatchParams};
use kube::core::GroupVersionKind;

use super::*;

const AUTHENTICATION: (&str, &str, &str) =
    ("keda.sh/v1alpha1", "TriggerAuthentication", "triggerauthentications");

/// The ClusterTriggerAuthentications.
fn of_cluster(scene: &Scene) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("keda.sh", "v1alpha1", "ClusterTriggerAuthentication");
    let resource = ApiResource::from_gvk_with_plural(&kind, "clustertriggerauthentications");
    Api::all_with(scene.client.clone(), &resource)
}

/// Creates a ClusterTriggerAuthentication; gives its name in the cluster.
async fn create_of_cluster(scene: &Scene, name: &str, spec: Value) -> String {
    let name = scene.full_name(name);
    let object = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ClusterTriggerAuthentication",
        "metadata": { "name": name }, "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    of_cluster(scene).create(&PostParams::default(), &object).await.unwrap();
    name
}

/// Waits until an authentication lists these users.
async fn wait_for_users(api: &Api<DynamicObject>, name: &str, users: &str) {
    let look = || async {
        let object = api.get(name).await.map_err(|error| error.to_string())?;
        let listed = object.data["status"]["scaledobjects"].as_str().unwrap_or_default().to_owned();
        if listed == users { Ok(()) } else { Err(listed) }
    };
    wait::until(&format!("users {users:?} of {name}"), LIMIT, look).await.unwrap();
}

/// [`spec`] whose trigger refers to these authentications.
fn referring(scene: &Scene, kind: &str, name: &str) -> Value {
    let mut spec = spec(scene, "web");
    spec["triggers"][0]["authenticationRef"] = json!({ "kind": kind, "name": name });
    spec
}

/// Also where their triggers are wrong or fail, and nothing is written while nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn contract_1_3_an_authentication_lists_its_users() {
    let scene = Scene::new("keda-users").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    scene.object(AUTHENTICATION, "auth", json!({})).await;
    let named: Api<DynamicObject> =
        Scaling::namespaced(&scene.client, &scene.namespace, AUTHENTICATION, "auth").api;
    let for_all = create_of_cluster(&scene, "auth", json!({})).await;

    let one = scene.object(KIND, "b", referring(&scene, "TriggerAuthentication", "auth")).await;
    wait_for_users(&named, "auth", "b").await;
    let mut wrong = referring(&scene, "TriggerAuthentication", "auth");
    wrong["triggers"][0]["metadata"]["threshold"] = json!("many");
    let other = scene.object(KIND, "a", wrong).await;
    wait_for_users(&named, "auth", "b,a").await;
    // It refers to another one now, and still exists.
    let trigger = referring(&scene, "ClusterTriggerAuthentication", &for_all)["triggers"].clone();
    one.patch_spec(json!({ "triggers": trigger })).await;
    wait_for_users(&named, "auth", "a").await;
    wait_for_users(&of_cluster(&scene), &for_all, "b").await;
    other.delete().await;
    wait_for_users(&named, "auth", "").await;

    // A write is counted when it has been answered, which may be after it was seen.
    scene.requests("/api/v1/query", 2).await;
    let written = operator.writes("users", "done").await;
    scene.requests("/api/v1/query", 3).await;
    assert_eq!(operator.writes("users", "done").await.to_bits(), written.to_bits());
    one.delete().await;
    wait_for_users(&of_cluster(&scene), &for_all, "").await;
    of_cluster(&scene).delete(&for_all, &DeleteParams::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_10_an_authentication_has_events() {
    let scene = Scene::new("keda-auth-events").await;
    scene.object(AUTHENTICATION, "before", json!({})).await;
    scene.operator(&[]).await;
    let auth = scene.object(AUTHENTICATION, "auth", json!({})).await;
    let note = auth.wait_for_event("Normal", "TriggerAuthenticationAdded", "New TriggerAuthentication").await;
    assert_eq!(note, "New TriggerAuthentication configured");
    let secret = json!([{ "parameter": "password", "name": "s", "key": "k" }]);
    auth.patch_spec(json!({ "secretTargetRef": secret })).await;
    let note = auth.wait_for_event("Normal", "ClusterTriggerAuthenticationUpdated", "is updated").await;
    assert_eq!(note, "ClusterTriggerAuthentication auth is updated");
    auth.delete().await;
    auth.wait_for_event("Normal", "TriggerAuthenticationDeleted", "TriggerAuthentication was deleted").await;
    let reasons: Vec<String> = auth.events().await.into_iter().filter_map(|event| event.reason).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    let before = Scaling::namespaced(&scene.client, &scene.namespace, AUTHENTICATION, "before");
    assert_eq!(before.events().await.len(), 0, "it is not new");
}

/// Waits until the query comes with this value of a header.
async fn presented(scene: &Scene, path: &str, header: &str, wanted: &str) {
    let look = || async {
        let headers = scene.metrics.seen(path).headers;
        let found = headers.get(header).and_then(|value| value.to_str().ok().map(str::to_owned));
        if found.as_deref() == Some(wanted) { Ok(()) } else { Err(format!("{found:?}")) }
    };
    wait::until(wanted, LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_7_values_come_from_a_file_of_the_operator() {
    let scene = Scene::new("keda-file").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(&root).unwrap();
    let keep = |path: &Path, token: &str| {
        std::fs::write(path, json!({ "bearerToken": token, "username": "nobody" }).to_string()).unwrap();
    };
    keep(&root.join("keys.json"), "first");
    keep(&folder.path().join("outside.json"), "hidden");
    std::os::unix::fs::symlink("../outside.json", root.join("out.json")).unwrap();
    let inside = create_of_cluster(&scene, "in", json!({ "filePath": "keys.json" })).await;
    let outside = create_of_cluster(&scene, "out", json!({ "filePath": "out.json" })).await;
    scene.operator(&["--filepath-auth-root-path", root.to_str().unwrap()]).await;
    let by_file = |name: &str| {
        let mut spec = referring(&scene, "ClusterTriggerAuthentication", name);
        spec["triggers"][0]["metadata"]["authModes"] = json!("bearer");
        spec
    };
    let scaled = scene.object(KIND, "web", by_file(&inside)).await;
    presented(&scene, "/api/v1/query", "authorization", "Bearer first").await;
    keep(&root.join("keys.json"), "second");
    presented(&scene, "/api/v1/query", "authorization", "Bearer second").await;

    scaled.patch_spec(by_file(&outside)).await;
    let message = scaled.wait_for("Ready", "False", "TriggerError").await;
    assert!(
        message.contains("file out.json: it leads out of --filepath-auth-root-path")
            && !message.contains("hidden"),
        "{message}"
    );
    for name in [inside, outside] {
        of_cluster(&scene).delete(&name, &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_6_0_a_value_that_turns_out_empty_is_none() {
    let scene = Scene::new("keda-empty").await;
    scene.podless_deployment("web", 1).await;
    scene.metrics.set_json("/stats", &json!({ "jobs": 3 }));
    let secrets: Api<Secret> = scene.namespaced();
    let secret = |name: &str| json!({ "metadata": { "name": "api" }, "stringData": { "apiKey": " k\n", "keyParamName": name } });
    secrets.create(&PostParams::default(), &serde_json::from_value(secret("")).unwrap()).await.unwrap();
    let reference = |parameter: &str| json!({ "parameter": parameter, "name": "api", "key": parameter });
    let references = json!({ "secretTargetRef": [reference("apiKey"), reference("keyParamName")] });
    scene.object(AUTHENTICATION, "auth", references).await;
    scene.operator(&[]).await;
    let metadata = json!({
        "url": scene.metrics.url("/stats"), "valueLocation": "jobs", "targetValue": "5", "authModes": "apiKey",
    });
    let trigger =
        json!({ "type": "metrics-api", "metadata": metadata, "authenticationRef": { "name": "auth" } });
    let scaled = scene.object(KIND, "web", with(&scene, "web", json!({ "triggers": [trigger] }))).await;
    scaled.wait_for("Ready", "True", "ScaledObjectReady").await;
    presented(&scene, "/stats", "x-api-key", "k").await;
    secrets.patch("api", &PatchParams::default(), &Patch::Merge(secret("X-Other"))).await.unwrap();
    presented(&scene, "/stats", "x-other", "k").await;
}

/// KEDA takes any text for a URL, and fails when it asks.
#[tokio::test(flavor = "multi_thread")]
async fn contract_6_6_an_address_that_is_none_is_accepted_and_fails_each_poll() {
    let scene = Scene::new("keda-no-url").await;
    scene.podless_deployment("web", 1).await;
    scene.operator(&[]).await;
    let metadata = json!({ "url": "invalid-invalid", "valueLocation": "jobs", "targetValue": "5" });
    let trigger = json!({ "type": "metrics-api", "metadata": metadata });
    let scaled = scene.object(KIND, "web", with(&scene, "web", json!({ "triggers": [trigger] }))).await;
    let message = scaled.wait_for("Ready", "False", "TriggerError").await;
    assert!(message.contains("must be an http or https URL"), "{message}");
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
}
