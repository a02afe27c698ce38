//! The results of a replay, for people and for machines: a page, two files, a table.

mod html;
mod terminal;
mod text;

use std::io::{self, Write};
use std::time::Duration;

use engine::AbsentMetric;
use serde_json::{Value, json};

use crate::load::Quality;
use crate::replay::{Replayed, Result};
use crate::workload::Workload;

pub use text::{number, span};

/// A replay, and what a report says about it.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What the page is called.
    pub title: &'a str,
    /// What was replayed.
    pub replayed: &'a Replayed,
    /// The world that it was replayed in.
    pub workload: &'a Workload,
    /// What else should be known, a sentence each.
    pub remarks: &'a [String],
}

impl Report<'_> {
    fn quality(&self) -> &Quality {
        &self.replayed.quality
    }

    fn results(&self) -> &[Result] {
        &self.replayed.results
    }

    /// What people should know: about the load, and whatever else was noted.
    fn all_remarks(&self) -> Vec<String> {
        let load = self.quality().remarks().into_iter();
        load.chain(self.remarks.iter().cloned()).chain(self.never_read()).collect()
    }

    /// The metrics that a contender had at no step, a sentence each: it has not decided by them.
    pub fn never_read(&self) -> Vec<String> {
        let of = |result: &Result| {
            let name = result.name.clone();
            let sentence = move |AbsentMetric { metric, absence }: AbsentMetric| {
                format!("{name} had no value of its metric {metric} at any step: {}", absence.message)
            };
            result.never_read.clone().into_iter().map(sentence)
        };
        self.results().iter().flat_map(of).collect()
    }

    /// The content of `summary.json`.
    pub fn summary(&self) -> Value {
        let contenders: Vec<Value> = self
            .results()
            .iter()
            .map(|result| {
                json!({
                    "name": result.name,
                    "scores": result.scores(),
                    "decisions": result.decisions.len() as u64 + result.left_out,
                })
            })
            .collect();
        json!({
            "title": self.title,
            "contenders": contenders,
            "load": self.quality(),
            "workload": self.workload.summary(),
            "tick_seconds": self.replayed.tick.as_secs_f64(),
            "remarks": self.all_remarks(),
        })
    }

    /// Writes `timeline.csv`: a row a contender and moment.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_timeline(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["time", "contender", "load", "needed", "wanted", "ready", "violated"])?;
        for result in self.results() {
            for (at, row) in result.timeline.iter().flat_map(crate::replay::Timeline::rows) {
                csv.write_record([
                    &at.to_string(),
                    &result.name,
                    &rounded(row.load).to_string(),
                    &row.needed.to_string(),
                    &row.wanted.to_string(),
                    &row.ready.to_string(),
                    &row.violated.to_string(),
                ])?;
            }
        }
        csv.flush()
    }

    /// The content of `report.html`: one file that needs no other.
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// A table of the most informative scores, for a terminal.
    pub fn table(&self) -> String {
        terminal::table(self)
    }

    /// Load and replicas of the first contender, drawn in letters, so many columns wide.
    pub fn plot(&self, columns: usize) -> String {
        terminal::plot(self, columns)
    }

    /// How long the load is.
    fn length(&self) -> Duration {
        self.quality().end.since(self.quality().first)
    }
}

/// Without the noise of binary fractions.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
