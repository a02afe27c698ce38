//! While nothing changes nothing is written, and what is equal is asked once.

use futures::future::join_all;

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
    // A wish that was fulfilled is told last, as no more than the wording changes.
    for index in 0..OBJECTS {
        let scaling = scene.existing(&scene.full_name(&format!("web-{index}")));
        scaling.wait_for_field("lastDecision", "linear 6 (3000 in 1000..5000)").await;
    }

    let polls = operator.polls("unchanged").await;
    let writes = written(&operator.metrics_text().await);
    let (requests, readings) =
        (scene.metrics.requests(), operator.metric("polyscaler_readings_total", &[]).await);
    scene.requests("/users", POLLS).await;
    assert_eq!(written(&operator.metrics_text().await), writes);

    // Every object was polled each time, and all of them together asked once.
    let polls = operator.polls("unchanged").await - polls;
    let (requests, readings) = (
        scene.metrics.requests() - requests,
        operator.metric("polyscaler_readings_total", &[]).await - readings,
    );
    assert!(polls >= (POLLS - 2) as f64 * OBJECTS as f64, "{polls} polls");
    assert!(requests <= POLLS + 2, "{requests} requests");
    assert!(readings <= (POLLS + 2) as f64, "{readings} readings");

    // One that does change is seen by all of them at the same poll.
    let before = scene.metrics.seen("/users").count;
    scene.users("/users", 5000);
    for target in &targets {
        target.wait_for(10).await;
    }
    assert!(scene.metrics.seen("/users").count - before <= 10);
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

/// A figure that moves without moving replicas is worth a status now and then, not one a poll.
#[tokio::test(flavor = "multi_thread")]
async fn a_moving_figure_alone_is_written_now_and_then() {
    let scene = Scene::new("moving").await;
    scene.podless_deployment("web", 6).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let writes = operator.writes("status", "done").await;
    for more in 1..=12 {
        scene.users("/users", 3000 + more);
        scene.requests("/users", 1).await;
    }
    let writes = operator.writes("status", "done").await - writes;
    assert!((1.0..=2.0).contains(&writes), "{writes} writes of the status within 12 polls");
    assert_eq!(scaling.events().await.len(), 0);
}
