//! Two replicas, one of which leads: whatever happens to it, never both write.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde_json::{Value, json};
use testbed::{Answer, Signal, wait};
use tokio::time::Instant;

use crate::harness::{LIMIT, Operator, Scene, seconds};

/// The lease of these tests; its holder may write for two thirds of it.
const LEASE: Duration = Duration::from_secs(5);
const ARGS: [&str; 1] = ["--lease-duration=5s"];

/// One replica that leads, and one that waits.
async fn leader_and_follower(scene: &Scene) -> (Operator, Operator) {
    let leader = scene.operator(&ARGS).await;
    wait_until_leads(&leader).await;
    let follower = scene.operator(&ARGS).await;
    (leader, follower)
}

async fn wait_until_leads(operator: &Operator) {
    let look = || async { operator.leads().await.then_some(()) };
    wait::until("it leads", LIMIT, look).await.unwrap();
}

async fn holder(scene: &Scene) -> String {
    let api: Api<Lease> = scene.namespaced();
    api.get("polyscaler").await.unwrap().spec.unwrap().holder_identity.unwrap_or_default()
}

/// Changes the figure at `/users` all the time, so that every poll wants other replicas than the last.
struct Load(tokio::task::JoinHandle<()>);

impl Load {
    fn start(scene: &std::sync::Arc<Scene>) -> Self {
        let scene = std::sync::Arc::clone(scene);
        Self(tokio::spawn(async move {
            for count in (1000..=5000).step_by(500).cycle() {
                scene.users("/users", count);
                scene.requests("/users", 1).await;
            }
        }))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_leader_polls_and_writes() {
    let scene = Scene::new("leads").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let (leader, follower) = leader_and_follower(&scene).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scene.requests("/users", 4).await;
    assert!(leader.leads().await && !follower.leads().await);
    let log = leader.log();
    let identity = holder(&scene).await;
    assert!(log.contains(&identity), "{identity} in {log}");
    // The follower knows the object, stands ready, and keeps its hands off.
    follower.wait_for_metric("polyscaler_objects", &[("kind", "BusinessScaling")], 1.0).await;
    assert_eq!(follower.readyz().await.unwrap().0, 200);
    for name in ["polyscaler_readings_total", "polyscaler_decisions_total"] {
        assert_eq!(follower.metric(name, &[]).await, 0.0, "{name}");
    }
    for resource in ["scale", "status", "event"] {
        assert_eq!(follower.metric("polyscaler_writes_total", &[("resource", resource)]).await, 0.0, "{resource}");
    }
    assert_eq!(follower.activity().await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_followed_without_a_double_write() {
    let scene = std::sync::Arc::new(Scene::new("killed").await);
    let target = scene.podless_deployment("web", 2).await;
    let (leader, follower) = leader_and_follower(&scene).await;
    let cooldown = seconds(9.0);
    let recorder = target.record().await;
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "cooldownSeconds": 9 });
    let load = Load::start(&scene);
    scene.users("/users", 3000);
    scene.business_scaling("web", spec).await;

    // At once after a write: what the leader knew of it has hardly been stored.
    recorder.wait_for(1).await;
    leader.kill().await;
    let killed = Instant::now();
    wait_until_leads(&follower).await;
    assert!(killed.elapsed() < LEASE + seconds(4.0), "it led after {:?}", killed.elapsed());
    let changes = recorder.wait_for(3).await;
    drop(load);
    for pair in changes.windows(2) {
        let between = pair[1].at - pair[0].at;
        assert!(between >= cooldown - seconds(0.3), "{between:?} after a write: {changes:?}");
    }
    // Under this load there is a wish at nearly every poll, so the takeover lost no more than the cooldown.
    let first = changes[1].at - changes[0].at;
    assert!(first <= cooldown + LEASE, "{first:?}: {changes:?}");
    let done = follower.writes("scale", "done").await;
    assert_eq!(done as usize, changes.len() - 1, "all others are the follower's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_asked_to_end_hands_over_at_once() {
    let scene = Scene::new("handover").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    // Long enough that waiting for it to run out would show.
    let args = ["--lease-duration=30s"];
    let leader = scene.operator(&args).await;
    wait_until_leads(&leader).await;
    let follower = scene.operator(&args).await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    let asked = Instant::now();
    leader.terminate(seconds(10.0)).await;
    let look = || async { follower.leads().await.then_some(()) };
    wait::until("the other leads", seconds(10.0), look).await.unwrap();
    // It looks at the lease every four seconds.
    assert!(asked.elapsed() < seconds(7.0), "handed over after {:?}", asked.elapsed());
    scene.users("/users", 5000);
    target.wait_for(10).await;
    assert!(leader.log().contains("lease released"), "{}", leader.log());

    follower.terminate(seconds(10.0)).await;
    assert_eq!(holder(&scene).await, "", "nobody holds it");
}

/// The worst moment: it has been stopped in the middle of a poll, its reading is there when it
/// wakes up, and somebody else has long taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_wakes_up_late_writes_nothing() {
    let scene = Scene::new("stopped").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let (leader, follower) = leader_and_follower(&scene).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;

    scene.metrics.set("/users", Answer::json(&json!({ "active_users": 9000 })).after(seconds(1.5)));
    scene.requests("/users", 1).await;
    leader.process.signal(Signal::STOP);
    scene.users("/users", 1000);
    let stopped = Instant::now();
    wait_until_leads(&follower).await;
    assert!(stopped.elapsed() < LEASE + seconds(4.0), "it led after {:?}", stopped.elapsed());
    target.wait_for(2).await;

    leader.process.signal(Signal::CONT);
    let log = || async { leader.log().contains("leadership lost").then_some(()) };
    wait::until("it notices", LIMIT, log).await.unwrap();
    assert!(!leader.leads().await);
    scene.requests("/users", 5).await;
    assert_eq!(recorder.replicas(), [2], "only what the new leader wrote");
    assert_eq!(leader.writes("scale", "done").await, 1.0);
    assert!(leader.process.is_running());

    // It is a follower like any other now, and takes over in its turn.
    follower.kill().await;
    wait_until_leads(&leader).await;
    scene.users("/users", 5000);
    target.wait_for(10).await;
}
