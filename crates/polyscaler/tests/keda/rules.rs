//! What the API server, our CRD and the operator refuse.

use kube::api::PostParams;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_refuses_what_kedas_crd_refuses() {
    let scene = Scene::new("keda-rules").await;
    let api = Scaling::namespaced(&scene.client, &scene.namespace, KIND, "web").api;
    for (fields, wanted) in [
        (
            json!({ "minReplicaCount": 5, "maxReplicaCount": 3 }),
            "minReplicaCount must be less than or equal to maxReplicaCount",
        ),
        (json!({ "minReplicaCount": 101 }), "minReplicaCount must be less than or equal to maxReplicaCount"),
        (json!({ "pollingInterval": 0 }), "spec.pollingInterval"),
        (json!({ "triggers": [] }), "spec.triggers"),
        (json!({ "scaleTargetRef": {} }), "spec.scaleTargetRef.name: Required value"),
        (
            json!({ "fallback": { "failureThreshold": 1, "replicas": 1, "behavior": "none" } }),
            "Unsupported value: \"none\"",
        ),
        (
            json!({ "triggers": [{ "type": "cpu", "metadata": { "value": 5 } }] }),
            "spec.triggers[0].metadata.value in body must be of type string",
        ),
    ] {
        let object = json!({
            "apiVersion": KIND.0, "kind": KIND.1, "metadata": { "name": "web", "namespace": scene.namespace },
            "spec": with(&scene, "web", fields),
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let refused = api.create(&PostParams::default(), &object).await.unwrap_err().to_string();
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    // Only one default stands in the schema.
    let fallback = json!({ "fallback": { "failureThreshold": 1, "replicas": 1 } });
    let made = scene.object(KIND, "web", with(&scene, "web", fallback)).await.get().await;
    let mut wanted = spec(&scene, "web");
    wanted["fallback"] = json!({ "failureThreshold": 1, "replicas": 1, "behavior": "static" });
    assert_eq!(made.data["spec"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_the_status() {
    let scene = Scene::new("keda-wrong").await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let unknown = json!({ "triggers": [{ "type": "carrier-pigeon", "metadata": {} }] });
    let unknown = scene.object(KIND, "unknown", with(&scene, "web", unknown)).await;
    let message = unknown.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.starts_with("ScaledObject doesn't have correct triggers specification: "), "{message}");
    assert!(message.contains("no scaler found for type: carrier-pigeon"), "{message}");
    unknown.wait_for_event("Warning", "ScaledObjectCheckFailed", "carrier-pigeon").await;
    let missing = scene.object(KIND, "missing", spec(&scene, "nowhere")).await;
    let message = missing.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains("Target resource doesn't exist"), "{message}");
    // It is found as soon as it is there.
    let target = scene.podless_deployment("nowhere", 0).await;
    missing.wait_for("Ready", "True", "ScaledObjectReady").await;
    target.wait_for(1).await;
}
