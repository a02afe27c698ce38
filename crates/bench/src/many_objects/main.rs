//! Measures the operator with many objects while nothing changes: one line of figures.
//!
//! `bench/thousand-objects.sh` and `bench/thousand-general-scalers.sh` build the release binary
//! and call this.

mod load;
mod metrics;

use std::time::Duration;

use anyhow::{Context as _, bail};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use testbed::ports::PortClaim;
use testbed::{ControlPlane, Options, fixtures, wait};

use load::Load;
use metrics::{Metrics, lateness};

/// The longest that all objects may take to have been polled once.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Arguments {
    program: String,
    objects: usize,
    interval: u64,
    seconds: u64,
    queries: Queries,
}

/// What the objects ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queries {
    /// BusinessScalings, each with a query of its own.
    Distinct,
    /// BusinessScalings that ask the same.
    Equal,
    /// GeneralScalers over Prometheus, Redis and Pub/Sub, each with a query of its own.
    Plugins,
    /// ScaledObjects with a Prometheus trigger each, whose targets run one replica, and an HPA each.
    Hpa,
    /// ScaledObjects with a Prometheus trigger each, in direct mode.
    Direct,
}

impl Queries {
    const NAMES: [(&str, Self); 5] = [
        ("distinct", Self::Distinct),
        ("equal", Self::Equal),
        ("plugins", Self::Plugins),
        ("hpa", Self::Hpa),
        ("direct", Self::Direct),
    ];

    /// Replicas of each target. An HPA asks for no metric while there are none.
    fn replicas(self) -> i32 {
        if self == Self::Hpa { 1 } else { 0 }
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, queries)| *queries)
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| *name)
    }
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [program, objects, interval, seconds, queries] = words.as_slice() else {
            bail!("usage: many-objects PROGRAM OBJECTS INTERVAL SECONDS distinct|equal|plugins|hpa|direct");
        };
        Ok(Self {
            program: program.clone(),
            objects: objects.parse().context("OBJECTS")?,
            interval: interval.parse().context("INTERVAL")?,
            seconds: seconds.parse().context("SECONDS")?,
            queries: Queries::named(queries).with_context(|| format!("no queries are called {queries}"))?,
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let load = Load::start(&arguments).await?;
    let control_plane = ControlPlane::start(Options {
        api_server_args: vec![
            "--max-requests-inflight=2000".to_owned(),
            "--max-mutating-requests-inflight=1000".to_owned(),
        ],
        ..Options::default()
    })
    .await?;
    load.prepare(&control_plane.client()).await?;
    populate(&control_plane.client(), &load, &arguments).await?;

    let port = PortClaim::new()?;
    let operator = [
        "operator".to_owned(),
        format!("--kubeconfig={}", control_plane.kubeconfig().display()),
        format!("--metrics-address=127.0.0.1:{}", port.port()),
        "--health-address=off".to_owned(),
        "--activity-address=off".to_owned(),
    ];
    control_plane.supervisor().spawn("operator", &arguments.program, operator, &[("LOG_LEVEL", "warn")])?;
    let decisions = "polyscaler_decisions_total";
    let polled = wait::until("every object to have been polled", PATIENCE, || async {
        let metrics = Metrics::read(port.port()).await?;
        match metrics.sum(decisions, "") {
            polls if polls >= arguments.objects as f64 => Ok(()),
            polls => Err(anyhow::anyhow!("{polls} polls")),
        }
    });
    polled.await?;
    // Whatever the start caused to be written is written within two more intervals.
    tokio::time::sleep(Duration::from_secs(2 * arguments.interval)).await;
    let before = Metrics::read(port.port()).await?;
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let after = Metrics::read(port.port()).await?;
    let connections = load.redis_connections().await?;
    println!("{}", figures(&arguments, &before, &after, connections));
    control_plane.shutdown().await
}

/// Deployments without pods, and one object for each.
async fn populate(client: &Client, load: &Load, arguments: &Arguments) -> anyhow::Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for (_, crd) in resources::crds(&engine::POLICIES) {
        crds.create(&PostParams::default(), &crd).await?;
    }
    let scalers = api(client, &serde_json::from_value(load.object(0, arguments))?)?;
    wait::until("the CRD to be served", PATIENCE, || async { scalers.list(&Default::default()).await })
        .await?;
    let (deployments, replicas) = (Api::namespaced(client.clone(), "default"), arguments.queries.replicas());
    for index in 0..arguments.objects {
        let deployment = fixtures::deployment(&format!("app-{index}"), "default", replicas);
        deployments.create(&PostParams::default(), &deployment).await?;
        let object = serde_json::from_value(load.object(index, arguments))?;
        scalers.create(&PostParams::default(), &object).await?;
    }
    Ok(())
}

/// Where objects like this one are created.
fn api(client: &Client, object: &DynamicObject) -> anyhow::Result<Api<DynamicObject>> {
    let types = object.types.as_ref().context("an object has a kind")?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
    Ok(match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    })
}

fn figures(
    arguments: &Arguments,
    before: &Metrics,
    after: &Metrics,
    redis_connections: Option<usize>,
) -> String {
    let seconds = arguments.seconds as f64;
    let grown = |name: &str, label: &str| after.sum(name, label) - before.sum(name, label);
    let writes = |resource: &str| grown("polyscaler_writes_total", &format!("resource=\"{resource}\""));
    let late = |share: f64| lateness(before, after, share) * 1000.0;
    let readings = grown("polyscaler_readings_total", "");
    let (cpu, polls) = (grown("process_cpu_seconds_total", ""), grown("polyscaler_decisions_total", ""));
    format!(
        "objects={} interval={}s queries={} cpu={:.4} cores per_poll={:.1}us memory={:.1} MiB readings={:.2}/s absent={} \
         polls={:.1}/s late_p50={:.1}ms late_p99={:.1}ms writes: scale={} status={} event={} lease={}{}",
        arguments.objects,
        arguments.interval,
        arguments.queries.name(),
        cpu / seconds,
        cpu / polls * 1e6,
        after.sum("process_resident_memory_bytes", "") / 1_048_576.0,
        readings / seconds,
        readings - grown("polyscaler_readings_total", "result=\"ok\""),
        polls / seconds,
        late(0.5),
        late(0.99),
        writes("scale"),
        writes("status"),
        writes("event"),
        writes("lease"),
        redis_connections.map_or_else(String::new, |open| format!(" redis_connections={open}")),
    )
}
