//! Measures how an operator with many objects begins: at a restart, and when another replica takes over from one that was
//! killed. While it does, one of the two metric servers answers nothing: no target may be scaled for that.
//!
//! `bench/restarts.sh` builds the release binary and calls this.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::{Actuation, Operator, PATIENCE, Pace, Stage, answer, name, scaled_object};
use testbed::{Answer, Body, MetricServer, Signal};
use tokio::time::Instant;

const QUERY: &str = "/api/v1/query";

struct Arguments {
    program: String,
    objects: usize,
    interval: u64,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [program, objects, interval] = words.as_slice() else {
            bail!("usage: restarts PROGRAM OBJECTS INTERVAL");
        };
        let (objects, interval) =
            (objects.parse().context("OBJECTS")?, interval.parse().context("INTERVAL")?);
        Ok(Self { program: program.clone(), objects, interval })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let Arguments { program, objects, interval } = &arguments;
    let servers = [Arc::new(MetricServer::start().await?), Arc::new(MetricServer::start().await?)];
    for server in &servers {
        server.set_json(QUERY, &answer(30.0));
    }
    let stage = Stage::start(&[]).await?;
    stage.without_controllers().await?;
    stage.deployments(*objects, 3).await?;
    let made = (0..*objects)
        .map(|index| scaled_object(&name(index), &servers[index % 2].url(""), *interval, Actuation::Direct));
    stage.create(made.collect::<anyhow::Result<_>>()?).await?;
    let start = |name: &str| Operator::start(&stage, name, program, &[]);

    let first = start("first")?;
    first.wait_for_scaled_objects(*objects).await?;
    first.process.signal(Signal::TERM);
    first.process.wait(PATIENCE).await;

    let failed = Answer::new(http::StatusCode::SERVICE_UNAVAILABLE, Body::Text(String::new()));
    servers[1].set(QUERY, failed);
    bench::before_measuring().await?;
    let (begin, paces) = (Instant::now(), paces(&servers));
    let second = start("second")?;
    second.wait_for("polyscaler_leader", "", 1.0).await?;
    report("restart", &arguments, &second, begin, paces).await?;

    // One that follows knows all objects before it is needed.
    let third = start("third")?;
    third.wait_for("polyscaler_objects", "", *objects as f64).await?;
    let (begin, paces) = (Instant::now(), self::paces(&servers));
    second.process.kill();
    third.wait_for("polyscaler_leader", "", 1.0).await?;
    report("change of leader", &arguments, &third, begin, paces).await?;
    stage.end().await
}

fn paces(servers: &[Arc<MetricServer>]) -> Vec<Pace> {
    let pace = |server: &Arc<MetricServer>| {
        let server = Arc::clone(server);
        Pace::of(move || server.requests())
    };
    servers.iter().map(pace).collect()
}

/// Waits for the first round and the interval after it, and says how they were.
async fn report(
    what: &str,
    arguments: &Arguments,
    operator: &Operator,
    begin: Instant,
    paces: Vec<Pace>,
) -> anyhow::Result<()> {
    let leads = begin.elapsed();
    operator.wait_for_scaled_objects(arguments.objects).await?;
    let round = begin.elapsed() - leads;
    tokio::time::sleep(Duration::from_secs(arguments.interval)).await;
    let metrics = operator.metrics().await?;
    let busiest: Vec<u64> = paces.into_iter().map(|pace| pace.end().0).collect();
    println!(
        "{what}: objects={} interval={}s leads_after={:.1}s first_round={:.1}s busiest_second={busiest:?} scale_writes={} \
         not_ready={} memory={:.1} MiB",
        arguments.objects,
        arguments.interval,
        leads.as_secs_f64(),
        round.as_secs_f64(),
        metrics.sum("polyscaler_writes_total", "resource=\"scale\""),
        metrics.sum("polyscaler_objects_not_ready", ""),
        metrics.sum("process_resident_memory_bytes", "") / 1_048_576.0,
    );
    Ok(())
}
