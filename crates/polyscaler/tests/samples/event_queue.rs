//! `event-queue`: events published and pulled by the real emulator of Pub/Sub, where there is
//! one, and by a small broker anywhere. Cloud Monitoring reports what is published and not yet
//! acknowledged.

use std::time::Duration;

use testbed::cloud_monitoring::CloudMonitoring;
use testbed::wait;

use crate::harness::{LIMIT, Scene};
use crate::samples::broker::Broker;
use crate::samples::emulator::Emulator;
use crate::samples::sample::{Sample, lines, terminate};

/// How many events there are.
const EVENTS: usize = 60;

/// As the manifests have them.
const PROJECT: &str = "my-project";
const SUBSCRIPTION: &str = "events";

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_backlog_of_a_small_broker() {
    let broker = Broker::start().await;
    follow(&broker.host()).await;
    assert_eq!(broker.held(), 0, "what is acknowledged is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_backlog_of_the_emulator() {
    let Some(emulator) = Emulator::start().await else { return };
    follow(emulator.host()).await;
}

/// Publishes, follows up, subscribes, and follows down.
async fn follow(host: &str) {
    let scene = Scene::new("event-queue").await;
    let sample = Sample::new("event-queue");
    let monitoring = CloudMonitoring::start().await.unwrap();
    monitoring.lend_metadata_account(&[PROJECT]);
    let report = |held: usize| {
        let held = i64::try_from(held).unwrap();
        monitoring.set_backlog(PROJECT, SUBSCRIPTION, held, Duration::ZERO);
    };
    report(0);
    let target = sample.deployment(&scene).await;
    let (metadata, endpoint) = (monitoring.address().to_string(), monitoring.endpoint() + "/");
    let lent = [
        ("GCE_METADATA_HOST", metadata.as_str()),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", endpoint.as_str()),
    ];
    let operator = scene.begin_operator(&[], &lent);
    operator.wait_until_ready().await;
    let scaler = sample.scaler(&scene, |_| {}).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;

    let count = EVENTS.to_string();
    let env = [("PUBSUB_EMULATOR_HOST", host), ("COUNT", count.as_str()), ("RATE", "200")];
    let publisher = sample.run("event-queue-publisher", &env).await;
    let published = lines(&publisher, "published event-");
    assert_eq!(published, EVENTS);
    report(published);
    target.wait_for(6).await;

    let env = [("PUBSUB_EMULATOR_HOST", host), ("WORK_MILLISECONDS", "50")];
    let subscriber = sample.start("event-queue", "event-queue", &env);
    let drained = || async {
        let held = published - lines(&subscriber, "acknowledged event-");
        report(held);
        if held == 0 { Ok(()) } else { Err(format!("{held} wait:\n{}", subscriber.last_lines(5))) }
    };
    wait::until("all events are acknowledged", LIMIT, drained).await.unwrap();
    target.wait_for(1).await;
    for change in recorder.changes() {
        assert!((-2..=4).contains(&(change.to - change.from)), "{change:?}");
    }
    terminate(&subscriber).await;
}
