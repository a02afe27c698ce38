//! All kinds of objects at once, each on a load of its own, on one node with the operator of `config/default`: replicas
//! come and go with real requests, events, orders, jobs, connections and processor time.

mod events;
mod group;
mod orders;
mod processor;
pub(crate) mod python;
mod users;
mod worker;

use testbed::CloudMonitoring;

use crate::real_node::cluster::Cluster;
use crate::real_node::{metrics_server, prometheus};

/// The most replicas of each: the node runs them all at once.
const MOST: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn every_kind_follows_a_real_load() {
    let Some(cluster) = Cluster::start().await else { return };
    let cloud = CloudMonitoring::start_on(cluster.node().machine_address()).await.unwrap();
    let (metadata, endpoint) = (cloud.address().to_string(), cloud.endpoint() + "/");
    let google = [
        ("GCE_METADATA_HOST", metadata.as_str()),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", endpoint.as_str()),
    ];
    let samples = [
        "http-app",
        "worker",
        "worker-producer",
        "event-queue",
        "event-queue-publisher",
        "order-queue",
        "order-queue-publisher",
    ];
    let (_metrics_server, ..) = tokio::join!(
        metrics_server::start(&cluster.control_plane),
        cluster.kustomize("config/default", &google),
        cluster.add_samples(&samples),
        cluster.add_python_sample(),
        prometheus::start(&cluster),
    );
    // On the heap, as they are large together.
    tokio::join!(
        Box::pin(events::follow(&cluster, &cloud)),
        Box::pin(group::follow(&cluster)),
        Box::pin(orders::follow(&cluster)),
        Box::pin(processor::follow(&cluster)),
        Box::pin(python::follow(&cluster)),
        Box::pin(users::follow(&cluster)),
        Box::pin(worker::follow(&cluster)),
    );
    cluster.print_usage("seven objects of all five kinds with polls every second").await;
    cluster.control_plane.shutdown().await.unwrap();
}
