//! What becomes of the one node that operator, application and Prometheus run on. While it is away nobody answers.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{Api, ResourceExt};
use testbed::real_node::KUBELET;
use testbed::{REAL_NODE, wait};

use crate::packaging::manifests::wait_until_rolled_out;
use crate::real_node::cluster::{Cluster, KUSTOMIZED, LEASE, LIMIT, OPERATORS};
use crate::real_node::days::shop::{NEEDED, Shop};

/// For how long a node may be silent. Kubernetes' own default is 50 s.
pub(super) const GRACE: Duration = Duration::from_secs(40);

/// What `kubectl drain` says of a pod that a PodDisruptionBudget keeps.
const KEPT: &str = "would violate the pod's disruption budget";

const DRAIN: &str = "kubectl-drain";

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|found| found.type_ == "Ready" && found.status == "True")
}

fn is_placed(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some())
}

/// Waits until the node's condition Ready has a status.
async fn wait_for_node(cluster: &Cluster, wanted: &str) {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let look = || async {
        let node = nodes.get(REAL_NODE).await.map_err(|error| error.to_string())?;
        let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
        let ready = conditions.into_iter().find(|found| found.type_ == "Ready").ok_or("no condition")?;
        if ready.status == wanted { Ok(()) } else { Err(format!("{ready:?}")) }
    };
    wait::until(&format!("node Ready={wanted}"), LIMIT, look).await.unwrap();
}

/// All pods are evicted but the one of the operator that its budget keeps, and wait for a node.
pub(super) async fn is_drained(shop: &Shop<'_>) {
    let cluster = shop.cluster;
    let args = ["drain", REAL_NODE, "--ignore-daemonsets", "--delete-emptydir-data"];
    let drain = cluster.start_kubectl(DRAIN, &args).await;
    let waiting = || async {
        let pods = shop.pods().await;
        let placed: Vec<String> =
            pods.iter().filter(|pod| is_placed(pod)).map(ResourceExt::name_any).collect();
        if placed.is_empty() && pods.len() == NEEDED.unsigned_abs() as usize {
            Ok(())
        } else {
            Err(format!("{} pods, on a node {placed:?}; {}", pods.len(), drain.last_lines(5)))
        }
    };
    wait::until("its pods wait for a node", LIMIT, waiting).await.unwrap();
    let kept = || async {
        let said = drain.last_lines(1000);
        if said.contains(KEPT) { Ok(()) } else { Err(said) }
    };
    wait::until("the budget keeps a pod", LIMIT, kept).await.unwrap();
    shop.not_ready(&["MetricConnectionFailed"]).await;
    shop.wait_for_line("not ready").await;

    let left = || async {
        let placed: Vec<Pod> = cluster.operators().await.into_iter().filter(is_placed).collect();
        match (placed.as_slice(), cluster.leader(LEASE).await) {
            ([pod], Ok(leader)) if is_ready(pod) && pod.name_any() == leader => Ok(()),
            (pods, leader) => {
                let pods: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
                Err(format!("{leader:?} leads {pods:?}"))
            }
        }
    };
    wait::until("one replica of the operator is left and leads", LIMIT, left).await.unwrap();
    shop.polls_go_by(10.0).await;
    assert!(drain.is_running(), "{}", drain.last_lines(20));
    cluster.control_plane.supervisor().kill(DRAIN).await.unwrap();
    cluster.kubectl(&["uncordon", REAL_NODE]).await;
    wait_until_rolled_out(&cluster.client, OPERATORS, KUSTOMIZED).await;
}

/// Containers go on, but nobody knows: Services have no endpoints any more.
pub(super) async fn its_kubelet_is_stopped(shop: &Shop<'_>) {
    let cluster = shop.cluster;
    let leader = cluster.holder(LEASE).await.unwrap();
    let supervisor = cluster.control_plane.supervisor();
    supervisor.kill(KUBELET).await.unwrap();
    wait_for_node(cluster, "Unknown").await;
    let unknown = || async { (shop.target.ready().await == 0).then_some(()) };
    wait::until("no pod is known to be ready", LIMIT, unknown).await.unwrap();
    shop.polls_go_by(10.0).await;
    assert_eq!(shop.target.asked().await, NEEDED);
    // The webhook has no endpoints either, and stands in nobody's way.
    shop.scaler.annotate("example.com/changed", Some("while the node is away")).await;
    shop.polls_go_by(10.0).await;
    assert_eq!(cluster.holder(LEASE).await.unwrap(), leader, "it has led all the time");
    supervisor.spawn_again(KUBELET).unwrap();
    wait_for_node(cluster, "True").await;
    wait_until_rolled_out(&cluster.client, OPERATORS, KUSTOMIZED).await;
    assert_eq!(cluster.holder(LEASE).await.unwrap(), leader);
}
