//! Authentications of triggers: what the API server takes of them, and what a trigger makes of one.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{Answer, wait};

use super::admission::{checked, refused};
use crate::harness::{LIMIT, Scene};

const AUTHENTICATION: (&str, &str, &str) =
    ("keda.sh/v1alpha1", "TriggerAuthentication", "triggerauthentications");
const SCALED_OBJECT: (&str, &str, &str) = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");

/// What KEDA's webhook refuses the CRD refuses, and `check` in the same words.
#[tokio::test(flavor = "multi_thread")]
async fn contract_2_an_authentication_that_contradicts_itself_is_refused_without_a_webhook() {
    let scene = Scene::new("authentication").await;
    let identity = |identity: Value| json!({ "podIdentity": identity });
    let oauth2 = |client: &str, url: &str| json!({ "oauth2": { "clientId": client, "tokenUrl": url } });
    let bad = [
        identity(json!({ "provider": "azure-workload", "identityId": "" })),
        identity(json!({ "provider": "azure-workload", "identityTenantId": "" })),
        identity(json!({ "provider": "azure-workload", "identityAuthorityHost": "https://login" })),
        identity(json!({ "provider": "aws", "roleArn": "arn", "identityOwner": "workload" })),
        identity(json!({ "provider": "aws", "externalID": "x" })),
        identity(json!({ "provider": "ibm" })),
        oauth2("", "https://id.example.com/token"),
        oauth2("me", "ftp://id.example.com/token"),
        json!({ "hashiCorpVault": { "address": "a", "authentication": "token", "secrets": [] } }),
        json!({ "secretTargetRef": [{ "parameter": "p", "name": "n" }] }),
        json!({ "env": [{ "parameter": 3, "name": "n" }] }),
    ];
    let good = [
        json!({}),
        identity(json!({ "provider": "aws", "externalID": "x", "roleArn": "arn" })),
        oauth2("me", "HTTPS://id.example.com/token"),
        json!({ "podIdentity": null, "oauth2": null, "filePath": null, "env": null }),
    ];
    let manifest = |kind: &str, spec: &Value| {
        let namespace = (kind == AUTHENTICATION.1).then_some(&scene.namespace);
        let metadata = match namespace {
            Some(namespace) => json!({ "name": "auth", "namespace": namespace }),
            None => json!({ "name": "auth" }),
        };
        json!({ "apiVersion": AUTHENTICATION.0, "kind": kind, "spec": spec, "metadata": metadata })
    };
    for kind in [AUTHENTICATION.1, "ClusterTriggerAuthentication"] {
        for (spec, is_bad) in bad.iter().map(|spec| (spec, true)).chain(good.iter().map(|spec| (spec, false)))
        {
            let manifest = manifest(kind, spec);
            let said = refused(&scene.client, &manifest).await;
            assert_eq!(!said.is_empty(), is_bad, "{kind} {spec}: {said:?}");
            assert_eq!(said, checked(std::slice::from_ref(&manifest)).remove(0), "{kind} {spec}");
        }
    }
}

/// It may be applied after the object that names it, and a Secret that changes holds at once.
#[tokio::test(flavor = "multi_thread")]
async fn contract_7_an_object_waits_for_its_authentication_and_follows_its_secret() {
    let scene = Scene::new("authentication").await;
    let result = json!([{ "metric": {}, "value": [1_764_000_000, "7"] }]);
    let answer = json!({ "status": "success", "data": { "resultType": "vector", "result": result } });
    scene.metrics.set("/api/v1/query", Answer::json(&answer));
    let target = scene.podless_deployment("web", 0).await;
    let _operator = scene.operator(&[]).await;
    let metadata = json!({
        "serverAddress": scene.metrics.url(""), "query": "jobs", "threshold": "5", "authModes": "bearer",
    });
    let trigger =
        json!({ "type": "prometheus", "metadata": metadata, "authenticationRef": { "name": "prometheus" } });
    let spec = json!({ "scaleTargetRef": { "name": "web" }, "pollingInterval": 1, "triggers": [trigger] });
    let scaled = scene.object(SCALED_OBJECT, "web", spec).await;
    let message = scaled.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    let missing = format!("TriggerAuthentication {}/prometheus does not exist", scene.namespace);
    assert!(message.contains(&missing), "{message}");
    assert_eq!(
        (scene.metrics.requests(), target.asked().await),
        (0, 0),
        "nobody is asked without credentials"
    );

    let secrets: Api<Secret> = scene.namespaced();
    let secret = |token: &str| json!({ "metadata": { "name": "tokens" }, "stringData": { "token": token } });
    secrets.create(&PostParams::default(), &serde_json::from_value(secret("first")).unwrap()).await.unwrap();
    let reference = json!({ "parameter": "bearerToken", "name": "tokens", "key": "token" });
    scene.object(AUTHENTICATION, "prometheus", json!({ "secretTargetRef": [reference] })).await;
    target.wait_for(1).await;
    presented(&scene, "Bearer first").await;
    secrets.patch("tokens", &PatchParams::default(), &Patch::Merge(secret("second"))).await.unwrap();
    presented(&scene, "Bearer second").await;
}

/// Waits until the metric server is asked with this header.
async fn presented(scene: &Scene, wanted: &str) {
    let look = || async {
        let headers = scene.metrics.seen("/api/v1/query").headers;
        let found = headers.get("authorization").and_then(|value| value.to_str().ok().map(str::to_owned));
        if found.as_deref() == Some(wanted) { Ok(()) } else { Err(format!("{found:?}")) }
    };
    wait::until(wanted, LIMIT, look).await.unwrap();
}
