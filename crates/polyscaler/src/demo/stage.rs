//! The real stage: a control plane, the applications, the load and the operator.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{AggregatedApi, ControlPlane, Options, fixtures, wait};

use super::Stage;
use super::actions::Action;
use super::kubectl;
use super::scenario::{Group, Scenario};
use super::servers::{Busiest, Calls, Flow, Servers};
use super::summary::Operation;
use crate::policies::policies;

/// The longest that any single thing may take to appear, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest that the operator may take for one answer. A demo that gave up earlier would end for
/// a moment's load.
const ANSWER: Duration = Duration::from_secs(30);
const OPERATOR: &str = "operator";

/// A running control plane with everything on it.
pub(super) struct RealStage {
    /// Of the applications.
    namespace: &'static str,
    control_plane: ControlPlane,
    client: Client,
    servers: Servers,
    /// Held so that nobody else takes the port while the operator lives.
    activity: PortClaim,
    /// Where HPAs are answered, in a scenario that has any.
    metrics_api: Option<PortClaim>,
    /// The most replicas so far, and what kubectl showed then, in a scenario that has HPAs.
    peak: Mutex<(u32, Option<String>)>,
    browser: reqwest::Client,
}

/// Where something real runs, which has an end.
pub(super) trait Place: Stage {
    /// Where the operator reports what it does.
    fn activity_url(&self) -> String;

    /// For whoever wants to look around with kubectl.
    fn kubeconfig(&self) -> String;

    /// What is worth showing once at the end, before everything goes.
    async fn closing_words(&self) -> anyhow::Result<Option<String>>;

    /// The last lines of the operator's log.
    async fn operator_log(&self, lines: usize) -> String;

    /// Ends everything and waits until it is gone.
    async fn clear(self) -> anyhow::Result<()>;
}

/// Everything at one moment.
pub(super) struct Look {
    pub(super) seen: Vec<Seen>,
    pub(super) group: Option<GroupLook>,
}

/// A group at one moment.
pub(super) struct GroupLook {
    /// Calls a second that arrive, by Deployment.
    pub(super) arriving: BTreeMap<&'static str, f64>,
    pub(super) busiest: Busiest,
    pub(super) action: Option<Action>,
}

impl GroupLook {
    /// With these calls under way, and this status of the object.
    pub(super) fn of(scenario: &Scenario, calls: &Calls, status: Option<&Value>) -> anyhow::Result<Self> {
        let names = scenario.applications.iter().map(|application| application.name);
        let action = status.and_then(|status| status.get("lastAction"));
        Ok(Self {
            arriving: names.filter_map(|name| Some((name, calls.arriving(name)?))).collect(),
            busiest: calls.busiest(),
            action: action.map(Action::deserialize).transpose()?,
        })
    }
}

/// One object as the operator reports it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) metrics: Vec<Metric>,
    pub(super) targets: Vec<Target>,
    /// What came and went in its queue, where it has one. The operator does not know.
    #[serde(skip)]
    pub(super) flow: Option<Flow>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metric {
    pub(super) value: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Target {
    /// `Kind namespace/name`.
    target: String,
    pub(super) ready: Option<u32>,
    pub(super) recommended: Option<u32>,
    pub(super) desired: u32,
    pub(super) decision: String,
}

impl Target {
    /// Whether it is the Deployment called `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.target.rsplit('/').next() == Some(name)
    }
}

impl RealStage {
    /// Builds what is missing, starts everything and waits until the operator is ready.
    pub(super) async fn set(scenario: &Scenario) -> anyhow::Result<Self> {
        println!("demo {}: {}", scenario.name, scenario.title);
        let servers = Servers::start(scenario).await?;
        println!("starting a control plane (etcd, kube-apiserver, controllers, scheduler, fake nodes)");
        let control_plane = ControlPlane::start(options(scenario)).await?;
        let mut stage = Self {
            namespace: scenario.namespace,
            metrics_api: scenario.by_hpa.then(PortClaim::new).transpose()?,
            client: control_plane.client(),
            control_plane,
            servers,
            activity: PortClaim::new()?,
            peak: Mutex::default(),
            browser: testbed::http_client().timeout(ANSWER).build()?,
        };
        stage.advance(scenario, super::load::hour_of_day(0.0), Duration::ZERO).await?;
        stage.install_crds().await?;
        stage.deploy(scenario).await?;
        stage.start_operator().await?;
        Ok(stage)
    }

    async fn install_crds(&self) -> anyhow::Result<()> {
        println!("installing the CRDs");
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for (_, crd) in resources::crds(policies()) {
            api.create(&PostParams::default(), &crd).await?;
        }
        for (name, _) in resources::crds(policies()) {
            wait::until(&format!("the CRD {name} to be established"), PATIENCE, || async {
                let crd = api.get_opt(&name).await.ok()??;
                let conditions = crd.status?.conditions?;
                conditions.iter().any(|c| c.type_ == "Established" && c.status == "True").then_some(())
            })
            .await?;
        }
        Ok(())
    }

    async fn deploy(&self, scenario: &Scenario) -> anyhow::Result<()> {
        println!("deploying the applications and what scales them");
        self.ensure_namespace().await?;
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), self.namespace);
        for application in scenario.applications {
            let deployment = fixtures::deployment(application.name, self.namespace, application.replicas);
            let delay = Duration::from_secs(application.ready_after);
            deployments
                .create(&PostParams::default(), &fixtures::with_ready_delay(deployment, delay))
                .await?;
            if let Some(manifest) = application.manifest {
                self.create(manifest(&self.servers.url(application))).await?;
            }
        }
        if let Some(group) = &scenario.group {
            self.create((group.manifest)(&self.servers.group_url(group))).await?;
        }
        Ok(())
    }

    async fn ensure_namespace(&self) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        if namespaces.get_opt(self.namespace).await?.is_none() {
            let namespace = serde_json::from_value(json!({ "metadata": { "name": self.namespace } }))?;
            namespaces.create(&PostParams::default(), &namespace).await?;
        }
        Ok(())
    }

    async fn create(&self, manifest: Value) -> anyhow::Result<()> {
        let object: DynamicObject = serde_json::from_value(manifest)?;
        let types = object.types.clone().context("a manifest names its kind")?;
        self.objects(&types.api_version, &types.kind)?.create(&PostParams::default(), &object).await?;
        Ok(())
    }

    /// The objects of a kind of ours.
    fn objects(&self, api_version: &str, kind: &str) -> anyhow::Result<Api<DynamicObject>> {
        let kind = resources::find(api_version, kind).context("the kind is none of ours")?;
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        Ok(match kind.scope {
            resources::Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            resources::Scope::Namespaced => {
                Api::namespaced_with(self.client.clone(), self.namespace, &resource)
            }
        })
    }

    async fn start_operator(&self) -> anyhow::Result<()> {
        println!("starting the operator");
        let program = std::env::current_exe().context("this program's own path")?;
        let mut arguments = vec![
            "operator".to_owned(),
            format!("--kubeconfig={}", self.control_plane.kubeconfig().display()),
            format!("--activity-address=127.0.0.1:{}", self.activity.port()),
            "--metrics-address=off".to_owned(),
            "--health-address=off".to_owned(),
            "--leader-elect=false".to_owned(),
            "--max-actions=100000".to_owned(),
        ];
        if let Some(port) = &self.metrics_api {
            let api = metrics_api(port.port());
            api.register(&self.client, None).await?;
            arguments.push(format!("--external-metrics-address=127.0.0.1:{}", api.port));
            arguments.push(format!("--external-metrics-service={}", api.service));
            arguments.push(format!("--external-metrics-service-namespace={}", api.namespace));
        }
        self.control_plane.supervisor().spawn(OPERATOR, &program, arguments, &[("LOG_LEVEL", "info")])?;
        let started = wait::until("the operator to have polled every object", PATIENCE, || async {
            self.still_running().ok()?;
            self.seen()
                .await
                .ok()
                .filter(|seen| !seen.is_empty() && seen.iter().all(|s| !s.targets.is_empty()))
        });
        match started.await {
            Ok(_) => Ok(()),
            Err(error) => bail!("{error}; its log ends with:\n{}", self.log(20)),
        }
    }

    /// What the operator reports about every object.
    async fn seen(&self) -> anyhow::Result<Vec<Seen>> {
        let mut seen: Vec<Seen> = ask(&self.browser, &self.activity_url(), "/objects").await?;
        for one in &mut seen {
            one.flow = self.servers.flow(&one.name);
        }
        Ok(seen)
    }

    async fn look_at(&self, scenario: &Scenario, group: &Group) -> anyhow::Result<Option<GroupLook>> {
        let Some(calls) = self.servers.calls() else { return Ok(None) };
        let object = self.objects("polyscaler.dev/v1alpha1", "ScalingGroup")?.get(group.name).await?;
        Ok(Some(GroupLook::of(scenario, calls, object.data.pointer("/status"))?))
    }

    /// Keeps what `kubectl get` shows where there are more replicas than ever before.
    async fn note_peak(&self, seen: &[Seen]) -> anyhow::Result<()> {
        let ready = seen.iter().flat_map(|seen| &seen.targets).filter_map(|target| target.ready).max();
        let Some(ready) = ready.filter(|ready| self.metrics_api.is_some() && *ready > self.peak().0) else {
            return Ok(());
        };
        let mut text = format!("$ kubectl get scaledobject,hpa -n {}\n", self.namespace);
        for (group, resource) in
            [("keda.sh/v1alpha1", "scaledobjects"), ("autoscaling/v2", "horizontalpodautoscalers")]
        {
            let path = format!("/apis/{group}/namespaces/{}/{resource}", self.namespace);
            text.push_str(&kubectl::table(&self.client, &path).await?);
            text.push('\n');
        }
        *self.peak() = (ready, Some(text));
        Ok(())
    }

    fn peak(&self) -> MutexGuard<'_, (u32, Option<String>)> {
        self.peak.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error with the end of its log where the operator has ended.
    fn still_running(&self) -> anyhow::Result<()> {
        let operator = self.control_plane.supervisor().child(OPERATOR);
        if operator.is_some_and(|operator| operator.is_running()) {
            return Ok(());
        }
        bail!("the operator has ended; its log ends with:\n{}", self.log(20))
    }

    /// The last lines of the operator's log.
    fn log(&self, lines: usize) -> String {
        self.control_plane
            .supervisor()
            .child(OPERATOR)
            .map(|child| child.last_lines(lines))
            .unwrap_or_default()
    }
}

impl Stage for RealStage {
    async fn advance(&mut self, scenario: &Scenario, hour: f64, elapsed: Duration) -> anyhow::Result<()> {
        let ready = match scenario.rests_on_pods() {
            true => ready_pods(&self.client, self.namespace).await?,
            false => BTreeMap::new(),
        };
        self.servers.advance(scenario, hour, elapsed, &ready).await
    }

    async fn look(&self, scenario: &Scenario) -> anyhow::Result<Look> {
        self.still_running()?;
        let group = match &scenario.group {
            Some(group) => self.look_at(scenario, group).await?,
            None => None,
        };
        let seen = self.seen().await?;
        self.note_peak(&seen).await?;
        Ok(Look { seen, group })
    }

    async fn operations(&self) -> anyhow::Result<Vec<Operation>> {
        ask(&self.browser, &self.activity_url(), "/scaling-activity").await
    }
}

impl Place for RealStage {
    fn activity_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.activity.port())
    }

    fn kubeconfig(&self) -> String {
        self.control_plane.kubeconfig().display().to_string()
    }

    /// What `kubectl get` showed of the objects and their HPAs at the peak, in a scenario that has HPAs.
    async fn closing_words(&self) -> anyhow::Result<Option<String>> {
        Ok(self.peak().1.as_ref().map(|tables| format!("at the peak:\n{tables}")))
    }

    async fn operator_log(&self, lines: usize) -> String {
        self.log(lines)
    }

    async fn clear(self) -> anyhow::Result<()> {
        self.control_plane.shutdown().await
    }
}

/// What the operator answers at a path of its activity page's address.
pub(super) async fn ask<T: serde::de::DeserializeOwned>(
    browser: &reqwest::Client,
    url: &str,
    path: &str,
) -> anyhow::Result<T> {
    let url = format!("{url}{path}");
    let answer = browser.get(&url).send().await.with_context(|| format!("asking {url}"))?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

/// A control plane for a scenario: an HPA controller looks every 15 s, and a whole day takes no longer than a few of that.
fn options(scenario: &Scenario) -> Options {
    let controller_manager_args = if scenario.by_hpa {
        vec!["--horizontal-pod-autoscaler-sync-period=1s".to_owned()]
    } else {
        Vec::new()
    };
    Options { controller_manager_args, ..Options::default() }
}

/// The API by which HPAs read metrics, at `port` of this machine.
fn metrics_api(port: u16) -> AggregatedApi {
    AggregatedApi {
        group: "external.metrics.k8s.io",
        version: "v1beta1",
        service: "polyscaler-external-metrics".to_owned(),
        namespace: "polyscaler-system".to_owned(),
        port,
    }
}

/// The pods that can work, by Deployment: asked of the API server, so that the load does not rest
/// on what the operator says of itself.
async fn ready_pods(client: &Client, namespace: &str) -> anyhow::Result<BTreeMap<String, u32>> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let listed =
        deployments.list(&ListParams::default()).await.context("the Deployments cannot be listed")?;
    let ready = listed.items.into_iter().map(|deployment| {
        let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
        (deployment.name_any(), u32::try_from(ready).unwrap_or(0))
    });
    Ok(ready.collect())
}
