//! `http-app` in pods, a Prometheus in a pod that scrapes them, and the operator in a pod that follows: replicas
//! grow with real requests and go again, and no request is lost on the way.

use axum::routing::get;
use axum::{Json, Router};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::{programs, wait};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::harness::LIMIT;
use crate::packaging::helm::CHART;
use crate::packaging::read;
use crate::real_node::cluster::{Cluster, OPERATORS};
use crate::real_node::load::Load;
use crate::samples::programs::program;

const NAMESPACE: &str = "shop";
const PROMETHEUS: &str = include_str!("prometheus.yaml");

/// The pods that want to be scraped, in the form of Prometheus' HTTP discovery.
async fn scraped(client: Client) -> Json<Value> {
    let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
    let pods = pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let targets = pods.into_iter().filter_map(|pod| {
        let annotations = pod.metadata.annotations?;
        let port = annotations.get("prometheus.io/port")?;
        let address = pod.status?.pod_ip?;
        Some(json!({ "targets": [format!("{address}:{port}")], "labels": { "pod": pod.metadata.name } }))
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn real_pods_follow_real_requests_and_none_is_lost() {
    let Some(cluster) = Cluster::start().await else { return };
    cluster.namespace(OPERATORS).await;
    cluster.helm("install", CHART, &[]).await;
    cluster.add_program(&program("http-app")).await;
    let prometheus = tokio::task::spawn_blocking(|| {
        programs::ensure(&programs::PROMETHEUS, &mut |line| eprintln!("{line}"))
    });
    cluster.add_program(&prometheus.await.unwrap().unwrap()).await;

    cluster.namespace(NAMESPACE).await;
    let discovery = start_discovery(&cluster).await;
    cluster.apply(NAMESPACE, &PROMETHEUS.replace("DISCOVERY", &discovery)).await;
    let deployment = read("examples/http-app/deployment.yaml");
    cluster.apply(NAMESPACE, &deployment.replace("http-app:0.1.0", "localhost/http-app:test")).await;
    cluster.apply(NAMESPACE, &read("examples/http-app/service.yaml")).await;
    cluster.wait_for_replicas(NAMESPACE, "prometheus", |ready| ready == 1).await;
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == 2).await;

    // As its manifest has it, in a hurry.
    let mut scaler: Value = serde_saphyr::from_str(&read("examples/http-app/generalscaler.yaml")).unwrap();
    let spec = &mut scaler["spec"];
    spec["intervalSeconds"] = 1.into();
    spec["safety"]["cooldownSeconds"] = 2.into();
    let config = &mut spec["metrics"][0]["config"];
    config["query"] = config["query"].as_str().unwrap().replace("[5m]", "[10s]").into();
    config["serverAddress"] =
        format!("http://{}:9090", cluster.service_address(NAMESPACE, "prometheus").await).into();
    cluster.apply(NAMESPACE, &scaler.to_string()).await;

    let url = format!("http://{}/", cluster.service_address(NAMESPACE, "http-app").await);
    let begun = Instant::now();
    let load = Load::start(url.clone(), 300);
    let grown = cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready > 2).await;
    println!("{grown} replicas ready {:.1} s after the load began", begun.elapsed().as_secs_f64());
    let more = || async {
        let (answered, _) = load.counts();
        if answered > 2000 { Ok(()) } else { Err(format!("{answered} answered")) }
    };
    wait::until("2000 answers", LIMIT, more).await.unwrap();
    let (answered, failed) = load.counts();
    drop(load);

    let light = Load::start(url, 20);
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == 2).await;
    let (more_answered, more_failed) = light.counts();
    println!("{} answered, {} failed", answered + more_answered, failed + more_failed);
    assert_eq!(failed + more_failed, 0);
    assert!(more_answered > 0);
    drop(light);
    cluster.control_plane.shutdown().await.unwrap();
}
