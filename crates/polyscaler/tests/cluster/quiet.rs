//! While nothing changes nothing is written, and what is equal is asked once.

use futures::future::join_all;
use tokio::time::Instant;

use crate::harness::Scene;

const OBJECTS: usize = 50;
const POLLS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_while_nothing_changes() {
    let scene = Scene::new("quiet").await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let targets = join_all((0..OBJECTS).map(|index| {
        let scene = &scene;
        async move {
            let name = format!("web-{index}");
            let target = scene.podless_deployment(&name, 2).await;
            scene.business_scaling(&name, scene.spec(&name, "/users")).await;
            target
        }
    }))
    .await;
    for target in &targets {
        target.wait_for(6).await;
    }
    // A recommendation that was fulfilled is reported last, as no more than the wording changes.
    for index in 0..OBJECTS {
        let scaling = scene.existing(&scene.full_name(&format!("web-{index}")));
        scaling.wait_for_field("lastDecision", "linear 6 (3000 in 1000..5000)").await;
    }

    let settled = operator.metrics_text().await;
    // What is counted first is counted for longer: polls than requests, and those than readings.
    let polls = operator.polls("unchanged").await;
    let requests = scene.metrics.requests();
    let readings = operator.metric("polyscaler_readings_total", &[]).await;
    scene.requests("/users", POLLS).await;
    let readings = operator.metric("polyscaler_readings_total", &[]).await - readings;
    let requests = (scene.metrics.requests() - requests) as f64;
    let polls = operator.polls("unchanged").await - polls;
    assert_eq!(written(&operator.metrics_text().await), written(&settled));

    // All of them were polled again and again, and together they asked once. One that is late on a busy
    // machine misses a poll.
    assert!(polls >= (requests - 2.0) * OBJECTS as f64 / 2.0, "{polls} polls, {requests} requests");
    assert!(readings <= requests + 1.0, "{readings} readings, {requests} requests");

    // A change is seen by all of them.
    scene.users("/users", 5000);
    for target in &targets {
        target.wait_for(10).await;
    }
}

/// The counters of all writes but those of the lease, as they stand in the text.
fn written(metrics: &str) -> Vec<String> {
    let writes = metrics.lines().filter(|line| line.starts_with("polyscaler_writes_total"));
    let mut writes: Vec<String> =
        writes.filter(|line| !line.contains("\"lease\"")).map(str::to_owned).collect();
    writes.sort();
    assert!(writes.iter().any(|line| line.contains("\"scale\"")), "{metrics}");
    writes
}

/// A figure that moves without moving replicas is worth a status now and then, not one per poll.
#[tokio::test(flavor = "multi_thread")]
async fn a_moving_figure_alone_is_written_now_and_then() {
    let scene = Scene::new("moving").await;
    scene.podless_deployment("web", 6).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    operator.wait_for_writes("status", "done", 1.0).await;
    let writes = operator.writes("status", "done").await;
    let began = Instant::now();
    for more in 1..=12 {
        scene.users("/users", 3000 + more);
        scene.requests("/users", 1).await;
    }
    operator.wait_for_writes("status", "done", writes + 1.0).await;
    let writes = operator.writes("status", "done").await - writes;
    // One each ten seconds, and one more where it began within them.
    let most = began.elapsed().as_secs_f64() / 10.0 + 1.0;
    assert!(writes <= most, "{writes} writes of the status within {:?}", began.elapsed());
    assert_eq!(scaling.events().await.len(), 0);
}
