//! A Prometheus in a pod that scrapes pods at their addresses.

use axum::routing::get;
use axum::{Json, Router};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use testbed::programs;
use tokio::net::TcpListener;

use crate::real_node::cluster::Cluster;

const MANIFEST: &str = include_str!("prometheus.yaml");
/// Where the manifests of the samples look for it.
pub(crate) const NAMESPACE: &str = "monitoring";
pub(crate) const URL: &str = "http://prometheus-k8s.monitoring.svc:9090";
/// The same by a Service without an address of its own.
pub(crate) const HEADLESS_URL: &str = "http://prometheus-headless.monitoring.svc:9090";

/// The pods that want to be scraped, in the form of Prometheus' HTTP discovery.
async fn scraped(client: Client) -> Json<Value> {
    let pods: Api<Pod> = Api::all(client);
    let pods = pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let targets = pods.into_iter().filter_map(|pod| {
        let port = pod.annotations().get("prometheus.io/port")?;
        let address = pod.status.as_ref()?.pod_ip.as_ref()?;
        let labels =
            json!({ "namespace": pod.namespace(), "pod": pod.name_any(), "app": pod.labels().get("app") });
        Some(json!({ "targets": [format!("{address}:{port}")], "labels": labels }))
    });
    Json(targets.collect())
}

/// Answers Prometheus; gives the URL by which pods reach it.
async fn start_discovery(cluster: &Cluster) -> String {
    let listener = TcpListener::bind((cluster.node().machine_address(), 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = cluster.client.clone();
    let router = Router::new().route("/", get(move || scraped(client.clone())));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Starts it, and waits until it is ready.
pub(crate) async fn start(cluster: &Cluster) {
    let program = tokio::task::spawn_blocking(|| {
        programs::ensure(&programs::PROMETHEUS, &mut |line| eprintln!("{line}"))
    });
    cluster.add_program(&program.await.unwrap().unwrap()).await;
    cluster.namespace(NAMESPACE).await;
    let discovery = start_discovery(cluster).await;
    cluster.apply(NAMESPACE, &MANIFEST.replace("DISCOVERY", &discovery)).await;
    cluster.wait_for_replicas(NAMESPACE, "prometheus", |ready| ready == 1).await;
}
