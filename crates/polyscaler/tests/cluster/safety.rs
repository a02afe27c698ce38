//! What holds a recommendation back: rates, cooldown, stabilization windows, all in seconds that pass.

use serde_json::{Value, json};

use crate::harness::{Recorder, Scaling, Scene, Target, seconds};

struct Held {
    scaling: Scaling,
    target: Target,
    recorder: Recorder,
}

/// An object called `name` with `safety`, whose target has 2 replicas and whose metric stands still at that.
async fn held(scene: &Scene, name: &str, safety: Value) -> Held {
    let target = scene.podless_deployment(name, 2).await;
    let path = format!("/{name}");
    scene.users(&path, 1000);
    let mut spec = scene.spec(name, &path);
    spec["safety"] = safety;
    let scaling = scene.business_scaling(name, spec).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;
    Held { scaling, target, recorder }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_moves_only_so_many_pods() {
    let scene = Scene::new("rate").await;
    scene.operator(&[]).await;
    // One pod a second: it is limited for long enough to be seen.
    let safety = json!({ "maxScaleUpRate": 1, "maxScaleDownRate": 5 });
    let held = held(&scene, "rate", safety).await;
    scene.users("/rate", 9000);
    let message = held.scaling.wait_for("ScalingLimited", "True", "RateLimited").await;
    assert!(message.contains("+1 at most"), "{message}");
    held.target.wait_for(10).await;
    scene.users("/rate", 0);
    held.target.wait_for(2).await;
    held.recorder.expect(&[3, 4, 5, 6, 7, 8, 9, 10, 5, 2]).await;
    held.scaling.wait_for("ScalingLimited", "False", "DesiredWithinRange").await;
    held.scaling.wait_for_event("Normal", "SuccessfulRescale", "rate 10→3 (+1 at most)").await;
    held.scaling.wait_for_event("Normal", "SuccessfulRescale", "rate 2→5 (-5 at most)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_scale_within_the_cooldown() {
    let scene = Scene::new("cooldown").await;
    scene.operator(&[]).await;
    let cooldown = seconds(20.0);
    let held = held(&scene, "cool", json!({ "cooldownSeconds": 20 })).await;
    scene.users("/cool", 9000);
    held.target.wait_for(10).await;
    scene.users("/cool", 0);
    let message = held.scaling.wait_for("ScalingLimited", "True", "CoolingDown").await;
    assert!(message.contains("s left"), "{message}");
    held.target.wait_for(2).await;
    scene.users("/cool", 3000);
    let changes = held.recorder.wait_for(3).await;
    held.recorder.expect(&[10, 2, 6]).await;
    for pair in changes.windows(2) {
        let between = pair[1].at - pair[0].at;
        // Reported by a watch, the first maybe later than the second. Polls are a second apart.
        assert!(between >= cooldown / 2, "{between:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_waits_for_its_window_and_scale_out_does_not() {
    let scene = Scene::new("window").await;
    scene.operator(&[]).await;
    let held = held(&scene, "down", json!({ "scaleDownStabilizationSeconds": 20 })).await;
    scene.users("/down", 9000);
    held.target.wait_for(10).await;
    scene.users("/down", 0);
    let asked = tokio::time::Instant::now();
    held.scaling.wait_for("ScalingLimited", "True", "Stabilized").await;
    held.scaling.wait_for_field("desiredReplicas", 10).await;
    held.target.wait_for(2).await;
    // The window began with the last poll before, a moment ago; longer where the machine stood still.
    assert!(asked.elapsed() >= seconds(6.0), "{:?}", asked.elapsed());
    held.recorder.expect(&[10, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_out_waits_for_its_window() {
    let scene = Scene::new("window").await;
    scene.operator(&[]).await;
    let held = held(&scene, "up", json!({ "scaleUpStabilizationSeconds": 30 })).await;
    // A peak that is over before the window is moves nothing.
    scene.users("/up", 9000);
    scene.requests("/up", 3).await;
    scene.users("/up", 1000);
    scene.requests("/up", 3).await;
    assert_eq!(held.recorder.replicas(), [0; 0]);
    let asked = tokio::time::Instant::now();
    scene.users("/up", 3000);
    held.target.wait_for(6).await;
    assert!(asked.elapsed() >= seconds(7.5), "{:?}", asked.elapsed());
}
