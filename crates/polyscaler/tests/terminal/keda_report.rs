//! `keda-report` over a cluster that KEDA has worked in.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

use super::say;
use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_an_hpa_that_keda_made_is_said_and_nothing_is_written() {
    let scene = Scene::new("keda-report").await;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"));
    let objects: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource);
    for name in ["adopted", "new"] {
        let trigger = json!({ "type": "prometheus",
            "metadata": { "serverAddress": "http://prometheus:9090", "query": "up", "threshold": "1000" } });
        let object = json!({ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": name },
            "spec": { "scaleTargetRef": { "name": name }, "triggers": [trigger] } });
        objects.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let hpa = json!({
        "metadata": { "name": "keda-hpa-adopted" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "adopted" },
            "minReplicas": 1,
            "maxReplicas": 100,
            "metrics": [{ "type": "External", "external": {
                "metric": {
                    "name": "s0-prometheus",
                    "selector": { "matchLabels": { "scaledobject.keda.sh/name": "adopted" } },
                },
                "target": { "type": "AverageValue", "averageValue": "1k" },
            } }],
        },
    });
    let made = hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();

    let said = say(&scene, &["keda-report"]);
    said.expect(
        0,
        &[
            "the external metrics API",
            "HPA keda-hpa-adopted stays as it is",
            "HPA keda-hpa-new would be created",
            "2 objects, 0 would not work",
        ],
    );
    let after = hpas.get("keda-hpa-adopted").await.unwrap();
    assert_eq!(after.metadata.resource_version, made.metadata.resource_version);
    assert_eq!(objects.get("new").await.unwrap().metadata.finalizers, None);
}
