//! What becomes of the way to the metric.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};
use testbed::{real_node, wait};

use crate::real_node::cluster::LIMIT;
use crate::real_node::days::shop::Shop;
use crate::real_node::prometheus;

const REASON: &str = "MetricConnectionFailed";

/// The only pod of Prometheus, and its address.
async fn prometheus_pod(shop: &Shop<'_>) -> Result<(String, String), String> {
    let pods: Api<Pod> = Api::namespaced(shop.cluster.client.clone(), prometheus::NAMESPACE);
    let mut pods = pods.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    let pod = pods.pop().ok_or("no pod")?;
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).ok_or("no address")?;
    Ok((pod.name_any(), address))
}

/// The Service has no endpoints for a while, and then others.
pub(super) async fn prometheus_is_replaced(shop: &Shop<'_>) {
    let before = prometheus_pod(shop).await.unwrap();
    let target = shop.cluster.target(prometheus::NAMESPACE, "prometheus");
    target.set(0).await;
    shop.not_ready(&[REASON]).await;
    // Both ways fail: nobody is behind the one address, and the other name has none.
    let both = || async {
        let status = shop.scaler.status().await;
        let reasons: Vec<_> =
            status["metrics"].as_array().into_iter().flatten().map(|one| &one["reason"]).collect();
        if reasons.len() == 2 && reasons.iter().all(|reason| *reason == REASON) {
            Ok(())
        } else {
            Err(status["metrics"].to_string())
        }
    };
    wait::until("both metrics fail", LIMIT, both).await.unwrap();
    shop.wait_for_line("not ready").await;
    target.set(1).await;
    shop.scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
    assert_ne!(prometheus_pod(shop).await.unwrap(), before);
}

/// Prometheus moves while nobody knows names: the old address leads nowhere, and the new one is not known.
pub(super) async fn names_are_away(shop: &Shop<'_>) {
    let supervisor = shop.cluster.control_plane.supervisor();
    supervisor.kill(real_node::DNS).await.unwrap();
    let (before, _) = prometheus_pod(shop).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(shop.cluster.client.clone(), prometheus::NAMESPACE);
    pods.delete(&before, &DeleteParams::default()).await.unwrap();
    // A server of names that does not answer takes longer than the reading may, one that refuses does not.
    let message = shop.not_ready(&["MetricTimeout", REASON]).await;
    println!("without names: {message}");
    shop.wait_for_line("not ready").await;
    let another = || async { prometheus_pod(shop).await.is_ok_and(|(name, _)| name != before).then_some(()) };
    wait::until("another pod", LIMIT, another).await.unwrap();
    supervisor.spawn_again(real_node::DNS).unwrap();
}
