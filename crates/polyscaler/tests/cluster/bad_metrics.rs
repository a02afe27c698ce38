//! Endpoints that are down, slow, hostile or plain wrong: nothing is scaled in for want of a
//! number, the condition says why, others are not disturbed, and all goes on once it is well.

use http::StatusCode;
use serde_json::json;
use testbed::{Answer, Body, MetricServer, wait};

use crate::harness::{LIMIT, Scaling, Scene, Target, seconds};

const HOLDS: i32 = 8;

/// What an endpoint does wrong, and the reason that is given for it.
struct Case {
    name: &'static str,
    reason: &'static str,
    answer: Answer,
}

fn users(text: &str) -> Answer {
    Answer::raw_json(format!("{{\"active_users\": {text}}}"))
}

fn cases(scene: &Scene) -> Vec<Case> {
    let case = |name, reason, answer| Case { name, reason, answer };
    let digits = "9".repeat(400);
    vec![
        case("slow", "MetricTimeout", users("0").after(seconds(30.0))),
        case(
            "stalled",
            "MetricTimeout",
            Answer::new(StatusCode::OK, Body::Stalled("{\"active_users\"".into())),
        ),
        case(
            "error",
            "MetricBadStatus",
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "{\"active_users\": 0}"),
        ),
        case("not-found", "MetricBadStatus", Answer::text(StatusCode::NOT_FOUND, "no such page")),
        case("loop", "MetricTooManyRedirects", Answer::redirect(&scene.metrics.url("/loop"))),
        case("huge", "MetricTooLarge", Answer::new(StatusCode::OK, Body::Long(100 << 20))),
        case("endless", "MetricTooLarge", Answer::new(StatusCode::OK, Body::Endless)),
        case("page", "MetricMalformed", Answer::html("<html><body>Please log in</body></html>")),
        case("empty", "MetricMalformed", Answer::raw_json("")),
        case("half", "MetricMalformed", Answer::raw_json("{\"active_users\": 0")),
        case("nan", "MetricMalformed", users("NaN")),
        case("missing", "MetricValueMissing", Answer::json(&json!({ "activeUsers": 0 }))),
        case("text", "MetricNotANumber", users("\"0\"")),
        case("null", "MetricNotANumber", users("null")),
        case("true", "MetricNotANumber", users("true")),
        case("list", "MetricNotANumber", users("[0]")),
        case("negative", "MetricOutOfRange", users("-5")),
        case("digits", "MetricNotFinite", users(&digits)),
        case("exponent", "MetricNotFinite", users("1e400")),
        case("metadata", "MetricAddressRefused", Answer::redirect("http://169.254.169.254/latest/meta-data")),
        case("file", "MetricAddressRefused", Answer::redirect("file:///etc/passwd")),
    ]
}

/// An object whose metric is bad, with its target.
struct Patient {
    name: &'static str,
    reason: &'static str,
    scaling: Scaling,
    target: Target,
}

async fn admit(scene: &Scene, name: &'static str, reason: &'static str, url: &str) -> Patient {
    let target = scene.podless_deployment(name, HOLDS).await;
    let mut spec = scene.spec(name, "/");
    spec["metricSource"] = json!(url);
    Patient { name, reason, scaling: scene.business_scaling(name, spec).await, target }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_metric_scales_nothing_in_and_disturbs_nobody() {
    let scene = Scene::new("bad").await;
    let mut down = MetricServer::start().await.unwrap();
    down.set_json("/users", &json!({ "active_users": 3000 }));
    down.stop().await;
    let operator = scene.operator(&[]).await;
    let healthy = scene.podless_deployment("healthy", 2).await;
    scene.users("/healthy", 1000);
    scene.business_scaling("healthy", scene.spec("healthy", "/healthy")).await;

    let mut patients = Vec::new();
    let link_local = "http://169.254.169.254/latest/meta-data";
    for case in cases(&scene) {
        let path = format!("/{}", case.name);
        scene.metrics.set(&path, case.answer);
        patients.push(admit(&scene, case.name, case.reason, &scene.metrics.url(&path)).await);
    }
    patients.push(admit(&scene, "down", "MetricConnectionFailed", &down.url("/users")).await);
    patients.push(admit(&scene, "link-local", "MetricAddressRefused", link_local).await);
    patients.push(admit(&scene, "decimal", "MetricAddressRefused", "http://2852039166/").await);
    patients.push(admit(&scene, "nowhere", "MetricConnectionFailed", "http://no-such-host.invalid/").await);
    // Above its bounds and blind: the maximum is an order and needs no reading.
    let mut spec = scene.spec("error", "/error");
    let crowded = scene.podless_deployment("crowded", 12).await;
    spec["targetDeployment"] = json!("crowded");
    let above = scene.business_scaling("crowded", spec).await;

    for Patient { name, scaling, reason, .. } in &patients {
        let message = scaling.wait_for("ScalingActive", "False", reason).await;
        assert!(message.starts_with("metric users: "), "{message}");
        scaling.wait_for("Ready", "False", reason).await;
        let status = scaling.status().await;
        // What cannot be is shown as it was read.
        let shown = (*name == "negative").then(|| json!(-5));
        assert_eq!(status.get("metricValue").cloned(), shown, "{status}");
        assert_eq!(status["desiredReplicas"], HOLDS);
        scaling.wait_for_event("Warning", reason, "").await;
    }
    let message = above.wait_for("Ready", "False", "MetricBadStatus").await;
    assert!(message.contains("500"), "{message}");

    // The healthy one follows its load meanwhile, and each bad one was polled again and again.
    for (count, replicas) in [(5000, 10), (1000, 2), (3000, 6)] {
        scene.users("/healthy", count);
        healthy.wait_for(replicas).await;
    }
    for (path, polls) in [("/slow", 2), ("/stalled", 2), ("/error", 4), ("/digits", 4), ("/huge", 4)] {
        scene.requests(path, polls).await;
    }
    for patient in &patients {
        assert_eq!(patient.target.asked().await, HOLDS, "{}", patient.name);
        // A negative figure was read well; only the object has no use for it.
        let result = if patient.name == "negative" { "ok" } else { patient.reason };
        operator.wait_for_metric("polyscaler_readings_total", &[("result", result)], 2.0).await;
    }
    assert_eq!(crowded.asked().await, 10);

    // All is well again, for each by what was wrong with it.
    down.resume().await.unwrap();
    for Patient { name, scaling, .. } in &patients {
        scene.users(&format!("/{name}"), 3000);
        if ["link-local", "decimal", "nowhere"].contains(name) {
            scaling.patch_spec(json!({ "metricSource": scene.metrics.url(&format!("/{name}")) })).await;
        }
    }
    for Patient { scaling, target, .. } in &patients {
        target.wait_for(6).await;
        scaling.wait_for("Ready", "True", "Ready").await;
        scaling.wait_for("ScalingActive", "True", "ValidMetricFound").await;
        scaling.wait_for_event("Normal", "Ready", "").await;
    }
    crowded.wait_for(6).await;
}

/// A number is what lets replicas move out of bounds back in; blind they only move up to them.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_number_the_least_replicas_still_hold() {
    let scene = Scene::new("blind").await;
    let target = scene.podless_deployment("web", 1).await;
    scene.metrics.set("/users", Answer::text(StatusCode::BAD_GATEWAY, "no upstream"));
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(2).await;
    scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    let recorder = target.record().await;
    scene.requests("/users", 4).await;
    assert_eq!(recorder.replicas(), [0; 0]);
}

/// A source that is down for an hour is one line in the log and one Event, not one per poll.
#[tokio::test(flavor = "multi_thread")]
async fn what_stays_bad_is_reported_once() {
    let scene = Scene::new("once").await;
    scene.podless_deployment("web", 4).await;
    scene.metrics.set("/users", Answer::html("<p>no</p>"));
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for_event("Warning", "MetricMalformed", "HTML").await;
    operator.wait_for_writes("status", "done", 1.0).await;
    let writes = operator.writes("status", "done").await;
    scene.requests("/users", 5).await;
    assert_eq!(scaling.events().await.len(), 1);
    assert_eq!(operator.writes("status", "done").await, writes);
    let lines = operator.log().lines().filter(|line| line.contains("not ready")).count();
    assert_eq!(lines, 1, "{}", operator.log());
    let look = || async { operator.healthz().await.map(|(status, _)| status == 200) };
    assert!(wait::until("alive", LIMIT, look).await.unwrap());
}
