//! What `why` prints.

use std::fmt::Write as _;

use engine::{Level, Number, Time};

use super::super::events;
use super::super::object::{ADVICE_IF_NOT_LOOKED_AT, NOT_LOOKED_AT, age};
use super::super::table::columns;
use super::changes::MetricSeen;
use super::{Report, Scaled};

/// Scale operations that are printed.
const SCALES: usize = 5;

impl Report {
    pub(super) fn text(&self, now: Time) -> String {
        let mut text = String::new();
        self.head(&mut text);
        self.decision(&mut text);
        self.lists(&mut text);
        if !self.scales.is_empty() {
            text.push_str("\nScaled last\n");
            let row = |scaled: &Scaled| {
                let Scaled { target, past } = scaled;
                let steps = if past.steps.is_empty() { "-".to_owned() } else { past.steps.join(", ") };
                let when = format!("  {} ago", age(past.at, now));
                vec![when, target.clone(), format!("{} → {}", past.from, past.to), steps]
            };
            text.push_str(&columns(&self.scales.iter().take(SCALES).map(row).collect::<Vec<_>>()));
        }
        if let Some(why) = &self.no_events {
            let _ = writeln!(text, "\nEvents are not shown: {why}");
        } else if !self.events.is_empty() {
            let _ = write!(text, "\nEvents\n{}", events::lines(&self.events, now));
        }
        text
    }

    fn head(&self, text: &mut String) {
        let seen = &self.seen;
        let _ = write!(text, "{}", seen.full_name());
        if let Some(target) = &seen.target {
            let _ = write!(text, ", scales {target}");
        }
        if let Some(mode) = &seen.mode {
            let _ = write!(text, ", {mode}");
        }
        text.push('\n');
        match seen.condition("Ready") {
            Some(ready) => {
                let is_ready = if ready.status == "True" { "ready" } else { "not ready" };
                let reason =
                    if ready.reason == "Ready" { String::new() } else { format!("{}: ", ready.reason) };
                // KEDA's conditions have no time.
                let since = match ready.last_transition_time.as_str() {
                    "" => String::new(),
                    since => format!(" since {since}"),
                };
                let _ = writeln!(text, "  {is_ready}{since}: {reason}{}", ready.message);
            }
            None => {
                let _ = writeln!(text, "  {NOT_LOOKED_AT}; {ADVICE_IF_NOT_LOOKED_AT}");
            }
        }
        if seen.is_outdated() {
            text.push_str("  the spec has changed since the operator looked at it\n");
        }
        if let Some(since) = &seen.stale_since {
            let _ = writeln!(text, "  the figures are out of date since {since}");
        }
    }

    fn decision(&self, text: &mut String) {
        let replicas = self.seen.replicas();
        if !replicas.is_empty() || self.seen.decision.is_some() {
            text.push_str("\nDecided\n");
        }
        if !replicas.is_empty() {
            let by = self.changes.bounds_override.as_ref();
            let by = by.map(|over| format!(" by the override {over}")).unwrap_or_default();
            let bounds = self.changes.bounds.map(|(min, max)| format!(" ({min} to {max} allowed{by})"));
            let _ = writeln!(text, "  {replicas} replicas{}", bounds.unwrap_or_default());
        }
        if let Some(decision) = &self.seen.decision {
            let _ = writeln!(text, "  {decision}");
        }
        if !self.changes.metrics.is_empty() {
            text.push_str("\nMetrics\n");
            text.push_str(&columns(&self.changes.metrics.iter().map(row).collect::<Vec<_>>()));
        }
    }

    fn lists(&self, text: &mut String) {
        let changes = &self.changes;
        let given = self.seen.defaults.iter();
        let given = given.map(|given| format!("{} = {} ({})", given.field, given.value, given.from));
        let held =
            changes.held_by.iter().map(|condition| format!("{}: {}", condition.reason, condition.message));
        for (title, lines) in [
            ("Not from the spec", given.collect()),
            ("Wrong with the spec", changes.problems.clone()),
            ("Held back by", held.collect()),
            ("What would change it", changes.would_change.clone()),
        ] {
            if !lines.is_empty() {
                let _ = write!(text, "\n{title}\n  {}\n", lines.join("\n  "));
            }
        }
    }
}

fn row(metric: &MetricSeen) -> Vec<String> {
    let level = |level: &Level| {
        let each = if level.is_per_replica { " a replica" } else { "" };
        format!("{} {}{each}", level.name, Number(level.value))
    };
    let value = match metric.value {
        Some(value) => Number(value).to_string(),
        None if metric.is_told => "no reading".to_owned(),
        None => String::new(),
    };
    let levels = metric.levels.iter().map(level).collect::<Vec<_>>().join(", ");
    vec![format!("  {}", metric.name), value, levels]
}
