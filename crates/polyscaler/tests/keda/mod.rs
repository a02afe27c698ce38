//! KEDA's ScaledObject on the real API server: what its users know goes on.

mod admission;
mod adopted;
mod authentications;
mod document;
mod external;
mod goes;
mod hpa;
mod older_crds;
mod paused;
mod rights;
mod rules;
mod terminal;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{DynamicObject, ObjectMeta, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use testbed::wait;

use crate::harness::{LIMIT, Scaling, Scene};

const KIND: (&str, &str, &str) = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");

/// Sets what the query of [`spec`] comes to.
fn value(scene: &Scene, value: f64) {
    let result = json!([{ "metric": {}, "value": [1_800_000_000, value.to_string()] }]);
    let data = json!({ "resultType": "vector", "result": result });
    scene.metrics.set_json("/api/v1/query", &json!({ "status": "success", "data": data }));
}

/// The spec of an object that scales the Deployment `target` by that value, each second.
fn spec(scene: &Scene, target: &str) -> Value {
    json!({
        "scaleTargetRef": { "name": target },
        "pollingInterval": 1,
        "cooldownPeriod": 1,
        "triggers": [{ "type": "prometheus", "metadata": {
            "serverAddress": scene.metrics.url(""), "query": "load", "threshold": "10" } }],
    })
}

/// [`spec`] with these fields in place of its own.
fn with(scene: &Scene, target: &str, fields: Value) -> Value {
    let mut spec = spec(scene, target);
    for (field, value) in fields.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec
}

/// Creates a ScaledObject with annotations.
async fn annotated(scene: &Scene, name: &str, spec: Value, annotations: Value) -> Scaling {
    let scaling = Scaling::namespaced(&scene.client, &scene.namespace, KIND, name);
    let object = json!({
        "apiVersion": KIND.0, "kind": KIND.1,
        "metadata": { "name": name, "namespace": scene.namespace, "annotations": annotations },
        "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    scaling.api.create(&PostParams::default(), &object).await.unwrap();
    scaling
}

fn hpas(scene: &Scene) -> Api<HorizontalPodAutoscaler> {
    scene.namespaced()
}

/// Waits until an HPA is there and `fits`; gives it.
async fn wait_for_hpa(
    scene: &Scene,
    name: &str,
    fits: impl Fn(&HorizontalPodAutoscaler) -> bool,
) -> HorizontalPodAutoscaler {
    let api = hpas(scene);
    let look = || async {
        match api.get_opt(name).await.map_err(|error| error.to_string())? {
            Some(hpa) if fits(&hpa) => Ok(hpa),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until(&format!("HPA {name}"), LIMIT, look).await.unwrap()
}

/// Waits until there is no such HPA.
async fn wait_until_gone(scene: &Scene, name: &str) {
    let api = hpas(scene);
    let look = || async {
        match api.get_opt(name).await.map_err(|error| error.to_string())? {
            None => Ok(()),
            Some(_) => Err("still there".to_owned()),
        }
    };
    wait::until(&format!("HPA {name} gone"), LIMIT, look).await.unwrap();
}

/// What of an object's metadata tells whether it is the same one.
fn identity(metadata: &ObjectMeta) -> (Option<String>, Option<String>) {
    (metadata.uid.clone(), metadata.resource_version.clone())
}

/// The reasons of the conditions by their types.
async fn reasons(scaling: &Scaling) -> BTreeMap<String, String> {
    let status = scaling.status().await;
    let all = status["conditions"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.iter().map(|condition| (text(&condition["type"]), text(&condition["reason"]))).collect()
}

/// Time in which several polls go by.
const SOME_POLLS: Duration = Duration::from_secs(4);
