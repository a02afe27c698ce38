//! What becomes of the node.

use kube::api::EvictParams;
use kube::{Api, ResourceExt as _};
use testbed::{Signal, real_node, wait};

use crate::real_node::cluster::LIMIT;
use crate::real_node::days::operator::cordon;
use crate::real_node::days::shop::{NAME, NAMESPACE, NEEDED, Shop};

/// Containers run on, and so does the operator. What is asked for meanwhile is there when the kubelet is.
pub(super) async fn the_kubelet_stops(shop: &Shop<'_>) {
    let supervisor = shop.cluster.control_plane.supervisor();
    supervisor.signal(real_node::KUBELET, Signal::STOP).unwrap();
    shop.polls_go_by(10.0).await;
    supervisor.signal(real_node::KUBELET, Signal::CONT).unwrap();
}

/// All pods have to go, and there is no other node: nobody counts requests any more, and that is not taken for none.
pub(super) async fn it_is_drained(shop: &Shop<'_>) {
    let recorder = shop.target.record().await;
    cordon(shop.cluster, true).await;
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(shop.cluster.client.clone(), NAMESPACE);
    for pod in shop.pods().await {
        pods.evict(&pod.name_any(), &EvictParams::default()).await.unwrap();
    }
    let gone = || async {
        let ready = shop.target.ready().await;
        if ready == 0 { Ok(()) } else { Err(format!("{ready} ready")) }
    };
    wait::until("all have gone", LIMIT, gone).await.unwrap();
    let message = shop.not_ready(&["MetricValueMissing"]).await;
    println!("drained: {message}");
    cordon(shop.cluster, false).await;
    shop.scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
    shop.cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == NEEDED).await;
    assert_eq!(recorder.replicas(), Vec::<i64>::new());
    println!("drained, and back: {NEEDED} replicas are asked for all the time");
}
