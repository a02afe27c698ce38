//! The annotation that has an object decide and record, and write nothing.

use serde_json::json;

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn observing_decides_and_records_and_writes_nothing() {
    let scene = Scene::new("observe").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let recorder = target.record().await;
    let observe = json!({ "polyscaler.dev/mode": "observe" });
    let mut spec = scene.spec("web", "/users");
    spec.as_object_mut().unwrap().remove("metricSource");
    // On a busy machine none must be missed: after that, the same recommendation is reported again.
    let config =
        json!({ "url": scene.metrics.url("/users"), "valuePath": "$.active_users", "timeoutSeconds": 60 });
    spec["metric"] = json!({ "type": "http", "config": config });
    let scaling = scene.annotated_business_scaling("web", spec, observe).await;

    scaling.wait_for("Ready", "True", "Observing").await;
    scaling.wait_for_field("desiredReplicas", 6).await;
    let status = scaling.status().await;
    assert_eq!(status["currentReplicas"], 2);
    assert_eq!(status["lastDecision"], "linear 2→6 (3000 in 1000..5000)");
    assert_eq!(status.get("lastScaleTime"), None);
    scene.requests("/users", 4).await;
    assert_eq!(recorder.replicas(), [0; 0]);
    let actions = operator.actions_of(&scaling.name).await;
    assert_eq!(actions.len(), 1, "a recommendation that stays is reported once: {actions:?}");
    assert_eq!((&actions[0]["from"], &actions[0]["to"]), (&json!(2), &json!(6)));
    assert_eq!(actions[0]["applied"], false);
    assert_eq!(actions[0]["steps"], json!(["linear 2→6 (3000 in 1000..5000)"]));
    assert_eq!(operator.writes("scale", "done").await, 0.0);

    // Without the annotation it acts, and the cooldown counts from what was done, not from what was observed.
    scaling.set_mode(None).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    // Switched while it runs: the load moves and the replicas do not.
    scaling.set_mode(Some("observe")).await;
    scaling.wait_for("Ready", "True", "Observing").await;
    scene.users("/users", 9000);
    scaling.wait_for_field("desiredReplicas", 10).await;
    scene.requests("/users", 4).await;
    recorder.expect(&[6]).await;
    let applied: Vec<_> =
        operator.actions_of(&scaling.name).await.iter().map(|action| action["applied"].clone()).collect();
    assert_eq!(applied, [false, true, false]);

    scaling.set_mode(Some("act")).await;
    target.wait_for(10).await;
    let events = scaling.events().await;
    let rescales = events.iter().filter(|event| event.reason.as_deref() == Some("SuccessfulRescale")).count();
    assert!(rescales <= 2, "no Event for what was only observed: {events:#?}");
}
