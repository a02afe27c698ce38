//! Two installations on the same objects, whose Leases have other names: the younger does nothing while the elder lives.

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

    let younger = scene.begin_operator(&["--lease-name=another"], &[]);
    younger.wait_for_lines("another installation acts on the same objects", 1).await;
    younger.wait_until_metric("polyscaler_rival_installations", &[], 1.0).await;
    assert!(!younger.leads().await);
    scene.users("/users", 9000);
    target.wait_for(10).await;
    assert_eq!(younger.writes("scale", "done").await, 0.0);
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
    elder.wait_until_metric("polyscaler_rival_installations", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_for_other_kinds_do_not_meet() {
    let scene = Scene::new("kinds").await;
    let one = scene.operator(&["--kinds=BusinessScaling"]).await;
    let other = scene.operator(&["--kinds=GeneralScaler", "--lease-name=another"]).await;
    assert!(one.leads().await && other.leads().await);
}
