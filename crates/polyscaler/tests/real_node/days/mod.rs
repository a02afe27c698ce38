//! Days that every cluster has, on one node with the operator of `config/overlays/production`. While requests come at one
//! rate, and whatever else happens, an application keeps the replicas that they need, and what is seen of it is what
//! docs/incidents.md says.

mod documented;
mod metrics;
mod node;
mod operator;
mod reasons;
mod rollouts;
mod shop;

use crate::real_node::cluster::Cluster;
use crate::real_node::{metrics_server, prometheus};
use shop::{NEEDED, Shop};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn replicas_are_what_the_load_needs_whatever_happens() {
    let Some(cluster) = Cluster::start().await else { return };
    let (_metrics_server, ..) = tokio::join!(
        metrics_server::start(&cluster.control_plane),
        cluster.kustomize("config/overlays/production", &[]),
        cluster.add_samples(&["http-app"]),
        cluster.add_python_sample(),
        prometheus::start(&cluster),
    );
    let shop = Shop::open(&cluster, 5).await;
    // On the heap, as they are large together.
    let by_processor_time = Box::pin(rollouts::under_load_by_processor_time(&cluster));
    let by_requests = Box::pin(async {
        let prometheus = Box::pin(metrics::prometheus_is_replaced(&shop));
        shop.step("Prometheus' pod is replaced, or its Service has no endpoints", prometheus).await;
        shop.step("DNS is away", Box::pin(metrics::names_are_away(&shop))).await;
        shop.step("an image that crashes", Box::pin(rollouts::an_image_crashes(&shop))).await;
        shop.step("a pod that never gets ready", Box::pin(rollouts::a_pod_never_gets_ready(&shop))).await;
        shop.step("the operator's process is killed", Box::pin(operator::its_process_is_killed(&shop))).await;
        shop.step("the operator's pod is evicted", Box::pin(operator::its_pods_are_evicted(&shop))).await;
    });
    tokio::join!(by_processor_time, by_requests);
    cluster.print_usage("three objects, polls every second, two replicas").await;
    shop.all_requests_were_answered();
    drop(shop);
    cluster.control_plane.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn replicas_stay_while_their_node_is_away() {
    let grace = format!("--node-monitor-grace-period={}s", node::GRACE.as_secs());
    let Some(cluster) = Cluster::start_with(&[&grace, "--node-monitor-period=1s"]).await else { return };
    tokio::join!(
        cluster.kustomize("config/overlays/production", &[]),
        cluster.add_samples(&["http-app"]),
        prometheus::start(&cluster),
    );
    // No more than that: requests that wait for the node come all at once when it is back.
    let shop = Shop::open(&cluster, NEEDED).await;
    shop.outage("a node is drained", Box::pin(node::is_drained(&shop))).await;
    shop.outage("a node's kubelet is stopped", Box::pin(node::its_kubelet_is_stopped(&shop))).await;
    shop.all_requests_were_answered();
    drop(shop);
    cluster.control_plane.shutdown().await.unwrap();
}
