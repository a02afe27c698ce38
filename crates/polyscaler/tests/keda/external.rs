//! A trigger `external-push` beside a gRPC server that fails for a time and comes back.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use testbed::{ExternalScaler, wait};

use super::{annotated, wait_for_hpa};
use crate::harness::{LIMIT, Scene, condition};

/// Its place among the metrics is what a push is heard by, and what a fallback counts its failures by.
#[tokio::test(flavor = "multi_thread")]
async fn contract_6_11_a_scaler_that_is_away_keeps_its_metric_and_is_heard_again_once_it_is_back() {
    let scene = Scene::new("keda-external").await;
    let scaler = ExternalScaler::start().await.unwrap();
    scaler.measures("lag", 10, 0);
    let target = scene.podless_deployment("web", 0).await;
    let _operator = scene.operator(&[]).await;
    let spec = json!({
        "scaleTargetRef": { "name": "web" },
        // Far longer than the test: what happens does not come from a regular poll.
        "pollingInterval": 600, "cooldownPeriod": 10,
        "idleReplicaCount": 0, "minReplicaCount": 1, "maxReplicaCount": 2,
        "triggers": [
            { "type": "kubernetes-workload", "metadata": { "podSelector": "app=no-such-workload", "value": "1" } },
            { "type": "external-push", "metadata": { "scalerAddress": scaler.address(), "metricThreshold": "10" } },
        ],
    });
    let web = annotated(&scene, "web", spec, json!({})).await;
    let names = json!([format!("s0-workload-{}", scene.namespace), "s1-lag"]);
    web.wait_for_field("externalMetricNames", names.clone()).await;
    scaler.until_open(1).await.unwrap();
    // By what is known of it already the HPA could be made without asking.
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;

    scaler.state().refuses = Some(("GetMetricSpec", "14"));
    web.patch_spec(json!({ "maxReplicaCount": 3 })).await;
    // A reading of the second before a change will do for it, so there are some changes.
    let changes = AtomicUsize::new(0);
    let fails = || async {
        let change = changes.fetch_add(1, Ordering::Relaxed);
        web.annotate("example.com/change", Some(&change.to_string())).await;
        let ready = condition(&web.status().await, "Ready").clone();
        if ready["reason"] == "TriggerError" { Ok(()) } else { Err(ready.to_string()) }
    };
    wait::until("the scaler's metrics are not known", LIMIT, fails).await.unwrap();
    let hpa = wait_for_hpa(&scene, "keda-hpa-web", |hpa| hpa.spec.max_replicas == 3);
    let metrics = hpa.await.spec.metrics.unwrap();
    let metrics: Vec<String> =
        metrics.into_iter().filter_map(|metric| Some(metric.external?.metric.name)).collect();
    assert_eq!(json!(metrics), names);
    assert_eq!(web.status().await["externalMetricNames"], names);

    scaler.state().refuses = None;
    scaler.until_open(1).await.unwrap();
    scaler.push(true);
    target.wait_for(1).await;
    web.wait_for_event("Normal", "KEDAScaleTargetActivated", "triggered by s1-lag").await;
}
