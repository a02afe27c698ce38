//! What the demo shows: a live table on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use super::actions::Actions;
use super::load::clock;
use super::scenario::{Application, Group, Load, Scenario};
use super::servers::Flow;
use super::stage::{Look, Seen};

/// Looks that a drawing of the past holds.
const HISTORY: usize = 60;
/// Without a terminal, an application in which nothing changed is shown again after so long: counted in
/// time, as looks become few where there is much to do.
const QUIET: Duration = Duration::from_secs(4);
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) struct Screen {
    scenario: &'static Scenario,
    live: bool,
    /// Lines drawn last time, to be drawn over.
    drawn: usize,
    past: HashMap<&'static str, Past>,
    /// Of the group, where there is one.
    actions: Actions,
}

#[derive(Default)]
struct Past {
    loads: Vec<f64>,
    ready: Vec<f64>,
    /// Replicas desired at the last look.
    desired: Option<u32>,
    /// The last decision that changed them, and when in the day it was made.
    last_change: String,
    /// What was reported last, and when.
    shown: Option<(State, Instant)>,
}

/// Replicas desired and ready.
type State = (u32, u32);

/// One application at one moment.
struct Row<'a> {
    application: &'static Application,
    load: Option<f64>,
    flow: Option<Flow>,
    recommended: Option<u32>,
    desired: u32,
    ready: u32,
    why: &'a str,
}

impl Screen {
    /// A screen that is drawn over where it is `live`, and grows by lines where it is not.
    pub(super) fn new(scenario: &'static Scenario, live: bool) -> Self {
        Self { scenario, live, drawn: 0, past: HashMap::new(), actions: Actions::default() }
    }

    /// Where to look while it runs: the operator's page at `url`, and the cluster by its `kubeconfig`.
    pub(super) fn introduction(&self, url: &str, kubeconfig: &str) -> String {
        format!(
            "\nwhile it runs:
  {url}/ in a browser: what scaled, and why
  export KUBECONFIG={kubeconfig}
  kubectl get {},deployments{}\n\n",
            self.scenario.objects,
            match self.scenario.namespace {
                "default" => String::new(),
                namespace => format!(" -n {namespace}"),
            }
        )
    }

    /// The text that shows the state at `hour` of the day, with `left` to go.
    pub(super) fn shown(&mut self, hour: f64, left: Duration, look: &Look) -> String {
        let applications = self.scenario.applications.iter();
        let rows: Vec<Row<'_>> = applications.filter_map(|application| row(application, look)).collect();
        if let Some(group) = &look.group {
            self.actions.note(hour, group.action.as_ref(), group.busiest);
        }
        for row in &rows {
            self.past.entry(row.application.name).or_default().note(hour, row);
        }
        if self.live { self.table(hour, left, &rows) } else { self.lines(hour, &rows) }
    }

    fn lines(&mut self, hour: f64, rows: &[Row<'_>]) -> String {
        let (names, width) = (name_width(self.scenario), unit_width(self.scenario));
        let mut text = String::new();
        for row in rows {
            let past = self.past.entry(row.application.name).or_default();
            let state = (row.desired, row.ready);
            if past.shown.is_some_and(|(shown, at)| shown == state && at.elapsed() < QUIET) {
                continue;
            }
            past.shown = Some((state, Instant::now()));
            let _ = writeln!(
                text,
                "{} {:<names$} {} {:<width$} recommended {:<2} desired {:<2} ready {:<2} {}",
                clock(hour),
                row.application.name,
                number(row.load),
                unit(row),
                count(row.recommended),
                row.desired,
                row.ready,
                row.why
            );
        }
        for line in self.actions.news(hour, rows.len()) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn table(&mut self, hour: f64, left: Duration, rows: &[Row<'_>]) -> String {
        let (names, width) = (name_width(self.scenario), unit_width(self.scenario));
        let mut lines = vec![
            format!(
                "\u{1b}[1mpolyscaler demo\u{1b}[0m  {}  \u{1b}[1m{}\u{1b}[0m  {} s left, press Ctrl-C to \
                 stop",
                self.scenario.name,
                clock(hour),
                left.as_secs()
            ),
            String::new(),
            format!(
                "{:<names$} {:>6} {:<width$} {:>11} {:>7} {:>6}  WHY",
                "APPLICATION", "LOAD", "", "RECOMMENDED", "DESIRED", "READY"
            ),
        ];
        for row in rows {
            lines.push(format!(
                "{:<names$} {} {:<width$} {:>11} {:>7} {}{:>6}\u{1b}[0m  {}",
                row.application.name,
                number(row.load),
                unit(row),
                count(row.recommended),
                row.desired,
                if row.ready == row.desired { "\u{1b}[32m" } else { "\u{1b}[33m" },
                row.ready,
                row.why
            ));
        }
        match &self.scenario.group {
            Some(group) => lines.extend(self.group_past(group, rows)),
            None => lines.extend(self.each_past(rows)),
        }
        let up = if self.drawn > 0 { format!("\u{1b}[{}A", self.drawn) } else { String::new() };
        self.drawn = lines.len();
        lines.into_iter().fold(up, |text, line| text + &fitted(&line) + "\u{1b}[K\n")
    }

    /// The past of applications of which each is scaled by itself.
    fn each_past(&self, rows: &[Row<'_>]) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, past) in self.pasts(rows) {
            lines.push(String::new());
            lines.push(format!("{name:<16} load  {}", drawing(&past.loads)));
            lines.push(format!("{:<16} ready {}", "", drawing(&past.ready)));
            lines.push(format!("{:<16} last  {}", "", past.last_change));
        }
        lines
    }

    /// The past of a group: what arrives at its entry, the members' ready pods, and its actions.
    fn group_past(&self, group: &Group, rows: &[Row<'_>]) -> Vec<String> {
        let names = name_width(self.scenario);
        let mut lines = vec![String::new()];
        let entry = self.pasts(rows).next().map(|(_, past)| drawing(&past.loads)).unwrap_or_default();
        lines.push(format!("{:<names$} load  {entry}", group.name));
        for (name, past) in self.pasts(rows) {
            lines.push(format!("{name:<names$} ready {}", drawing(&past.ready)));
        }
        lines.push(String::new());
        lines.extend(self.actions.recent(rows.len()));
        lines
    }

    fn pasts<'a>(&'a self, rows: &'a [Row<'_>]) -> impl Iterator<Item = (&'static str, &'a Past)> {
        rows.iter().filter_map(|row| Some((row.application.name, self.past.get(row.application.name)?)))
    }
}

impl Past {
    fn note(&mut self, hour: f64, row: &Row<'_>) {
        for (past, value) in
            [(&mut self.loads, row.load.unwrap_or(0.0)), (&mut self.ready, f64::from(row.ready))]
        {
            if past.len() == HISTORY {
                past.remove(0);
            }
            past.push(value);
        }
        if self.desired != Some(row.desired) {
            self.desired = Some(row.desired);
            self.last_change = format!("{} {}", clock(hour), row.why);
        }
    }
}

fn row<'a>(application: &'static Application, look: &'a Look) -> Option<Row<'a>> {
    let name = application.name;
    let of_target = |seen: &'a Seen| seen.targets.iter().find(|target| target.is(name));
    let (seen, target) = match look.seen.iter().find_map(|seen| Some((seen, of_target(seen)?))) {
        Some((seen, target)) => (seen, Some(target)),
        None => (look.seen.iter().find(|seen| seen.name == name || look.group.is_some())?, None),
    };
    let load = match &look.group {
        Some(group) => group.arriving.get(name).copied(),
        None => seen.metrics.first().and_then(|metric| metric.value),
    };
    Some(Row {
        application,
        load,
        flow: seen.flow,
        recommended: target.and_then(|target| target.recommended),
        desired: target.map_or(0, |target| target.desired),
        ready: target.and_then(|target| target.ready).unwrap_or(0),
        why: target.map_or(&seen.message, |target| &target.decision),
    })
}

/// What the load counts; for a queue also what came and went lately.
fn unit(row: &Row<'_>) -> String {
    match (&row.application.load, row.flow) {
        (Load::Figure { unit, .. }, _) => (*unit).to_owned(),
        (Load::Requests { .. }, _) => "requests/s".to_owned(),
        (Load::Calls, _) => "calls/s".to_owned(),
        (Load::Queue(_), None) => "waiting".to_owned(),
        (Load::Queue(_), Some(Flow { arrived, done })) => format!("waiting +{arrived:.0}/s -{done:.0}/s"),
    }
}

/// Columns that the longest [`unit`] of a scenario takes.
fn unit_width(scenario: &Scenario) -> usize {
    if scenario.queues().next().is_some() { "waiting +999/s -999/s".len() } else { "active users".len() }
}

/// Columns that the longest name of a scenario's applications takes.
fn name_width(scenario: &Scenario) -> usize {
    scenario.applications.iter().map(|application| application.name.len()).fold(16, usize::max)
}

/// A value to one decimal: rates have many.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| format!("{:>6}", "none"), |value| format!("{:>6}", (value * 10.0).round() / 10.0))
}

fn count(replicas: Option<u32>) -> String {
    replicas.map_or_else(|| "-".to_owned(), |replicas| replicas.to_string())
}

/// Values as bars from zero to the greatest.
fn drawing(values: &[f64]) -> String {
    let greatest = values.iter().copied().fold(1.0, f64::max);
    let bar = |value: &f64| BARS[((value / greatest * 7.0).round() as usize).min(7)];
    values.iter().map(bar).collect()
}

/// A line that does not wrap on most terminals; escape sequences do not count.
fn fitted(line: &str) -> String {
    const WIDTH: usize = 110;
    let (mut shown, mut escaped, mut text) = (0, false, String::new());
    for character in line.chars() {
        escaped |= character == '\u{1b}';
        if escaped || shown < WIDTH {
            text.push(character);
        }
        if escaped {
            escaped = !character.is_ascii_alphabetic();
        } else {
            shown += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_goes_from_zero_to_the_greatest() {
        assert_eq!(drawing(&[0.0, 5.0, 10.0]), "▁▅█");
        assert_eq!(drawing(&[]), "");
    }

    #[test]
    fn a_long_line_is_cut_and_its_colours_are_kept() {
        let line = format!("\u{1b}[1m{}\u{1b}[0m", "x".repeat(200));
        let fitted = fitted(&line);
        assert!(fitted.starts_with("\u{1b}[1mxxx") && fitted.ends_with("x\u{1b}[0m"));
        assert_eq!(fitted.chars().filter(|character| *character == 'x').count(), 110);
    }
}
