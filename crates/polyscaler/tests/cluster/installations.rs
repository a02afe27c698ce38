//! Two installations on the same objects, whose Leases have other names: the younger does nothing while the elder lives.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use serde_json::json;
use testbed::wait;

use crate::harness::{LIMIT, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn the_younger_of_two_installations_does_nothing_while_the_elder_lives() {
    let scene = Scene::new("rivals").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let elder = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    // Leases of one second are ordered by their names, and both may be created in one.
    let younger = scene.begin_operator(&["--lease-name=younger"], &[]);
    younger.wait_for_lines("another installation acts on the same objects", 1).await;
    younger.wait_until_metric("polyscaler_rival_installations", &[], 1.0).await;
    younger.wait_until_metric("polyscaler_standing_back", &[], 1.0).await;
    // Each sees the other, and goes on seeing it, although nobody holds the Lease of the one that stands back.
    elder.wait_until_metric("polyscaler_rival_installations", &[], 1.0).await;
    elder.wait_for_lines("another installation is there for the same objects and younger", 1).await;
    assert!(elder.leads().await && !younger.leads().await);
    scene.users("/users", 9000);
    target.wait_for(10).await;
    assert_eq!(younger.writes("scale", "done").await, 0.0);
    assert_eq!(elder.metric("polyscaler_rival_installations", &[]).await, 1.0);
    assert_eq!(elder.metric("polyscaler_standing_back", &[]).await, 0.0);
    scaling.wait_for("Ready", "True", "Ready").await;

    // It acts once the elder is gone, and no longer when that is back.
    elder.terminate(LIMIT).await;
    let leads = || async { if younger.leads().await { Ok(()) } else { Err("it does not lead") } };
    wait::until("the younger installation to act", LIMIT, leads).await.unwrap();
    scene.users("/users", 1000);
    target.wait_for(2).await;
    let elder = scene.begin_operator(&[], &[]);
    let leads = || async {
        match (elder.leads().await, younger.leads().await) {
            (true, false) => Ok(()),
            both => Err(format!("{both:?}")),
        }
    };
    wait::until("the elder installation to act alone", LIMIT, leads).await.unwrap();
    younger.wait_until_metric("polyscaler_standing_back", &[], 1.0).await;
    // One that has ended is no longer seen once its Lease has not changed for its duration.
    younger.terminate(LIMIT).await;
    elder.wait_until_metric("polyscaler_rival_installations", &[], 0.0).await;
    assert!(elder.leads().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_for_other_kinds_do_not_meet() {
    let scene = Scene::new("kinds").await;
    let one = scene.operator(&["--kinds=BusinessScaling"]).await;
    let other = scene.operator(&["--kinds=GeneralScaler", "--lease-name=another"]).await;
    assert!(one.leads().await && other.leads().await);
}

/// Such as one that may not list Leases, or a Lease that someone has only written by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_younger_installation_that_does_not_stand_back_keeps_nobody_from_work() {
    let scene = Scene::new("stubborn").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let elder = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    let lease = json!({
        "metadata": {
            "name": "stubborn",
            "labels": { "polyscaler.dev/installation": "true" },
            "annotations": { "polyscaler.dev/acts-in": scene.namespace, "polyscaler.dev/kinds": "BusinessScaling" },
        },
        "spec": { "holderIdentity": "someone", "leaseDurationSeconds": 86_400 },
    });
    let leases: kube::Api<Lease> = scene.namespaced();
    leases.create(&PostParams::default(), &serde_json::from_value(lease).unwrap()).await.unwrap();
    elder.wait_until_metric("polyscaler_rival_installations", &[], 1.0).await;
    scene.users("/users", 5000);
    target.wait_for(10).await;
    assert!(elder.leads().await);

    // Whoever takes over waits for it to stop, and not for ever.
    elder.terminate(LIMIT).await;
    let next = scene.begin_operator(&[], &[]);
    scene.users("/users", 1000);
    target.wait_for(2).await;
    next.wait_until_metric("polyscaler_rival_installations", &[], 1.0).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}
