//! What becomes of the operator itself.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{EvictParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use testbed::{REAL_NODE, wait};

use crate::packaging::manifests::wait_until_rolled_out;
use crate::real_node::cluster::{Cluster, KUSTOMIZED, LEASE, LIMIT, OPERATORS};
use crate::real_node::days::shop::Shop;

fn pods(cluster: &Cluster) -> Api<Pod> {
    Api::namespaced(cluster.client.clone(), OPERATORS)
}

/// Waits until somebody else leads, and polls.
async fn wait_for_another(shop: &Shop<'_>, before: &str) -> String {
    let another = || async {
        shop.cluster.leader(LEASE).await.and_then(|pod| if pod == before { Err(pod) } else { Ok(pod) })
    };
    let leader = wait::until("another leader", LIMIT, another).await.unwrap();
    shop.polls_go_by(6.0).await;
    leader
}

/// As by a lack of memory: the other replica leads when the Lease has run out, and the container is started again.
pub(super) async fn its_process_is_killed(shop: &Shop<'_>) {
    let leader = shop.cluster.leader(LEASE).await.unwrap();
    let container = |pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first().cloned();
    let pod = pods(shop.cluster).get(&leader).await.unwrap();
    let before = container(&pod).unwrap();
    shop.cluster.node().kill(before.container_id.as_ref().unwrap()).unwrap();
    wait_for_another(shop, &leader).await;
    let again = || async {
        let pod = pods(shop.cluster).get(&leader).await.map_err(|error| error.to_string())?;
        let found = container(&pod).ok_or("no container")?;
        if found.restart_count > before.restart_count && found.ready {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    };
    wait::until("the container is started again", LIMIT, again).await.unwrap();
}

/// Allows new pods on the node, or not.
pub(super) async fn cordon(cluster: &Cluster, is_on: bool) {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let patch = Patch::Merge(json!({ "spec": { "unschedulable": is_on } }));
    nodes.patch(REAL_NODE, &PatchParams::default(), &patch).await.unwrap();
}

/// As `kubectl drain` does: the leader may go, the one that is left may not, as its PodDisruptionBudget says.
pub(super) async fn its_pods_are_evicted(shop: &Shop<'_>) {
    let leader = shop.cluster.leader(LEASE).await.unwrap();
    let (pods, evict) = (pods(shop.cluster), EvictParams::default());
    cordon(shop.cluster, true).await;
    // The budget's controller may have yet to see that all are ready.
    let goes = || async { pods.evict(&leader, &evict).await.map_err(|error| error.to_string()) };
    wait::until("the leader is evicted", LIMIT, goes).await.unwrap();
    let other = wait_for_another(shop, &leader).await;
    match pods.evict(&other, &evict).await {
        Err(kube::Error::Api(status)) if status.code == 429 => {}
        answer => panic!("{answer:?}"),
    }
    let waiting = pods.list(&ListParams::default()).await.unwrap().items;
    assert!(waiting.iter().any(|pod| pod.name_any() != other), "one waits for a node");
    cordon(shop.cluster, false).await;
    wait_until_rolled_out(&shop.cluster.client, OPERATORS, KUSTOMIZED).await;
}
