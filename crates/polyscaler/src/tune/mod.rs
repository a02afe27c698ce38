//! `polyscaler tune`: the cheapest settings that keep an SLO, proven on history that the search has not seen.

mod args;
mod results;

use std::process::ExitCode;
use std::time::Duration;

use backtest::Manifest;
use backtest::contender::Fits;
use backtest::gate::Condition;
use backtest::tune::{Search, SearchError, SearchOptions, Searched};
use backtest::workload::WorkloadSpec;
use engine::Time;
use indicatif::{ProgressBar, ProgressStyle};
use sources::{AddressPolicy, Registry};

use crate::backtest::inputs::{self, Opened};
use crate::backtest::invalid::Invalid;
use crate::backtest::outputs::Folder;
use crate::policies::policies;
pub(crate) use args::TuneArgs;

/// What must hold where nobody says otherwise: one request in a thousand may be affected.
const DEFAULT_SLO: &str = "violated_share <= 0.001";

pub(crate) fn run(arguments: &TuneArgs) -> anyhow::Result<ExitCode> {
    let prepared = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(Invalid(problems)) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let searched = match prepared.search(arguments) {
        Ok(searched) => searched,
        Err(error) => {
            eprintln!("{}: {error}", arguments.load.place());
            return Ok(ExitCode::FAILURE);
        }
    };
    results::write(&prepared, arguments, folder, &searched)?;
    Ok(results::print(&prepared, &searched))
}

/// All that a search needs.
struct Prepared {
    manifest: Manifest,
    spec: WorkloadSpec,
    opened: Opened,
    conditions: Vec<Condition>,
    /// Where the held-back part begins.
    split: Time,
}

fn prepare(arguments: &TuneArgs) -> Result<Prepared, Invalid> {
    let mut found = inputs::manifests(&arguments.manifest)?;
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|manifest| manifest.name.as_str()).collect();
        let problem = format!("has {} objects, {}; give one at a time", found.len(), names.join(", "));
        return Err(Invalid::of(&arguments.manifest, problem));
    }
    let manifest = found.remove(0);
    let spec = inputs::workload(arguments.load.workload.as_deref())?;
    let opened = inputs::open(&arguments.load, &manifest, &spec)?;
    let of_load = |error| Invalid::of_load(&arguments.load, error);
    let mut grid = opened.grid(&arguments.load).map_err(of_load)?;
    // Once through, to know where it ends, and whether all of it can be read.
    let end = loop {
        match grid.read() {
            Ok(Some(_)) => {}
            Ok(None) => break grid.quality().end,
            Err(error) => return Err(of_load(error)),
        }
    };
    let (first, step) = (grid.quality().first, grid.step());
    let length = end.since(first).mul_f64(arguments.train);
    let cells = (length.as_millis() / step.as_millis().max(1)).max(1);
    let split = first.plus(Duration::from_millis((cells * step.as_millis()) as u64));
    let conditions = if arguments.slo.is_empty() {
        vec![Condition::parse(DEFAULT_SLO).map_err(|error| Invalid(vec![error.to_string()]))?]
    } else {
        arguments.slo.clone()
    };
    Ok(Prepared { manifest, spec, opened, conditions, split })
}

impl Prepared {
    fn search(&self, arguments: &TuneArgs) -> Result<Searched, SearchError> {
        let catalog = Registry::new(AddressPolicy::default());
        let search = Search {
            manifest: &self.manifest,
            catalog: &catalog,
            policies: policies(),
            workload: &self.opened.bound.workload,
            signals: &self.opened.bound.signals,
            fits: Fits::default(),
        };
        let options = SearchOptions {
            candidates: arguments.candidates,
            conditions: self.conditions.clone(),
            split: self.split,
            seed: arguments.seed,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        // Drawn on a terminal only.
        let bar = ProgressBar::new(arguments.candidates as u64);
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} candidates, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let mut open = || self.opened.grid(&arguments.load);
        let searched = search.run(&options, &mut open, &mut |tried| bar.set_position(tried as u64));
        bar.finish_and_clear();
        searched
    }
}
