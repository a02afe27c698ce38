//! `polyscaler demo`: the real operator on a real control plane, following a load that
//! goes through a day in minutes.

mod actions;
mod kubectl;
mod load;
mod real;
mod replayed;
mod scenario;
mod screen;
#[cfg(test)]
mod scripted;
mod servers;
mod stage;
mod summary;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clap::builder::PossibleValuesParser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use real::NodeStage;
use scenario::Scenario;
use screen::Screen;
use stage::{Look, Place, RealStage};
use summary::{Operation, Summary};

/// Time between two looks at the operator.
const LOOK: Duration = Duration::from_millis(500);

/// Runs the operator on a control plane of its own, with fake nodes and the load of a day, and shows how
/// replicas follow. Leaves nothing running.
///
/// Scenario `backtest` needs no control plane: it replays a week in a second, and writes a report.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// The scenario to show.
    #[arg(long, default_value = "business", value_parser = scenarios())]
    scenario: String,
    /// Shows the operator, an application and its Prometheus in real containers, and real requests. Needs root and Linux.
    #[arg(long, conflicts_with = "scenario")]
    real: bool,
    /// Duration of the simulated day.
    #[arg(long, default_value = "2m", value_parser = crate::duration, value_name = "TIME")]
    duration: Duration,
}

/// The names of all scenarios.
fn scenarios() -> PossibleValuesParser {
    PossibleValuesParser::new(Scenario::names().chain([replayed::NAME]))
}

pub(crate) fn run(arguments: DemoArgs) -> anyhow::Result<ExitCode> {
    if arguments.scenario == replayed::NAME {
        return replayed::show();
    }
    let runtime = tokio::runtime::Runtime::new().context("the async runtime cannot be started")?;
    let result = runtime.block_on(show(arguments));
    runtime.shutdown_background();
    result
}

async fn show(arguments: DemoArgs) -> anyhow::Result<ExitCode> {
    if arguments.real {
        let scenario = &scenario::real::SCENARIO;
        return Box::pin(show_on(Box::pin(NodeStage::set(scenario)), scenario, arguments.duration)).await;
    }
    let scenario = Scenario::named(&arguments.scenario)
        .with_context(|| format!("no scenario is called {:?}", arguments.scenario))?;
    Box::pin(show_on(Box::pin(RealStage::set(scenario)), scenario, arguments.duration)).await
}

async fn show_on<S: Place>(
    set: impl Future<Output = anyhow::Result<S>>,
    scenario: &'static Scenario,
    duration: Duration,
) -> anyhow::Result<ExitCode> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let asked_to_end = async {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    let mut asked_to_end = std::pin::pin!(asked_to_end);

    let mut stage = tokio::select! {
        stage = set => stage?,
        () = &mut asked_to_end => {
            eprintln!("interrupted before anything was shown");
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut screen = Screen::new(scenario, std::io::stdout().is_terminal());
    print!("{}", screen.introduction(&stage.activity_url(), &stage.kubeconfig()));
    tokio::select! {
        played = play(&mut stage, &mut screen, scenario, duration, print) => played?,
        () = &mut asked_to_end => {}
    }
    let summary = Summary::of(scenario, stage.operations().await?);
    let (log, words) = (stage.operator_log(20).await, stage.closing_words().await?);
    stage.clear().await?;
    if let Some(words) = words {
        print!("\n{words}");
    }
    print!("{summary}");
    if summary.scaled() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("nothing was scaled; the operator's log ends with:\n{log}");
    Ok(ExitCode::FAILURE)
}

/// What the day of a scenario goes by on.
trait Stage {
    /// Lets the load of every application be that of `hour`, `elapsed` after the last time.
    async fn advance(&mut self, scenario: &Scenario, hour: f64, elapsed: Duration) -> anyhow::Result<()>;

    /// What there is to see; an error where nobody scales any more.
    async fn look(&self, scenario: &Scenario) -> anyhow::Result<Look>;

    /// Every scale operation so far.
    async fn operations(&self) -> anyhow::Result<Vec<Operation>>;
}

/// Takes the load through its day, and shows what becomes of it.
async fn play(
    stage: &mut impl Stage,
    screen: &mut Screen,
    scenario: &'static Scenario,
    duration: Duration,
    mut show: impl FnMut(&str),
) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut before = Duration::ZERO;
    loop {
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return Ok(());
        }
        let hour = load::hour_of_day(elapsed.as_secs_f64() / duration.as_secs_f64());
        stage.advance(scenario, hour, elapsed - before).await?;
        before = elapsed;
        show(&screen.shown(hour, duration - elapsed, &stage.look(scenario).await?));
        tokio::time::sleep(LOOK.min(duration.saturating_sub(start.elapsed()))).await;
    }
}

fn print(text: &str) {
    print!("{text}");
    // A closed pipe shows at the next line.
    let _ = std::io::stdout().flush();
}
