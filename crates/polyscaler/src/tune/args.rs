//! The arguments of `polyscaler tune`.

use std::path::PathBuf;

use backtest::gate::Condition;
use clap::Args;

use crate::backtest::args::{LoadArgs, condition};

/// Searches the settings of a rule for the cheapest that keep a promise.
///
/// The search sees the first part of the history only; what it finds is judged on the rest. What does not hold there
/// is not recommended.
///
/// Exit status: 0 settings are recommended, 1 none are, or something given is not valid, 2 bad usage.
#[derive(Args)]
pub(crate) struct TuneArgs {
    /// The manifest with the rule.
    #[arg(long = "filename", short = 'f', value_name = "MANIFEST")]
    pub(super) manifest: PathBuf,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    /// What must hold, for example 'slo_violation_minutes <= 10'. May be given several times. Default:
    /// 'violated_share <= 0.001'.
    #[arg(long, value_parser = condition, value_name = "CONDITION")]
    pub(super) slo: Vec<Condition>,
    /// Whom the report compares with, as in `backtest`.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(super) against: Vec<String>,
    /// Folder for tuned.yaml, tuned.diff and the report; made where it is missing.
    #[arg(long, short, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Settings to try.
    #[arg(long, default_value_t = 200, value_parser = candidates, value_name = "COUNT")]
    pub(super) candidates: usize,
    /// The share of the history, from its begin, that the search sees.
    #[arg(long, default_value_t = 0.5, value_parser = share, value_name = "SHARE")]
    pub(super) train: f64,
    /// Seed of everything that is drawn: the same seed finds the same settings.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub(super) seed: u64,
}

fn candidates(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (2..=100_000).contains(count));
    count.ok_or_else(|| "give a number from 2 to 100000".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.1..=0.9).contains(share));
    share.ok_or_else(|| "give a share from 0.1 to 0.9".to_owned())
}
