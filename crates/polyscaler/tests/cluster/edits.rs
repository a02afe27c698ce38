//! Objects that are edited, moved and deleted while the operator runs.

use kube::ResourceExt as _;
use serde_json::json;
use testbed::fixtures;

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_spec_takes_effect_at_once() {
    let scene = Scene::new("edit").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let mut spec = scene.spec("web", "/users");
    spec["intervalSeconds"] = json!(86400);
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(6).await;
    scaling.patch_spec(json!({ "scaleThresholds": { "maxReplicas": 20 } })).await;
    target.wait_for(11).await;
    scene.users("/users", 5000);
    scaling.patch_spec(json!({ "scaleThresholds": { "minReplicas": 1 } })).await;
    target.wait_for(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_leaves_the_replicas_and_no_finalizer() {
    let scene = Scene::new("delete").await;
    let (gone, stays) =
        (scene.podless_deployment("gone", 2).await, scene.podless_deployment("stays", 2).await);
    scene.users("/gone", 3000);
    scene.users("/stays", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("gone", scene.spec("gone", "/gone")).await;
    scene.business_scaling("stays", scene.spec("stays", "/stays")).await;
    gone.wait_for(6).await;
    stays.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    assert!(scaling.get().await.finalizers().is_empty());
    let recorder = gone.record().await;

    scaling.delete().await;
    assert!(scaling.api.get_opt(&scaling.name).await.unwrap().is_none(), "nothing holds it back");
    operator.wait_until_metric("polyscaler_objects", &[("kind", "BusinessScaling")], 1.0).await;
    scene.users("/gone", 0);
    scene.users("/stays", 5000);
    stays.wait_for(10).await;
    let asked = scene.metrics.seen("/gone").count;
    scene.requests("/stays", 4).await;
    assert!(scene.metrics.seen("/gone").count <= asked + 1, "nobody asks for what is deleted");
    assert_eq!(recorder.replicas(), [0; 0]);
    let web = gone.get().await;
    assert!(web.finalizers().is_empty() && web.owner_references().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_target_is_scaled_from_then_on_and_the_old_one_stays() {
    let scene = Scene::new("moved").await;
    let (old, new) = (scene.podless_deployment("old", 2).await, scene.podless_deployment("new", 3).await);
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let mut spec = scene.spec("old", "/users");
    spec["safety"] = json!({ "cooldownSeconds": 86400 });
    let scaling = scene.business_scaling("web", spec).await;
    old.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    // A day of cooldown belongs to the object, whatever it scales.
    scaling.patch_spec(json!({ "targetDeployment": "new" })).await;
    scaling.wait_for_field("target", "Deployment/new").await;
    scaling.wait_for("ScalingLimited", "True", "CoolingDown").await;
    assert_eq!(new.asked().await, 3);
    scaling.patch_spec(json!({ "safety": { "cooldownSeconds": null } })).await;
    new.wait_for(6).await;
    scene.users("/users", 0);
    new.wait_for(2).await;
    assert_eq!(old.asked().await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_namespaces_are_acted_in() {
    let scene = Scene::new("inside").await;
    let outside = fixtures::create_namespace(&scene.client, "outside").await.unwrap();
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/inside", 3000);
    scene.users("/outside", 3000);
    let operator = scene.operator(&[]).await;
    let mut spec = scene.spec("web", "/outside");
    spec["namespace"] = json!(outside);
    let foreign = scene.business_scaling("outside", spec).await;
    let scaling = scene.business_scaling("inside", scene.spec("web", "/inside")).await;
    target.wait_for(6).await;
    scene.requests("/inside", 3).await;
    assert_eq!(scene.metrics.seen("/outside").count, 0);
    assert!(foreign.status().await.is_null());
    let kind = [("kind", "BusinessScaling")];
    assert_eq!(operator.metric("polyscaler_objects", &kind).await, 1.0);

    // One moves in, the other moves out.
    scaling.patch_spec(json!({ "namespace": outside })).await;
    foreign.patch_spec(json!({ "namespace": scene.namespace })).await;
    scene.users("/outside", 5000);
    target.wait_for(10).await;
    foreign.wait_for("Ready", "True", "Ready").await;
    let asked = scene.metrics.seen("/inside").count;
    scene.requests("/outside", 3).await;
    assert!(scene.metrics.seen("/inside").count <= asked + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_recreated_under_its_old_name_begins_again() {
    let scene = Scene::new("again").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let mut spec = scene.spec("web", "/users");
    spec["scaleThresholds"] = json!({ "maxReplicas": 10 });
    let scaling = scene.business_scaling("web", spec.clone()).await;
    let former = scaling.get().await.metadata.uid;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.delete().await;
    spec["scaleThresholds"] = json!({ "maxReplicas": 20 });
    let again = scene.business_scaling("web", spec).await;
    target.wait_for(11).await;
    again.wait_for("Ready", "True", "Ready").await;
    again.wait_for_event("Normal", "SuccessfulRescale", "from 6 to 11").await;
    let events = again.events().await;
    let uid = again.get().await.metadata.uid;
    let of_this = events.iter().filter(|event| event.regarding.as_ref().unwrap().uid == uid).count();
    assert_eq!(of_this, 1, "{events:#?}");
    let actions = operator.wait_for_activity(2).await;
    let reported: Vec<(Option<&str>, Option<u64>)> =
        actions.iter().map(|action| (action["uid"].as_str(), action["to"].as_u64())).collect();
    assert_eq!(reported, [(uid.as_deref(), Some(11)), (former.as_deref(), Some(6))]);
}
