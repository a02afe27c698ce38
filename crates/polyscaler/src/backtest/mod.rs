//! `polyscaler backtest`: what a rule would have done, before it does it.

pub(crate) mod args;
mod audit;
pub(crate) mod contenders;
mod history;
pub(crate) mod inputs;
pub(crate) mod invalid;
pub(crate) mod load;
pub(crate) mod outputs;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use backtest::Manifest;
use backtest::gate::{Condition, ConditionError};
use backtest::load::Grid;
use backtest::replay::{ReplayOptions, Replayed, replay};
use backtest::report::{Report, number};
use backtest::scores::Scores;

pub(crate) use args::BacktestArgs;
use args::Output;
use contenders::Contenders;
use inputs::Opened;
use invalid::Invalid;
use load::Load;
use outputs::Folder;

/// Columns of a drawing where nobody says how wide the terminal is.
const COLUMNS: usize = 100;

/// Bad usage that shows only once everything is read.
const USAGE: u8 = 2;

pub(crate) fn run(arguments: &BacktestArgs) -> anyhow::Result<ExitCode> {
    match prepare(arguments) {
        Ok(prepared) => prepared.run(arguments),
        Err(Invalid(problems)) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// All that a replay needs.
struct Prepared {
    candidate: Manifest,
    opened: Opened,
    grid: Grid<Load>,
    contenders: Contenders,
    title: String,
}

fn prepare(arguments: &BacktestArgs) -> Result<Prepared, Invalid> {
    let mut candidates = Vec::new();
    for path in &arguments.manifests {
        let found = inputs::manifests(path)?;
        candidates.extend(found.into_iter().map(|manifest| (path.display().to_string(), manifest)));
    }
    let spec = inputs::workload(arguments.load.workload.as_deref())?;
    let candidate = candidates[0].1.clone();
    let mut opened = inputs::open(&arguments.load, &candidate, &spec)?;
    let title = format!("{} over {}", candidate.name, arguments.load.name());
    let mut contenders = Contenders::new(candidates, &arguments.against, &spec, &opened.bound)?;
    if let Some(played) = opened.played.take() {
        contenders.add_played(played);
    }
    let grid = opened.grid(&arguments.load).map_err(|error| Invalid::of_load(&arguments.load, error))?;
    Ok(Prepared { candidate, opened, grid, contenders, title })
}

impl Prepared {
    fn run(self, arguments: &BacktestArgs) -> anyhow::Result<ExitCode> {
        let folder = arguments.out.as_deref().map(Folder::open).transpose()?;
        let Self { candidate, opened, mut grid, contenders, title } = self;
        let workload = &opened.bound.workload;
        let options = ReplayOptions {
            interval_millis: contenders.interval_millis(),
            records: true,
            splits: Vec::new(),
            until: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let start = grid.quality().first;
        let entries = contenders.entries(&candidate, &opened.bound, grid.step(), start);
        let replayed = match replay(&mut grid, workload, entries, &options, &mut |_| {}) {
            Ok(replayed) => replayed,
            Err(error) => {
                eprintln!("{}: {error}", arguments.load.place());
                return Ok(ExitCode::FAILURE);
            }
        };
        let warnings = candidate.warnings.iter().map(ToString::to_string);
        let remarks: Vec<String> = warnings.chain(forecasts(&replayed)).collect();
        let report = Report { title: &title, replayed: &replayed, workload, remarks: &remarks };
        if let Some(folder) = folder {
            outputs::write(folder, &report)?;
        }
        print(&report, arguments);
        Ok(judge(&arguments.fail_if, arguments.baseline.as_deref(), &replayed))
    }
}

/// What each forecast was worth: a sentence for each manifest that was replayed with and without.
fn forecasts(replayed: &Replayed) -> impl Iterator<Item = String> {
    let without = replayed.results.iter().filter_map(|without| {
        let name = without.name.strip_suffix(contenders::WITHOUT_FORECAST)?;
        let with = replayed.results.iter().find(|with| with.name == name)?;
        Some((name, with.scores(), without.scores()))
    });
    without.map(|(name, with, without)| {
        let (minutes, hours) = (number(with.slo_violation_minutes), number(with.pod_hours));
        let (before, hours_before) = (number(without.slo_violation_minutes), number(without.pod_hours));
        format!(
            "the forecast of {name}: the SLO is broken for {minutes} min in place of {before}, with {hours} pod-hours in \
             place of {hours_before}"
        )
    })
}

fn print(report: &Report<'_>, arguments: &BacktestArgs) {
    if arguments.output == Output::Json {
        println!("{}", report.summary());
        return;
    }
    if arguments.plot {
        print!("{}", report.plot(columns()));
        println!();
    }
    print!("{}", report.table());
    for remark in report.never_read().into_iter().chain(forecasts(report.replayed)) {
        println!("\n{remark}");
    }
    if let (Some(out), true) = (&arguments.out, std::io::stdout().is_terminal()) {
        println!("\nThe report is {}", out.join("report.html").display());
    }
}

/// How wide the terminal is.
fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.unwrap_or(COLUMNS).saturating_sub(4)
}

/// Says which conditions are met.
fn judge(conditions: &[Condition], baseline: Option<&str>, replayed: &Replayed) -> ExitCode {
    let scores: Vec<(&str, Scores)> =
        replayed.results.iter().map(|result| (result.name.as_str(), result.scores())).collect();
    let all: Vec<(&str, &Scores)> = scores.iter().map(|(name, scores)| (*name, scores)).collect();
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let compared = match baseline {
        None => all.get(1).map(|(_, scores)| *scores),
        Some(name) => match all.iter().find(|(known, _)| *known == name) {
            Some((_, scores)) => Some(*scores),
            None => {
                eprintln!("--baseline {name}: there is no such contender; there are {}", known());
                return ExitCode::from(USAGE);
            }
        },
    };
    let mut code = ExitCode::SUCCESS;
    for condition in conditions {
        let verdict = match condition.judge(all[0].1, compared, &all) {
            Ok(verdict) => verdict,
            Err(error) => return bad_usage(&error),
        };
        if verdict.holds {
            let (value, limit) = (number(verdict.value), number(verdict.limit));
            eprintln!("failed: {condition} ({value}, the limit is {limit})");
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn bad_usage(error: &ConditionError) -> ExitCode {
    eprintln!("--fail-if {error}");
    ExitCode::from(USAGE)
}
