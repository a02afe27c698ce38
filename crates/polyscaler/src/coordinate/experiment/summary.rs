//! What the measurements come to: mean, p50 and p95 of every member and of the whole.

use std::fmt;
use std::time::Duration;

use super::list::Series;
use super::measure::Scaling;

/// The name of the line for the whole group.
const TOTAL: &str = "total";

/// All series of an experiment.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) series: Vec<SeriesSummary>,
}

/// One series.
#[derive(Debug)]
pub(super) struct SeriesSummary {
    /// Which.
    pub(super) series: Series,
    /// How many scalings of it were measured: fewer than its repetitions where it was ended early.
    pub(super) scalings: usize,
    /// Every member, and last the whole.
    pub(super) lines: Vec<Line>,
}

/// The times of one member, or of the whole.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Name of the member.
    pub(super) name: String,
    /// What was measured, least first.
    pub(super) times: Vec<Duration>,
    /// Repetitions without a time.
    pub(super) failed: usize,
}

impl Line {
    fn of(name: &str, times: impl Iterator<Item = Option<Duration>>) -> Self {
        let (mut known, mut failed) = (Vec::new(), 0);
        for time in times {
            match time {
                Some(time) => known.push(time),
                None => failed += 1,
            }
        }
        known.sort();
        Self { name: name.to_owned(), times: known, failed }
    }

    /// The mean; `None` where nothing was measured.
    pub(super) fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.times.len()).ok().filter(|count| *count > 0)?;
        Some(self.times.iter().sum::<Duration>() / count)
    }

    /// The least time that is not below `percent` of all (the nearest rank); `None` where nothing was measured.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.times.len() * percent).div_ceil(100);
        self.times.get(rank.checked_sub(1)?).copied()
    }
}

impl Summary {
    /// Of all `scalings`, in the order in which their series first came.
    pub(super) fn of(scalings: &[Scaling]) -> Self {
        let mut order: Vec<&Series> = Vec::new();
        for scaling in scalings {
            if !order.contains(&&scaling.series) {
                order.push(&scaling.series);
            }
        }
        let summary = |series: &Series| {
            let own: Vec<&Scaling> = scalings.iter().filter(|scaling| scaling.series == *series).collect();
            let members = own.first().map_or(0, |first| first.members.len());
            let mut lines: Vec<Line> = (0..members)
                .map(|member| {
                    let times = own.iter().map(|scaling| scaling.members[member].ready);
                    Line::of(&own[0].members[member].name, times)
                })
                .collect();
            lines.push(Line::of(TOTAL, own.iter().map(|scaling| scaling.total())));
            SeriesSummary { series: series.clone(), scalings: own.len(), lines }
        };
        Self { series: order.into_iter().map(summary).collect() }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || self.series.iter().flat_map(|series| &series.lines);
        let width = lines().map(|line| line.name.len()).chain([6]).max().unwrap_or(6);
        let groups = self.series.iter().map(|series| series.series.to_string().chars().count());
        let group_width = groups.chain([7]).max().unwrap_or(7);
        writeln!(
            f,
            "{:<group_width$}  {:<width$}  {:>6}  {:>9}  {:>9}  {:>9}",
            "scaling", "member", "times", "mean s", "p50 s", "p95 s"
        )?;
        for SeriesSummary { series, lines, .. } in &self.series {
            for line in lines {
                write!(
                    f,
                    "{:<group_width$}  {:<width$}  {:>6}  {:>9}  {:>9}  {:>9}",
                    series.to_string(),
                    line.name,
                    line.times.len(),
                    shown(line.mean()),
                    shown(line.percentile(50)),
                    shown(line.percentile(95)),
                )?;
                match line.failed {
                    0 => writeln!(f)?,
                    failed => writeln!(f, "  {failed} without a time")?,
                }
            }
        }
        Ok(())
    }
}

pub(super) fn shown(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.3}", time.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinate::experiment::tests::scaling;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let line =
            |millis: &[u64]| Line::of("x", millis.iter().map(|&millis| Some(Duration::from_millis(millis))));
        let ten: Vec<u64> = (1..=10).rev().collect();
        let shown = |line: &Line| [line.mean(), line.percentile(50), line.percentile(95)].map(super::shown);
        assert_eq!(shown(&line(&ten)), ["0.005", "0.005", "0.010"]);
        assert_eq!(shown(&line(&[7])), ["0.007", "0.007", "0.007"]);
        assert_eq!(shown(&line(&[])), ["-", "-", "-"]);
    }

    #[test]
    fn the_table_has_every_member_and_the_whole() {
        let scalings = [
            scaling(1, &[("webui", Some(2000)), ("db", Some(1000))]),
            scaling(2, &[("webui", Some(4000)), ("db", None)]),
        ];
        assert_eq!(
            Summary::of(&scalings).to_string(),
            "\
scaling      member   times     mean s      p50 s      p95 s
group-1 1→5  webui        2      3.000      2.000      4.000
group-1 1→5  db           1      1.000      1.000      1.000  1 without a time
group-1 1→5  total        1      2.000      2.000      2.000  1 without a time
"
        );
    }
}
