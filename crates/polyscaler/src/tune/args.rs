//! The arguments of `polyscaler tune`.

use std::path::PathBuf;

use backtest::gate::Condition;
use clap::Args;

use crate::backtest::args::{LoadArgs, condition};

/// Searches for the cheapest settings of a rule that meet an SLO.
///
/// The search uses only the first part of the history; its results are evaluated on the rest. Settings that
/// do not meet the SLO there are not recommended.
///
/// Exit status: 0 if settings are recommended, 1 if none are or an input is not valid, 2 for bad usage.
#[derive(Args)]
pub(crate) struct TuneArgs {
    /// The manifest with the rule.
    #[arg(long = "filename", short = 'f', value_name = "MANIFEST")]
    pub(super) manifest: PathBuf,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    /// The SLO to meet, for example 'slo_violation_minutes <= 10'. Can be repeated. Default:
    /// 'violated_share <= 0.001'.
    #[arg(long, value_parser = condition, value_name = "CONDITION")]
    pub(super) slo: Vec<Condition>,
    /// Contenders in the report, as in `backtest`.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(super) against: Vec<String>,
    /// Directory for tuned.yaml, tuned.diff and the report; created if it does not exist.
    #[arg(long, short, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Number of settings to try.
    #[arg(long, default_value_t = 200, value_parser = candidates, value_name = "COUNT")]
    pub(super) candidates: usize,
    /// The share of the history, from its start, that the search uses.
    #[arg(long, default_value_t = 0.5, value_parser = share, value_name = "SHARE")]
    pub(super) train: f64,
    /// Seed of all random values: the same seed finds the same settings.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub(super) seed: u64,
}

fn candidates(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (2..=100_000).contains(count));
    count.ok_or_else(|| "must be a number from 2 to 100000".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.1..=0.9).contains(share));
    share.ok_or_else(|| "must be a share from 0.1 to 0.9".to_owned())
}
