//! A cluster that has no CRDs yet.

use testbed::wait;

use crate::harness::{LIMIT, Scene, control_plane, start};

#[tokio::test(flavor = "multi_thread")]
async fn crds_may_come_after_the_operator() {
    let control_plane = start().await;
    let scene = Scene::on(&control_plane, "nocrds").await;
    let operator = scene.begin_operator(&[], &[]);
    let look = || async {
        match operator.readyz().await {
            Ok((503, text)) if text.contains("polyscaler crds | kubectl apply -f -") => Ok(()),
            Ok((status, text)) => Err(format!("{status} {text}")),
            Err(error) => Err(error),
        }
    };
    wait::until("readiness says what to install", LIMIT, look).await.unwrap();
    let log = operator.log();
    let says_it = |line: &str| line.contains("WARN") && line.contains("polyscaler crds | kubectl apply -f -");
    assert!(log.lines().any(says_it), "{log}");
    assert!(operator.process.is_running(), "they may yet come");
    control_plane::install_crds(&control_plane.client()).await;
    operator.wait_until_ready().await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
}
