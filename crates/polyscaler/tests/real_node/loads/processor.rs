//! A GeneralScaler by the processor time and the memory that pods really use, as metrics-server reports them.

use serde_json::json;
use testbed::wait;

use crate::harness::Scaling;
use crate::real_node::cluster::{Cluster, LIMIT};
use crate::real_node::load::up_and_back;
use crate::real_node::loads::{MOST, python};

const NAMESPACE: &str = "processor";

pub(super) async fn follow(cluster: &Cluster) {
    cluster.namespace(NAMESPACE).await;
    python::deploy(cluster, NAMESPACE).await;
    // 10 millicores a pod, a fifth of its request. Memory is far from its target, and only looked at.
    let scaler = json!({
        "apiVersion": "autoscaling.example.com/v1",
        "kind": "GeneralScaler",
        "metadata": { "name": "python" },
        "spec": {
            "targetDeployment": "test",
            "maxReplicas": MOST,
            "intervalSeconds": 1,
            "metrics": [
                { "name": "processor", "type": "cpu", "targetValue": 20 },
                { "name": "memory", "type": "memory", "config": { "measure": "usage" }, "targetValue": 1e9 },
            ],
            "safety": { "scaleDownStabilizationSeconds": 2 },
        },
    });
    cluster.apply(NAMESPACE, &scaler.to_string()).await;
    let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
    let scaler = Scaling::namespaced(&cluster.client, NAMESPACE, kind, "python");
    let measured = || async {
        let status = scaler.status().await;
        let memory = status["metrics"]
            .as_array()
            .and_then(|metrics| metrics.iter().find(|metric| metric["name"] == "memory")?["value"].as_f64());
        // Flask alone takes 20 MB.
        memory.filter(|bytes| (1e7..1e9).contains(bytes)).ok_or(status.to_string())
    };
    let bytes = wait::until("memory is measured", LIMIT, measured).await.unwrap();
    println!("keda-python uses {:.0} MB", bytes / 1e6);
    let url = format!("http://{}:5000/", cluster.service_address(NAMESPACE, "test").await);
    let replicas = |is_right: fn(i32) -> bool| cluster.wait_for_replicas(NAMESPACE, "test", is_right);
    up_and_back(&url, [50, 1], replicas(|ready| ready == MOST), replicas(|ready| ready == 1)).await;
}
