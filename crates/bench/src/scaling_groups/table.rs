//! The comparison as one table: a row a step, then all steps together, then the ratios.

use std::fmt;
use std::time::Duration;

use testbed::teastore::Figures;

/// Everything that was measured.
pub(crate) struct Table {
    pub(crate) steps: Vec<Step>,
}

/// One step of the load.
pub(crate) struct Step {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) length: Duration,
    pub(crate) group: Figures,
    pub(crate) independent: Figures,
}

/// Figures that can be added up.
#[derive(Clone, Copy, Default)]
struct Sum {
    /// Seconds until satisfied; whole steps where one was not.
    seconds: f64,
    /// Whether a step ended before it was satisfied.
    is_cut: bool,
    actions: u32,
    turns: u32,
    pod_hours: f64,
    lost: f64,
}

impl Sum {
    fn of<'a>(figures: impl Iterator<Item = (&'a Figures, Duration)>) -> Self {
        figures.fold(Self::default(), |sum, (figures, length)| Self {
            seconds: sum.seconds + figures.satisfied_after.unwrap_or(length).as_secs_f64(),
            is_cut: sum.is_cut || figures.satisfied_after.is_none(),
            actions: sum.actions + figures.actions,
            turns: sum.turns + figures.turns,
            pod_hours: sum.pod_hours + figures.pod_hours,
            lost: sum.lost + figures.lost,
        })
    }

    fn satisfied(&self) -> String {
        format!("{}{:.1} s", if self.is_cut { ">" } else { "" }, self.seconds)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["satisfied after", "actions", "turns", "pod-hours", "lost calls"];
        write!(f, "{:<16}", "load, calls/s")?;
        for head in heads {
            write!(f, " {head:>21}")?;
        }
        write!(f, "\n{:<16}", "")?;
        for _ in heads {
            write!(f, " {:>9} {:>11}", "group", "independent")?;
        }
        for step in &self.steps {
            let name = format!("{} → {}", step.from, step.to);
            let sum = |figures| Sum::of([(figures, step.length)].into_iter());
            row(f, &name, &sum(&step.group), &sum(&step.independent))?;
        }
        let group = Sum::of(self.steps.iter().map(|step| (&step.group, step.length)));
        let independent = Sum::of(self.steps.iter().map(|step| (&step.independent, step.length)));
        row(f, "all steps", &group, &independent)?;
        write!(f, "\n{:<16}", "group = 1")?;
        let ratios = [
            (group.seconds, independent.seconds),
            (f64::from(group.actions), f64::from(independent.actions)),
            (f64::from(group.turns), f64::from(independent.turns)),
            (group.pod_hours, independent.pod_hours),
            (group.lost, independent.lost),
        ];
        for (group, independent) in ratios {
            write!(f, " {:>9} {:>11}", 1, ratio(group, independent))?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, group: &Sum, independent: &Sum) -> fmt::Result {
    write!(f, "\n{name:<16} {:>9} {:>11}", group.satisfied(), independent.satisfied())?;
    write!(f, " {:>9} {:>11}", group.actions, independent.actions)?;
    write!(f, " {:>9} {:>11}", group.turns, independent.turns)?;
    write!(f, " {:>9.2} {:>11.2}", group.pod_hours, independent.pod_hours)?;
    write!(f, " {:>9.0} {:>11.0}", group.lost, independent.lost)
}

fn ratio(group: f64, independent: f64) -> String {
    if group > 0.0 { format!("{:.2}", independent / group) } else { "-".to_owned() }
}
