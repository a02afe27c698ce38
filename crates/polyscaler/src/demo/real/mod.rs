//! `polyscaler demo --real`: the same on a real node. Operator, application and Prometheus are containers, and the load
//! is requests over the network.

mod manifests;
mod requests;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, LogParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;
use testbed::programs::{self, PROMETHEUS};
use testbed::{ControlPlane, Image, Options, real_node, wait};

use super::scenario::{Load, Scenario};
use super::stage::{self, Look, Place, Seen};
use super::summary::Operation;
use super::{Stage, load};
use requests::Requests;

/// The longest that any single thing may take to appear, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest that the operator may take for one answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Where the manifests of the repository put the operator, and what they call it.
const OPERATORS: &str = "scaling-operator-system";
const OPERATOR: &str = "scaling-operator-controller-manager";
const ACTIVITY: &str = "scaling-operator-activity";
/// Where Prometheus is asked by the operator.
const PROMETHEUS_URL: &str = "http://prometheus.shop.svc:9090";

/// A cluster of one real node with everything on it.
pub(super) struct NodeStage {
    namespace: &'static str,
    control_plane: ControlPlane,
    client: Client,
    requests: Requests,
    activity_url: String,
    browser: reqwest::Client,
}

impl NodeStage {
    /// Builds what is missing, starts everything and waits until the operator is ready. Where there can be no real node,
    /// the error is one line.
    pub(super) async fn set(scenario: &Scenario) -> anyhow::Result<Self> {
        println!("demo --real: {}", scenario.title);
        let find = || real_node::find(&mut |line| eprintln!("{line}"));
        let found = tokio::task::spawn_blocking(find).await.context("looking for a node's parts panicked")?;
        let parts = found.map_err(|reason| anyhow::anyhow!("{reason}"))?;
        let images = tokio::task::spawn_blocking(images).await.context("looking for programs panicked")??;
        println!(
            "starting a control plane and a node (kubelet, containerd, kube-proxy in namespaces of their own)"
        );
        let options = Options { nodes: 0, real_node: Some(parts), ..Options::default() };
        let control_plane = ControlPlane::start(options).await?;
        let client = control_plane.client();
        println!("giving the node its images: operator, http-app, prometheus");
        let node = control_plane.real_node().context("there is no real node")?;
        for image in &images {
            node.add_image(image).await?;
        }
        println!("installing the operator (deploy/crd.yaml, deploy/operator.yaml)");
        manifests::apply(&client, &manifests::operator()?).await?;
        println!("deploying http-app, a Prometheus, and what scales the one by the other");
        manifests::apply(&client, &manifests::applications(scenario.namespace)?).await?;
        wait_until_ready(&client, OPERATORS, OPERATOR).await?;
        for application in scenario.applications {
            wait_until_ready(&client, scenario.namespace, application.name).await?;
            if let Some(manifest) = application.manifest {
                manifests::apply(&client, &[serde_json::from_value(manifest(PROMETHEUS_URL))?]).await?;
            }
        }
        let application = address(&client, scenario.namespace, "http-app").await?;
        let activity = address(&client, OPERATORS, ACTIVITY).await?;
        let mut stage = Self {
            namespace: scenario.namespace,
            control_plane,
            client,
            requests: Requests::start(format!("http://{application}/"))?,
            activity_url: format!("http://{activity}:8082"),
            browser: testbed::http_client().timeout(ANSWER).build()?,
        };
        stage.advance(scenario, load::hour_of_day(0.0), Duration::ZERO).await?;
        let polled = || async {
            let seen = stage.seen().await.ok()?;
            (!seen.is_empty() && seen.iter().all(|one| !one.targets.is_empty())).then_some(())
        };
        match wait::until("the operator to have polled its object", PATIENCE, polled).await {
            Ok(()) => Ok(stage),
            Err(error) => bail!("{error}; its log ends with:\n{}", stage.operator_log(20).await),
        }
    }

    async fn seen(&self) -> anyhow::Result<Vec<Seen>> {
        stage::ask(&self.browser, &self.activity_url, "/objects").await
    }
}

impl Stage for NodeStage {
    async fn advance(&mut self, scenario: &Scenario, hour: f64, _elapsed: Duration) -> anyhow::Result<()> {
        for application in scenario.applications {
            if let Load::Requests { a_second, .. } = application.load {
                self.requests.set_pace(a_second(hour));
            }
        }
        Ok(())
    }

    async fn look(&self, _scenario: &Scenario) -> anyhow::Result<Look> {
        Ok(Look { seen: self.seen().await?, group: None })
    }

    async fn operations(&self) -> anyhow::Result<Vec<Operation>> {
        stage::ask(&self.browser, &self.activity_url, "/scaling-activity").await
    }
}

impl Place for NodeStage {
    fn activity_url(&self) -> String {
        self.activity_url.clone()
    }

    fn kubeconfig(&self) -> String {
        self.control_plane.kubeconfig().display().to_string()
    }

    async fn closing_words(&self) -> anyhow::Result<Option<String>> {
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace);
        let pods = super::kubectl::table(&self.client, &path).await?;
        let (answered, failed) = self.requests.counts();
        Ok(Some(format!(
            "$ kubectl get pods -n {}\n{pods}\n{answered} requests answered, {failed} failed\n",
            self.namespace
        )))
    }

    async fn operator_log(&self, lines: usize) -> String {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), OPERATORS);
        let Some(pod) = pods.list(&ListParams::default()).await.ok().and_then(|mut pods| pods.items.pop())
        else {
            return String::new();
        };
        let last = LogParams { tail_lines: i64::try_from(lines).ok(), ..LogParams::default() };
        pods.logs(&pod.name_any(), &last).await.unwrap_or_default()
    }

    async fn clear(self) -> anyhow::Result<()> {
        drop(self.requests);
        self.control_plane.shutdown().await
    }
}

/// What runs on the node. Blocks; installs Prometheus where it is missing.
fn images() -> anyhow::Result<[Image; 3]> {
    let own = std::env::current_exe().context("this program's own path")?;
    let application: PathBuf = own.with_file_name("http-app");
    if !application.exists() {
        bail!("{} is missing: cargo build --package examples", application.display());
    }
    let prometheus = programs::ensure(&PROMETHEUS, &mut |line| eprintln!("{line}"))?;
    let image = |name: &str, program| Image::of_program(&format!("localhost/{name}:demo"), program);
    Ok([image("polyscaler", &own)?, image("http-app", &application)?, image("prometheus", &prometheus)?])
}

async fn address(client: &Client, namespace: &str, service: &str) -> anyhow::Result<String> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let spec = services.get(service).await?.spec;
    spec.and_then(|spec| spec.cluster_ip).with_context(|| format!("Service {service} has no address"))
}

async fn wait_until_ready(client: &Client, namespace: &str, name: &str) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let look = || async {
        let found = deployments.get(name).await.map_err(|error| error.to_string())?;
        let status = found.status.unwrap_or_default();
        let ready = status.ready_replicas.unwrap_or(0);
        if ready > 0 {
            Ok(())
        } else {
            Err(serde_json::to_value(&status)
                .map_or_else(|_| String::new(), |status: Value| status.to_string()))
        }
    };
    wait::until(&format!("{name} to be ready"), PATIENCE, look).await
}
