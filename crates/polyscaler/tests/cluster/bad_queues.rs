//! NATS servers that do not say how much waits, each in its own way: nothing is scaled in, the
//! condition says why, another rule of the same operator goes on, and all recover.

use async_nats::jetstream::consumer::PullConsumer;
use futures::StreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::{Answer, Body, NatsOptions, NatsServer};

use crate::cluster::scaling_rule::{durable, publish, rules, stream, wait_for};
use crate::harness::{Recorder, Scene, Target};

/// More than the least, so that a made-up zero would show as scale-in.
const HOLDS: i32 = 5;

/// What waits in a queue whose rule leaves its replicas as they are.
const BETWEEN_THRESHOLDS: usize = 30;

fn rule(scene: &Scene, name: &str, url: &str, subject: &str) -> Value {
    json!({
        "apiVersion": "scaling.example.com/v1",
        "kind": "ScalingRule",
        "metadata": { "name": name, "namespace": scene.namespace },
        "spec": {
            "deploymentName": name, "namespace": scene.namespace, "minReplicas": 1, "maxReplicas": 10,
            "natsMonitoringURL": url, "subject": subject,
            "scaleUpThreshold": 50, "scaleDownThreshold": 10, "pollIntervalSeconds": 1,
        },
    })
}

/// A rule whose metric is bad, with its target and all that becomes of its replicas.
struct Patient {
    name: &'static str,
    target: Target,
    recorder: Recorder,
    rules: Api<DynamicObject>,
}

impl Patient {
    async fn admit(scene: &Scene, name: &'static str, rule: Value) -> Self {
        let target = scene.podless_deployment(name, HOLDS).await;
        let recorder = target.record().await;
        let rules = rules(scene);
        let rule: DynamicObject = serde_json::from_value(rule).unwrap();
        rules.create(&PostParams::default(), &rule).await.unwrap();
        Self { name, target, recorder, rules }
    }

    /// Waits until its conditions say so.
    async fn has(&self, status: &str, reason: &str, words: &str) {
        let what = format!("Ready={status} {reason} {words:?} of {}", self.name);
        wait_for(&self.rules, self.name, &what, |found| {
            let ready = &found["conditions"][0];
            let message = ready["message"].as_str().unwrap_or_default();
            (&ready["type"], &ready["status"], &ready["reason"])
                == (&json!("Ready"), &json!(status), &json!(reason))
                && message.contains(words)
        })
        .await;
    }

    /// Nothing was done to its target, and nothing is said to wait.
    async fn is_untouched(&self) {
        assert_eq!(self.recorder.replicas(), [0; 0], "{}", self.name);
        assert_eq!(self.target.asked().await, HOLDS, "{}", self.name);
        let status = self.rules.get(self.name).await.unwrap().data["status"].clone();
        assert_eq!(status.get("pendingMessages"), None, "{}: {status}", self.name);
    }

    async fn patch(&self, spec: Value) {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.rules.patch(self.name, &PatchParams::default(), &patch).await.unwrap();
    }
}

/// Takes so many messages and acknowledges them.
async fn work_off(consumer: &PullConsumer, count: usize) {
    let mut messages = consumer.fetch().max_messages(count).messages().await.unwrap();
    for _ in 0..count {
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_say_what_waits_scales_nothing_in_and_disturbs_nobody() {
    let scene = Scene::new("queues").await;
    let plain = NatsServer::start(NatsOptions { jetstream: false, ..NatsOptions::default() }).await.unwrap();
    let good = NatsServer::start(NatsOptions::default()).await.unwrap();
    let healthy_stream = stream(&good, "HEALTHY", "healthy.orders").await;
    let healthy_consumer = durable(&healthy_stream, "workers", "healthy.orders").await;
    scene.metrics.set_json("/healthz", &json!({ "status": "ok" }));
    let page = json!({ "server_id": "A", "accounts": 1, "account_details": [{ "name": "$G", "id": "$G",
        "stream_detail": [{ "name": "ORDERS", "config": { "subjects": ["orders"] }, "state": { "messages": 0 } }] }] });
    let page = page.to_string();
    for (path, answer) in [
        ("/truncated", Answer::raw_json(&page[..page.len() / 2])),
        ("/huge", Answer::new(http::StatusCode::OK, Body::Long(100 << 20))),
        ("/stalled", Answer::new(http::StatusCode::OK, Body::Stalled(page[..page.len() / 2].into()))),
    ] {
        scene.metrics.set_json(&format!("{path}/healthz"), &json!({ "status": "ok" }));
        scene.metrics.set(&format!("{path}/jsz"), answer);
    }

    let operator = scene.operator(&[]).await;
    let healthy = scene.podless_deployment("healthy", 2).await;
    let object = rule(&scene, "healthy", &good.monitoring_url(), "healthy.orders");
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    rules(&scene).create(&PostParams::default(), &object).await.unwrap();

    let at = |path: &str| scene.metrics.url(path);
    let mut of_nobody = rule(&scene, "no-account", &good.monitoring_url(), "healthy.orders");
    of_nobody["spec"]["account"] = json!("nobody");
    let sick = [
        ("no-jetstream", plain.monitoring_url(), "orders", "MetricValueMissing", "JetStream is not enabled"),
        ("no-subject", good.monitoring_url(), "nobody.listens", "MetricValueMissing", "nobody.listens"),
        ("truncated", at("/truncated"), "orders", "MetricMalformed", "JSON"),
        ("huge", at("/huge"), "orders", "MetricTooLarge", "larger than"),
        ("stalled", at("/stalled"), "orders", "MetricTimeout", "within 5 s"),
    ];
    let mut patients = Vec::new();
    for (name, url, subject, reason, words) in sick {
        let patient = Patient::admit(&scene, name, rule(&scene, name, &url, subject)).await;
        patients.push((patient, reason, words));
    }
    let patient = Patient::admit(&scene, "no-account", of_nobody).await;
    patients.push((patient, "MetricValueMissing", "nobody"));
    for (patient, reason, words) in &patients {
        patient.has("False", reason, words).await;
        operator.wait_for_metric("polyscaler_readings_total", &[("result", reason)], 2.0).await;
    }

    // Meanwhile the healthy one goes on: out while messages wait, in when they are done.
    publish(&good, "healthy.orders", 60).await;
    healthy.wait_for(4).await;
    work_off(&healthy_consumer, 60).await;
    healthy.wait_for(1).await;
    for path in ["/truncated", "/huge"] {
        scene.requests(&format!("{path}/jsz"), 4).await;
    }
    for (patient, _, _) in &patients {
        patient.is_untouched().await;
    }

    // All is well again, for each by what was wrong with it: nothing waits, and they scale in.
    let stream = stream(&good, "ORDERS", "nobody.listens").await;
    durable(&stream, "workers", "nobody.listens").await;
    for (patient, reason, _) in &patients {
        let account = Value::Null;
        match *reason {
            "MetricValueMissing" if patient.name != "no-subject" => {
                let url = good.monitoring_url();
                patient
                    .patch(
                        json!({ "natsMonitoringURL": url, "subject": "nobody.listens", "account": account }),
                    )
                    .await;
            }
            "MetricValueMissing" => {}
            _ => scene.metrics.set(&format!("/{}/jsz", patient.name), Answer::raw_json(page.clone())),
        }
    }
    for (patient, _, _) in &patients {
        patient.has("True", "Ready", "").await;
        patient.target.wait_for(1).await;
    }
}

/// The last poll before a server goes may hang in the middle of its answers, and the first after it
/// comes back finds it loading what it stored. In none of them nothing waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_mid_poll_is_waited_for() {
    let scene = Scene::new("queues").await;
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let orders = stream(&server, "ORDERS", "orders").await;
    durable(&orders, "workers", "orders").await;
    publish(&server, "orders", BETWEEN_THRESHOLDS).await;
    let operator = scene.operator(&[]).await;
    let object = rule(&scene, "web", &server.monitoring_url(), "orders");
    let patient = Patient::admit(&scene, "web", object).await;
    for end in ["orderly", "sudden"] {
        patient.has("True", "Ready", "").await;
        // A poll has begun and has no answer yet when the server ends.
        server.pause().unwrap();
        patient.has("False", "MetricTimeout", "").await;
        match end {
            "orderly" => {
                server.resume().unwrap();
                server.stop().await.unwrap();
            }
            _ => server.kill().await.unwrap(),
        }
        patient.has("False", "MetricConnectionFailed", "").await;
        let read = operator.metric("polyscaler_readings_total", &[("result", "ok")]).await;
        server.start_again().unwrap();
        operator.wait_for_metric("polyscaler_readings_total", &[("result", "ok")], read + 3.0).await;
        patient.has("True", "Ready", "").await;
        assert_eq!(patient.recorder.replicas(), [0; 0], "after an {end} end");
    }
    let status = patient.rules.get("web").await.unwrap().data["status"].clone();
    assert_eq!(status["pendingMessages"], BETWEEN_THRESHOLDS, "{status}");
}

/// What a consumer that is gone had to do still waits in the stream; a consumer that was asked for by
/// its name, and is gone, is no number at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_vanishes_is_not_a_queue_that_is_empty() {
    let scene = Scene::new("queues").await;
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let orders = stream(&server, "ORDERS", "orders").await;
    durable(&orders, "workers", "orders").await;
    publish(&server, "orders", BETWEEN_THRESHOLDS).await;
    scene.operator(&[]).await;
    let by_subject =
        Patient::admit(&scene, "web", rule(&scene, "web", &server.monitoring_url(), "orders")).await;
    by_subject.has("True", "Ready", "").await;
    let named = scene.podless_deployment("named", HOLDS).await;
    let config =
        json!({ "monitoringUrl": server.monitoring_url(), "subject": "orders", "consumer": "workers" });
    let spec = json!({
        "targetDeployment": "named", "namespace": scene.namespace, "intervalSeconds": 1,
        "metric": { "type": "nats", "config": config },
        "scaleThresholds": { "minUsers": 0, "maxUsers": 90, "minReplicas": 1, "maxReplicas": 13 },
    });
    let by_name = scene.business_scaling("named", spec).await;
    by_name.wait_for("Ready", "True", "Ready").await;
    assert_eq!(named.asked().await, HOLDS);
    let recorder = named.record().await;

    orders.delete_consumer("workers").await.unwrap();
    let message = by_name.wait_for("Ready", "False", "MetricValueMissing").await;
    assert!(message.contains("workers"), "{message}");
    // It was read again and again since.
    let what = "what the stream holds still waits";
    wait_for(&by_subject.rules, "web", what, |status| status["pendingMessages"] == BETWEEN_THRESHOLDS).await;
    by_subject.has("True", "Ready", "").await;
    assert_eq!(by_subject.recorder.replicas(), [0; 0]);
    assert_eq!(recorder.replicas(), [0; 0]);

    durable(&orders, "workers", "orders").await;
    by_name.wait_for("Ready", "True", "Ready").await;
    assert_eq!(recorder.replicas(), [0; 0]);
}
