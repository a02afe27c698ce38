//! The real metrics-server beside the node: it asks the kubelet what pods use, and the API server asks it.

use testbed::ports::PortClaim;
use testbed::{AggregatedApi, ControlPlane};

use crate::packaging::tools::tool;

const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "metrics-server";

/// Starts it, and waits until the API server finds it available. It ends with the control plane; its port is free for
/// others when the value is dropped.
pub(crate) async fn start(control_plane: &ControlPlane) -> PortClaim {
    let program = tokio::task::spawn_blocking(|| tool("metrics-server"));
    let host = format!("{SERVICE}.{NAMESPACE}.svc");
    let files = control_plane.authority().server(SERVICE, &[&host]).unwrap();
    let (port, kubeconfig) = (PortClaim::new().unwrap(), control_plane.kubeconfig().display());
    let args = [
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", port.port()),
        format!("--tls-cert-file={}", files.certificate.display()),
        format!("--tls-private-key-file={}", files.key.display()),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        // The kubelet signs its own certificate.
        "--kubelet-insecure-tls".to_owned(),
        // The least that it takes, and less than that.
        "--metric-resolution=10s".to_owned(),
        "--kubelet-request-timeout=9s".to_owned(),
    ];
    control_plane.supervisor().spawn(SERVICE, program.await.unwrap(), args, &[]).unwrap();
    let client = control_plane.client();
    let api = AggregatedApi {
        group: "metrics.k8s.io",
        version: "v1beta1",
        service: SERVICE.to_owned(),
        namespace: NAMESPACE.to_owned(),
        port: port.port(),
    };
    let authority = std::fs::read(&control_plane.authority().files().certificate).unwrap();
    api.register(&client, Some(authority)).await.unwrap();
    tokio::select! {
        available = api.wait_until_available(&client, "True") => available.unwrap(),
        death = control_plane.supervisor().first_death(&[SERVICE]) => panic!("{death:#}"),
    }
    port
}
