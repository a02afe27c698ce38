//! Whatever has a scale subresource can be scaled, by whatever way the metric is written.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use testbed::fixtures;

use crate::harness::{Scene, Target, control_plane};

/// A kind of someone else: `Fleet`, with or without a scale subresource.
pub(crate) fn fleet_crd(group: &str, scalable: bool) -> CustomResourceDefinition {
    let mut subresources = json!({ "status": {} });
    if scalable {
        subresources["scale"] =
            json!({ "specReplicasPath": ".spec.cars", "statusReplicasPath": ".status.cars" });
    }
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("fleets.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "plural": "fleets", "singular": "fleet", "kind": "Fleet" },
            "versions": [{
                "name": "v1beta1",
                "served": true,
                "storage": true,
                "subresources": subresources,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": { "cars": { "type": "integer" } } },
                    "status": any,
                } } },
            }],
        },
    }))
    .unwrap()
}

/// A Fleet of so many cars.
pub(crate) async fn fleet(scene: &Scene, group: &str, name: &str, cars: i32) -> Target {
    let api_version = format!("{group}/v1beta1");
    let target = scene.target(&api_version, "Fleet", "fleets", name);
    let object = json!({
        "apiVersion": api_version, "kind": "Fleet", "metadata": { "name": name }, "spec": { "cars": cars },
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    target.api.create(&PostParams::default(), &object).await.unwrap();
    target
}

async fn stateful_set(scene: &Scene, name: &str) -> Target {
    let deployment = fixtures::deployment(name, &scene.namespace, 1);
    let spec = deployment.spec.unwrap();
    let set: StatefulSet = serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": 1, "serviceName": name, "podManagementPolicy": "Parallel",
            "selector": spec.selector, "template": spec.template,
        },
    }))
    .unwrap();
    let api: Api<StatefulSet> = scene.namespaced();
    api.create(&PostParams::default(), &set).await.unwrap();
    scene.target("apps/v1", "StatefulSet", "statefulsets", name)
}

#[tokio::test(flavor = "multi_thread")]
async fn stateful_sets_and_kinds_of_others_follow_too() {
    let group = "fleet.example.org";
    let scene = Scene::new("any").await;
    control_plane::install_crd(&scene.client, &fleet_crd(group, true)).await;
    let set = stateful_set(&scene, "store").await;
    let fleet = fleet(&scene, group, "taxis", 2).await;
    scene.users("/store", 2000);
    scene.metrics.set_json("/cars", &json!({ "data": [{ "waiting": 3000 }] }));
    let operator = scene.operator(&[]).await;

    let mut spec = scene.spec("", "/store");
    spec.as_object_mut().unwrap().remove("targetDeployment");
    spec["targetRef"] = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "store" });
    let store = scene.business_scaling("store", spec).await;
    let taxis = scene
        .business_scaling(
            "taxis",
            json!({
                "namespace": scene.namespace,
                "targetRef": { "apiVersion": format!("{group}/v1beta1"), "kind": "Fleet", "name": "taxis" },
                "metric": { "type": "http", "config": {
                    "url": scene.metrics.url("/cars"), "valuePath": "$.data[0].waiting", "timeoutSeconds": 2,
                } },
                "intervalSeconds": 1,
                "safety": {},
            }),
        )
        .await;

    set.wait_for(4).await;
    fleet.wait_for(6).await;
    set.wait_until_ready(4).await;
    scene.metrics.set_json("/cars", &json!({ "data": [{ "waiting": 0 }] }));
    fleet.wait_for(2).await;
    for (scaling, target, replicas) in [(store, "StatefulSet/store", 4), (taxis, "Fleet/taxis", 2)] {
        scaling.wait_for_field("currentReplicas", replicas).await;
        scaling.wait_for("Ready", "True", "Ready").await;
        assert_eq!(scaling.status().await["target"], target);
    }
    let mut targets: Vec<Value> =
        operator.wait_for_activity(3).await.iter().map(|action| action["target"].clone()).collect();
    targets.sort_by_key(Value::to_string);
    assert_eq!(targets, ["Fleet/taxis", "Fleet/taxis", "StatefulSet/store"].map(Value::from));
}
