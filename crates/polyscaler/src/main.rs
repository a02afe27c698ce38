//! polyscaler: one autoscaler for Kubernetes.
//!
//! This crate is arguments and wiring; what the parts do stands in their own crates.

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
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use policies::policies;

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

/// A time such as `60s`, `2m` or `1h30m`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    parsed
        .ok()
        .and_then(|duration| std::time::Duration::try_from(duration).ok())
        .ok_or_else(|| "must be a duration such as 60s, 2m or 1h30m".to_owned())
}
