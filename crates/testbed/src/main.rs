//! `testbed`: builds the control plane's programs, or runs a control plane by
//! hand for looking around in. For developers; CI and `make` call `build` first.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use testbed::{ControlPlane, Options, assets};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
A Kubernetes control plane with fake nodes, for tests and for looking around in.

Usage:
  testbed build            Make sure that the programs exist, building them once with Go;
                           prints the folder they are in.
  testbed up [--nodes N]   Run a control plane with N fake nodes (default 3) until ctrl-c or
                           SIGTERM, then remove every trace of it; prints its KUBECONFIG.
  testbed --help           This text.

Programs in the folder that KUBEBUILDER_ASSETS names are taken instead of built ones.
";

/// What was asked for on the command line.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Build,
    Up { nodes: usize },
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let command = match parse(&args) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("testbed: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let outcome = tokio::runtime::Runtime::new().context("cannot start").and_then(|runtime| {
        let outcome = runtime.block_on(run(command));
        // Not waiting for a build that was interrupted: it ends with this process.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Result<Command, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--help" | "-h" | "help", ..] | [_, "--help" | "-h"] => Ok(Command::Help),
        ["build"] => Ok(Command::Build),
        ["up"] => Ok(Command::Up { nodes: Options::default().nodes }),
        ["up", "--nodes", count] => parse_nodes(count),
        ["up", option] if option.starts_with("--nodes=") => parse_nodes(&option["--nodes=".len()..]),
        ["up", "--nodes"] => Err("--nodes needs a number".to_owned()),
        [] => Err("say what to do: build or up".to_owned()),
        other => Err(format!("cannot make sense of: {}", other.join(" "))),
    }
}

fn parse_nodes(text: &str) -> Result<Command, String> {
    match text.parse() {
        Ok(nodes @ 1..=1000) => Ok(Command::Up { nodes }),
        _ => Err(format!("--nodes takes a number from 1 to 1000, not {text}")),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Help => say(HELP.trim_end()),
        Command::Build => {
            let folder = tokio::task::spawn_blocking(build).await.context("building panicked")??;
            say(&folder)
        }
        Command::Up { nodes } => up(nodes).await,
    }
}

fn build() -> anyhow::Result<String> {
    let assets = assets::ensure(&mut |line| eprintln!("{line}"))?;
    let folder = assets.kube_apiserver.parent().context("the API server is in no folder")?;
    Ok(folder.display().to_string())
}

async fn up(nodes: usize) -> anyhow::Result<()> {
    // Listening from the start, so that a signal during the start clears up as well.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = async {
        let control_plane = ControlPlane::start(Options { nodes, ..Options::default() }).await?;
        say(&format!("export KUBECONFIG={}", control_plane.kubeconfig().display()))?;
        eprintln!("running with {nodes} fake nodes; ctrl-c ends it");
        // A program that dies by itself is worth an error rather than a puzzle.
        Err(control_plane.first_death().await)
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        outcome = running => outcome,
    }
}

/// Prints a line at once, also into a pipe.
fn say(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use super::{Command, parse};

    fn parse_line(line: &str) -> Result<Command, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn good_usage() {
        assert_eq!(parse_line("build"), Ok(Command::Build));
        assert_eq!(parse_line("up"), Ok(Command::Up { nodes: 3 }));
        assert_eq!(parse_line("up --nodes 7"), Ok(Command::Up { nodes: 7 }));
        assert_eq!(parse_line("up --nodes=7"), Ok(Command::Up { nodes: 7 }));
        assert_eq!(parse_line("--help"), Ok(Command::Help));
        assert_eq!(parse_line("up --help"), Ok(Command::Help));
    }

    #[test]
    fn bad_usage() {
        for line in ["", "down", "up --nodes", "up --nodes 0", "up --nodes many", "up 3", "build now"] {
            assert!(parse_line(line).is_err(), "{line}");
        }
    }
}
