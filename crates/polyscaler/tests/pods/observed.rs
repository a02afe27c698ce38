//! Beside the real HPA controller: what is decided, how it compares, and that nothing is written.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use testbed::{Load, wait};

use crate::harness::{LIMIT, Operator, Scene};
use crate::pods::metrics_api;
use crate::pods::usage::requesting;

/// Several syncs of the controller, and as many looks of the operator.
const SYNCS: u32 = 3;

fn hpa(name: &str, metric: Value) -> HorizontalPodAutoscaler {
    let hpa = json!({
        "metadata": { "name": name },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "maxReplicas": 20,
            "metrics": [metric],
            "behavior": { "scaleUp": { "policies": [{ "type": "Pods", "value": 20, "periodSeconds": 15 }] },
                          "scaleDown": { "stabilizationWindowSeconds": 0 } },
        },
    });
    serde_json::from_value(hpa).unwrap()
}

/// Waits until `/objects` says of the HPA what `is_it` looks for.
async fn shown(operator: &Operator, name: &str, what: &str, is_it: impl Fn(Option<&Value>) -> bool) {
    let look = || async {
        let all: Vec<Value> = serde_json::from_str(&operator.activity_text("/objects").await).unwrap();
        let found = all.iter().find(|object| object["name"] == name);
        if is_it(found) { Ok(()) } else { Err(format!("{found:#?}")) }
    };
    wait::until(&format!("{name} {what}"), SYNCS * LIMIT, look).await.unwrap();
}

fn decision(found: Option<&Value>) -> &str {
    found.and_then(|object| object["targets"][0]["decision"].as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn hpas_are_decided_beside_their_controller_and_never_written() {
    let api = metrics_api();
    let scene = Scene::new("observed").await;
    let target = scene.create_deployment(requesting(&scene, "web", 3)).await;
    target.wait_until_ready(3).await;
    // 644 percent of what a pod requests: eight pods and a bit with 80 each.
    api.set(&scene.namespace, "web", Load { cpu: 3.22, memory: 1.0 });
    let hpas: Api<HorizontalPodAutoscaler> = scene.namespaced();
    let utilization = json!({ "type": "Utilization", "averageUtilization": 80 });
    let cpu = json!({ "type": "Resource", "resource": { "name": "cpu", "target": utilization } });
    let rps = json!({ "type": "Pods", "pods": { "metric": { "name": "rps" },
                      "target": { "type": "AverageValue", "averageValue": 10 } } });
    hpas.create(&PostParams::default(), &hpa("web", cpu)).await.unwrap();
    // Nobody serves custom.metrics.k8s.io here.
    scene.podless_deployment("lost", 2).await;
    hpas.create(&PostParams::default(), &hpa("lost", rps)).await.unwrap();
    let operator = scene.operator(&["--observe-hpas"]).await;

    target.wait_within(9, SYNCS * LIMIT).await;
    shown(&operator, "web", "compared", |found| {
        found.is_some_and(|object| object["kind"] == "HorizontalPodAutoscaler" && object["observe"] == true)
            && decision(found).ends_with("controller 9, as decided here")
    })
    .await;
    operator.wait_for_metric("polyscaler_hpa_comparisons_total", &[("result", "agrees")], 1.0).await;
    let observed = [("kind", "HorizontalPodAutoscaler"), ("namespace", scene.namespace.as_str())];
    operator.wait_for_metric("polyscaler_objects_observed", &observed, 1.0).await;
    shown(&operator, "lost", "not ready", |found| {
        let message = found.and_then(|object| object["message"].as_str()).unwrap_or_default();
        message.contains("custom.metrics.k8s.io: install an adapter") && found.unwrap()["ready"] == false
    })
    .await;

    // The controller scales in at once, and so would the operator.
    api.set(&scene.namespace, "web", Load { cpu: 0.4, memory: 1.0 });
    target.wait_within(1, SYNCS * LIMIT).await;
    shown(&operator, "web", "compared again", |found| {
        decision(found).ends_with("controller 1, as decided here")
    })
    .await;
    for action in operator.activity().await {
        assert_eq!((&action["applied"], &action["kind"]), (&json!(false), &json!("HorizontalPodAutoscaler")));
    }
    let written = hpas.get("web").await.unwrap().managed_fields().to_vec();
    let written = written.into_iter().chain(target.get().await.managed_fields().to_vec());
    let managers: Vec<String> = written.filter_map(|entry| entry.manager).collect();
    assert!(managers.iter().all(|manager| manager != "polyscaler"), "{managers:?}");
    assert_eq!(operator.writes("scale", "done").await, 0.0);

    hpas.delete("web", &DeleteParams::default()).await.unwrap();
    shown(&operator, "web", "gone", |found| found.is_none()).await;
    shown(&operator, "lost", "still there", |found| found.is_some()).await;
}

/// It is a choice: by default an HPA is only an owner of its target.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_no_hpa_is_observed() {
    let scene = Scene::new("unobserved").await;
    scene.podless_deployment("web", 2).await;
    let hpas: Api<HorizontalPodAutoscaler> = scene.namespaced();
    let external = json!({ "type": "External", "external": { "metric": { "name": "depth" },
                           "target": { "type": "Value", "value": 1 } } });
    hpas.create(&PostParams::default(), &hpa("web", external)).await.unwrap();
    let operator = scene.operator(&[]).await;
    assert_eq!(operator.activity_text("/objects").await, "[]");
}
