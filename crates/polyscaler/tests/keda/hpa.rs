//! The HPA is kept as the spec wants it, whatever people do to it.

use kube::api::{DeleteParams, Patch, PatchParams};

use super::*;

async fn edit(scene: &Scene, name: &str, patch: Value) {
    hpas(scene).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_the_hpa_follows_the_spec_and_not_hands() {
    let scene = Scene::new("keda-hpa").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    let made = wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    let bounds = |min, max| {
        move |hpa: &HorizontalPodAutoscaler| {
            (hpa.spec.min_replicas, hpa.spec.max_replicas) == (Some(min), max)
        }
    };
    assert!(bounds(1, 100)(&made));
    scaling.patch_spec(json!({ "minReplicaCount": 2, "maxReplicaCount": 8 })).await;
    let edited = wait_for_hpa(&scene, "keda-hpa-web", bounds(2, 8)).await;
    assert_eq!(edited.uid(), made.uid(), "changed in place");
    edit(&scene, "keda-hpa-web", json!({ "spec": { "maxReplicas": 99 } })).await;
    wait_for_hpa(&scene, "keda-hpa-web", bounds(2, 8)).await;
    hpas(&scene).delete("keda-hpa-web", &DeleteParams::default()).await.unwrap();
    let again = wait_for_hpa(&scene, "keda-hpa-web", bounds(2, 8)).await;
    assert_ne!(again.uid(), made.uid());
    scaling.patch_spec(json!({ "advanced": { "horizontalPodAutoscalerConfig": { "name": "mine" } } })).await;
    wait_for_hpa(&scene, "mine", bounds(2, 8)).await;
    wait_until_gone(&scene, "keda-hpa-web").await;
    scaling.wait_for_field("hpaName", "mine").await;
    let over = r#"{"minReplicas":3,"maxReplicas":4,"until":"2999-01-01T00:00:00Z"}"#;
    scaling.annotate("polyscaler.dev/override", Some(over)).await;
    wait_for_hpa(&scene, "mine", bounds(3, 4)).await;
    scaling.annotate("polyscaler.dev/override", None).await;
    wait_for_hpa(&scene, "mine", bounds(2, 8)).await;
    // Observing leaves even that alone.
    scaling.set_mode(Some("observe")).await;
    scene.requests("/api/v1/query", 3).await;
    edit(&scene, "mine", json!({ "spec": { "maxReplicas": 99 } })).await;
    scene.requests("/api/v1/query", 3).await;
    wait_for_hpa(&scene, "mine", bounds(2, 99)).await;
    scaling.set_mode(None).await;
    wait_for_hpa(&scene, "mine", bounds(2, 8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_labels_and_annotations_come_and_go_with_the_object() {
    let scene = Scene::new("keda-labels").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    let scaling = annotated(&scene, "web", spec(&scene, "web"), json!({ "team": "shop", "note": "a" })).await;
    let has = |annotation: &'static str, label: &'static str| {
        move |hpa: &HorizontalPodAutoscaler| {
            hpa.annotations().contains_key(annotation) && hpa.labels().contains_key(label)
        }
    };
    wait_for_hpa(&scene, "keda-hpa-web", has("team", "scaledobject.keda.sh/name")).await;
    let by_others = json!({ "metadata": { "labels": { "by": "hand" }, "annotations": { "by": "hand" } } });
    edit(&scene, "keda-hpa-web", by_others).await;
    let set = |labels: Value, annotations: Value| {
        let patch = json!({ "metadata": { "labels": labels, "annotations": annotations } });
        let api = scaling.api.clone();
        async move { api.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap() }
    };
    set(json!({ "tier": "front" }), json!({ "team": null })).await;
    let hpa = wait_for_hpa(&scene, "keda-hpa-web", |hpa| hpa.labels().contains_key("tier")).await;
    assert!(!hpa.annotations().contains_key("team"), "{:?}", hpa.annotations());
    set(json!({ "tier": null }), json!({ "note": null })).await;
    let hpa = wait_for_hpa(&scene, "keda-hpa-web", |hpa| !hpa.labels().contains_key("tier")).await;
    assert!(!hpa.annotations().contains_key("note"), "{:?}", hpa.annotations());
    assert!(has("by", "by")(&hpa) && hpa.labels().contains_key("app.kubernetes.io/part-of"));
    // As it is it stays.
    let writes = operator.writes("horizontalpodautoscaler", "done").await;
    operator.wait_for_polls("unchanged", 3.0).await;
    assert_eq!(operator.writes("horizontalpodautoscaler", "done").await, writes);
}

/// An HPA that a person has made for the Deployment `web`.
async fn by_hand(scene: &Scene, name: &str, annotations: Value) {
    let hpa = json!({
        "metadata": { "name": name, "annotations": annotations },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 3 },
    });
    hpas(scene).create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rule_3_an_hpa_of_somebody_is_respected_unless_it_says_otherwise() {
    let scene = Scene::new("keda-foreign").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    by_hand(&scene, "theirs", json!({})).await;
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    let message = scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains(&format!("HorizontalPodAutoscaler {}/theirs", scene.namespace)), "{message}");
    assert!(hpas(&scene).get_opt("keda-hpa-web").await.unwrap().is_none());
    edit(
        &scene,
        "theirs",
        json!({ "metadata": { "annotations": { "validations.keda.sh/hpa-ownership": "false" } } }),
    )
    .await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_an_hpa_that_nothing_controls_is_taken_over_by_its_name() {
    let scene = Scene::new("keda-transfer").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    by_hand(&scene, "web-hpa", json!({ "note": "mine" })).await;
    let before = hpas(&scene).get("web-hpa").await.unwrap();
    scene.operator(&[]).await;
    let fields = json!({ "advanced": { "horizontalPodAutoscalerConfig": { "name": "web-hpa" } } });
    let annotations = json!({ "scaledobject.keda.sh/transfer-hpa-ownership": "true" });
    let scaling = annotated(&scene, "web", with(&scene, "web", fields), annotations).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    let after = wait_for_hpa(&scene, "web-hpa", |hpa| !hpa.owner_references().is_empty()).await;
    assert_eq!(after.uid(), before.uid());
    assert_eq!(after.owner_references()[0].uid, scaling.get().await.uid().unwrap());
    assert_eq!(after.spec.max_replicas, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rule_1_of_two_objects_on_one_target_the_younger_stands_back() {
    let scene = Scene::new("keda-two").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let first = scene.object(KIND, "first", spec(&scene, "web")).await;
    first.wait_for("Ready", "True", "ScaledObjectReady").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = scene.object(KIND, "second", spec(&scene, "web")).await;
    let message = second.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains(&format!("ScaledObject {}/first", scene.namespace)), "{message}");
    assert!(hpas(&scene).get_opt("keda-hpa-second").await.unwrap().is_none());
    first.delete().await;
    second.wait_for("Ready", "True", "ScaledObjectReady").await;
    wait_for_hpa(&scene, "keda-hpa-second", |_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_8_what_the_hpa_controller_says_is_passed_on() {
    let scene = Scene::new("keda-hpa-active").await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    let now = "2026-11-30T06:00:00Z";
    let condition = json!({ "type": "ScalingActive", "status": "False", "reason": "FailedGetExternalMetric",
        "message": "no answer", "lastTransitionTime": now });
    let status =
        json!({ "status": { "currentReplicas": 1, "desiredReplicas": 1, "conditions": [condition] } });
    hpas(&scene).patch_status("keda-hpa-web", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    let message = scaling.wait_for("HPAActive", "False", "FailedGetExternalMetric").await;
    assert!(message.starts_with("HPA is not actively scaling: "), "{message}");
}
