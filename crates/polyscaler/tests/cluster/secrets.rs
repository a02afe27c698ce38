//! Request headers from a secret: sent, kept up to date, and never reported.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::Answer;

use crate::harness::{LIMIT, Scene};

/// Secret values all begin like this, so that they are found wherever they turn up.
const MARK: &str = "hush-3f9c";

async fn set(scene: &Scene, value: &str) {
    let api: Api<Secret> = scene.namespaced();
    let secret: Secret = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "token" },
        "stringData": { "Authorization": value },
    }))
    .unwrap();
    if api.get_opt("token").await.unwrap().is_some() {
        api.patch("token", &PatchParams::default(), &Patch::Merge(&secret)).await.unwrap();
    } else {
        api.create(&PostParams::default(), &secret).await.unwrap();
    }
}

fn sent(scene: &Scene) -> String {
    let headers = scene.metrics.seen("/users").headers;
    headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_come_from_a_secret_and_stay_secret() {
    let scene = Scene::new("secret").await;
    let target = scene.podless_deployment("web", 4).await;
    let recorder = target.record().await;
    scene.users("/users", 3000);
    let operator = scene.begin_operator(&[], &[("LOG_LEVEL", "trace"), ("LOG_FORMAT", "json")]);
    operator.wait_until_ready().await;
    let mut spec = scene.spec("web", "/users");
    spec["headersFrom"] = json!({ "secretRef": { "name": "token" } });
    // What stands in the query of an address is often a secret, too.
    spec["metricSource"] = json!(scene.metrics.url(&format!("/users?key={MARK}-query")));
    let scaling = scene.business_scaling("web", spec).await;

    let message = scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    assert!(message.contains(&format!("secret {}/token", scene.namespace)), "{message}");
    assert_eq!(scene.metrics.requests(), 0, "nothing is asked without the header");

    set(&scene, &format!("{MARK}-1")).await;
    target.wait_for(6).await;
    assert_eq!(sent(&scene), format!("{MARK}-1"));
    scaling.wait_for("Ready", "True", "Ready").await;

    // One poll may have read the secret just before it changed; the next has not.
    set(&scene, &format!("{MARK}-2")).await;
    scene.requests("/users", 2).await;
    assert_eq!(sent(&scene), format!("{MARK}-2"));

    // A header that cannot be sent, an endpoint that fails: each is reported without the value.
    set(&scene, &format!("{MARK}-3\nX-Other: 1")).await;
    let message = scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    assert!(message.contains("Authorization"), "{message}");
    set(&scene, &format!("{MARK}-4")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scene.metrics.set("/users", Answer::redirect("http://169.254.169.254/"));
    scaling.wait_for("Ready", "False", "MetricAddressRefused").await;
    scene.metrics.set("/users", Answer::text(http::StatusCode::FORBIDDEN, format!("{MARK}-4 is not known")));
    scaling.wait_for("Ready", "False", "MetricBadStatus").await;
    // One that gives back what it was sent, wherever it can.
    let echo = format!("{MARK}-4");
    scene.metrics.set("/users", Answer::json(&json!({ "active_users": echo })));
    scaling.wait_for("Ready", "False", "MetricNotANumber").await;
    scene.metrics.set("/users", Answer::json(&json!({ "headers": { "Authorization": echo } })));
    scaling.wait_for("Ready", "False", "MetricValueMissing").await;
    scene.metrics.set("/users", Answer::redirect(&format!("http://169.254.169.254/{echo}?{echo}")));
    scaling.wait_for("Ready", "False", "MetricAddressRefused").await;
    let api: Api<Secret> = scene.namespaced();
    api.delete("token", &DeleteParams::default()).await.unwrap();
    scaling.wait_for("Ready", "False", "SecretUnavailable").await;
    recorder.expect(&[6]).await;
    scaling.wait_for_event("Warning", "SecretUnavailable", "does not exist").await;

    let (activity, metrics) = (operator.activity().await, operator.metrics_text().await);
    let (page, objects) = (operator.activity_text("/").await, operator.activity_text("/objects").await);
    operator.terminate(LIMIT).await;
    let reported = [
        ("activity", json!(activity).to_string()),
        ("page", page),
        ("objects", objects),
        ("metrics", metrics),
        ("log", operator.log()),
        ("status", scaling.status().await.to_string()),
        ("events", serde_json::to_string(&scaling.events().await).unwrap()),
    ];
    for (place, text) in reported {
        assert!(text.len() > 100, "{place}: {text}");
        assert!(!text.contains(MARK), "{place}: {}", around(&text));
    }
}

fn around(text: &str) -> &str {
    text.lines().find(|line| line.contains(MARK)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_objects_with_fields() {
    let scene = Scene::new("logs").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.begin_operator(&[], &[("LOG_FORMAT", "json")]);
    operator.wait_until_ready().await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scene.metrics.set("/users", Answer::html("<p>"));
    scaling.wait_for("Ready", "False", "MetricMalformed").await;
    let activity = operator.activity().await;
    assert_eq!(activity.len(), 1);
    operator.terminate(LIMIT).await;

    let log = operator.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in log.lines() {
        for key in ["message", "level", "timestamp", "target"] {
            assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key} in {line}");
        }
    }
    for line in &lines {
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
        assert!(line["timestamp"].is_string() && line["target"].is_string(), "{line}");
    }
    let one = |message: &str| {
        let found: Vec<&Value> = lines.iter().filter(|line| line["message"] == message).collect();
        assert_eq!(found.len(), 1, "{message}: {log}");
        found[0].clone()
    };
    let scaled = one("scaled");
    assert_eq!((scaled["from"].as_u64(), scaled["to"].as_u64()), (Some(2), Some(6)));
    assert_eq!(scaled["object"], format!("BusinessScaling {}", scaling.name));
    assert_eq!(scaled["steps"], "linear 2→6 (3000 in 1000..5000)");
    let failing = one("not ready");
    assert_eq!((&failing["level"], &failing["reason"]), (&json!("WARN"), &json!("MetricMalformed")));
    one("ended");
}
