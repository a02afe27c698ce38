//! `testbed`: builds the control plane's programs, or runs a control plane by
//! hand for looking around in. For developers; CI and `make` call `build` first.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use testbed::real_node::{self, NodeParts};
use testbed::{ControlPlane, Options, assets};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
A Kubernetes control plane with fake nodes, for tests and for looking around in.

Usage:
  testbed build [--control-plane]
                           Make sure that the programs exist, building them once with Go; prints
                           the folder of the control plane's. Those of a real node, too, where
                           there can be one and without --control-plane.
  testbed up [--nodes N] [--real-node]
                           Run a control plane with N fake nodes (default 3) until ctrl-c or
                           SIGTERM, then remove every trace of it; prints its KUBECONFIG. With
                           --real-node one more node runs real containers; it needs root.
  testbed leftovers        List what real nodes of runs that have ended left on this machine;
                           fails when there is anything.
  testbed clear-up         End and remove that.
  testbed --help           This text.

Programs in the folder that KUBEBUILDER_ASSETS names are taken instead of built ones.
";

/// What was asked for on the command line.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Build { real_node: bool },
    Up { nodes: usize, real_node: bool },
    Leftovers,
    ClearUp,
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
        ["build"] => Ok(Command::Build { real_node: true }),
        ["build", "--control-plane"] => Ok(Command::Build { real_node: false }),
        ["leftovers"] => Ok(Command::Leftovers),
        ["clear-up"] => Ok(Command::ClearUp),
        ["up", options @ ..] => parse_up(options),
        [] => Err("say what to do: build, up, leftovers or clear-up".to_owned()),
        other => Err(format!("cannot make sense of: {}", other.join(" "))),
    }
}

fn parse_up(mut options: &[&str]) -> Result<Command, String> {
    let (mut nodes, mut real_node) = (Options::default().nodes, false);
    loop {
        options = match options {
            [] => break,
            ["--real-node", rest @ ..] => {
                real_node = true;
                rest
            }
            ["--nodes", count, rest @ ..] => {
                nodes = parse_nodes(count)?;
                rest
            }
            ["--nodes"] => return Err("--nodes needs a number".to_owned()),
            [option, rest @ ..] if option.starts_with("--nodes=") => {
                nodes = parse_nodes(&option["--nodes=".len()..])?;
                rest
            }
            other => return Err(format!("cannot make sense of: up {}", other.join(" "))),
        };
    }
    // Without any node there is nothing to run pods on.
    if nodes == 0 && !real_node {
        Err("--nodes 0 needs --real-node".to_owned())
    } else {
        Ok(Command::Up { nodes, real_node })
    }
}

fn parse_nodes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(nodes @ 0..=1000) => Ok(nodes),
        _ => Err(format!("--nodes takes a number from 0 to 1000, not {text}")),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Help => say(HELP.trim_end()),
        Command::Build { real_node } => {
            let folder = tokio::task::spawn_blocking(move || build(real_node))
                .await
                .context("building panicked")??;
            say(&folder)
        }
        Command::Up { nodes, real_node } => up(nodes, real_node).await,
        Command::Leftovers => {
            let found = real_node::leftovers()?;
            found.iter().try_for_each(|line| say(line))?;
            anyhow::ensure!(
                found.is_empty(),
                "{} left by real nodes; `testbed clear-up` removes them",
                found.len()
            );
            Ok(())
        }
        Command::ClearUp => real_node::clear_up(),
    }
}

fn build(with_real_node: bool) -> anyhow::Result<String> {
    let assets = assets::ensure(&mut |line| eprintln!("{line}"))?;
    if with_real_node {
        real_node::find_or_skip()?;
    }
    let folder = assets.kube_apiserver.parent().context("the API server is in no folder")?;
    Ok(folder.display().to_string())
}

async fn up(nodes: usize, with_real_node: bool) -> anyhow::Result<()> {
    // Listening from the start, so that a signal during the start clears up as well.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = async {
        let real_node = if with_real_node { Some(find_real_node().await?) } else { None };
        let control_plane = ControlPlane::start(Options { nodes, real_node, ..Options::default() }).await?;
        say(&format!("export KUBECONFIG={}", control_plane.kubeconfig().display()))?;
        let and_real = if with_real_node { " and a real one" } else { "" };
        eprintln!("running with {nodes} fake nodes{and_real}; ctrl-c ends it");
        // A program that dies by itself is worth an error rather than a puzzle.
        Err(control_plane.first_death().await)
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        outcome = running => outcome,
    }
}

async fn find_real_node() -> anyhow::Result<NodeParts> {
    let found = tokio::task::spawn_blocking(|| real_node::find(&mut |line| eprintln!("{line}")));
    found
        .await
        .context("looking for a real node's parts panicked")?
        .map_err(|reason| anyhow::anyhow!("{reason}"))
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
        assert_eq!(parse_line("build"), Ok(Command::Build { real_node: true }));
        assert_eq!(parse_line("build --control-plane"), Ok(Command::Build { real_node: false }));
        assert_eq!(parse_line("up"), Ok(Command::Up { nodes: 3, real_node: false }));
        assert_eq!(parse_line("up --nodes 7"), Ok(Command::Up { nodes: 7, real_node: false }));
        assert_eq!(parse_line("up --nodes=7"), Ok(Command::Up { nodes: 7, real_node: false }));
        assert_eq!(parse_line("up --real-node --nodes 0"), Ok(Command::Up { nodes: 0, real_node: true }));
        assert_eq!(parse_line("leftovers"), Ok(Command::Leftovers));
        assert_eq!(parse_line("--help"), Ok(Command::Help));
        assert_eq!(parse_line("up --help"), Ok(Command::Help));
    }

    #[test]
    fn bad_usage() {
        for line in
            ["", "down", "up --real", "up --nodes", "up --nodes 0", "up --nodes many", "up 3", "build now"]
        {
            assert!(parse_line(line).is_err(), "{line}");
        }
    }
}
