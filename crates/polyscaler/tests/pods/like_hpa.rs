//! The same load, the same requests, the same metrics.k8s.io: an HPA and objects of ours come to
//! the same replicas.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use testbed::Load;

use crate::harness::{LIMIT, Scene};
use crate::pods::usage::requesting;
use crate::pods::{metrics_api, spec};

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_use_asks_for_what_an_hpa_asks_for() {
    let api = metrics_api();
    let scene = Scene::new("hpa").await;
    let names = ["theirs", "ours", "general"];
    let mut targets = Vec::new();
    for name in names {
        // 644 percent of what a pod requests: eight pods and a bit with 80 each.
        api.set(&scene.namespace, name, Load { cpu: 3.22, memory: 1.0 });
        let target = scene.create_deployment(requesting(&scene, name, 3)).await;
        target.wait_until_ready(3).await;
        targets.push(target);
    }
    let hpas: Api<HorizontalPodAutoscaler> = scene.namespaced();
    let hpa = json!({
        "metadata": { "name": "theirs" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs" },
            "minReplicas": 1,
            "maxReplicas": 20,
            "metrics": [{ "type": "Resource", "resource": {
                "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }],
            // Let it do in one step what it computes.
            "behavior": { "scaleUp": { "policies": [{ "type": "Pods", "value": 20, "periodSeconds": 15 }] } },
        },
    });
    hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    let _operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("ours", spec(&scene, "ours", json!({ "type": "cpu" }), 80.0)).await;
    let general = json!({
        "targetDeployment": "general",
        "minReplicas": 1,
        "maxReplicas": 20,
        "intervalSeconds": 1,
        "metrics": [{ "type": "cpu", "targetValue": 80 }],
        "safety": { "scaleDownStabilizationSeconds": 300 },
    });
    let general = scene.general_scaler("general", general).await;
    targets[0].wait_within(9, 2 * LIMIT).await;
    targets[2].wait_for(9).await;
    general.wait_for("Ready", "True", "Ready").await;
    // A BusinessScaling rounds down what a value per replica and the HPA round up.
    targets[1].wait_for(8).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    // Once the new pods are measured, too.
    let look = || async {
        let percents = scaling.status().await["metricValue"].as_f64().unwrap_or_default();
        if (percents / 80.0).ceil() == 9.0 { Ok(()) } else { Err(percents) }
    };
    testbed::wait::until("the value of the metric", LIMIT, look).await.unwrap();
}
