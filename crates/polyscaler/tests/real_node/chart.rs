//! The chart from its installation to its end: two replicas under the strictest of pod security, an HPA that reads its
//! metric from them through a Service, a certificate that changes while requests run, an upgrade that keeps a cooldown, a
//! leader that is killed, evictions, and an uninstallation that leaves replicas and nothing stuck.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::api::{DeleteParams, PostParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::ApiResource;
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use testbed::{REAL_NODE, fixtures, wait};

use crate::harness::Target;
use crate::packaging::helm::{CHART, helm_on};
use crate::packaging::manifests::wait_until_rolled_out;
use crate::packaging::repository;
use crate::real_node::cluster::{Cluster, LIMIT, OPERATOR, OPERATORS, RELEASE};
use crate::real_node::cooldown::Cooling;

const NAMESPACE: &str = "shop";
const METRICS_API: &str = "/apis/external.metrics.k8s.io/v1beta1";

/// The chart as the commit before this one has it, or this one where there is no history.
fn previous_chart() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("chart.tar");
    let mut git = Command::new("git");
    git.args(["archive", "--output"]).arg(&archive).args(["HEAD~1", CHART]).current_dir(repository(""));
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&archive).arg("--directory").arg(folder.path());
    let unpacked = git.output().unwrap().status.success() && tar.status().unwrap().success();
    let chart = folder.path().join(CHART);
    if unpacked && chart.join("Chart.yaml").exists() {
        let chart = chart.display().to_string();
        return (folder, chart);
    }
    println!("no commit before this one: upgrading from this one's chart");
    (folder, CHART.to_owned())
}

fn scaled_object(replicas: i32) -> String {
    // All the year but its last minute.
    let cron = json!({
        "timezone": "Etc/UTC", "start": "0 0 1 1 *", "end": "59 23 31 12 *",
        "desiredReplicas": replicas.to_string(),
    });
    json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": { "name": "web" },
        "spec": {
            "scaleTargetRef": { "name": "web" },
            "pollingInterval": 1,
            "maxReplicaCount": 9,
            "triggers": [{ "type": "cron", "metadata": cron }],
        },
    })
    .to_string()
}

/// Requests, one after the other, that must all be answered; gives how many were and how many were not.
async fn ask(client: Client, stop: Arc<AtomicBool>, answered: Arc<AtomicU64>) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let request = http::Request::get(METRICS_API).body(Vec::new()).unwrap();
        match client.request_text(request).await {
            Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                failures.push(format!("{error:?}"));
                0
            }
        };
    }
    failures
}

/// Whether the webhook refuses what only it can: the schema takes any text for a path.
async fn refuses(client: &Client) -> Result<(), String> {
    let kind = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("example.com", "v1", "BusinessScaling"),
        "businessscalings",
    );
    let spec =
        json!({ "targetDeployment": "web", "metricSource": "http://metrics/users", "valuePath": "$.[" });
    let object = DynamicObject::new("refused", &kind).data(json!({ "spec": spec }));
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match Api::<DynamicObject>::all_with(client.clone(), &kind).create(&params, &object).await {
        Err(kube::Error::Api(status)) if status.code == 422 => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn certificate_changes_while_requests_run(cluster: &Cluster) {
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let asking = tokio::spawn(ask(cluster.client.clone(), Arc::clone(&stop), Arc::clone(&answered)));
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), OPERATORS);
    let name = format!("{OPERATOR}-certificate");
    let before = secrets.get(&name).await.unwrap().data.unwrap()["tls.crt"].clone();
    secrets.delete(&name, &DeleteParams::default()).await.unwrap();
    let changed = || async {
        let secret = secrets.get(&name).await.map_err(|error| error.to_string())?;
        if secret.data.unwrap_or_default().get("tls.crt") == Some(&before) {
            Err("the old one".to_owned())
        } else {
            Ok(())
        }
    };
    wait::until("a new certificate", LIMIT, changed).await.unwrap();
    let asked = answered.load(Ordering::Relaxed);
    let more = || async { (answered.load(Ordering::Relaxed) > asked + 200).then_some(()) };
    wait::until("200 more answers", LIMIT, more).await.unwrap();
    wait::until("it is refused", LIMIT, || refuses(&cluster.client)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    assert_eq!(asking.await.unwrap(), Vec::<String>::new());
    println!("{} answers while the certificate changed", answered.load(Ordering::Relaxed));
}

/// Both replicas are to be evicted while no new one has a node: the PodDisruptionBudget keeps the second.
async fn one_replica_at_most_is_evicted(cluster: &Cluster) {
    wait_until_rolled_out(&cluster.client, OPERATORS, OPERATOR).await;
    cluster.kubectl(&["cordon", REAL_NODE]).await;
    let pods: Vec<String> = cluster.operators().await.iter().map(ResourceExt::name_any).collect();
    let [first, second] = pods.as_slice() else { panic!("two replicas, not {pods:?}") };
    // Refused until the budget has heard that both are ready.
    wait::until("the first eviction", LIMIT, || cluster.evict(first)).await.unwrap();
    match cluster.evict(second).await {
        Err(kube::Error::Api(status)) if status.code == 429 => println!("{}", status.message),
        other => panic!("{other:?}"),
    }
    cluster.kubectl(&["uncordon", REAL_NODE]).await;
    wait_until_rolled_out(&cluster.client, OPERATORS, OPERATOR).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn it_is_installed_upgraded_and_uninstalled_in_a_cluster() {
    let Some(cluster) = Cluster::start().await else { return };
    let client = cluster.client.clone();
    cluster.namespace(OPERATORS).await;
    let (_folder, previous) = previous_chart();
    let two = ["--set", "replicaCount=2,networkPolicy.enabled=true,podDisruptionBudget.enabled=true"];
    cluster.helm("install", &previous, &two).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATORS);
    let leader = wait::until("a leader", LIMIT, || cluster.leader(OPERATOR)).await.unwrap();
    assert!(pods.get(&leader).await.is_ok(), "{leader}");
    wait::until("the metrics API", LIMIT, || cluster.get(METRICS_API)).await.unwrap();
    wait::until("it is refused", LIMIT, || refuses(&client)).await.unwrap();

    // The HPA controller reads the metric from a replica, through the API server and the Service.
    cluster.namespace(NAMESPACE).await;
    let mut deployment = fixtures::deployment("web", NAMESPACE, 1);
    deployment.spec.as_mut().unwrap().paused = Some(true);
    Api::namespaced(client.clone(), NAMESPACE).create(&PostParams::default(), &deployment).await.unwrap();
    cluster.apply(NAMESPACE, &scaled_object(3)).await;
    let target = Target::new(&client, NAMESPACE, ("apps/v1", "Deployment", "deployments"), "web");
    target.wait_for(3).await;
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), NAMESPACE);
    let before = hpas.get("keda-hpa-web").await.unwrap().metadata.uid;

    let cooling = Cooling::begin(&cluster, NAMESPACE).await;

    certificate_changes_while_requests_run(&cluster).await;

    cluster.helm("upgrade", CHART, &[&two[..], &["--set", "operator.logLevel=debug"]].concat()).await;
    wait::until("the metrics API", LIMIT, || cluster.get(METRICS_API)).await.unwrap();
    assert_eq!(hpas.get("keda-hpa-web").await.unwrap().metadata.uid, before);
    target.wait_for(3).await;
    cooling.goes_on(4).await;

    // One that is ending may go by itself just before.
    let killed = || async {
        let leader = cluster.leader(OPERATOR).await?;
        let now = DeleteParams::default().grace_period(0);
        pods.delete(&leader, &now).await.map(|_| leader).map_err(|error| error.to_string())
    };
    let leader = wait::until("a leader to kill", LIMIT, killed).await.unwrap();
    let other = || async {
        cluster.leader(OPERATOR).await.and_then(|pod| if pod == leader { Err(pod) } else { Ok(pod) })
    };
    wait::until("another leader", LIMIT, other).await.unwrap();
    one_replica_at_most_is_evicted(&cluster).await;
    cluster.apply(NAMESPACE, &scaled_object(4)).await;
    target.wait_for(4).await;

    helm_on(&cluster.control_plane, &["uninstall", RELEASE, "--namespace", OPERATORS, "--wait"]).unwrap();
    let gone = || async {
        let found =
            cluster.get("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io").await;
        match found {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("no metrics API", LIMIT, gone).await.unwrap();
    target.wait_for(4).await;

    // Nothing waits for an operator that is not there any more.
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in [NAMESPACE, OPERATORS] {
        namespaces.delete(name, &DeleteParams::default()).await.unwrap();
        let gone = || async {
            match namespaces.get_opt(name).await {
                Ok(None) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        wait::until(&format!("namespace {name} has gone"), LIMIT, gone).await.unwrap();
    }
    cluster.control_plane.shutdown().await.unwrap();
}
