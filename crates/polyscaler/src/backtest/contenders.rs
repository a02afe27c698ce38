//! Who takes part in a backtest.

use std::path::Path;

use backtest::Manifest;
use backtest::contender::{Fits, Fixed, Oracle, Played, hpa, keda, of_manifest};
use backtest::replay::Entry;
use backtest::workload::{Bound, Signal, WorkloadSpec, signals};
use engine::Time;

use super::inputs::manifests;
use super::invalid::Invalid;

/// Whom the candidate is compared with, as the command line names it.
#[derive(Clone, Debug)]
enum Named {
    Static(u32),
    Oracle,
    Hpa,
    Keda,
    Manifest(Box<Manifest>, Vec<Signal>),
    Played(Played),
}

/// Behind the name of a manifest that goes by forecasts, replayed without them.
pub(super) const WITHOUT_FORECAST: &str = ", no forecast";

/// All contenders, the candidate first.
#[derive(Debug)]
pub(crate) struct Contenders(Vec<(String, Named)>);

impl Contenders {
    /// The `candidates`, and whoever `against` names.
    pub(crate) fn new(
        candidates: Vec<(String, Manifest)>,
        against: &[String],
        spec: &WorkloadSpec,
        bound: &Bound,
    ) -> Result<Self, Invalid> {
        let mut all = Self(Vec::new());
        for (file, manifest) in candidates {
            all.add_manifest(&file, manifest, spec, bound)?;
        }
        let foreseeing = all.foreseeing();
        for name in against.iter().map(|name| name.trim()) {
            match name.strip_prefix("static:").map(str::parse) {
                Some(Ok(replicas)) => all.add_built_in(name, Named::Static(replicas)),
                Some(Err(_)) => {
                    return Err(Invalid(vec![format!(
                        "--against {name}: must have a number of replicas, such as static:5"
                    )]));
                }
                None if name == "oracle" => all.add_built_in(name, Named::Oracle),
                None if name == "hpa" => all.add_built_in(name, Named::Hpa),
                None if name == "keda" => all.add_built_in(name, Named::Keda),
                None if Path::new(name).is_file() => {
                    for manifest in manifests(Path::new(name))? {
                        all.add_manifest(name, manifest, spec, bound)?;
                    }
                }
                None => {
                    let known = "hpa, keda, static:N, oracle, or the file of a manifest";
                    return Err(Invalid(vec![format!(
                        "--against {name}: there is no such contender and no such file; use {known}"
                    )]));
                }
            }
        }
        // Last, so that whoever is named second stays the one that conditions compare with.
        all.0.extend(foreseeing);
        Ok(all)
    }

    /// The manifests that go by forecasts, without them: what a forecast is worth is the difference.
    fn foreseeing(&self) -> Vec<(String, Named)> {
        let without = |(name, named): &(String, Named)| match named {
            Named::Manifest(manifest, signals) if manifest.plan.foresight.is_some() => {
                let mut manifest = manifest.clone();
                manifest.plan.foresight = None;
                Some((format!("{name}{WITHOUT_FORECAST}"), Named::Manifest(manifest, signals.clone())))
            }
            _ => None,
        };
        self.0.iter().filter_map(without).collect()
    }

    /// What was decided in production then.
    pub(crate) fn add_played(&mut self, played: Played) {
        self.0.push(("recorded".to_owned(), Named::Played(played)));
    }

    fn add_built_in(&mut self, name: &str, named: Named) {
        let name = self.distinct(name, "built-in");
        self.0.push((name, named));
    }

    fn add_manifest(
        &mut self,
        file: &str,
        manifest: Manifest,
        spec: &WorkloadSpec,
        bound: &Bound,
    ) -> Result<(), Invalid> {
        let signals = signals(&manifest, spec, bound).map_err(|problems| {
            Invalid(problems.iter().map(|problem| format!("{file}: {}: {problem}", manifest.name)).collect())
        })?;
        let name = self.distinct(&manifest.name, file);
        self.0.push((name, Named::Manifest(Box::new(manifest), signals)));
        Ok(())
    }

    /// A name that no other has: with the file's where two objects have the same one.
    fn distinct(&self, name: &str, file: &str) -> String {
        let is_taken = |name: &str| self.0.iter().any(|(taken, _)| taken == name);
        let stem =
            Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let named = if is_taken(name) { format!("{name}@{stem}") } else { name.to_owned() };
        let mut distinct = named.clone();
        let mut count = 2;
        while is_taken(&distinct) {
            distinct = format!("{named}-{count}");
            count += 1;
        }
        distinct
    }

    /// Time between two polls of whoever polls most often, in milliseconds.
    pub(crate) fn interval_millis(&self) -> i64 {
        let intervals = self.0.iter().filter_map(|(_, named)| match named {
            Named::Manifest(manifest, _) => Some(manifest.plan.interval.as_millis() as i64),
            _ => None,
        });
        intervals.min().unwrap_or(15_000)
    }

    /// Everyone ready to begin at `start`, where a value of the load lasts for `step`. The HPA and KEDA follow what
    /// `candidate` does.
    pub(crate) fn entries(
        self,
        candidate: &Manifest,
        bound: &Bound,
        step: std::time::Duration,
        start: Time,
    ) -> Vec<Entry> {
        let (members, fits) = (bound.workload.members.len(), Fits::default());
        let entry = |(name, named)| match named {
            Named::Static(count) => {
                Entry { name, contender: Box::new(Fixed), replicas: Some(vec![count; members]) }
            }
            Named::Hpa => Entry { name, contender: Box::new(hpa(candidate, bound, start)), replicas: None },
            Named::Keda => Entry { name, contender: Box::new(keda(candidate, bound, start)), replicas: None },
            Named::Oracle => {
                let oracle = Oracle::new(&bound.workload, step, start);
                Entry { name, contender: Box::new(oracle), replicas: None }
            }
            Named::Played(played) => {
                let replicas = Some(played.first_replicas(members));
                Entry { name, contender: Box::new(played), replicas }
            }
            Named::Manifest(manifest, signals) => {
                Entry { name, contender: of_manifest(*manifest, signals, &fits, start), replicas: None }
            }
        };
        self.0.into_iter().map(entry).collect()
    }
}
