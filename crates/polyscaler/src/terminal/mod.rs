//! Commands for people at a terminal: `status` and `why` say what the operator has decided and why, `diff` what
//! manifests would decide now. They read by the caller's own rights and write nothing.
//!
//! Installed as `kubectl-polyscaler` the program is a kubectl plugin, so these take kubectl's flags.

mod connection;
mod diff;
mod events;
mod keda_report;
mod kept_hpa;
mod object;
mod status;
mod table;
mod why;

use std::process::ExitCode;

pub(crate) use diff::DiffArgs;
pub(crate) use keda_report::KedaReportArgs;
pub(crate) use status::StatusArgs;
pub(crate) use why::WhyArgs;

use clap::ValueEnum;
use resources::Context;
use sources::Registry;

use crate::policies::policies;

/// The exit status where something is not as it should be, or would change.
const NOT_SO: u8 = 1;
/// The exit status where that cannot be said.
const CANNOT_SAY: u8 = 2;

/// How to print what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// JSON, for programs.
    Json,
}

pub(crate) fn status(arguments: &StatusArgs) -> ExitCode {
    run(status::run(arguments))
}

pub(crate) fn why(arguments: &WhyArgs) -> ExitCode {
    run(why::run(arguments))
}

pub(crate) fn diff(arguments: &DiffArgs) -> ExitCode {
    run(diff::run(arguments))
}

pub(crate) fn keda_report(arguments: &KedaReportArgs) -> ExitCode {
    run(keda_report::run(arguments))
}

/// In which objects that exist already are compiled: whether they may act where they do is not judged here.
fn lenient(catalog: &Registry) -> Context<'_> {
    Context { catalog, policies: policies(), allow_cross_namespace: true, admitting: false, resolved: None }
}

/// Runs a command to its end. What cannot be said has an exit status of its own, so that scripts can tell.
fn run(command: impl Future<Output = anyhow::Result<bool>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let answer = runtime.block_on(command);
        runtime.shutdown_background();
        answer
    });
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_SO),
        Err(error) => {
            eprintln!("polyscaler: {error:#}");
            ExitCode::from(CANNOT_SAY)
        }
    }
}
