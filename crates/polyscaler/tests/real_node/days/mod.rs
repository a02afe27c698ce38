//! Days that every cluster has, on one node with the operator of `config/overlays/production`. While requests come at one
//! rate, and whatever else happens, an application keeps the replicas that they need.

mod metrics;
mod node;
mod operator;
mod rollouts;
mod shop;

use crate::real_node::cluster::Cluster;
use crate::real_node::{metrics_server, prometheus};
use shop::Shop;

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
    let shop = Shop::open(&cluster).await;
    tokio::join!(rollouts::under_load_by_processor_time(&cluster), async {
        shop.step("Prometheus away, and back at another address", metrics::prometheus_is_replaced(&shop))
            .await;
        shop.step("names cannot be looked up", metrics::names_are_away(&shop)).await;
        shop.step("an image that crashes", rollouts::an_image_crashes(&shop)).await;
        shop.step("a pod that never gets ready", rollouts::a_pod_never_gets_ready(&shop)).await;
        shop.step("the operator's process is killed", operator::its_process_is_killed(&shop)).await;
    });
    shop.step("the operator's pods are evicted", operator::its_pods_are_evicted(&shop)).await;
    shop.step("the kubelet stops for a while", node::the_kubelet_stops(&shop)).await;
    shop.all_requests_were_answered();
    node::it_is_drained(&shop).await;
    cluster.print_usage("three objects, polls every second, two replicas").await;
    drop(shop);
    cluster.control_plane.shutdown().await.unwrap();
}
