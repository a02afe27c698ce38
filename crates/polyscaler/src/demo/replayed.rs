//! Scenario `backtest`: a week in a second, without a control plane.
//!
//! It runs the very command that users run, on the files of `examples/backtest`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::backtest::{BacktestArgs, run};

/// Its name on the command line.
pub(super) const NAME: &str = "backtest";

const SCALER: &str = include_str!("../../../../examples/backtest/scaler.yaml");
const WORKLOAD: &str = include_str!("../../../../examples/backtest/workload.yaml");
const LOAD: &str = "make:weekly,days=7,peak=900";

/// The command line of a backtest alone.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    backtest: BacktestArgs,
}

/// Writes the files, replays them, and says where the report is. Nothing is left running.
pub(super) fn show() -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("polyscaler-backtest-").tempdir();
    let folder = folder.context("no temporary folder can be made")?.keep();
    let (scaler, workload, report) =
        (folder.join("scaler.yaml"), folder.join("workload.yaml"), folder.join("report"));
    let write = |path: &Path, text: &str| {
        fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    write(&scaler, SCALER)?;
    write(&workload, WORKLOAD)?;
    let file = |path: &Path| path.display().to_string();
    let arguments = [
        "-f".to_owned(),
        file(&scaler),
        "--workload".to_owned(),
        file(&workload),
        "--load".to_owned(),
        LOAD.to_owned(),
        "--against".to_owned(),
        "hpa,keda,static:10,oracle".to_owned(),
        "--out".to_owned(),
        file(&report),
        "--plot".to_owned(),
    ];
    println!("polyscaler backtest {}\n", arguments.join(" "));
    let program = std::iter::once("polyscaler".to_owned());
    let arguments = Arguments::try_parse_from(program.chain(arguments))?;
    let code = run(&arguments.backtest)?;
    println!("\nThe report is {}: open it in a browser.", file(&report.join("report.html")));
    Ok(code)
}
