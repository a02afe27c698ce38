//! Targets that are missing, vanish, cannot be scaled or are moved by others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use testbed::{Answer, wait};

use crate::cluster::any_target::{fleet, fleet_crd};
use crate::harness::{LIMIT, Scene, control_plane, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_target_is_named_and_scaled_once_it_is_there() {
    let scene = Scene::new("missing").await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let place = format!("Deployment {}/web", scene.namespace);
    let message = scaling.wait_for("Ready", "False", "TargetNotFound").await;
    assert!(message.starts_with(&place), "{message}");
    scaling.wait_for("AbleToScale", "False", "TargetNotFound").await;
    scaling.wait_for("ScalingActive", "True", "ValidMetricFound").await;
    assert_eq!(scaling.status().await.get("desiredReplicas"), None);
    scaling.wait_for_event("Warning", "TargetNotFound", &place).await;
    operator.wait_for_polls("target_unavailable", 2.0).await;

    let target = scene.podless_deployment("web", 2).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_deleted_in_mid_flight_is_missing_and_nothing_else() {
    let scene = Scene::new("flight").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    // The poll has begun and waits for its reading while the target goes.
    scene.metrics.set("/users", Answer::json(&json!({ "active_users": 9000 })).after(seconds(3.0)));
    scene.requests("/users", 1).await;
    target.delete().await;
    scaling.wait_for("Ready", "False", "TargetNotFound").await;
    assert_eq!(operator.writes("scale", "done").await, 0.0);

    // Made again in mid-flight, it is another one and scaled as it is.
    scene.requests("/users", 1).await;
    let again = scene.podless_deployment("web", 4).await;
    let recorder = again.record().await;
    again.wait_for(10).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    recorder.expect(&[10]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_scaled_is_reported_in_words() {
    let (no_scale, later) = ("rigid.example.org", "later.example.org");
    let scene = Scene::new("rigid").await;
    control_plane::install_crd(&scene.client, &fleet_crd(no_scale, false)).await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = scene.namespaced();
    let map = serde_json::from_value(json!({ "metadata": { "name": "web" } })).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    scene.users("/users", 3000);
    scene.operator(&[]).await;

    let cases = [
        ("v1", "ConfigMap", "has no scale subresource"),
        ("v1", "Node", "has no scale subresource"),
        ("apps/v1", "DaemonSet", "has no scale subresource"),
        ("rigid.example.org/v1beta1", "Fleet", "has no scale subresource"),
        ("apps/v9", "Deployment", "is not known to the API server"),
        ("apps/v1", "Deploymint", "is not known to the API server"),
        ("nobody.example.org/v1", "Thing", "is not known to the API server"),
    ];
    let with_target = |api_version: &str, kind: &str| {
        let mut spec = scene.spec("", "/users");
        spec.as_object_mut().unwrap().remove("targetDeployment");
        spec["targetRef"] = json!({ "apiVersion": api_version, "kind": kind, "name": "web" });
        spec
    };
    for (index, (api_version, kind, words)) in cases.into_iter().enumerate() {
        let scaling = scene.business_scaling(&format!("t{index}"), with_target(api_version, kind)).await;
        let message = scaling.wait_for("Ready", "False", "TargetNotScalable").await;
        assert!(message.contains(&format!("{api_version} {kind} {words}")), "{message}");
    }

    // A CRD that comes later is found without a restart.
    let spec = with_target(&format!("{later}/v1beta1"), "Fleet");
    let scaling = scene.business_scaling("later", spec).await;
    scaling.wait_for("Ready", "False", "TargetNotScalable").await;
    control_plane::install_crd(&scene.client, &fleet_crd(later, true)).await;
    let fleet = fleet(&scene, later, "web", 1).await;
    fleet.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

/// Another writer sets odd numbers as fast as it can, the operator wants even ones. Every write
/// of the operator must have replaced exactly the number that its decision had seen.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_of_somebody_else_is_lost() {
    let scene = Scene::new("fight").await;
    let target = Arc::new(scene.podless_deployment("web", 1).await);
    let operator = scene.operator(&[]).await;
    let recorder = target.record().await;
    scene.users("/users", 3000);
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    let fights = Arc::new(AtomicBool::new(true));
    let other = tokio::spawn({
        let (target, fights) = (Arc::clone(&target), Arc::clone(&fights));
        async move {
            for odd in (1..10).step_by(2).cycle() {
                if !fights.load(Ordering::Relaxed) {
                    return;
                }
                target.set(odd).await;
            }
        }
    });
    operator
        .wait_for_metric("polyscaler_writes_total", &[("resource", "scale"), ("result", "refused")], 3.0)
        .await;
    scaling.wait_for("Ready", "False", "ScaleConflict").await;
    fights.store(false, Ordering::Relaxed);
    other.await.unwrap();
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    let actions = operator.actions_of(&scaling.name).await;
    let applied: Vec<(i64, i64)> = actions
        .iter()
        .filter(|action| action["applied"] == true)
        .map(|action| (action["from"].as_i64().unwrap(), action["to"].as_i64().unwrap()))
        .collect();
    let stored = || {
        let changes = recorder.changes().into_iter().map(|change| (change.from, change.to));
        changes.filter(|(_, to)| to % 2 == 0).collect::<Vec<(i64, i64)>>()
    };
    // The watch may have to report the last of them yet.
    let reported = || async { (stored().len() >= applied.len()).then_some(()) };
    wait::until("as many changes as were made", LIMIT, reported).await.unwrap();
    assert_eq!(applied, stored(), "what it thinks it did is what was stored");
    let refused: Vec<_> = actions.iter().filter(|action| action["error"].is_string()).collect();
    assert!(!refused.is_empty() && refused.iter().all(|action| action["applied"] == false), "{actions:?}");
}

/// A target whose pods come and go is written by its controller all the time; that is no quarrel
/// about its replicas.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_target_is_scaled_all_the_same() {
    let scene = Scene::new("busy").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let busy = async {
        for count in 0.. {
            let patch =
                Patch::Merge(json!({ "metadata": { "annotations": { "count": format!("{count}") } } }));
            target.api.patch(&target.name, &PatchParams::default(), &patch).await.unwrap();
        }
    };
    let follows = async {
        for (users, replicas) in [(9000, 10), (0, 2), (3000, 6), (5000, 10), (1500, 3)] {
            scene.users("/users", users);
            target.wait_for(replicas).await;
        }
    };
    tokio::select! {
        () = busy => {}
        () = follows => {}
    }
    operator.wait_for_writes("scale", "done", 5.0).await;
    assert_eq!(operator.writes("scale", "done").await, 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_scaling_is_decided_upon_again() {
    let scene = Scene::new("anew").await;
    let target = scene.podless_deployment("web", 1).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    for other in [1, 50, 7] {
        target.set(other).await;
        target.wait_for(6).await;
        let from = format!("from {other} to 6");
        scaling.wait_for_event("Normal", "SuccessfulRescale", &from).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_owns_the_target() {
    let scene = Scene::new("two").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/first", 3000);
    scene.users("/second", 9000);
    scene.operator(&[]).await;
    let recorder = target.record().await;
    let first = scene.business_scaling("first", scene.spec("web", "/first")).await;
    let second = scene.business_scaling("second", scene.spec("web", "/second")).await;
    target.wait_for(6).await;
    let message = second.wait_for("Ready", "False", "TargetConflict").await;
    assert!(message.contains(&format!("BusinessScaling {}", first.name)), "{message}");
    second.wait_for_event("Warning", "TargetConflict", &first.name).await;
    // It may have been polled before the first was known, but it never wrote.
    let asked = scene.metrics.seen("/second").count;
    scene.requests("/first", 4).await;
    assert!(scene.metrics.seen("/second").count <= asked + 1);
    recorder.expect(&[6]).await;
    first.wait_for("Ready", "True", "Ready").await;

    first.delete().await;
    target.wait_for(10).await;
    second.wait_for("Ready", "True", "Ready").await;
    recorder.expect(&[6, 10]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hpa_owns_what_it_scales() {
    let scene = Scene::new("hpa").await;
    let target = scene.podless_deployment("web", 3).await;
    let hpas: kube::Api<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler> = scene.namespaced();
    let hpa = serde_json::from_value(json!({
        "metadata": { "name": "by-cpu" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 1, "maxReplicas": 20,
            "metrics": [{ "type": "Resource", "resource": {
                "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 },
            } }],
        },
    }))
    .unwrap();
    hpas.create(&PostParams::default(), &hpa).await.unwrap();
    scene.users("/users", 9000);
    scene.operator(&[]).await;
    let recorder = target.record().await;
    let scaling = scene.business_scaling("acts", scene.spec("web", "/users")).await;
    let observe = json!({ "polyscaler.dev/mode": "observe" });
    let watcher = scene.annotated_business_scaling("watches", scene.spec("web", "/watched"), observe).await;
    scene.users("/watched", 3000);

    let message = scaling.wait_for("Ready", "False", "TargetConflict").await;
    assert!(message.contains(&format!("HorizontalPodAutoscaler {}/by-cpu", scene.namespace)), "{message}");
    // To watch what one would do is no conflict.
    watcher.wait_for("Ready", "True", "Observing").await;
    watcher.wait_for_field("desiredReplicas", 6).await;
    scene.requests("/watched", 4).await;
    assert_eq!(recorder.replicas(), [0; 0]);

    // It takes over as soon as the HPA scales something else.
    let elsewhere = json!({ "spec": { "scaleTargetRef": { "name": "other" } } });
    hpas.patch("by-cpu", &PatchParams::default(), &Patch::Merge(elsewhere)).await.unwrap();
    target.wait_for(10).await;
    scaling.wait_for("Ready", "True", "Ready").await;

    // And stops as soon as an HPA comes to be on its target.
    let back = json!({ "spec": { "scaleTargetRef": { "name": "web" } } });
    hpas.patch("by-cpu", &PatchParams::default(), &Patch::Merge(back)).await.unwrap();
    scaling.wait_for("Ready", "False", "TargetConflict").await;
    // Not without a word to whoever applied it.
    let events: kube::Api<k8s_openapi::api::events::v1::Event> = scene.namespaced();
    let of_hpa = kube::api::ListParams::default().fields("regarding.name=by-cpu,reason=TargetConflict");
    let look = || async {
        let found = events.list(&of_hpa).await.map_err(|error| error.to_string())?.items;
        let notes: Vec<String> = found.into_iter().filter_map(|event| event.note).collect();
        let says = |note: &String| note.contains(&format!("BusinessScaling {}", scaling.name));
        if notes.iter().any(says) { Ok(()) } else { Err(format!("{notes:?}")) }
    };
    testbed::wait::until("an Event on the HPA", crate::harness::LIMIT, look).await.unwrap();
    let asked = scene.metrics.seen("/users").count;
    scene.users("/users", 0);
    scene.requests("/watched", 3).await;
    assert!(scene.metrics.seen("/users").count <= asked + 1);
    recorder.expect(&[10]).await;
}
