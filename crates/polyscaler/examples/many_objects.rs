//! Measures the operator with many BusinessScalings while nothing changes: one line of figures.
//!
//! `bench/thousand-objects.sh` builds the release binary and calls this.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::json;
use testbed::ports::PortClaim;
use testbed::{ControlPlane, MetricServer, Options, fixtures, wait};

/// The longest that all objects may take to have been polled once.
const PATIENCE: Duration = Duration::from_secs(300);

struct Arguments {
    program: String,
    objects: usize,
    interval: u64,
    seconds: u64,
    /// Whether all objects ask the same query.
    equal: bool,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let mut words = std::env::args().skip(1);
        let program =
            words.next().context("usage: many_objects PROGRAM OBJECTS INTERVAL SECONDS distinct|equal")?;
        let mut number = |what: &str| -> anyhow::Result<u64> {
            words.next().with_context(|| format!("{what} is missing"))?.parse().context(what.to_owned())
        };
        let (objects, interval, seconds) =
            (number("OBJECTS")? as usize, number("INTERVAL")?, number("SECONDS")?);
        let equal = words.next().as_deref() == Some("equal");
        Ok(Self { program, objects, interval, seconds, equal })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let control_plane = ControlPlane::start(Options {
        api_server_args: vec![
            "--max-requests-inflight=2000".to_owned(),
            "--max-mutating-requests-inflight=1000".to_owned(),
        ],
        ..Options::default()
    })
    .await?;
    let load = MetricServer::start().await?;
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
    println!("{}", figures(&arguments, &before, &after));
    control_plane.shutdown().await
}

/// Deployments without pods, and one object for each.
async fn populate(client: &Client, load: &MetricServer, arguments: &Arguments) -> anyhow::Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for kind in resources::KINDS {
        crds.create(&PostParams::default(), &kind.crd()).await?;
    }
    let gvk = GroupVersionKind::gvk("example.com", "v1", "BusinessScaling");
    let scalings: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&gvk));
    wait::until("the CRD to be served", PATIENCE, || async { scalings.list(&Default::default()).await })
        .await?;
    let deployments = Api::namespaced(client.clone(), "default");
    for index in 0..arguments.objects {
        let name = format!("app-{index}");
        let path = if arguments.equal { "/load".to_owned() } else { format!("/load/{index}") };
        load.set_json(&path, &json!({ "active_users": 10 }));
        deployments.create(&PostParams::default(), &fixtures::deployment(&name, "default", 0)).await?;
        let object = json!({
            "apiVersion": "example.com/v1",
            "kind": "BusinessScaling",
            "metadata": { "name": name },
            "spec": {
                "targetDeployment": name,
                "metricSource": load.url(&path),
                "intervalSeconds": arguments.interval,
                "scaleThresholds": { "minReplicas": 0 },
            },
        });
        scalings.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    }
    Ok(())
}

/// The operator's metrics at one moment: line by line, name with labels and value.
struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    async fn read(port: u16) -> anyhow::Result<Self> {
        let url = format!("http://127.0.0.1:{port}/metrics");
        let text = reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.bytes().await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| line.rsplit_once(' '));
        Ok(Self(values.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()))
    }

    /// The sum of all series of `name` whose labels contain `label`.
    fn sum(&self, name: &str, label: &str) -> f64 {
        let series =
            self.0.iter().filter(|(key, _)| key.split('{').next() == Some(name) && key.contains(label));
        series.map(|(_, value)| value).sum()
    }
}

fn figures(arguments: &Arguments, before: &Metrics, after: &Metrics) -> String {
    let seconds = arguments.seconds as f64;
    let grown = |name: &str, label: &str| after.sum(name, label) - before.sum(name, label);
    let writes = |resource: &str| grown("polyscaler_writes_total", &format!("resource=\"{resource}\""));
    let late = |share: f64| lateness(before, after, share) * 1000.0;
    format!(
        "objects={} interval={}s queries={} cpu={:.4} cores memory={:.1} MiB readings={:.2}/s polls={:.1}/s \
         late_p50={:.1}ms late_p99={:.1}ms writes: scale={} status={} event={} lease={}",
        arguments.objects,
        arguments.interval,
        if arguments.equal { "equal" } else { "distinct" },
        grown("process_cpu_seconds_total", "") / seconds,
        after.sum("process_resident_memory_bytes", "") / 1_048_576.0,
        grown("polyscaler_readings_total", "") / seconds,
        grown("polyscaler_decisions_total", "") / seconds,
        late(0.5),
        late(0.99),
        writes("scale"),
        writes("status"),
        writes("event"),
        writes("lease"),
    )
}

/// The lateness in seconds that a share of the polls stayed below, between two moments:
/// interpolated within a bucket of the histogram, as Prometheus does.
fn lateness(before: &Metrics, after: &Metrics, share: f64) -> f64 {
    let name = "polyscaler_poll_lateness_seconds_bucket{le=\"";
    let mut buckets: Vec<(f64, f64)> = after
        .0
        .iter()
        .filter_map(|(key, count)| {
            let bound = key.strip_prefix(name)?.strip_suffix("\"}")?.parse().unwrap_or(f64::INFINITY);
            Some((bound, count - before.0.get(key).copied().unwrap_or(0.0)))
        })
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = buckets.last().map_or(0.0, |(_, all)| all * share);
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= wanted {
            return if bound.is_finite() {
                lower + (bound - lower) * (wanted - below) / (count - below).max(1.0)
            } else {
                lower
            };
        }
        (lower, below) = (bound, count);
    }
    lower
}
