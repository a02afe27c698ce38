//! The arguments of `polyscaler backtest`.

use std::path::PathBuf;
use std::time::Duration;

use backtest::gate::Condition;
use clap::{Args, ValueEnum};
use engine::Time;
use reqwest::Url;

/// Replays recorded load through rules, before they touch a cluster, and shows the result.
///
/// Every manifest runs on the operator's own engine, in its own simulation with the same load. Scores are the
/// elasticity metrics of SPEC RG, violations of the SLO, and cost. docs/backtest.md is a tutorial.
///
/// Exit status: 0 if done, 1 if a manifest, the workload or the load is not valid, or a condition of
/// --fail-if is met, 2 for bad usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BacktestArgs {
    /// Manifests to replay, several documents each. The first object is the candidate that --fail-if judges.
    #[arg(long = "filename", short = 'f', required = true, num_args = 1.., value_name = "MANIFEST")]
    pub(crate) manifests: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Contenders to compare with: `hpa`, `keda`, `static:N`, `oracle`, or further manifests, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(crate) against: Vec<String>,
    /// Directory for report.html, summary.json and timeline.csv; created if it does not exist.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Condition under which the exit status is 1, for example 'slo_violation_minutes > 10' or 'cost > 1.2 * baseline'.
    /// Can be repeated.
    #[arg(long = "fail-if", value_parser = condition, value_name = "CONDITION")]
    pub(crate) fail_if: Vec<Condition>,
    /// The contender that `baseline` refers to in conditions. Default: the second contender.
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
    /// Also draw load and replicas in the terminal.
    #[arg(long)]
    pub(crate) plot: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: Output,
}

const EXAMPLES: &str = "Examples:
  polyscaler backtest -f scaler.yaml --load load.csv --workload workload.yaml --against hpa,keda,static:5,oracle --out report
  polyscaler backtest -f new.yaml --load load.csv --against old.yaml --fail-if 'cost > 1.1 * baseline'";

/// The load, and the world that it comes to.
#[derive(Args)]
pub(crate) struct LoadArgs {
    /// Recorded load: CSV with a column of times, or one value per line.
    /// `make:weekly,days=14,peak=800,step=1m,seed=1` generates one; shapes are weekly, step, ramp,
    /// flash-crowd, on-off, outage and drift.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["prometheus", "audit"],
          conflicts_with_all = ["prometheus", "audit"])]
    pub(crate) load: Option<PathBuf>,
    /// Load from Prometheus: the history of the manifest's own queries.
    #[arg(long, value_name = "URL", conflicts_with = "audit")]
    pub(crate) prometheus: Option<Url>,
    /// Length of the history.
    #[arg(long, default_value = "7d", value_parser = crate::duration, value_name = "TIME")]
    pub(crate) range: Duration,
    /// End of the history. Default: now.
    #[arg(long, value_parser = moment, value_name = "TIME", requires = "prometheus")]
    pub(crate) until: Option<Time>,
    /// A header for Prometheus, such as 'Authorization: Bearer …'. Can be repeated.
    #[arg(long, value_parser = header, value_name = "NAME: VALUE", requires = "prometheus")]
    pub(crate) header: Vec<(String, String)>,
    /// Load from the readings in an audit file of the operator. Its decisions take part as `recorded`.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Time between two values. Default: that of the file's times, or 60s if it has none.
    #[arg(long, value_parser = crate::duration, value_name = "TIME")]
    pub(crate) step: Option<Duration>,
    /// The column of times. Default: detected by its name.
    #[arg(long, value_name = "NAME")]
    pub(crate) time_column: Option<String>,
    /// The zone of times without an offset, for example Europe/Berlin. Default: UTC.
    #[arg(long, value_parser = zone, value_name = "ZONE")]
    pub(crate) time_zone: Option<Zone>,
    /// Separator of the fields. Default: detected.
    #[arg(long, value_parser = separator, value_name = "CHARACTER")]
    pub(crate) separator: Option<u8>,
    /// YAML file with the capacity of a replica, its startup time, and the SLO. Default: from the manifest.
    #[arg(long, value_name = "FILE")]
    pub(crate) workload: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table.
    Text,
    /// The content of summary.json.
    Json,
}

impl LoadArgs {
    /// Where the load comes from, for messages.
    pub(crate) fn place(&self) -> String {
        let file = self.load.as_ref().or(self.audit.as_ref()).map(|path| path.display().to_string());
        file.or_else(|| self.prometheus.as_ref().map(Url::to_string)).unwrap_or_default()
    }

    /// The same in one word, for titles.
    pub(crate) fn name(&self) -> String {
        let file = self.load.as_ref().or(self.audit.as_ref()).and_then(|path| path.file_name());
        file.map_or_else(
            || "the history of Prometheus".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }
}

/// A time zone as an argument.
#[derive(Clone, Debug)]
pub(crate) struct Zone(pub(crate) jiff::tz::TimeZone);

fn zone(name: &str) -> Result<Zone, String> {
    backtest::load::zone(name).map(Zone)
}

fn moment(text: &str) -> Result<Time, String> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let moment = moment.map(|moment| Time::from_millis(moment.as_millisecond()));
    moment.map_err(|_| "must be a time such as 2026-11-29T19:10:00Z".to_owned())
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("must be a name and a value: 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("must be one character that is not a letter or digit, or tab".to_owned()),
    }
}

pub(crate) fn condition(text: &str) -> Result<Condition, String> {
    Condition::parse(text).map_err(|error| error.to_string())
}
