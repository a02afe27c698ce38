//! Pauses, by KEDA's annotations and by ours.

use super::*;

const PAUSED: &str = "autoscaling.keda.sh/paused";
const REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
const SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
const SCALE_OUT: &str = "autoscaling.keda.sh/paused-scale-out";

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_pause_takes_the_hpa_away_and_asks_nobody() {
    let scene = Scene::new("keda-paused").await;
    let web = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    for annotation in [PAUSED, "polyscaler.dev/paused"] {
        scaling.annotate(annotation, Some("true")).await;
        scaling.wait_for("Paused", "True", "ScaledObjectPaused").await;
        scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
        wait_until_gone(&scene, "keda-hpa-web").await;
        value(&scene, 0.0);
        let asked = scene.metrics.seen("/api/v1/query").count;
        tokio::time::sleep(SOME_POLLS).await;
        assert!(scene.metrics.seen("/api/v1/query").count <= asked + 1);
        assert_eq!(web.asked().await, 2, "{annotation}");
        value(&scene, 5.0);
        scaling.annotate(annotation, None).await;
        scaling.wait_for("Paused", "False", "ScaledObjectUnpaused").await;
        wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    }
    scaling.wait_for_event("Normal", "ScaledObjectPaused", "ScaledObject is paused").await;
    scaling.wait_for_event("Normal", "ScaledObjectUnpaused", "").await;
    // It is not true that a pause that is false pauses.
    scaling.annotate(PAUSED, Some("false")).await;
    scene.requests("/api/v1/query", 3).await;
    assert_eq!(reasons(&scaling).await["Paused"], "ScaledObjectUnpaused");
    // Nor does a pause need a target, but the end of one that is false does.
    let nowhere = annotated(&scene, "nowhere", spec(&scene, "nowhere"), json!({ PAUSED: "true" })).await;
    let message = nowhere.wait_for("Ready", "True", "ScaledObjectReady").await;
    assert!(message.starts_with("ScaledObject is paused"), "{message}");
    nowhere.wait_for("Paused", "True", "ScaledObjectPaused").await;
    nowhere.annotate(PAUSED, Some("false")).await;
    nowhere.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    nowhere.wait_for("Paused", "False", "ScaledObjectUnpaused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_target_is_kept_at_a_count() {
    let scene = Scene::new("keda-paused-at").await;
    let web = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = annotated(&scene, "web", spec(&scene, "web"), json!({ REPLICAS: "5" })).await;
    web.wait_for(5).await;
    scaling.wait_for_field("pausedReplicaCount", 5).await;
    assert!(hpas(&scene).get_opt("keda-hpa-web").await.unwrap().is_none());
    web.set(1).await;
    web.wait_for(5).await;
    scaling.annotate(REPLICAS, Some("0")).await;
    web.wait_for(0).await;
    // What cannot be read pauses, too, at what there is.
    scaling.annotate(REPLICAS, Some("many")).await;
    scaling.wait_for_field("pausedReplicaCount", Value::Null).await;
    let message = scaling.wait_for("Paused", "True", "ScaledObjectPaused").await;
    assert!(message.contains("scaling is paused"), "{message}");
    let message = scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains("the paused replica count cannot be read"), "{message}");
    assert_eq!(web.asked().await, 0);
    scaling.annotate(REPLICAS, None).await;
    web.wait_for(1).await;
    scaling.wait_for("Paused", "False", "ScaledObjectUnpaused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_pause_of_one_direction_is_the_hpas_and_ours() {
    let scene = Scene::new("keda-paused-one").await;
    let web = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = annotated(&scene, "web", spec(&scene, "web"), json!({ SCALE_IN: "true" })).await;
    let policies = |hpa: &HorizontalPodAutoscaler| {
        let behavior = hpa.spec.behavior.as_ref();
        let down = behavior.and_then(|behavior| behavior.scale_down.as_ref()?.select_policy.clone());
        let up = behavior.and_then(|behavior| behavior.scale_up.as_ref()?.select_policy.clone());
        [down, up].map(|policy| policy.as_deref() == Some("Disabled"))
    };
    wait_for_hpa(&scene, "keda-hpa-web", |hpa| policies(hpa) == [true, false]).await;
    scaling.wait_for("Paused", "True", "ScaledObjectPaused").await;
    value(&scene, 0.0);
    scaling.wait_for("Active", "False", "ScalerNotActive").await;
    scene.requests("/api/v1/query", 4).await;
    assert_eq!(web.asked().await, 2, "not to zero");
    scaling.annotate(SCALE_OUT, Some("")).await;
    wait_for_hpa(&scene, "keda-hpa-web", |hpa| policies(hpa) == [true, true]).await;
    scaling.annotate(SCALE_IN, None).await;
    web.wait_for(0).await;
    value(&scene, 5.0);
    scaling.wait_for("Active", "True", "ScalerActive").await;
    scene.requests("/api/v1/query", 4).await;
    assert_eq!(web.asked().await, 0, "not from zero");
    scaling.annotate(SCALE_OUT, None).await;
    web.wait_for(1).await;
    wait_for_hpa(&scene, "keda-hpa-web", |hpa| policies(hpa) == [false, false]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_pause_holds_whatever_is_wrong_with_the_triggers() {
    let scene = Scene::new("keda-paused-bad").await;
    let web = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    scaling.patch_spec(json!({ "triggers": [{ "type": "carrier-pigeon", "metadata": {} }] })).await;
    scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(hpas(&scene).get_opt("keda-hpa-web").await.unwrap().is_some(), "it scales by what it has");

    scaling.annotate(REPLICAS, Some("5")).await;
    web.wait_for(5).await;
    wait_until_gone(&scene, "keda-hpa-web").await;
    scaling.wait_for_field("pausedReplicaCount", 5).await;
    scaling.wait_for("Paused", "True", "ScaledObjectPaused").await;
    let message = scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    assert!(message.contains("correct it before the pause ends: spec.triggers[0].type: "), "{message}");

    scaling.annotate(REPLICAS, None).await;
    scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    scaling.wait_for("Paused", "False", "ScaledObjectUnpaused").await;
    scaling.wait_for_field("pausedReplicaCount", Value::Null).await;
}
