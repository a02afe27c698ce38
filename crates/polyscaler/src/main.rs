//! polyscaler: one autoscaler for Kubernetes.
//!
//! This crate is arguments and wiring; what the parts do stands in their own crates.

mod backtest;
mod check;
mod coordinate;
#[cfg(feature = "demo")]
mod demo;
mod logging;
mod operator;
mod parts;
mod policies;
#[cfg(test)]
mod reference;
mod telemetry;

mod terminal;
mod tune;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use policies::policies;

/// Of each object some ninety small values stay, and between them lies what its polls need for a moment: with thousands of
/// objects glibc's `malloc` takes a sixth more memory for that, and a third more of the processor (docs/performance.md).
#[cfg(not(feature = "heap-profile"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One autoscaler for Kubernetes: five APIs over one decision engine.
#[derive(Parser)]
#[command(name = "polyscaler", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // Without words of their own these have those of their arguments, the longer help included.
    Operator(Box<operator::OperatorArgs>),
    Coordinate(Box<coordinate::CoordinateArgs>),
    Check(check::CheckArgs),
    Backtest(Box<backtest::BacktestArgs>),
    Tune(Box<tune::TuneArgs>),
    Status(Box<terminal::StatusArgs>),
    Why(Box<terminal::WhyArgs>),
    Diff(Box<terminal::DiffArgs>),
    KedaReport(Box<terminal::KedaReportArgs>),
    /// Print all CRDs as YAML, for `kubectl apply -f -`.
    Crds,
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
    // Two TLS libraries could be linked; whichever is used first must find this one chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = usage::arguments();
    let result = match arguments.command {
        Command::Operator(arguments) => operator::run(*arguments),
        Command::Coordinate(arguments) => coordinate::run(*arguments),
        Command::Check(arguments) => Ok(check::run(&arguments)),
        Command::Backtest(arguments) => backtest::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Status(arguments) => Ok(terminal::status(&arguments)),
        Command::Why(arguments) => Ok(terminal::why(&arguments)),
        Command::Diff(arguments) => Ok(terminal::diff(&arguments)),
        Command::KedaReport(arguments) => Ok(terminal::keda_report(&arguments)),
        Command::Crds => print_crds(),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("polyscaler: {error:#}");
        ExitCode::FAILURE
    })
}

fn print_crds() -> anyhow::Result<ExitCode> {
    use std::io::Write as _;
    std::io::stdout().write_all(resources::crds_yaml(policies()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A time such as `60s`, `2m`, `1h30m` or `7d`; a day is 24 hours.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let advice = || "must be a duration such as 60s, 2m, 1h30m or 7d".to_owned();
    let is_count = |days: &str| !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit());
    let split = text.split_once('d').filter(|(days, _)| is_count(days));
    let (days, rest) = split.unwrap_or(("0", text));
    let days: u32 = days.parse().map_err(|_| advice())?;
    let days = std::time::Duration::from_secs(u64::from(days) * 86_400);
    if split.is_some() && rest.is_empty() {
        return Ok(days);
    }
    let rest: Result<jiff::SignedDuration, _> = rest.parse();
    let rest = rest.ok().and_then(|rest| std::time::Duration::try_from(rest).ok());
    rest.and_then(|rest| days.checked_add(rest)).ok_or_else(advice)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("60s", 60),
            ("2m", 120),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("1d12h", 129_600),
            ("30 seconds", 30),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "d", "soon", "-5s", "1.5d", "99999999999d"] {
            assert!(duration(text).unwrap_err().contains("7d"), "{text}");
        }
    }
}
