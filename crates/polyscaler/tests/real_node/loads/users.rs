//! A BusinessScaling by the users who are connected: those of a NATS server, which counts its connections.

use futures::future::join_all;
use serde_json::json;

use crate::packaging::{manifests, read};
use crate::real_node::cluster::Cluster;
use crate::real_node::load::Load;
use crate::real_node::loads::{MOST, orders};

const NAMESPACE: &str = "payment";

pub(super) async fn follow(cluster: &Cluster) {
    cluster.namespace(NAMESPACE).await;
    let text = read("examples/http-app/deployment.yaml").replace("replicas: 2", "replicas: 1");
    cluster.apply(NAMESPACE, &text.replace("http-app:0.1.0", "localhost/http-app:test")).await;
    cluster.apply(NAMESPACE, &read("examples/http-app/service.yaml")).await;
    cluster.wait_for_replicas(orders::NAMESPACE, "nats", |ready| ready == 1).await;
    let scaling = json!({
        "apiVersion": "example.com/v1",
        "kind": "BusinessScaling",
        "metadata": { "name": "users" },
        "spec": {
            "targetDeployment": "http-app",
            "namespace": NAMESPACE,
            "metricSource": format!("http://nats.{}:8222/varz", orders::NAMESPACE),
            "valuePath": "$.connections",
            // Workers and publishers of orders are connected as well, but not so many.
            "scaleThresholds": { "minUsers": 20, "maxUsers": 40, "minReplicas": 1, "maxReplicas": MOST },
            "intervalSeconds": 1,
            "safety": { "scaleDownStabilizationSeconds": 2 },
        },
    });
    manifests::apply(&cluster.client, &manifests::parse(&scaling.to_string())).await;
    let url = format!("nats://{}:4222", cluster.service_address(orders::NAMESPACE, "nats").await);
    // The Service may hear some moments later that its pod is ready.
    let user = || async_nats::ConnectOptions::new().retry_on_initial_connect().connect(url.clone());
    let users = join_all((0..45).map(|_| user())).await;
    let users: Vec<_> = users.into_iter().map(Result::unwrap).collect();
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == MOST).await;
    // They make requests as well, which none of the pods that go may lose.
    let url = format!("http://{}/", cluster.service_address(NAMESPACE, "http-app").await);
    let load = Load::start(url, 10).await;
    drop(users);
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == 1).await;
    load.wait_for(1).await;
    let (answered, failed) = load.counts();
    println!("http-app by users: {answered} requests answered while pods went, {failed} failed");
    assert_eq!(failed, 0);
}
