//! What the operator may do for ScaledObjects and in an installation, each taken away in turn: it says which right it lacks,
//! and goes on as soon as it has it.

use kube::api::{DeleteParams, Patch, PatchParams};

use super::*;
use crate::harness::control_plane;
use crate::packaging::granted::Granted;

const HPAS: &str = "horizontalpodautoscalers";
const AUTHENTICATIONS: &str = "triggerauthentications";

/// Waits until the conditions say this.
async fn says(scaling: &Scaling, words: &str) {
    let look = || async {
        let conditions = scaling.status().await["conditions"].to_string();
        if conditions.contains(words) { Ok(()) } else { Err(conditions) }
    };
    wait::until(words, LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_right_for_scaled_objects_is_named() {
    let mut scene = Scene::new("keda-rights").await;
    let rights = Granted::begin(&mut scene, control_plane::shared()).await;
    let target = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    let of_kind = ("keda.sh/v1alpha1", "TriggerAuthentication", AUTHENTICATIONS);
    let authentication = scene.object(of_kind, "auth", json!({})).await;
    let held = json!({ "metadata": { "finalizers": ["finalizer.keda.sh"] } });
    authentication.api.patch("auth", &PatchParams::default(), &Patch::Merge(held)).await.unwrap();

    let mut missing = vec![
        ("scaledobjects", "patch"),
        ("scaledobjects/status", "patch"),
        (AUTHENTICATIONS, "patch"),
        ("triggerauthentications/status", "patch"),
        (HPAS, "get"),
        (HPAS, "create"),
        (HPAS, "update"),
        (HPAS, "delete"),
    ];
    rights.all_but(&missing).await;
    let operator = scene.operator(&[]).await;
    let mut spec = spec(&scene, "web");
    spec["triggers"][0]["authenticationRef"] = json!({ "name": "auth" });
    let scaling = scene.object(KIND, "web", spec).await;
    // They do not wait for each other.
    let group = "keda.sh";
    for right in [
        format!("patch on scaledobjects.{group} "),
        format!("patch on {AUTHENTICATIONS}.{group} "),
        format!("patch on {AUTHENTICATIONS}.{group}/status "),
        format!("get on {HPAS}.autoscaling "),
    ] {
        operator.wait_for_lines(&format!("grant {right}"), 1).await;
    }
    let reason = "ScaledObjectUpdateFailed";
    scaling.wait_for_event("Warning", reason, &format!("grant patch on scaledobjects.{group} ")).await;
    missing.retain(|(resource, _)| *resource == "scaledobjects/status" || *resource == HPAS);
    rights.all_but(&missing).await;
    operator.wait_for_lines(&format!("grant patch on scaledobjects.{group}/status "), 1).await;
    let mut events = scaling.events().await;
    events.retain(|event| event.reason.as_deref() == Some(reason));
    assert_eq!(events.len(), 1, "it is said once, until it is written: {events:?}");
    assert_eq!(scaling.status().await, Value::Null);
    missing.retain(|(resource, _)| *resource == HPAS);

    // What can be said of HPAs is said in the status now.
    for verb in ["get", "create", "update", "delete"] {
        rights.all_but(&missing).await;
        match verb {
            "update" => scaling.patch_spec(json!({ "maxReplicaCount": 7 })).await,
            "delete" => scaling.annotate("autoscaling.keda.sh/paused", Some("true")).await,
            _ => {}
        }
        says(&scaling, &format!("grant {verb} on {HPAS}.autoscaling")).await;
        missing.retain(|(_, missing)| *missing != verb);
        if verb == "create" {
            rights.all_but(&missing).await;
            wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
        }
    }
    rights.all_but(&[]).await;
    wait_until_gone(&scene, "keda-hpa-web").await;
    scaling.annotate("autoscaling.keda.sh/paused", None).await;
    wait_for_hpa(&scene, "keda-hpa-web", |hpa| hpa.spec.max_replicas == 7).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    assert_eq!(target.asked().await, 2);
    authentication.api.delete("auth", &DeleteParams::default()).await.unwrap();
    let gone = || async { authentication.api.get_opt("auth").await.unwrap().is_none().then_some(()) };
    wait::until("the finalizer goes", LIMIT, gone).await.unwrap();
}

/// Only API servers with an admission plugin for that ask for this right, as those of OpenShift.
#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_own_an_hpa_is_named_where_the_api_server_asks_for_it() {
    let control_plane = control_plane::start_enforcing_owners().await;
    let mut scene = Scene::on(&control_plane, "keda-owns").await;
    let rights = Granted::begin(&mut scene, &control_plane).await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    rights.all_but(&[("scaledobjects/finalizers", "update")]).await;
    scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    says(&scaling, "grant update on scaledobjects.keda.sh/finalizers to the operator").await;
    assert!(hpas(&scene).get_opt("keda-hpa-web").await.unwrap().is_none());
    rights.all_but(&[]).await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
}

/// An object is read again where somebody else has written it since it was last seen.
#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_read_an_object_again_is_named() {
    let mut scene = Scene::new("keda-again").await;
    let rights = Granted::begin(&mut scene, control_plane::shared()).await;
    scene.podless_deployment("web", 1).await;
    value(&scene, 5.0);
    rights.all_but(&[("scaledobjects", "get")]).await;
    let operator = scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    let meddle = async {
        for count in 0_u64.. {
            let patch = Patch::Merge(json!({ "status": { "authenticationsTypes": count.to_string() } }));
            scaling.api.patch_status("web", &PatchParams::default(), &patch).await.unwrap();
        }
    };
    let named = operator.wait_for_lines("grant get on scaledobjects.keda.sh ", 1);
    tokio::select! {
        () = meddle => {}
        _ = named => {}
    }
    rights.all_but(&[]).await;
    scaling.wait_for_field("authenticationsTypes", "").await;
}
