//! Brakes that people set for a time: pauses, and other bounds until an instant.

use runner::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::harness::{Scene, seconds};

const PAUSED: &str = "polyscaler.dev/paused";
const REPLICAS: &str = "polyscaler.dev/paused-replicas";
const SCALE_IN: &str = "polyscaler.dev/paused-scale-in";
const OVERRIDE: &str = "polyscaler.dev/override";

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_target_stays_is_kept_at_a_count_and_goes_on() {
    let scene = Scene::new("paused").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "cooldownSeconds": 1 });
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(6).await;
    scaling.wait_for("Paused", "False", "NotPaused").await;

    scaling.annotate(PAUSED, Some("true")).await;
    let message = scaling.wait_for("Paused", "True", "Paused").await;
    assert!(message.contains("remove it to resume"), "{message}");
    scaling.wait_for("Ready", "True", "Paused").await;
    scene.users("/users", 9000);
    let limit = scaling.wait_for("ScalingLimited", "True", "Paused").await;
    assert_eq!(limit, "paused 10→6 (scaling is paused)");
    target.set(1).await;
    scaling.wait_for_field("currentReplicas", 1).await;
    scene.requests("/users", 3).await;
    assert_eq!(target.asked().await, 1, "also below the minimum");
    assert_eq!(scaling.columns().await["Mode"], "Paused");
    let labels = [("kind", "BusinessScaling"), ("namespace", scene.namespace.as_str())];
    assert_eq!(operator.metric("polyscaler_objects_paused", &labels).await, 1.0);
    let page = operator.activity_page().await;
    assert!(page.contains("scaling is paused"), "{page}");

    scaling.annotate(REPLICAS, Some("15")).await;
    target.wait_for(15).await;
    scaling.wait_for("Paused", "True", "PausedAtReplicas").await;
    scaling
        .wait_for_event("Normal", "SuccessfulRescale", "paused 10→15 (scaling is paused at 15 replicas)")
        .await;

    scaling.annotate(REPLICAS, None).await;
    scaling.wait_for("Paused", "True", "Paused").await;
    scaling.annotate(PAUSED, None).await;
    target.wait_for(10).await;
    scaling.wait_for("Paused", "False", "NotPaused").await;
    scaling.wait_for_event("Normal", "Paused", "scaling is paused by the annotation").await;
    scaling.wait_for_event("Normal", "NotPaused", "scaling is no longer paused").await;
    scaling.wait_for_field("mode", "Active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_scale_in_is_paused_of_a_group() {
    let scene = Scene::new("paused-in").await;
    scene.operator(&[]).await;
    let (web, db) = (scene.podless_deployment("web", 2).await, scene.podless_deployment("db", 2).await);
    scene.users("/web", 600);
    let member = |name: &str| json!({ "targetRef": { "name": name }, "minReplicas": 1, "maxReplicas": 20 });
    let config = json!({ "url": scene.metrics.url("/web"), "valuePath": "$.active_users" });
    let metric = json!({ "type": "http", "config": config, "member": "web", "targetValue": 100 });
    let spec = json!({
        "members": [member("web"), member("db")],
        "callGraph": [{ "from": "web", "to": "db" }],
        "metrics": [metric],
        "safety": {},
        "intervalSeconds": 1,
    });
    let kind = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");
    let group = scene.object(kind, "shop", spec).await;
    web.wait_for(6).await;
    db.wait_for(6).await;

    group.annotate(SCALE_IN, Some("true")).await;
    group.wait_for("Paused", "True", "ScaleInPaused").await;
    scene.users("/web", 200);
    group.wait_for("ScalingLimited", "True", "ScaleInPaused").await;
    assert_eq!((web.asked().await, db.asked().await), (6, 6));
    scene.users("/web", 800);
    web.wait_for(8).await;
    db.wait_for(8).await;
    scene.users("/web", 200);
    group.annotate(SCALE_IN, None).await;
    web.wait_for(2).await;
    db.wait_for(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_ends_by_itself_and_leaves_the_spec_alone() {
    let scene = Scene::new("override").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 0);
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({});
    let scaling = scene.business_scaling("web", spec).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let before = scaling.get().await.data["spec"].clone();

    // Long enough for a machine that stands still: the end is changed below.
    let over =
        |until: &str| json!({ "minReplicas": 12, "maxReplicas": 40, "until": until, "reason": "INC-1" });
    scaling.annotate(OVERRIDE, Some(&over("2999-01-01T00:00:00Z").to_string())).await;
    target.wait_for(12).await;
    let why = "override min 12, max 40 until 2999-01-01T00:00:00Z: INC-1, bounds 2→12 (12 at least)";
    scaling.wait_for_event("Normal", "SuccessfulRescale", why).await;
    assert_eq!(scaling.get().await.data["spec"], before);
    scaling.wait_for_field("override", "min 12, max 40 until 2999-01-01T00:00:00Z: INC-1").await;
    let note = "overridden by the annotation polyscaler.dev/override: min 12, max 40 until 2999-01-01T00:00:00Z: INC-1";
    scaling.wait_for_event("Normal", "Overridden", note).await;

    let clock = SystemClock::start();
    let end = clock.now().plus(seconds(6.0));
    scaling.annotate(OVERRIDE, Some(&over(&end.to_string()).to_string())).await;
    target.wait_for(2).await;
    assert!(clock.now() >= end, "not before its end");
    let warnings = json!([{
        "field": "metadata.annotations[polyscaler.dev/override]",
        "message": format!("it ended at {end} and is ignored; remove it"),
    }]);
    scaling.wait_for_field("warnings", warnings).await;
    scaling.wait_for_field("override", Value::Null).await;
    scaling.wait_for_event("Normal", "OverrideEnded", "the override has ended").await;

    scaling.annotate(OVERRIDE, Some(r#"{"minReplicas": 12}"#)).await;
    let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
    assert!(
        message.contains("metadata.annotations[polyscaler.dev/override].until: Required value"),
        "{message}"
    );
    scaling.annotate(OVERRIDE, None).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.wait_for_field("warnings", Value::Null).await;
}
