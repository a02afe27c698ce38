//! What the demo came to.

use std::fmt;

use serde::Deserialize;

use super::scenario::Scenario;

/// One scale operation as the operator remembers it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Operation {
    name: String,
    from: u32,
    to: u32,
    applied: bool,
}

/// Scale operations of every application.
#[derive(Debug)]
pub(super) struct Summary {
    applications: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    name: &'static str,
    out: usize,
    in_: usize,
    least: u32,
    most: u32,
}

impl Summary {
    pub(super) fn of(scenario: &Scenario, operations: Vec<Operation>) -> Self {
        let line = |name: &'static str| {
            let own: Vec<&Operation> =
                operations.iter().filter(|operation| operation.name == name && operation.applied).collect();
            Line {
                name,
                out: own.iter().filter(|operation| operation.to > operation.from).count(),
                in_: own.iter().filter(|operation| operation.to < operation.from).count(),
                least: own.iter().map(|operation| operation.to).min().unwrap_or(0),
                most: own.iter().map(|operation| operation.to).max().unwrap_or(0),
            }
        };
        Self {
            applications: scenario.applications.iter().map(|application| line(application.name)).collect(),
        }
    }

    /// Whether every application was scaled.
    pub(super) fn scaled(&self) -> bool {
        self.applications.iter().all(|line| line.out + line.in_ > 0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nsummary")?;
        for Line { name, out, in_, least, most } in &self.applications {
            writeln!(
                f,
                "  {name:<16} scaled {} times ({out} out, {in_} in), between {least} and {most} replicas",
                out + in_
            )?;
        }
        writeln!(f, "  everything that was started has ended")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_what_was_carried_out() {
        let scenario = Scenario::named("business").unwrap();
        let operation =
            |name: &str, from, to, applied| Operation { name: name.to_owned(), from, to, applied };
        let summary = Summary::of(
            scenario,
            vec![
                operation("payment-service", 2, 6, true),
                operation("payment-service", 6, 4, true),
                operation("payment-service", 4, 9, false),
            ],
        );
        let line = Line { name: "payment-service", out: 1, in_: 1, least: 4, most: 6 };
        assert_eq!(summary.applications[0], line);
        assert!(!summary.scaled(), "the other application was not");
    }
}
