//! The control plane does what tests and the demo rely on.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::{ControlPlane, Options, assets, fixtures, wait};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(120);

async fn start(nodes: usize) -> ControlPlane {
    let assets = tokio::task::spawn_blocking(|| assets::ensure(&mut |line| eprintln!("{line}")));
    let assets = Some(assets.await.unwrap().unwrap());
    let started = Instant::now();
    let control_plane = ControlPlane::start(Options { nodes, assets, ..Options::default() }).await.unwrap();
    println!("control plane with {nodes} nodes ready after {:?}", started.elapsed());
    control_plane
}

async fn scale(deployments: &Api<Deployment>, name: &str, replicas: i32) {
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    deployments.patch_scale(name, &PatchParams::default(), &patch).await.unwrap();
}

async fn wait_for_ready(deployments: &Api<Deployment>, name: &str, wanted: i32) {
    let look = || async {
        let status =
            deployments.get(name).await.map_err(|error| error.to_string())?.status.unwrap_or_default();
        let ready = status.ready_replicas.unwrap_or(0);
        let all = status.replicas.unwrap_or(0);
        if ready == wanted && all == wanted { Ok(()) } else { Err(format!("{ready} of {all} ready")) }
    };
    wait::until(&format!("{wanted} ready replicas of {name}"), LIMIT, look).await.unwrap();
}

async fn pods(client: &Client, namespace: &str) -> Vec<Pod> {
    Api::<Pod>::namespaced(client.clone(), namespace).list(&ListParams::default()).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_get_ready_pods_and_lose_them() {
    let control_plane = start(3).await;
    let client = control_plane.client();
    let namespace = fixtures::create_namespace(&client, "scaling").await.unwrap();
    let deployments = Api::<Deployment>::namespaced(client.clone(), &namespace);
    deployments.create(&PostParams::default(), &fixtures::deployment("web", &namespace, 1)).await.unwrap();
    wait_for_ready(&deployments, "web", 1).await;

    scale(&deployments, "web", 5).await;
    wait_for_ready(&deployments, "web", 5).await;
    let running = pods(&client, &namespace).await;
    assert_eq!(running.len(), 5);
    let mut addresses: Vec<String> = running.iter().filter_map(|pod| pod.status.clone()?.pod_ip).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 5, "every pod has an address of its own");
    for pod in &running {
        let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        assert!(containers.is_some_and(|all| all.len() == 1 && all[0].ready), "{:?}", pod.status);
    }

    scale(&deployments, "web", 2).await;
    let look = || async {
        let left = pods(&client, &namespace).await.len();
        if left == 2 { Ok(()) } else { Err(format!("{left} pods left")) }
    };
    wait::until("two pods left", LIMIT, look).await.unwrap();
    control_plane.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_holds_readiness_back() {
    let control_plane = start(1).await;
    let client = control_plane.client();
    let namespace = fixtures::create_namespace(&client, "delay").await.unwrap();
    let deployments = Api::<Deployment>::namespaced(client.clone(), &namespace);
    let delay = Duration::from_secs(6);
    let slow = fixtures::with_ready_delay(fixtures::deployment("slow", &namespace, 1), delay);
    deployments.create(&PostParams::default(), &slow).await.unwrap();

    let look = || async {
        let conditions = pods(&client, &namespace).await.into_iter().next()?.status?.conditions?;
        let since = |type_: &str| {
            let found = conditions.iter().find(|found| found.type_ == type_ && found.status == "True")?;
            Some(found.last_transition_time.as_ref()?.0)
        };
        Duration::try_from(since("Ready")?.duration_since(since("PodScheduled")?)).ok()
    };
    let took = wait::until("the pod is ready", LIMIT, look).await.unwrap();
    // As the cluster reports it, in whole seconds: whoever looks may be late.
    assert!(took >= delay - Duration::from_secs(1), "ready after {took:?} although the delay is {delay:?}");
    wait_for_ready(&deployments, "slow", 1).await;
    control_plane.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_hangs_goes_away_and_comes_back_with_its_data() {
    let control_plane = start(1).await;
    let client = control_plane.client();
    let maps = Api::<ConfigMap>::default_namespaced(client.clone());
    let metadata = ObjectMeta { name: Some("kept".to_owned()), ..Default::default() };
    maps.create(&PostParams::default(), &ConfigMap { metadata, ..Default::default() }).await.unwrap();
    let url = control_plane.server_url().to_owned();

    control_plane.pause_api_server().unwrap();
    // A signal takes a moment to stop every thread.
    let hanging = || async {
        tokio::time::timeout(Duration::from_secs(1), maps.get("kept")).await.is_err().then_some(())
    };
    wait::until("a paused server answers nothing", LIMIT, hanging).await.unwrap();
    control_plane.resume_api_server().unwrap();
    wait::until("an answer after the pause", LIMIT, || async { maps.get("kept").await }).await.unwrap();

    control_plane.stop_api_server().await.unwrap();
    let refused = tokio::time::timeout(LIMIT, maps.get("kept")).await.unwrap();
    assert!(refused.is_err(), "a stopped server answers nothing");
    control_plane.start_api_server().await.unwrap();
    assert_eq!(control_plane.server_url(), url);
    maps.get("kept").await.unwrap();

    // The controllers found their way back: a Deployment works.
    let deployments = Api::<Deployment>::default_namespaced(client);
    deployments.create(&PostParams::default(), &fixtures::deployment("after", "default", 2)).await.unwrap();
    wait_for_ready(&deployments, "after", 2).await;
    control_plane.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_meet() {
    let (one, other) = tokio::join!(start(1), start(2));
    assert_ne!(one.server_url(), other.server_url());
    assert_ne!(one.directory(), other.directory());
    let namespace = fixtures::create_namespace(&one.client(), "only-here").await.unwrap();
    let elsewhere = Api::<k8s_openapi::api::core::v1::Namespace>::all(other.client());
    assert!(elsewhere.get_opt(&namespace).await.unwrap().is_none());
    let directory = one.directory().to_owned();
    one.shutdown().await.unwrap();
    assert!(!directory.exists());
    other.client().apiserver_version().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_have_what_rbac_gives_them() {
    let control_plane = start(1).await;
    let kubeconfig = control_plane.kubeconfig_for("alice", &["staff"]).unwrap();
    let config = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await.unwrap();
    config.proxy_url = None;
    let pods = Api::<Pod>::default_namespaced(Client::try_from(config).unwrap());
    let refused = pods.list(&ListParams::default()).await.unwrap_err().to_string();
    assert!(refused.contains("\"alice\""), "{refused}");
}
