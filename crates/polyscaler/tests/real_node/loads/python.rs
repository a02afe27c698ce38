//! `keda-python` as a user of KEDA has it: a ScaledObject, whose HPA the real controller serves by the metrics API of
//! the operator's pod.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use serde_json::json;

use crate::packaging::manifests::{kind, parse};
use crate::packaging::read;
use crate::real_node::cluster::Cluster;
use crate::real_node::load::up_and_back;
use crate::real_node::loads::MOST;

/// That of its manifests.
const NAMESPACE: &str = "test";

/// Applies its Deployment and its Service to a namespace, with the node's image, scraped by annotation.
pub(crate) async fn deploy(cluster: &Cluster, namespace: &str) {
    let mut objects = parse(&read("examples/keda-python/app.yaml"));
    objects.retain(|object| kind(object) != "Namespace");
    for object in &mut objects {
        object.metadata.namespace = Some(namespace.to_owned());
        if kind(object) == "Deployment" {
            let template = &mut object.data["spec"]["template"];
            template["metadata"]["annotations"] = json!({ "prometheus.io/port": "5000" });
            template["spec"]["containers"][0]["image"] = "localhost/keda-python:test".into();
        } else {
            // Only one Service has that port of the node.
            object.data["spec"]["ports"][0].as_object_mut().unwrap().remove("nodePort");
        }
    }
    cluster.apply_objects(objects).await;
    cluster.wait_for_replicas(namespace, "test", |ready| ready == 1).await;
}

pub(super) async fn follow(cluster: &Cluster) {
    cluster.namespace(NAMESPACE).await;
    deploy(cluster, NAMESPACE).await;
    // As its manifest has it, in a hurry, and by the rate instead of the number, which never falls.
    let change = |object: &mut serde_json::Value| {
        let spec = &mut object["spec"];
        spec["pollingInterval"] = 1.into();
        spec["minReplicaCount"] = 1.into();
        spec["maxReplicaCount"] = MOST.into();
        spec["advanced"] = json!({ "horizontalPodAutoscalerConfig": {
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 2 } },
        } });
        spec["triggers"][0]["metadata"]["query"] =
            r#"sum(rate(python_request_operations_total{namespace="test"}[10s]))"#.into();
    };
    cluster.apply_changed(NAMESPACE, &read("examples/keda-python/scaled-object.yaml"), change).await;
    let url = format!("http://{}:5000/", cluster.service_address(NAMESPACE, "test").await);
    let replicas = |is_right: fn(i32) -> bool| cluster.wait_for_replicas(NAMESPACE, "test", is_right);
    up_and_back(&url, [65, 10], replicas(|ready| ready == MOST), replicas(|ready| ready == 1)).await;
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let hpa = hpas.get("keda-hpa-scaledobject-py").await.unwrap();
    assert!(hpa.status.unwrap().last_scale_time.is_some(), "the HPA scaled");
}
