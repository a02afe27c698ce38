//! A ScalingGroup of two `http-app`s: requests reach the one, and both have replicas for them.

use serde_json::json;

use crate::packaging::read;
use crate::real_node::cluster::Cluster;
use crate::real_node::load::up_and_back;
use crate::real_node::loads::MOST;
use crate::real_node::prometheus;

const NAMESPACE: &str = "shop";

pub(super) async fn follow(cluster: &Cluster) {
    cluster.namespace(NAMESPACE).await;
    for name in ["front", "back"] {
        let files = ["deployment", "service"].map(|file| read(&format!("examples/http-app/{file}.yaml")));
        let text = files.join("\n---\n").replace("http-app:0.1.0", "IMAGE").replace("http-app", name);
        let text = text.replace("IMAGE", "localhost/http-app:test").replace("replicas: 2", "replicas: 1");
        cluster.apply(NAMESPACE, &text).await;
    }
    for name in ["front", "back"] {
        cluster.wait_for_replicas(NAMESPACE, name, |ready| ready == 1).await;
    }
    let member = |name: &str| json!({ "name": name, "targetRef": { "name": name }, "maxReplicas": MOST, "capacity": 40 });
    let query = r#"sum(rate(http_requests_total{app="front"}[10s]))"#;
    let group = json!({
        "apiVersion": "polyscaler.dev/v1alpha1",
        "kind": "ScalingGroup",
        "metadata": { "name": "shop" },
        "spec": {
            "members": [member("front"), member("back")],
            "metrics": [{
                "name": "requests",
                "type": "prometheus",
                "config": { "serverAddress": prometheus::URL, "query": query },
                "member": "front",
            }],
            "callGraph": [{ "from": "front", "to": "back" }],
            "intervalSeconds": 1,
            "safety": { "scaleDownStabilizationSeconds": 2 },
        },
    });
    cluster.apply(NAMESPACE, &group.to_string()).await;
    let url = format!("http://{}/", cluster.service_address(NAMESPACE, "front").await);
    let both = async |is_right: fn(i32) -> bool| {
        let front = cluster.wait_for_replicas(NAMESPACE, "front", is_right).await;
        cluster.wait_for_replicas(NAMESPACE, "back", is_right).await;
        front
    };
    up_and_back(&url, [100, 10], both(|ready| ready == MOST), both(|ready| ready == 1)).await;
}
