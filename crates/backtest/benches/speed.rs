//! How fast a replay is: 30 days at 15 s for one rule, a thousand candidates over the same, and a report. Prints one line
//! of figures each, with what was aimed for. `cargo bench -p backtest --bench speed`.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::time::{Duration, Instant};

use backtest::Manifest;
use backtest::contender::{Fits, Planned};
use backtest::gate::Condition;
use backtest::load::{Grid, LoadError, Recorded, Shape, generate};
use backtest::replay::{Entry, ReplayOptions, replay};
use backtest::report::Report;
use backtest::tune::{Search, SearchOptions};
use backtest::workload::{Bound, WorkloadSpec, bind};
use engine::Time;
use serde_json::json;

mod anything;

use anything::Anything;

const STEP: Duration = Duration::from_secs(15);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

fn manifest() -> Manifest {
    let object = json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "targetDeployment": "web", "minReplicas": 2, "maxReplicas": 30, "metrics": [
            { "name": "requests", "type": "prometheus", "targetValue": 80, "config": { "query": "x" } }],
            "safety": { "scaleDownStabilizationSeconds": 300 } } });
    Manifest::compile(object, &Anything, &engine::POLICIES).unwrap()
}

fn month() -> Recorded {
    let mut samples = Recorded::new(1);
    for (at, value) in generate(Shape::Weekly, 1, 2000.0, Time::default(), MONTH, STEP) {
        samples.push(at, &[value]);
    }
    samples
}

fn bound(manifest: &Manifest) -> Bound {
    let spec = WorkloadSpec::from_yaml("capacity: 100\nstartup: 45s\nslo: {latency: 100ms}").unwrap();
    bind(manifest, &spec, &["requests".to_owned()]).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn seconds<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let came = run();
    (start.elapsed().as_secs_f64(), came)
}

/// The peak memory of this process, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()).unwrap_or_default()
        / 1024.0
}

fn main() {
    let (manifest, samples) = (manifest(), month());
    let bound = bound(&manifest);
    let options = |records| ReplayOptions {
        interval_millis: 15_000,
        records,
        splits: Vec::new(),
        until: None,
        threads: 1,
    };
    let entry = || Entry {
        name: "web".to_owned(),
        contender: Box::new(Planned::new(manifest.plan.clone(), bound.signals.clone(), Time::default())),
        replicas: None,
    };
    let run = || {
        let mut grid = Grid::open(samples.clone(), Some(STEP)).unwrap();
        replay(&mut grid, &bound.workload, vec![entry()], &options(true), &mut |_| {}).unwrap()
    };
    let (took, one) = seconds(run);
    let (again, two) = seconds(run);
    assert_eq!(one, two, "the same bits from run to run");
    println!("30 days at 15 s, one rule, one core: {:.3} s (at most 0.5)", took.min(again));
    let report = Report { title: "bench", replayed: &one, workload: &bound.workload, remarks: &[] };
    let (took, page) = seconds(|| report.html());
    println!("report.html of it: {took:.3} s, {} KiB", page.len() / 1024);
    let count = 1000;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    let search = Search {
        manifest: &manifest,
        catalog: &Anything,
        policies: &engine::POLICIES,
        workload: &bound.workload,
        signals: &bound.signals,
        fits: Fits::default(),
    };
    let options = SearchOptions {
        candidates: count,
        conditions: vec![Condition::parse("violated_share <= 0.001").unwrap()],
        split: Time::default().plus(MONTH.mul_f64(0.5)),
        seed: 0,
        threads,
    };
    let mut open = || -> Result<Grid<Recorded>, LoadError> { Grid::open(samples.clone(), Some(STEP)) };
    let (took, searched) = seconds(|| search.run(&options, &mut open, &mut |_| {}).unwrap());
    println!(
        "{} candidates over 30 days, searched on half, {threads} threads: {took:.1} s (at most 300)",
        searched.tried
    );
    println!("memory: {:.0} MiB at most, {:.1} of them the samples", peak(), 172_800.0 * 16.0 / 1_048_576.0);
}
