//! `polyscaler demo`: the real operator on a real control plane, following a load that
//! goes through a day in minutes.

mod actions;
mod load;
mod scenario;
mod screen;
mod servers;
mod stage;
mod summary;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use scenario::Scenario;
use screen::Screen;
use stage::Stage;
use summary::Summary;

/// Time between two looks at the operator.
const LOOK: Duration = Duration::from_millis(500);

/// Runs the operator on a control plane of its own, with fake nodes and a load that goes
/// through a day, and shows how replicas follow. Leaves nothing running.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// What to show.
    #[arg(long, default_value = "business", value_parser = Scenario::names())]
    scenario: String,
    /// How long the day takes.
    #[arg(long, default_value = "2m", value_parser = crate::duration, value_name = "TIME")]
    duration: Duration,
}

pub(crate) fn run(arguments: DemoArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("the async runtime cannot be started")?;
    let result = runtime.block_on(show(arguments));
    runtime.shutdown_background();
    result
}

async fn show(arguments: DemoArgs) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::named(&arguments.scenario)
        .with_context(|| format!("no scenario is called {:?}", arguments.scenario))?;
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
        stage = Stage::set(scenario) => stage?,
        () = &mut asked_to_end => {
            eprintln!("interrupted before anything was shown");
            return Ok(ExitCode::FAILURE);
        }
    };
    let summary = tokio::select! {
        summary = play(&mut stage, scenario, arguments.duration) => summary?,
        () = &mut asked_to_end => stage.summarize(scenario).await?,
    };
    let log = stage.operator_log(20);
    stage.clear().await?;
    print!("{summary}");
    if summary.scaled() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("nothing was scaled; the operator's log ends with:\n{log}");
    Ok(ExitCode::FAILURE)
}

/// Takes the load through its day and shows what becomes of it.
async fn play(stage: &mut Stage, scenario: &'static Scenario, duration: Duration) -> anyhow::Result<Summary> {
    let start = Instant::now();
    let mut before = Duration::ZERO;
    let mut screen = Screen::new(scenario, stage);
    loop {
        let elapsed = start.elapsed();
        if elapsed >= duration {
            return stage.summarize(scenario).await;
        }
        let hour = load::hour_of_day(elapsed.as_secs_f64() / duration.as_secs_f64());
        stage.advance(scenario, hour, elapsed - before).await?;
        before = elapsed;
        stage.still_running()?;
        screen.show(hour, duration - elapsed, &stage.look(scenario).await?);
        tokio::time::sleep(LOOK.min(duration.saturating_sub(start.elapsed()))).await;
    }
}
