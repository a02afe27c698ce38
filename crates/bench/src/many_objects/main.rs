//! Measures the operator with many objects while nothing changes: one line of figures.
//!
//! `bench/thousand-objects.sh` and `bench/thousand-general-scalers.sh` build the release binary
//! and call this.

mod load;

use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::{ExternalMetrics, Metrics, Operator, PATIENCE, Stage, lateness};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::DynamicObject;
use testbed::wait;
use tokio::time::Instant;

use load::Load;

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
    let stage = Stage::start(&[]).await?;
    load.prepare(&stage.client).await?;
    stage.deployments(arguments.objects, arguments.queries.replicas()).await?;
    let objects: Vec<DynamicObject> =
        (0..arguments.objects).map(|index| load.object(index, &arguments)).collect::<anyhow::Result<_>>()?;
    let pace = load.pace();
    let (operator, begin) = match arguments.queries {
        Queries::Hpa => with_hpas(&stage, &arguments, objects).await?,
        _ => {
            stage.create(objects).await?;
            let started = Instant::now();
            let operator = Operator::start(&stage, "operator", &arguments.program, &[])?;
            operator.wait_for_polls(arguments.objects).await?;
            (operator, format!("polled_after={:.1}s", started.elapsed().as_secs_f64()))
        }
    };
    tokio::time::sleep(Duration::from_secs(2 * arguments.interval)).await;
    operator.wait_until_quiet().await?;
    let busiest = pace.map_or(String::new(), |pace| format!(" busiest_second={}", pace.end().0));
    bench::before_measuring().await?;
    let pace = load.pace();
    let (before, after) = operator.during(Duration::from_secs(arguments.seconds)).await?;
    let requests = pace.map_or(String::new(), |pace| format!(" requests={}", pace.end().1));
    let connections = load.redis_connections().await?;
    println!("{}{requests} {begin}{busiest}", figures(&arguments, &before, &after, connections));
    stage.end().await
}

/// An operator that serves the metrics of HPAs, and then the objects; in what time all of them had their HPA.
async fn with_hpas(
    stage: &Stage,
    arguments: &Arguments,
    objects: Vec<DynamicObject>,
) -> anyhow::Result<(Operator, String)> {
    let served = ExternalMetrics::new(stage).await?;
    let operator = Operator::start(stage, "operator", &arguments.program, &served.flags())?;
    served.lead_there(stage).await?;
    let started = Instant::now();
    stage.create(objects).await?;
    let created = started.elapsed();
    let hpas: Api<HorizontalPodAutoscaler> = Api::all(stage.client.clone());
    let look = || async {
        match hpas.list_metadata(&Default::default()).await?.items.len() {
            found if found >= arguments.objects => Ok(()),
            found => Err(anyhow::anyhow!("{found} HPAs")),
        }
    };
    wait::until("an HPA for each object", PATIENCE, look).await?;
    let all = started.elapsed();
    operator.wait_for_polls(arguments.objects).await?;
    let seconds = |time: Duration| time.as_secs_f64();
    Ok((operator, format!("created_in={:.1}s hpas_after={:.1}s", seconds(created), seconds(all))))
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
         polls={:.1}/s late_p50={:.1}ms late_p99={:.1}ms writes: scale={} status={} event={} other={} \
         lease={}{}",
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
        grown("polyscaler_writes_total", "")
            - ["scale", "status", "event", "lease"].iter().map(|resource| writes(resource)).sum::<f64>(),
        writes("lease"),
        redis_connections.map_or_else(String::new, |open| format!(" redis_connections={open}")),
    )
}
