//! Objects that go: with the replicas back, where that is asked for.

use super::*;

/// Waits until the object is gone.
pub(super) async fn wait_until_deleted(scaling: &Scaling) {
    let look = || async {
        match scaling.api.get_opt(&scaling.name).await.map_err(|error| error.to_string())? {
            None => Ok(()),
            Some(object) => Err(format!("{:?}", object.metadata)),
        }
    };
    wait::until(&format!("{} gone", scaling.name), LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_target_gets_back_the_replicas_that_it_had() {
    let scene = Scene::new("keda-restore").await;
    let target = scene.podless_deployment("web", 4).await;
    value(&scene, 0.0);
    let operator = scene.operator(&[]).await;
    let fields = json!({ "advanced": { "restoreToOriginalReplicaCount": true } });
    let scaling = scene.object(KIND, "web", with(&scene, "web", fields)).await;
    target.wait_for(0).await;
    scaling.wait_for_field("originalReplicaCount", 4).await;
    // It is written where it is false, too: no schema says it.
    scaling.wait_for_field("triggersActivity", json!({ "s0-prometheus": { "isActive": false } })).await;
    let object = scaling.get().await;
    assert_eq!(object.finalizers(), ["finalizer.keda.sh"]);
    assert_eq!(object.labels().get("scaledobject.keda.sh/name").map(String::as_str), Some("web"));
    let series = format!("keda_scaled_object_paused{{namespace=\"{}\"", scene.namespace);
    let has_series = || async { operator.metrics_text().await.contains(&series) };
    assert!(has_series().await);
    scaling.delete().await;
    target.wait_for(4).await;
    wait_until_deleted(&scaling).await;
    // Its HPA is garbage, its metrics go, and an Event tells of it.
    wait_until_gone(&scene, "keda-hpa-web").await;
    let look = || async { if has_series().await { Err("there are") } else { Ok(()) } };
    wait::until("no series of it", LIMIT, look).await.unwrap();
    scaling.wait_for_event("Warning", "ScaledObjectDeleted", "ScaledObject was deleted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_what_cannot_be_restored_holds_nobody_up() {
    let scene = Scene::new("keda-restore-gone").await;
    let target = scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let fields = json!({ "advanced": { "restoreToOriginalReplicaCount": true } });
    let scaling = scene.object(KIND, "web", with(&scene, "web", fields)).await;
    scaling.wait_for_field("originalReplicaCount", 1).await;
    target.delete().await;
    scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    scaling.delete().await;
    wait_until_deleted(&scaling).await;
}
