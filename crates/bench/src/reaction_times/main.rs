//! Measures the time from a metric's change to the write of `/scale`, in direct mode, as a watch on the targets sees it: of
//! targets whose metrics change one after the other, and then of all others, whose metrics change in the same moment.
//!
//! `bench/reaction-times.sh` builds the release binary and calls this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::{Actuation, Distribution, Operator, PATIENCE, Stage, answer, name, scaled_object};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};
use testbed::{MetricServer, wait};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How many change one after the other.
const SINGLE: usize = 100;

/// From one of those to the next: at no fixed place in the interval.
const PAUSE: Duration = Duration::from_millis(333);

struct Arguments {
    program: String,
    targets: usize,
    interval: u64,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [program, targets, interval] = words.as_slice() else {
            bail!("usage: reaction-times PROGRAM TARGETS INTERVAL");
        };
        let (targets, interval) =
            (targets.parse().context("TARGETS")?, interval.parse().context("INTERVAL")?);
        Ok(Self { program: program.clone(), targets, interval })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { program, targets, interval } = Arguments::parse()?;
    let all = SINGLE + targets;
    let server = MetricServer::start().await?;
    let set = |index: usize, value: f64| {
        server.set_json(&format!("/{}/api/v1/query", name(index)), &answer(value));
    };
    (0..all).for_each(|index| set(index, 0.0));
    let stage = Stage::start(&[]).await?;
    stage.without_controllers().await?;
    stage.deployments(all, 0).await?;
    let objects = (0..all).map(|index| {
        scaled_object(&name(index), &server.url(&format!("/{}", name(index))), interval, Actuation::Direct)
    });
    stage.create(objects.collect::<anyhow::Result<_>>()?).await?;
    let operator = Operator::start(&stage, "operator", &program, &[])?;
    operator.wait_for_polls(2 * all).await?;

    let scaled = Scaled::watch(&stage).await?;
    let mut changed = HashMap::new();
    for index in 0..SINGLE {
        set(index, 60.0);
        changed.insert(index, Instant::now());
        tokio::time::sleep(PAUSE).await;
    }
    report("one after the other", interval, &scaled.times(&changed).await?);
    let now = Instant::now();
    changed = (SINGLE..all).map(|index| (index, now)).collect();
    (SINGLE..all).for_each(|index| set(index, 60.0));
    report("at the same moment", interval, &scaled.times(&changed).await?);
    drop(scaled);
    stage.end().await
}

fn report(how: &str, interval: u64, times: &Distribution) {
    let beyond = times.share(1.0).as_secs_f64() - interval as f64;
    println!(
        "metric change to /scale: targets={} {how} interval={interval}s {times} max_beyond_interval={:.0}ms",
        times.count(),
        beyond * 1000.0
    );
}

/// When each target was first seen with other replicas.
struct Scaled {
    seen: Seen,
    watch: JoinHandle<()>,
}

impl Drop for Scaled {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

type Seen = Arc<Mutex<HashMap<String, Instant>>>;

impl Scaled {
    async fn watch(stage: &Stage) -> anyhow::Result<Self> {
        let api: Api<Deployment> = Api::namespaced(stage.client.clone(), "default");
        let version = api.list_metadata(&Default::default()).await?.metadata.resource_version;
        let version = version.context("a list has a version")?;
        let seen = Arc::default();
        let watch = tokio::spawn(note(api, version, Arc::clone(&seen)));
        Ok(Self { seen, watch })
    }

    /// How long each took that changed, once all have been scaled.
    async fn times(&self, changed: &HashMap<usize, Instant>) -> anyhow::Result<Distribution> {
        let look = || async {
            let seen = lock(&self.seen);
            let time = |(index, at): (&usize, &Instant)| Some(seen.get(&name(*index))?.duration_since(*at));
            let times: Vec<Duration> = changed.iter().filter_map(time).collect();
            let count = times.len();
            if count == changed.len() {
                Ok(Distribution::from_iter(times))
            } else {
                Err(format!("{count} scaled"))
            }
        };
        wait::until("every target to be scaled", PATIENCE, look).await
    }
}

/// Notes when targets are scaled. An API server ends the watch of whoever does not keep up with hundreds of changes at once:
/// then it goes on from the last one that was seen.
async fn note(api: Api<Deployment>, mut version: String, seen: Seen) {
    let params = WatchParams::default().timeout(3600);
    loop {
        let mut events = match api.watch(&params, &version).await {
            Ok(events) => events.boxed(),
            Err(error) => return eprintln!("the targets cannot be watched: {error}"),
        };
        while let Ok(Some(event)) = events.try_next().await {
            let at = Instant::now();
            let target = match event {
                WatchEvent::Added(target) | WatchEvent::Modified(target) => target,
                WatchEvent::Error(error) => return eprintln!("the watch on the targets has ended: {error}"),
                WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => continue,
            };
            version = target.metadata.resource_version.unwrap_or(version);
            let replicas = target.spec.and_then(|spec| spec.replicas);
            if let (Some(name), Some(1..)) = (target.metadata.name, replicas) {
                lock(&seen).entry(name).or_insert(at);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
