//! What a search came to, in files and on the terminal.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use backtest::Manifest;
use backtest::replay::{ReplayOptions, replay};
use backtest::report::{Report, number};
use backtest::scores::Scores;
use backtest::tune::{Searched, Standing, knobs};
use serde_json::{Value, json};
use similar::TextDiff;
use sources::{AddressPolicy, Registry};

use super::{Prepared, TuneArgs};
use crate::backtest::contenders::Contenders;
use crate::backtest::outputs::{self, Folder};
use crate::policies::policies;

/// Lines around a change in a diff.
const CONTEXT: usize = 3;

/// Writes the files, where a folder was given.
pub(super) fn write(
    prepared: &Prepared,
    arguments: &TuneArgs,
    folder: Option<Folder<'_>>,
    searched: &Searched,
) -> anyhow::Result<()> {
    let Some(mut folder) = folder else { return Ok(()) };
    let recommended = recommended(searched);
    if let Some(standing) = recommended {
        let tuned = yaml(&standing.candidate.object)?;
        let diff = diff(prepared, standing)?;
        folder.add("tuned.yaml", |out| out.write_all(tuned.as_bytes()))?;
        folder.add("tuned.diff", |out| out.write_all(diff.as_bytes()))?;
    } else {
        // Those of an earlier run would look like a recommendation.
        folder.without("tuned.yaml");
        folder.without("tuned.diff");
    }
    let summary = summary(prepared, searched);
    folder.add("tune.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    })?;
    report(prepared, arguments, folder, recommended)
}

/// The report: the manifest as it is and as it is recommended, beside those that it is compared with. All of the
/// history is drawn, and the scores are those of the part that the search has not seen.
fn report(
    prepared: &Prepared,
    arguments: &TuneArgs,
    folder: Folder<'_>,
    recommended: Option<&Standing>,
) -> anyhow::Result<()> {
    let Prepared { manifest, spec, opened, split, .. } = prepared;
    let mut grid = opened.grid(&arguments.load).context("the load cannot be read again")?;
    let start = grid.quality().first;
    let catalog = Registry::new(AddressPolicy::default());
    let tuned = recommended.and_then(|standing| {
        let manifest = Manifest::compile(standing.candidate.object.clone(), &catalog, policies()).ok()?;
        Some(("tuned".to_owned(), Manifest { name: format!("{}, tuned", manifest.name), ..manifest }))
    });
    let file = arguments.manifest.display().to_string();
    let both = std::iter::once((file, manifest.clone())).chain(tuned).collect();
    let contenders = Contenders::new(both, &arguments.against, spec, &opened.bound)
        .map_err(|invalid| anyhow::anyhow!(invalid.0.join("\n")))?;
    let options = ReplayOptions {
        interval_millis: contenders.interval_millis(),
        records: true,
        splits: vec![*split],
        until: None,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let workload = &opened.bound.workload;
    let entries = contenders.entries(manifest, &opened.bound, grid.step(), start);
    let replayed = replay(&mut grid, workload, entries, &options, &mut |_| {})?;
    let title = format!("{}, tuned", manifest.name);
    let remarks =
        [format!("the scores are those of the load from {split} on, which the search has not used")];
    outputs::write(folder, &Report { title: &title, replayed: &replayed, workload, remarks: &remarks })
}

/// The table, the diff and the verdict.
pub(super) fn print(prepared: &Prepared, searched: &Searched) -> ExitCode {
    println!(
        "{} settings tried on the load before {}, evaluated on the rest\n",
        searched.tried, prepared.split
    );
    print!("{}", table(searched));
    let Some(standing) = recommended(searched) else {
        let conditions: Vec<String> = prepared.conditions.iter().map(ToString::to_string).collect();
        eprintln!(
            "\nnothing is recommended: no settings meet {} on both parts of the history",
            conditions.join(" and ")
        );
        return ExitCode::FAILURE;
    };
    match diff(prepared, standing) {
        Ok(diff) if diff.is_empty() => println!("\nthe manifest is already the best"),
        Ok(diff) => print!("\n{diff}"),
        Err(error) => eprintln!("{error:#}"),
    }
    ExitCode::SUCCESS
}

fn recommended(searched: &Searched) -> Option<&Standing> {
    searched.recommended.and_then(|place| searched.front.get(place))
}

/// One line a candidate of the front, the manifest as it is first.
fn table(searched: &Searched) -> String {
    let mut text = format!(
        "{:<12}{:>16}{:>14}{:>18}{:>14}  held back\n",
        "settings", "minutes, seen", "cost, seen", "minutes, held", "cost, held"
    );
    let mut line = |name: &str, standing: &Standing| {
        let (seen, held) = (&standing.candidate.trained, &standing.held_back);
        let _ = writeln!(
            text,
            "{name:<12}{:>16}{:>14}{:>18}{:>14}  {}",
            number(seen.slo_violation_minutes),
            number(seen.cost),
            number(held.slo_violation_minutes),
            number(held.cost),
            if standing.holds { "holds" } else { "does not hold" }
        );
    };
    line("as it is", &searched.original);
    for (place, standing) in searched.front.iter().enumerate() {
        let is_it = searched.recommended == Some(place);
        let name = format!("{}{}", standing.candidate.number, if is_it { " ◀" } else { "" });
        line(&name, standing);
    }
    text
}

fn yaml(object: &Value) -> anyhow::Result<String> {
    serde_saphyr::to_string(object).context("the manifest cannot be written as YAML")
}

/// How the manifest changes, without the comments of its file.
fn diff(prepared: &Prepared, standing: &Standing) -> anyhow::Result<String> {
    let (before, after) = (yaml(&prepared.manifest.object)?, yaml(&standing.candidate.object)?);
    if before == after {
        return Ok(String::new());
    }
    let name = &prepared.manifest.name;
    let diff = TextDiff::from_lines(&before, &after);
    Ok(diff.unified_diff().context_radius(CONTEXT).header(name, &format!("{name}, tuned")).to_string())
}

fn summary(prepared: &Prepared, searched: &Searched) -> Value {
    let knobs: Vec<String> =
        knobs(&prepared.manifest.object).iter().map(backtest::tune::Knob::path).collect();
    let standing = |standing: &Standing| {
        let candidate = &standing.candidate;
        let scores = |scores: &Scores, holds: bool| json!({ "scores": scores, "holds": holds });
        json!({
            "number": candidate.number,
            "spec": candidate.object["spec"],
            "seen": scores(&candidate.trained, candidate.holds),
            "held_back": scores(&standing.held_back, standing.holds),
        })
    };
    json!({
        "conditions": prepared.conditions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "split": prepared.split,
        "tried": searched.tried,
        "knobs": knobs,
        "original": standing(&searched.original),
        "front": searched.front.iter().map(standing).collect::<Vec<_>>(),
        "recommended": recommended(searched).map(|standing| standing.candidate.number),
    })
}
