//! A ScalingRule on a real NATS server: the seed's manifest, and a stream that fills and drains.

use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testbed::{NatsOptions, NatsServer, wait};

use crate::harness::{LIMIT, Scene};

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

fn rules(scene: &Scene) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("scaling.example.com", "v1", "ScalingRule");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "scalingrules");
    Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource)
}

async fn wait_for(rules: &Api<DynamicObject>, name: &str, what: &str, holds: impl Fn(&Value) -> bool) {
    let look = || async {
        let status = rules.get(name).await.map_err(|error| error.to_string())?.data["status"].clone();
        if holds(&status) { Ok(()) } else { Err(status.to_string()) }
    };
    wait::until(what, LIMIT, look).await.unwrap();
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

    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let stream = async_nats::jetstream::stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.*".to_owned()],
        ..Default::default()
    };
    let stream = jetstream.create_stream(stream).await.unwrap();
    let consumer = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("workers".to_owned()),
        filter_subject: "orders.processing".to_owned(),
        ack_wait: Duration::from_secs(300),
        ..Default::default()
    };
    let consumer = stream.create_consumer(consumer).await.unwrap();
    for _ in 0..60 {
        jetstream.publish("orders.processing", "order".into()).await.unwrap().await.unwrap();
    }
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
