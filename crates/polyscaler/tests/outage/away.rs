//! The API server is gone: nothing is lost but time.

use serde_json::json;
use testbed::wait;
use tokio::time::Instant;

use crate::harness::{LIMIT, Scene, control_plane, seconds, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_without_the_api_server_is_survived() {
    let control_plane = start().await;
    control_plane::install_crds(&control_plane.client()).await;
    let scene = Scene::on(&control_plane, "away").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&["--lease-duration=15s"]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let process = operator.process.id();

    control_plane.stop_api_server().await.unwrap();
    // How long it lasts is what is tested.
    let end = Instant::now() + seconds(60.0);
    for count in (1000..=9000).step_by(250).cycle() {
        scene.users("/users", count);
        tokio::time::sleep(seconds(1.0)).await;
        if Instant::now() >= end {
            break;
        }
    }
    assert!(operator.process.is_running(), "{}", operator.log());
    assert!(!operator.leads().await, "nobody can know who leads");
    assert_eq!(operator.healthz().await.unwrap().0, 200, "a restart would not help");
    let (status, waits_for) = operator.readyz().await.unwrap();
    assert_eq!(status, 503, "{waits_for}");
    assert!(waits_for.contains("lease"), "{waits_for}");

    scene.users("/users", 9000);
    let catches_up = async {
        let answers = || async { target.api.get_scale(&target.name).await };
        wait::until("the API server answers", LIMIT, answers).await.unwrap();
        target.wait_for(10).await;
    };
    let (started, ()) = tokio::join!(control_plane.start_api_server(), catches_up);
    started.unwrap();
    scaling.wait_for_field("currentReplicas", 10).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    operator.wait_until_ready().await;

    // The watches are back, too: a new object and a changed one are seen.
    scaling.patch_spec(json!({ "scaleThresholds": { "maxReplicas": 20 } })).await;
    target.wait_for(20).await;
    let other = scene.podless_deployment("other", 2).await;
    scene.business_scaling("other", scene.spec("other", "/users")).await;
    other.wait_for(10).await;
    assert_eq!(operator.process.id(), process);
    assert_eq!(operator.log().lines().filter(|line| line.contains(" starting ")).count(), 1);

    // Gone once more, and this time it is not waited for.
    control_plane.stop_api_server().await.unwrap();
    scene.users("/users", 1000);
    operator.terminate(LIMIT).await;
}
