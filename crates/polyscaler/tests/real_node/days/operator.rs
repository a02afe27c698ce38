//! What becomes of the operator itself.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use testbed::wait;

use crate::packaging::manifests::wait_until_rolled_out;
use crate::real_node::cluster::{Cluster, KUSTOMIZED, LEASE, LIMIT, OPERATORS};
use crate::real_node::days::shop::Shop;

fn pods(cluster: &Cluster) -> Api<Pod> {
    Api::namespaced(cluster.client.clone(), OPERATORS)
}

/// Waits until another process leads, and polls.
async fn wait_for_another(shop: &Shop<'_>, before: &str) {
    let another = || async {
        shop.cluster
            .holder(LEASE)
            .await
            .and_then(|holder| if holder == before { Err(holder) } else { Ok(holder) })
    };
    wait::until("another leader", LIMIT, another).await.unwrap();
    shop.polls_go_by(6.0).await;
}

/// As by a lack of memory: the container is started again, and when the Lease has run out, it or the other replica leads.
pub(super) async fn its_process_is_killed(shop: &Shop<'_>) {
    let (leader, holder) =
        (shop.cluster.leader(LEASE).await.unwrap(), shop.cluster.holder(LEASE).await.unwrap());
    let container = |pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first().cloned();
    let pod = pods(shop.cluster).get(&leader).await.unwrap();
    let before = container(&pod).unwrap();
    shop.cluster.node().kill(before.container_id.as_ref().unwrap()).unwrap();
    wait_for_another(shop, &holder).await;
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

/// One replica after the other, as when all nodes get a new version: each time the one that leads.
pub(super) async fn its_pods_are_evicted(shop: &Shop<'_>) {
    for _ in 0..2 {
        let (leader, holder) =
            (shop.cluster.leader(LEASE).await.unwrap(), shop.cluster.holder(LEASE).await.unwrap());
        // Refused until the budget knows that both are ready.
        wait::until("the eviction", LIMIT, || shop.cluster.evict(&leader)).await.unwrap();
        let evicted = tokio::time::Instant::now();
        wait_for_another(shop, &holder).await;
        println!(
            "another process leads and has polled {:.1} s after the eviction",
            evicted.elapsed().as_secs_f64()
        );
        wait_until_rolled_out(&shop.cluster.client, OPERATORS, KUSTOMIZED).await;
    }
}
