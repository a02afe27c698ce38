//! Measures whether memory and descriptors stay flat while objects are created, edited and deleted for minutes.
//!
//! `bench/churn.sh` builds the release binary and calls this.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::{Actuation, Operator, Stage, answer, name, scaled_object};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use testbed::MetricServer;
use tokio::time::{Instant, MissedTickBehavior};

/// Changes a second: of three, one is a creation, one an edit and one a deletion.
const RATE: u32 = 30;

/// From one look at the operator to the next.
const LOOK: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [program, objects, seconds] = words.as_slice() else {
        bail!("usage: churn PROGRAM OBJECTS SECONDS");
    };
    let objects: usize = objects.parse().context("OBJECTS")?;
    let span = Duration::from_secs(seconds.parse().context("SECONDS")?);
    let server = MetricServer::start().await?;
    server.set_json("/api/v1/query", &answer(0.0));
    let stage = Stage::start(&[]).await?;
    stage.without_controllers().await?;
    // Objects come and go; their targets stay.
    stage.deployments(2 * objects, 0).await?;
    let object =
        |index: usize| scaled_object(&name(index % (2 * objects)), &server.url(""), 5, Actuation::Direct);
    stage.create((0..objects).map(object).collect::<anyhow::Result<_>>()?).await?;
    let operator = Operator::start(&stage, "operator", program, &[])?;
    operator.wait_for_polls(objects).await?;

    let api = stage.api(&object(0)?)?;
    let (begin, mut next, mut changes) = (Instant::now(), objects, 0_usize);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut last_look) = (Vec::new(), begin);
    while begin.elapsed() < span {
        ticks.tick().await;
        match changes % 3 {
            0 => drop(api.create(&PostParams::default(), &object(next)?).await?),
            1 => {
                let edit = json!({ "spec": { "maxReplicaCount": 50 + changes % 50 } });
                let edited = name((next - objects / 2) % (2 * objects));
                api.patch(&edited, &PatchParams::default(), &Patch::Merge(edit)).await?;
            }
            _ => {
                api.delete(&name((next - objects) % (2 * objects)), &DeleteParams::default()).await?;
                next += 1;
            }
        }
        changes += 1;
        if last_look.elapsed() >= LOOK {
            last_look = Instant::now();
            let metrics = operator.metrics().await?;
            looks.push((
                metrics.sum("process_resident_memory_bytes", "") / 1_048_576.0,
                metrics.sum("process_open_fds", ""),
            ));
        }
    }
    let third = looks.len() / 3;
    let mean = |looks: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        looks.iter().map(of).sum::<f64>() / looks.len().max(1) as f64
    };
    let (middle, last) = (&looks[third..2 * third], &looks[2 * third..]);
    println!(
        "churn: objects={objects} changes={changes} in {:.0}s memory: second third {:.1} MiB, last third {:.1} MiB; \
         descriptors: second third {:.1}, last third {:.1}",
        begin.elapsed().as_secs_f64(),
        mean(middle, |look| look.0),
        mean(last, |look| look.0),
        mean(middle, |look| look.1),
        mean(last, |look| look.1),
    );
    stage.end().await
}
