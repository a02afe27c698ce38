//! Bounds are the user's order: they are restored at the next poll, whatever cooldown and rate say and also
//! without a reading. What someone set to 0 although it has a minimum is switched off, and is left alone.

use serde_json::json;

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_restored_within_the_cooldown_beyond_the_rate_and_without_a_reading() {
    let scene = Scene::new("bounds").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/web", 1000);
    let mut spec = scene.spec("web", "/web");
    spec["safety"] = json!({ "cooldownSeconds": 3600, "maxScaleUpRate": 1, "maxScaleDownRate": 1 });
    spec["scaleThresholds"] = json!({ "minReplicas": 2, "maxReplicas": 20 });
    let scaling = scene.business_scaling("web", spec).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;
    let bounds =
        |min: u32, max: u32| json!({ "scaleThresholds": { "minReplicas": min, "maxReplicas": max } });

    // A scale of its own begins the cooldown.
    scene.users("/web", 9000);
    target.wait_for(3).await;
    scaling.wait_for("ScalingLimited", "True", "CoolingDown").await;
    target.set(1).await;
    target.wait_for(2).await;
    scaling.patch_spec(bounds(15, 20)).await;
    target.wait_for(15).await;
    target.set(1).await;
    target.wait_for(15).await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "bounds 1→15 (15 at least)").await;

    scene.users("/web", "unknown");
    scaling.wait_for("ScalingActive", "False", "MetricNotANumber").await;
    scaling.patch_spec(bounds(2, 9)).await;
    target.wait_for(9).await;
    scaling.patch_spec(bounds(12, 12)).await;
    target.wait_for(12).await;
    target.set(30).await;
    target.wait_for(12).await;
    recorder.expect(&[3, 1, 2, 15, 1, 15, 9, 12, 30, 12]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_set_to_0_is_left_alone_until_it_is_raised() {
    let scene = Scene::new("off").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/web", 3000);
    let scaling = scene.business_scaling("web", scene.spec("web", "/web")).await;
    target.wait_for(6).await;

    target.set(0).await;
    let message = scaling.wait_for("ScalingActive", "False", "ScalingDisabled").await;
    assert!(message.contains("raise it to resume"), "{message}");
    scaling.wait_for("Ready", "False", "ScalingDisabled").await;
    scene.users("/web", 9000);
    scene.requests("/web", 3).await;
    assert_eq!(target.asked().await, 0);

    target.set(1).await;
    target.wait_for(10).await;
    scaling.wait_for("ScalingActive", "True", "ValidMetricFound").await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimum_that_is_raised_wakes_what_the_operator_itself_set_to_0() {
    let scene = Scene::new("woken").await;
    scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/web", 0);
    let mut spec = scene.spec("web", "/web");
    spec["scaleThresholds"] = json!({ "minReplicas": 0 });
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(0).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.patch_spec(json!({ "scaleThresholds": { "minReplicas": 3 } })).await;
    target.wait_for(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_group_only_the_member_that_somebody_set_to_0_is_left_alone() {
    let scene = Scene::new("off-member").await;
    scene.operator(&[]).await;
    let (web, db) = (scene.podless_deployment("web", 2).await, scene.podless_deployment("db", 2).await);
    scene.users("/web", 300);
    let member = |name: &str| json!({ "targetRef": { "name": name }, "minReplicas": 1, "maxReplicas": 20 });
    let config = json!({ "url": scene.metrics.url("/web"), "valuePath": "$.active_users" });
    let metric = json!({ "type": "http", "config": config, "member": "web", "targetValue": 100 });
    let spec = json!({
        "members": [member("web"), member("db")],
        "callGraph": [{ "from": "web", "to": "db" }],
        "metrics": [metric],
        "intervalSeconds": 1,
    });
    let kind = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");
    let group = scene.object(kind, "shop", spec).await;
    web.wait_for(3).await;
    db.wait_for(3).await;

    db.set(0).await;
    let message = group.wait_for("ScalingActive", "False", "ScalingDisabled").await;
    assert!(message.contains("db") && !message.contains("web"), "{message}");
    scene.users("/web", 700);
    web.wait_for(7).await;
    assert_eq!(db.asked().await, 0);
    db.set(1).await;
    db.wait_for(7).await;
    group.wait_for("Ready", "True", "Ready").await;
}
