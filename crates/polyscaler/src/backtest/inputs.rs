//! What a backtest reads: manifests, workload, load. What is wrong with them is reported with the file's name.

use std::path::Path;

use backtest::Manifest;
use backtest::contender::Played;
use backtest::load::{Grid, LoadError};
use backtest::workload::{Bound, SignalKind, WorkloadSpec, bind};
use sources::{AddressPolicy, Registry};

use super::args::LoadArgs;
use super::invalid::Invalid;
use super::load::{Load, LoadSource};
use crate::policies::policies;

/// Every object of our kinds in the file. Others, such as the Deployment beside it, are passed over.
pub(crate) fn manifests(path: &Path) -> Result<Vec<Manifest>, Invalid> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Invalid::of(path, format!("cannot be read: {error}")))?;
    let documents = resources::documents(&text).map_err(|problem| Invalid::of(path, problem))?;
    let catalog = Registry::new(AddressPolicy::default());
    let (mut manifests, mut problems) = (Vec::new(), Vec::new());
    for document in documents {
        let field =
            |pointer: &str| document.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
        let object = format!("{}/{}", field("/kind"), field("/metadata/name"));
        if !Manifest::is_known(field("/apiVersion"), field("/kind")) {
            continue;
        }
        match Manifest::compile(document, &catalog, policies()) {
            Ok(manifest) => manifests.push(manifest),
            Err(found) => problems.extend(Invalid::all(path, &object, &found).0),
        }
    }
    if !problems.is_empty() {
        return Err(Invalid(problems));
    }
    if manifests.is_empty() {
        return Err(Invalid::of(path, format!("has no object that can be replayed: {}", Manifest::kinds())));
    }
    Ok(manifests)
}

/// The workload file; all defaults where none is given.
pub(crate) fn workload(path: Option<&Path>) -> Result<WorkloadSpec, Invalid> {
    let Some(path) = path else { return Ok(WorkloadSpec::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Invalid::of(path, format!("cannot be read: {error}")))?;
    WorkloadSpec::from_yaml(&text).map_err(|problem| Invalid::of(path, problem))
}

/// A load and the world that it comes to.
pub(crate) struct Opened {
    pub(crate) source: LoadSource,
    pub(crate) bound: Bound,
    /// What was decided then, where the load comes from an audit file.
    pub(crate) played: Option<Played>,
}

/// Finds the load for `manifest`.
pub(crate) fn open(
    arguments: &LoadArgs,
    manifest: &Manifest,
    spec: &WorkloadSpec,
) -> Result<Opened, Invalid> {
    let (source, played) = LoadSource::of(arguments, manifest)?;
    let load = source.open().map_err(|error| Invalid::of_load(arguments, error))?;
    let place = arguments.workload.as_deref().unwrap_or(Path::new("workload"));
    let bound =
        bind(manifest, spec, &load.columns()).map_err(|problems| Invalid::all(place, "", &problems))?;
    if arguments.audit.is_some() || arguments.prometheus.is_some() {
        refuse_queues(arguments, manifest, &bound)?;
    }
    Ok(Opened { source, bound, played })
}

/// The length of a queue depends on the replicas of its day; what came in cannot be found in it.
fn refuse_queues(arguments: &LoadArgs, manifest: &Manifest, bound: &Bound) -> Result<(), Invalid> {
    let metrics = manifest.plan.metrics.iter().zip(&bound.signals);
    let queue = metrics
        .filter(|(_, signal)| matches!(signal.kind, SignalKind::Queue(_)))
        .map(|(metric, _)| &metric.name);
    let Some(name) = queue.into_iter().next() else { return Ok(()) };
    let problem = format!(
        "metric {name} is the length of a queue, which depends on the replicas of its day, so it does not show the arrivals; provide them with --load. metrics: {{{name}: {{signal: load}}}} in the workload replays the lengths \
         as they were"
    );
    Err(Invalid(vec![format!("{}: {problem}", arguments.place())]))
}

impl Opened {
    /// The load from its begin.
    pub(crate) fn grid(&self, arguments: &LoadArgs) -> Result<Grid<Load>, LoadError> {
        let mut load = self.source.open()?;
        load.select(&self.bound.columns)?;
        Grid::open(load, arguments.step)
    }
}
