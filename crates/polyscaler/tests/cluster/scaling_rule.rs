//! A ScalingRule on a real NATS server: the seed's manifest, and a stream that fills and drains.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::stream::Stream;
use futures::StreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testbed::{NatsOptions, NatsServer, wait};

use crate::cluster::admission::{Problem, checked, refused};
use crate::harness::{self, LIMIT, Scene};

/// The seed's manifest, for a server and a namespace of the test's own, polled each second.
fn manifest(scene: &Scene, server: &NatsServer) -> DynamicObject {
    let text = include_str!("../../../../config/samples/scaling_v1_scalingrule.yaml");
    let mut object: Value = serde_saphyr::from_str(text).unwrap();
    object["metadata"]["namespace"] = json!(scene.namespace);
    object["spec"]["namespace"] = json!(scene.namespace);
    object["spec"]["natsMonitoringURL"] = json!(server.monitoring_url());
    object["spec"]["pollIntervalSeconds"] = json!(1);
    serde_json::from_value(object).unwrap()
}

/// All rules of the scene.
pub(super) fn rules(scene: &Scene) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("scaling.example.com", "v1", "ScalingRule");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "scalingrules");
    Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource)
}

/// Waits until the status of a rule is as it should be.
pub(super) async fn wait_for(
    rules: &Api<DynamicObject>,
    name: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) {
    let look = || async {
        let status = rules.get(name).await.map_err(|error| error.to_string())?.data["status"].clone();
        if holds(&status) { Ok(()) } else { Err(status.to_string()) }
    };
    wait::until(what, LIMIT, look).await.unwrap();
}

/// A stream that takes a subject.
pub(super) async fn stream(server: &NatsServer, name: &str, subject: &str) -> Stream {
    let config = jetstream::stream::Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        ..Default::default()
    };
    harness::jetstream(server).await.create_stream(config).await.unwrap()
}

/// A durable consumer that gets what is for a subject.
pub(super) async fn durable(stream: &Stream, name: &str, subject: &str) -> PullConsumer {
    let config = jetstream::consumer::pull::Config {
        durable_name: Some(name.to_owned()),
        filter_subject: subject.to_owned(),
        ack_wait: Duration::from_secs(300),
        ..Default::default()
    };
    stream.create_consumer(config).await.unwrap()
}

/// Publishes so many messages, and returns when the stream has them.
pub(super) async fn publish(server: &NatsServer, subject: &str, count: usize) {
    let jetstream = harness::jetstream(server).await;
    for _ in 0..count {
        jetstream.publish(subject.to_owned(), "order".into()).await.unwrap().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_a_stream_that_fills_and_drains() {
    let scene = Scene::new("queue").await;
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let target = scene.deployment("my-app", 1).await;
    let rules = rules(&scene);
    let rule = rules.create(&PostParams::default(), &manifest(&scene, &server)).await.unwrap();
    let name = rule.metadata.name.unwrap();
    let _operator = scene.operator(&[]).await;
    wait_for(&rules, &name, "no stream takes the subject", |status| {
        status["conditions"][0]["status"] == "False"
            && status["conditions"][0]["reason"] == "MetricValueMissing"
    })
    .await;

    let stream = stream(&server, "ORDERS", "orders.*").await;
    let consumer = durable(&stream, "workers", "orders.processing").await;
    publish(&server, "orders.processing", 60).await;
    wait_for(&rules, &name, "60 messages wait and replicas grew step by step", |status| {
        status["pendingMessages"] == 60 && status["currentReplicas"].as_u64() >= Some(3)
    })
    .await;
    target.wait_for(10).await;

    let mut messages = consumer.fetch().max_messages(60).messages().await.unwrap();
    for _ in 0..60 {
        messages.next().await.unwrap().unwrap().ack().await.unwrap();
    }
    target.wait_for(1).await;
    wait_for(&rules, &name, "nothing waits", |status| status["pendingMessages"] == 0).await;

    server.stop().await.unwrap();
    wait_for(&rules, &name, "the server is gone", |status| {
        status["conditions"][0]["reason"] == "MetricConnectionFailed" && status["currentReplicas"] == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_namespace_is_refused_with_its_path() {
    let scene = Scene::new("queue").await;
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let rules = rules(&scene);
    let mut rule = manifest(&scene, &server);
    rule.data["spec"]["namespace"] = json!("elsewhere");
    let name = rules.create(&PostParams::default(), &rule).await.unwrap().metadata.name.unwrap();
    let _operator = scene.operator(&[]).await;
    wait_for(&rules, &name, "InvalidSpec that names the field", |status| {
        let ready = &status["conditions"][0];
        let message = ready["message"].as_str().unwrap_or_default();
        ready["reason"] == "InvalidSpec"
            && message.starts_with("spec.namespace: Invalid value: \"elsewhere\"")
    })
    .await;
}

/// What contradicts itself the API server refuses with the field's path, and `check` in the same
/// words; another namespace, which only the operator may allow, `check` refuses as the operator does.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_contradict_themselves_are_refused_with_the_path() {
    let scene = Scene::new("queue").await;
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let good = serde_json::to_value(manifest(&scene, &server)).unwrap();
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed["spec"][field] = value;
        changed
    };
    let bad = [
        (
            with("scaleDownThreshold", json!(51)),
            "spec.scaleDownThreshold",
            "scaleDownThreshold must not be above scaleUpThreshold",
        ),
        (with("minReplicas", json!(11)), "spec.minReplicas", "minReplicas must not be above maxReplicas"),
        (with("pollIntervalSeconds", json!(0)), "spec.pollIntervalSeconds", "greater than or equal to 1"),
        (with("pollIntervalSeconds", json!(-30)), "spec.pollIntervalSeconds", "greater than or equal to 1"),
        (with("minReplicas", json!(0)), "spec.minReplicas", "greater than or equal to 1"),
        (with("maxReplicas", json!("10")), "spec.maxReplicas", "must be of type integer"),
        (with("scaleUpThreshold", json!(-1)), "spec.scaleUpThreshold", "greater than or equal to 0"),
        (with("maxReplicas", json!(-1)), "spec.minReplicas", "minReplicas must not be above maxReplicas"),
        (with("maxReplicas", json!(4294967296_i64)), "spec.maxReplicas", "less than or equal to 2147483647"),
        (with("scaleDownThreshold", json!(-1)), "spec.scaleDownThreshold", "greater than or equal to 0"),
        (with("subject", json!("")), "spec.subject", "at least 1 chars long"),
        (with("natsMonitoringURL", json!("nats://nats:4222")), "spec.natsMonitoringURL", "should match"),
        (with("deploymentName", Value::Null), "spec", "exactly one of deploymentName and targetRef"),
    ];
    let manifests: Vec<Value> = bad.iter().map(|(manifest, _, _)| manifest.clone()).collect();
    for ((manifest, path, words), found) in bad.iter().zip(checked(&manifests)) {
        let refused = refused(&scene.client, manifest).await;
        assert_eq!(refused, found, "{}", manifest["spec"]);
        let named = |(place, message): &Problem| place == path && message.contains(words);
        assert!(found.iter().any(named), "{path} {words}: {found:?}");
    }
    let elsewhere = with("namespace", json!("elsewhere"));
    let found = checked(std::slice::from_ref(&elsewhere)).remove(0);
    assert!(found.len() == 1 && found[0].0 == "spec.namespace", "{found:?}");
    assert_eq!(refused(&scene.client, &elsewhere).await, [], "it knows nothing of the operator's flags");
    assert_eq!(refused(&scene.client, &good).await, []);
    assert_eq!(checked(&[good]), [[]]);
}
