//! The report in letters.

use std::fmt::Write as _;

use super::Report;
use super::text::{number, span};
use crate::scores::{SCORES, ScoreInfo, score};

/// The scores of the table; the others stand in the files.
const SHOWN: [&str; 9] = [
    "slo_violation_minutes",
    "violated_share",
    "p95_shortfall",
    "recovery_seconds",
    "pod_hours",
    "cost",
    "actions",
    "reversals",
    "oracle_gap",
];
/// Rows of a drawing.
const HEIGHT: usize = 8;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn table(report: &Report<'_>) -> String {
    let shown: Vec<&ScoreInfo> = SHOWN.iter().filter_map(|name| score(name)).collect();
    debug_assert!(shown.len() == SHOWN.len() && SCORES.len() > SHOWN.len());
    let mut rows = vec![vec!["contender".to_owned()]];
    rows[0].extend(shown.iter().map(|score| score.name.to_owned()));
    for result in report.results() {
        let scores = result.scores();
        let mut row = vec![result.name.clone()];
        row.extend(shown.iter().map(|score| number((score.value)(&scores))));
        rows.push(row);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (field, width)) in row.iter().zip(&widths).enumerate() {
            let _ =
                if column == 0 { write!(text, "{field:<width$}") } else { write!(text, "  {field:>width$}") };
        }
        text.push('\n');
    }
    text
}

pub(super) fn plot(report: &Report<'_>, columns: usize) -> String {
    let columns = columns.clamp(20, 400);
    let Some(result) = report.results().first() else { return String::new() };
    let Some(timeline) = &result.timeline else { return String::new() };
    let rows: Vec<_> = timeline.rows().map(|(_, row)| *row).collect();
    let mut text = String::new();
    let load: Vec<f64> = rows.iter().map(|row| row.load).collect();
    draw(&mut text, &format!("load ({})", report.workload.unit), &shrink(&load, columns, f64::max));
    let ready: Vec<f64> = rows.iter().map(|row| row.ready as f64).collect();
    draw(&mut text, &format!("replicas ready of {}", result.name), &shrink(&ready, columns, f64::max));
    let violated: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row.violated))).collect();
    let marks = shrink(&violated, columns, f64::max);
    let marks: String = marks.iter().map(|mark| if *mark > 0.0 { '!' } else { '·' }).collect();
    let _ = writeln!(
        text,
        "  SLO broken (!)\n  {marks}\n  {} from {}",
        span(report.length()),
        report.quality().first
    );
    text
}

/// The values in as many columns, each the one that `choose` takes of its part.
fn shrink(values: &[f64], columns: usize, choose: fn(f64, f64) -> f64) -> Vec<f64> {
    let columns = columns.min(values.len());
    let part =
        |column: usize| &values[column * values.len() / columns..(column + 1) * values.len() / columns];
    (0..columns).map(|column| part(column).iter().copied().fold(0.0, choose)).collect()
}

fn draw(text: &mut String, title: &str, values: &[f64]) {
    let most = values.iter().copied().fold(0.0, f64::max);
    let _ = writeln!(text, "  {title}, up to {}", number(most));
    for row in (0..HEIGHT).rev() {
        let cell = |value: &f64| {
            let filled = if most > 0.0 { value / most * (HEIGHT * 8) as f64 } else { 0.0 };
            BARS[(filled - (row * 8) as f64).clamp(0.0, 8.0).round() as usize]
        };
        let line: String = values.iter().map(cell).collect();
        let _ = writeln!(text, "  {}", line.trim_end());
    }
}
