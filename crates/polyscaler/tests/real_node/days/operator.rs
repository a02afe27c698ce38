//! What becomes of the operator itself.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use testbed::wait;

use crate::real_node::cluster::{Cluster, LEASE, LIMIT, OPERATORS};
use crate::real_node::days::shop::Shop;

fn pods(cluster: &Cluster) -> Api<Pod> {
    Api::namespaced(cluster.client.clone(), OPERATORS)
}

/// Waits until somebody else leads, and polls.
async fn wait_for_another(shop: &Shop<'_>, before: &str) {
    let another = || async {
        shop.cluster.leader(LEASE).await.and_then(|pod| if pod == before { Err(pod) } else { Ok(pod) })
    };
    wait::until("another leader", LIMIT, another).await.unwrap();
    shop.polls_go_by(6.0).await;
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
