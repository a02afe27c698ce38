//! Two replicas, one of which leads: whatever happens to it, never both write.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::{Answer, Signal, wait};

use crate::cluster::permissions::run_with_all_but;
use crate::harness::{LIMIT, Operator, Scene, seconds};

/// A short lease; its holder may write for two thirds of it.
const ARGS: [&str; 1] = ["--lease-duration=10s"];

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

/// Changes the figure at `/users` all the time, so that nearly every poll wants other replicas
/// than the last, for as long as `body` runs.
async fn under_load(scene: &Scene, body: impl Future<Output = ()>) {
    let load = async {
        for count in (1000..=5000).step_by(500).cycle() {
            scene.users("/users", count);
            scene.requests("/users", 1).await;
        }
    };
    tokio::select! {
        () = load => {}
        () = body => {}
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
    let waits = || async {
        let reported = follower.log();
        if reported.matches("another replica leads").count() == 1 { Ok(()) } else { Err(reported) }
    };
    wait::until("the follower reports that it waits, once", LIMIT, waits).await.unwrap();
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
        assert_eq!(
            follower.metric("polyscaler_writes_total", &[("resource", resource)]).await,
            0.0,
            "{resource}"
        );
    }
    // It does not answer from nothing: only the leader knows what was scaled.
    let text = follower.activity_text("/scaling-activity").await;
    assert!(text.contains("cannot answer"), "{text}");
}

/// When the leader is killed.
#[derive(Clone, Copy)]
enum Killed {
    /// Before it could record its write: nothing but the write itself remains. So that this is
    /// sure to happen, it has no right to write a status.
    Unrecorded,
    /// When the status reports its write.
    Recorded,
}

async fn kill_the_leader(killed: Killed) {
    // Twice the time in which another leader is there, who would write at once if it knew no cooldown.
    const COOLDOWN: Duration = Duration::from_secs(14);
    let mut scene = Scene::new("killed").await;
    if let Killed::Unrecorded = killed {
        run_with_all_but(&mut scene, &["status"]).await;
    }
    let target = scene.podless_deployment("web", 2).await;
    let (leader, follower) = leader_and_follower(&scene).await;
    let recorder = target.record().await;
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "cooldownSeconds": COOLDOWN.as_secs() });
    scene.users("/users", 3000);
    let body = async {
        let scaling = scene.business_scaling("web", spec).await;
        recorder.wait_for(1).await;
        if let Killed::Recorded = killed {
            scaling.wait_for_event("Normal", "SuccessfulRescale", "").await;
        }
        leader.kill().await;
        wait_until_leads(&follower).await;
        recorder.wait_for(3).await;
    };
    under_load(&scene, body).await;
    let changes = recorder.changes();
    for pair in changes.windows(2) {
        let between = pair[1].at - pair[0].at;
        // Reported by a watch, the first maybe later than the second.
        assert!(between >= COOLDOWN - seconds(4.0), "{between:?} after a write: {changes:?}");
    }
    // The watch may report a write before the writer has its answer.
    let others = changes.len() - 1;
    follower.wait_for_writes("scale", "done", others as f64).await;
    let changes = recorder.changes().len();
    assert!((follower.writes("scale", "done").await as usize) < changes, "the first was the leader's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_killed_before_it_could_record_is_followed_without_a_double_write() {
    kill_the_leader(Killed::Unrecorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_killed_after_a_write_is_followed_without_a_double_write() {
    kill_the_leader(Killed::Recorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_asked_to_end_hands_over_at_once() {
    let scene = Scene::new("handover").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    // So long that nobody waits for it to run out within the limit of any wait here.
    let args = ["--lease-duration=150s"];
    let leader = scene.operator(&args).await;
    wait_until_leads(&leader).await;
    let follower = scene.operator(&args).await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    leader.terminate(LIMIT).await;
    wait_until_leads(&follower).await;
    scene.users("/users", 5000);
    target.wait_for(10).await;
    assert!(leader.log().contains("lease released"), "{}", leader.log());

    follower.terminate(LIMIT).await;
    assert_eq!(holder(&scene).await, "", "nobody holds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_changed_since_it_was_renewed_is_given_back() {
    let scene = Scene::new("changed").await;
    // So long that it is not renewed meanwhile.
    let leader = scene.operator(&["--lease-duration=150s"]).await;
    wait_until_leads(&leader).await;
    let api: Api<Lease> = scene.namespaced();
    let label = Patch::Merge(json!({ "metadata": { "labels": { "seen": "yes" } } }));
    api.patch("polyscaler", &PatchParams::default(), &label).await.unwrap();

    leader.terminate(LIMIT).await;
    assert_eq!(holder(&scene).await, "", "{}", leader.log());
}

/// The worst moment: it has been stopped in the middle of a poll, its reading is there when it
/// wakes up, and someone else has long taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_wakes_up_late_writes_nothing() {
    let scene = Scene::new("stopped").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let (leader, follower) = leader_and_follower(&scene).await;
    let mut spec = scene.spec("web", "/users");
    spec.as_object_mut().unwrap().remove("metricSource");
    let config =
        json!({ "url": scene.metrics.url("/users"), "valuePath": "$.active_users", "timeoutSeconds": 60 });
    spec["metric"] = json!({ "type": "http", "config": config });
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let recorder = target.record().await;

    // Time enough to stop it before the answer comes, also for a machine that stands still.
    scene.metrics.set("/users", Answer::json(&json!({ "active_users": 9000 })).after(seconds(12.0)));
    scene.requests("/users", 1).await;
    leader.process.signal(Signal::STOP);
    scene.users("/users", 1000);
    wait_until_leads(&follower).await;
    target.wait_for(2).await;

    leader.process.signal(Signal::CONT);
    let log = || async { leader.log().contains("leadership lost").then_some(()) };
    wait::until("it notices", LIMIT, log).await.unwrap();
    assert!(!leader.leads().await);
    scene.requests("/users", 5).await;
    recorder.expect(&[2]).await;
    assert_eq!(leader.writes("scale", "done").await, 1.0);
    assert!(leader.process.is_running());

    // It is a follower like any other now, and takes over in its turn.
    follower.kill().await;
    wait_until_leads(&leader).await;
    scene.users("/users", 5000);
    target.wait_for(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_does_not_answer_holds_no_end_up() {
    let scene = Scene::new("end").await;
    scene.podless_deployment("web", 2).await;
    scene.metrics.set("/users", Answer::json(&json!({ "active_users": 1 })).after(seconds(60.0)));
    let operator = scene.operator(&[]).await;
    let spec = json!({
        "targetDeployment": "web",
        "namespace": scene.namespace,
        "metric": { "type": "http", "config": {
            "url": scene.metrics.url("/users"), "valuePath": "$.active_users", "timeoutSeconds": 60,
        } },
    });
    scene.business_scaling("web", spec).await;
    scene.requests("/users", 1).await;
    // Before the minute of the source is over.
    operator.terminate(seconds(50.0)).await;
    assert_eq!(holder(&scene).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_cannot_be_held_is_reported() {
    let scene = Scene::new("nowhere").await;
    let operator = scene.begin_operator(&["--lease-namespace=nowhere-at-all", "--lease-name=mine"], &[]);
    let look = || async {
        let (status, text) = operator.readyz().await?;
        let reported = text.contains("nowhere-at-all/mine") && text.contains("--lease-namespace");
        if status == 503 && reported { Ok(()) } else { Err(format!("{status} {text}")) }
    };
    wait::until("readiness names the lease", LIMIT, look).await.unwrap();
    assert!(!operator.leads().await);
    operator.terminate(LIMIT).await;
}
