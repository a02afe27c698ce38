//! Objects that were stored when the schema was laxer: their status reports what is wrong, and they keep
//! nobody from working.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{Scene, control_plane, start};

/// Of these the API server refuses to store any status: its rules cannot be applied to them.
const REFUSED: [&str; 6] = ["text", "list", "target-list", "fraction", "text-threshold", "safety"];

/// A CRD of the same name that lets everything through.
fn lax_crd() -> CustomResourceDefinition {
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "businessscalings.example.com" },
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": { "plural": "businessscalings", "singular": "businessscaling", "kind": "BusinessScaling" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": any },
            }],
        },
    }))
    .unwrap()
}

/// Stores an object as it is.
async fn store(scene: &Scene, name: &str, fields: Value) {
    let scaling = scene.existing(&scene.full_name(name));
    let mut object = json!({
        "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": scaling.name },
    });
    for (field, value) in fields.as_object().unwrap() {
        object[field] = value.clone();
    }
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    scaling.api.create(&PostParams::default(), &object).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_objects_stop_nobody() {
    let control_plane = start().await;
    let client = control_plane.client();
    control_plane::install_crd(&client, &lax_crd()).await;
    let scene = Scene::on(&control_plane, "stored").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let with = |field: &str, value: Value| {
        let mut spec = scene.spec("web", "/malformed");
        spec[field] = value;
        json!({ "spec": spec })
    };
    let malformed = [
        ("text", json!({ "spec": "text" })),
        ("list", json!({ "spec": [1, 2] })),
        ("none", json!({})),
        ("null", json!({ "spec": null })),
        ("empty", json!({ "spec": {} })),
        ("target-list", with("targetDeployment", json!(["web"]))),
        ("target-path", with("targetDeployment", json!("../../nodes/node-0"))),
        ("number-as-text", with("intervalSeconds", json!("60"))),
        ("zero-interval", with("intervalSeconds", json!(0))),
        ("huge", with("intervalSeconds", json!(1e300))),
        ("fraction", with("scaleThresholds", json!({ "maxReplicas": 2.5 }))),
        ("text-threshold", with("scaleThresholds", json!({ "minUsers": "many" }))),
        ("crossed", with("scaleThresholds", json!({ "minReplicas": 9, "maxReplicas": 3 }))),
        ("scheme", with("metricSource", json!("ftp://load/users"))),
        ("namespace", with("namespace", json!(5))),
        ("safety", with("safety", json!([]))),
        ("deep", with("headersFrom", json!({ "secretRef": { "name": { "name": "x" } } }))),
    ];
    for (name, fields) in &malformed {
        store(&scene, name, fields.clone()).await;
    }
    let good = json!({ "spec": scene.spec("web", "/users") });
    store(&scene, "good", good.clone()).await;
    // A good one with a status that makes no sense.
    let other = scene.podless_deployment("other", 2).await;
    store(&scene, "odd-status", json!({ "spec": scene.spec("other", "/users") })).await;
    let odd = scene.existing(&scene.full_name("odd-status"));
    let status = json!({ "status": {
        "conditions": "fine", "memory": { "lastScale": "yesterday", "members": 5 }, "currentReplicas": "two",
        "observedGeneration": "first", "target": 7, "metricValue": {},
    } });
    odd.api.patch_status(&odd.name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    control_plane::install_crds(&client).await;

    // What has no namespace acts in `default`.
    let namespaces = format!("--namespaces=default,{}", scene.namespace);
    let operator = scene.operator(&[&namespaces]).await;
    target.wait_for(6).await;
    other.wait_for(6).await;
    for name in ["good", "odd-status"] {
        scene.existing(&scene.full_name(name)).wait_for("Ready", "True", "Ready").await;
    }
    for (name, _) in &malformed {
        let scaling = scene.existing(&scene.full_name(name));
        // Not everywhere does the API server let the status be written, but an Event always reports.
        let note = scaling.wait_for_event("Warning", "InvalidSpec", "spec").await;
        if !REFUSED.contains(name) {
            let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
            assert_eq!(message, note, "{name}");
        }
    }
    // Trying again would help nobody.
    let refused = operator.writes("status", "refused").await;
    scene.requests("/users", 8).await;
    assert_eq!(operator.writes("status", "refused").await, refused);
    assert_eq!(scene.metrics.seen("/malformed").count, 0);
    let kind = [("kind", "BusinessScaling")];
    assert_eq!(operator.metric("polyscaler_objects", &kind).await, (malformed.len() + 2) as f64);

    // The watch goes on: a new object, a changed one, one that was put right, one that goes.
    scene.users("/users", 5000);
    target.wait_for(10).await;
    let late = scene.podless_deployment("late", 2).await;
    scene.business_scaling("late", scene.spec("late", "/users")).await;
    late.wait_for(10).await;
    let fixed_target = scene.podless_deployment("fixed", 2).await;
    let fixed = scene.existing(&scene.full_name("target-list"));
    fixed.patch_spec(scene.spec("fixed", "/users")).await;
    fixed_target.wait_for(10).await;
    fixed.wait_for("Ready", "True", "Ready").await;
    scene.existing(&scene.full_name("text")).delete().await;
    let left = (malformed.len() + 2) as f64;
    let look = || async {
        let known = operator.metric("polyscaler_objects", &kind).await;
        if known == left { Ok(()) } else { Err(format!("{known} of {left}")) }
    };
    testbed::wait::until("the deleted one is forgotten", crate::harness::LIMIT, look).await.unwrap();
    assert!(operator.process.is_running());
}
