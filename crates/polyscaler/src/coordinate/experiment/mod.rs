//! `polyscaler coordinate --experiment`: scales groups as a list says, and measures how long it takes.
//!
//! The time of a scaling runs from the request, when all writes begin, until the last member's replicas
//! are all ready; each member's own time is kept beside it.

mod drawing;
mod hpas;
mod list;
mod measure;
mod record;
mod restore;
mod start;
mod summary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;

use list::Series;
use measure::{Group, Measurer, Scaling};
pub(super) use start::start;
use summary::Summary;

/// How long the API server may take to list Deployments or HPAs.
const LISTING: Duration = Duration::from_secs(30);

/// What is run, and where its results go.
struct Experiment {
    /// What is scaled, in order.
    series: Vec<Series>,
    /// The folder for `scaling_csv.txt` and `scaling_times.svg`.
    out: PathBuf,
    /// The groups, as far as they exist.
    groups: Vec<Group>,
}

impl Experiment {
    /// Runs every series, one scaling after the other, until `ending` turns true; then restores the replicas
    /// from before and prints what was measured. Fails where a scaling had no time.
    async fn run(self, measurer: &Measurer, ending: watch::Receiver<bool>) -> anyhow::Result<ExitCode> {
        let is_measured = |group: &&Group| self.series.iter().any(|series| series.group == group.name);
        let before = restore::replicas(measurer, self.groups.iter().filter(is_measured)).await;
        let scalings = self.measure_all(measurer, ending).await;
        restore::restore(measurer, before).await;
        finish(&scalings?, &self.out)
    }

    async fn measure_all(
        &self,
        measurer: &Measurer,
        mut ending: watch::Receiver<bool>,
    ) -> anyhow::Result<Vec<Scaling>> {
        let path = self.out.join("scaling_csv.txt");
        let writing = || format!("cannot write {}", path.display());
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create {}", self.out.display()))?;
        let mut record = record::Record::create(&path, &self.groups).with_context(writing)?;

        let mut scalings = Vec::new();
        for series in &self.series {
            let Some(group) = self.groups.iter().find(|group| group.name == series.group) else {
                tracing::warn!(%series, "no member of the group exists, skipping it");
                continue;
            };
            for repetition in 1..=series.repetitions {
                let scaling = tokio::select! {
                    biased;
                    _ = ending.wait_for(|ending| *ending) => break,
                    scaling = measurer.measure(group, series, repetition) => scaling,
                };
                report(&scaling);
                record.add(&scaling).with_context(writing)?;
                scalings.push(scaling);
            }
        }
        Ok(scalings)
    }
}

fn report(scaling: &Scaling) {
    let series = &scaling.series;
    let total = scaling.total().map(|total| total.as_millis() as f64 / 1000.0);
    tracing::info!(
        group = series.group,
        from = series.from,
        to = series.to,
        repetition = scaling.repetition,
        of = series.repetitions,
        seconds = total,
        "scaled"
    );
    for failure in scaling.failures() {
        tracing::warn!(group = series.group, repetition = scaling.repetition, why = failure, "no time");
    }
}

fn finish(scalings: &[Scaling], out: &Path) -> anyhow::Result<ExitCode> {
    let summary = Summary::of(scalings);
    let path = out.join("scaling_times.svg");
    std::fs::write(&path, drawing::draw(&summary))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{summary}");
    println!("{} and {} are written", out.join("scaling_csv.txt").display(), path.display());
    let all_known = !scalings.is_empty() && scalings.iter().all(|scaling| scaling.total().is_some());
    Ok(if all_known { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::Time;

    use super::measure::MemberTime;
    use super::*;

    /// A scaling of group-1 from 1 to 5 whose members were ready after so many milliseconds.
    pub(super) fn scaling(repetition: u32, members: &[(&str, Option<u64>)]) -> Scaling {
        let member = |&(name, millis): &(&str, Option<u64>)| MemberTime {
            name: name.to_owned(),
            written: Some(Duration::from_millis(10)),
            ready: millis.map(Duration::from_millis),
            failure: None,
        };
        Scaling {
            series: Series { group: "group-1".to_owned(), from: 1, to: 5, repetitions: 2 },
            repetition,
            requested: Time::from_seconds(1_700_000_000),
            members: members.iter().map(member).collect(),
        }
    }
}
