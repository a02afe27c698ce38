//! The whole way of a user, command by command as the documents have it: install, scale by a queue,
//! look at it, change it, install in other ways, and take everything away. Each step checks
//! what came of it; the first that is not as it should be fails.
//!
//! `make walkthrough` shows the session as it would stand on a terminal.

mod helm;
mod kubectl;
mod orders;
mod shell;

use testbed::ControlPlane;

use crate::harness;
use orders::Orders;
use shell::Shell;

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_a_user_works_as_it_is_written() {
    let control_plane: ControlPlane = harness::start().await;
    let shell = Shell::new(&control_plane);
    let orders = Orders::start().await;

    kubectl::install(&shell).await;
    let pod = kubectl::operator(&shell, &control_plane).await;
    kubectl::scale_by_a_queue(&shell, &pod, &orders).await;
    kubectl::look_at_it(&shell, &pod).await;
    pod.end().await;
    kubectl::debug(&shell, &control_plane).await;
    kubectl::kustomize(&shell).await;
    // Helm finds what kubectl installed, and after that an empty cluster.
    helm::beside_kubectl(&shell).await;
    kubectl::take_away(&shell).await;
    helm::install_upgrade_uninstall(&shell).await;
    helm::custom_values(&shell, &control_plane).await;

    control_plane.shutdown().await.unwrap();
}
