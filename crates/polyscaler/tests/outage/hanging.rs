//! The API server takes connections and requests, and answers nothing.

use testbed::wait;
use tokio::time::Instant;

use crate::harness::{LIMIT, Scene, control_plane, seconds, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_api_server_is_survived_and_nothing_lands_late() {
    let control_plane = start().await;
    control_plane::install_crds(&control_plane.client()).await;
    let scene = Scene::on(&control_plane, "hanging").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&["--api-timeout=5s", "--lease-duration=15s"]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;
    let process = operator.process.id();

    control_plane.pause_api_server().unwrap();
    let paused = Instant::now();
    // It decides for 10 and tries in vain.
    scene.users("/users", 9000);
    operator
        .wait_for_metric("polyscaler_writes_total", &[("resource", "scale"), ("result", "timed_out")], 1.0)
        .await;
    let lost = || async { (!operator.leads().await).then_some(()) };
    wait::until("it does not lead any more", LIMIT, lost).await.unwrap();
    scene.users("/users", 0);
    // How long it lasts is what is tested.
    tokio::time::sleep_until(paused + seconds(20.0)).await;
    assert!(operator.process.is_running());
    assert_eq!(operator.healthz().await.unwrap().0, 200);

    control_plane.resume_api_server().unwrap();
    target.wait_for(2).await;
    scaling.wait_for_field("currentReplicas", 2).await;
    scene.requests("/users", 4).await;
    recorder.expect(&[2]).await;
    operator.wait_until_ready().await;
    assert_eq!(operator.process.id(), process);

    // Asked to end while a write hangs.
    scene.users("/users", 9000);
    control_plane.pause_api_server().unwrap();
    scene.requests("/users", 2).await;
    operator.terminate(LIMIT).await;
    control_plane.resume_api_server().unwrap();
}
