//! The table of docs/backtest.md: recorded traces with a workload model each, the HPA, KEDA, a GeneralScaler as it is and
//! tuned on the first half of the history; all scores are those of the second half.
//! `cargo bench -p backtest --bench traces [FOLDER [NAME…]]`; where the folder is absent it says so and does nothing.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backtest::Manifest;
use backtest::contender::{Contender, Fits, Planned, hpa, keda};
use backtest::gate::Condition;
use backtest::load::{CsvLoad, Grid, LoadError, ReadOptions};
use backtest::replay::{Entry, ReplayOptions, Replayed, Result, replay};
use backtest::scores::Scores;
use backtest::tune::{Search, SearchOptions};
use backtest::workload::{Bound, WorkloadSpec, bind};
use engine::Time;
use serde_json::json;

mod anything;

use anything::Anything;

/// A recorded trace, and what a service would be like that bears it.
struct Trace {
    file: &'static str,
    step: u64,
    /// What a replica bears, in the trace's own unit.
    capacity: f64,
    most: u32,
    /// Seconds.
    startup: u64,
    /// The time in which a value was counted.
    per: &'static str,
}

const TRACES: [Trace; 5] = [
    Trace { file: "nyc_taxi.csv", step: 1800, capacity: 2000.0, most: 40, startup: 60, per: "30m" },
    Trace {
        file: "elb_request_count_8c0756.csv",
        step: 300,
        capacity: 30.0,
        most: 40,
        startup: 60,
        per: "5m",
    },
    Trace { file: "twitter_volume_amzn.csv", step: 300, capacity: 20.0, most: 100, startup: 60, per: "5m" },
    Trace { file: "autothrottle_bursty.txt", step: 1, capacity: 30.0, most: 40, startup: 30, per: "1s" },
    Trace { file: "autothrottle_diurnal.txt", step: 1, capacity: 30.0, most: 40, startup: 30, per: "1s" },
];

/// The share of the HPA's violation minutes that the tuned one may have.
const FEWER: f64 = 0.75;

/// The share of what a replica bears that all of them aim for: the HPA's usual 80 %.
const AIM: f64 = 0.8;

impl Trace {
    fn manifest(&self) -> Manifest {
        let object = json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
            "metadata": { "name": "slo", "namespace": "shop" },
            "spec": { "targetDeployment": "web", "minReplicas": 1, "maxReplicas": self.most, "metrics": [
                { "name": "value", "type": "prometheus", "targetValue": AIM * self.capacity,
                  "config": { "query": "x" } }],
                "safety": { "scaleDownStabilizationSeconds": 300 } } });
        Manifest::compile(object, &Anything, &engine::POLICIES).unwrap()
    }

    /// What the table calls it.
    fn name(&self) -> &'static str {
        self.file.split_once('.').map_or(self.file, |(name, _)| name)
    }

    /// The same with a forecast that looks as far as a replica takes to start.
    fn foreseeing(&self, manifest: &Manifest) -> Manifest {
        let mut object = manifest.object.clone();
        object["spec"]["forecast"] = json!({ "horizonSeconds": self.startup });
        Manifest::compile(object, &Anything, &engine::POLICIES).unwrap()
    }

    fn open(
        &self,
        folder: &Path,
        bound: Option<&Bound>,
    ) -> std::result::Result<Grid<CsvLoad<File>>, LoadError> {
        let step = Duration::from_secs(self.step);
        let options = ReadOptions { step, ..ReadOptions::default() };
        let mut load = CsvLoad::open(File::open(folder.join(self.file))?, options)?;
        if let Some(bound) = bound {
            load.select(&bound.columns)?;
        }
        Grid::open(load, Some(step))
    }

    fn columns(&self, folder: &Path) -> Vec<String> {
        let file = File::open(folder.join(self.file)).unwrap();
        CsvLoad::open(file, ReadOptions::default()).unwrap().columns()
    }

    /// Searches on the first half, and replays everybody over all of it.
    fn run(&self, folder: &Path) -> Replayed {
        let manifest = self.manifest();
        let yaml = format!(
            "capacity: {}\nper: {}\nstartup: {}s\nslo: {{utilization: 1}}",
            self.capacity, self.per, self.startup
        );
        let spec = WorkloadSpec::from_yaml(&yaml).unwrap();
        let bound = bind(&manifest, &spec, &self.columns(folder)).unwrap();
        let mut grid = self.open(folder, Some(&bound)).unwrap();
        while grid.read().unwrap().is_some() {}
        let (first, end) = (grid.quality().first, grid.quality().end);
        let steps = end.since(first).as_secs() / self.step / 2;
        let split = first.plus(Duration::from_secs(steps * self.step));
        let tuned = self.tuned(folder, &manifest, &bound, split);
        let planned = |manifest: &Manifest| -> Box<dyn Contender> {
            Box::new(Planned::new(manifest.plan.clone(), bound.signals.clone(), first))
        };
        let mut entries = vec![
            ("hpa", Box::new(hpa(&manifest, &bound, first)) as Box<dyn Contender>),
            ("keda", Box::new(keda(&manifest, &bound, first))),
            ("slo", planned(&manifest)),
            ("slo, with forecast", planned(&self.foreseeing(&manifest))),
        ];
        entries.extend(tuned.iter().map(|tuned| ("tuned", planned(tuned))));
        let entry = |(name, contender): (&str, _)| Entry { name: name.to_owned(), contender, replicas: None };
        let options = ReplayOptions {
            interval_millis: 15_000,
            records: false,
            splits: vec![split],
            until: None,
            threads: 2,
        };
        let mut grid = self.open(folder, Some(&bound)).unwrap();
        let entries = entries.into_iter().map(entry).collect();
        replay(&mut grid, &bound.workload, entries, &options, &mut |_| {}).unwrap()
    }

    /// The cheapest that breaks the SLO in at most three quarters of the minutes that the HPA does on the first half, and
    /// on the other half does so, too, for no more pod-hours.
    fn tuned(&self, folder: &Path, manifest: &Manifest, bound: &Bound, split: Time) -> Option<Manifest> {
        let start = self.open(folder, Some(bound)).unwrap().quality().first;
        let entry = Entry {
            name: "hpa".to_owned(),
            contender: Box::new(hpa(manifest, bound, start)),
            replicas: None,
        };
        let options = ReplayOptions {
            interval_millis: 15_000,
            records: false,
            splits: vec![split],
            until: None,
            threads: 1,
        };
        let mut grid = self.open(folder, Some(bound)).unwrap();
        let of_hpa = replay(&mut grid, &bound.workload, vec![entry], &options, &mut |_| {}).unwrap();
        let [first, other] = of_hpa.results[0].parts.as_slice() else { return None };
        let condition = format!("slo_violation_minutes <= {}", FEWER * first.slo_violation_minutes);
        let search = Search {
            manifest,
            catalog: &Anything,
            policies: &engine::POLICIES,
            workload: &bound.workload,
            signals: &bound.signals,
            fits: Fits::default(),
        };
        let options = SearchOptions {
            candidates: 300,
            conditions: vec![Condition::parse(&condition).unwrap()],
            split,
            seed: 0,
            threads: 2,
        };
        let mut open = || self.open(folder, Some(bound));
        let searched = search.run(&options, &mut open, &mut |_| {}).unwrap();
        let is_better = |scores: &Scores, hpa: &Scores| {
            scores.slo_violation_minutes <= FEWER * hpa.slo_violation_minutes
                && scores.pod_hours <= hpa.pod_hours
        };
        let standing = searched.front.iter().find(|standing| {
            is_better(&standing.candidate.trained, first) && is_better(&standing.held_back, other)
        })?;
        Manifest::compile(standing.candidate.object.clone(), &Anything, &engine::POLICIES).ok()
    }
}

fn main() {
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let (given, names) = (given.next(), given.collect::<Vec<_>>());
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/traces");
    let folder = given.map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: there are no traces in {}", folder.display());
        return;
    }
    println!("| trace | contender | SLO broken, min | requests affected, % | pod-hours | actions |");
    println!("|---|---|---|---|---|---|");
    let mut shares = Vec::new();
    for trace in
        TRACES.iter().filter(|trace| names.is_empty() || names.iter().any(|name| name == trace.name()))
    {
        let replayed = trace.run(&folder);
        let scores =
            |name: &str| replayed.results.iter().find(|result| result.name == name).map(Result::scores);
        for result in &replayed.results {
            let Scores { slo_violation_minutes: minutes, violated_share, pod_hours, actions, .. } =
                result.scores();
            let (name, affected) = (&result.name, 100.0 * violated_share);
            println!(
                "| {} | {name} | {minutes:.1} | {affected:.2} | {pod_hours:.1} | {actions} |",
                trace.name()
            );
        }
        match (scores("hpa"), scores("tuned")) {
            (Some(hpa), Some(tuned)) => {
                shares.push((
                    tuned.slo_violation_minutes / hpa.slo_violation_minutes,
                    tuned.pod_hours / hpa.pod_hours,
                ));
            }
            _ => println!("| {} | tuned | no settings are better on both halves | | | |", trace.name()),
        }
    }
    shares.sort_by(|one, other| one.0.total_cmp(&other.0));
    if let Some((minutes, hours)) = shares.get(shares.len() / 2) {
        let (minutes, hours) = (100.0 * minutes, 100.0 * hours);
        println!(
            "\ntuned, in the median of {} traces: {minutes:.0} % of the HPA's minutes, at {hours:.0} % of its pod-hours",
            shares.len()
        );
    }
}
