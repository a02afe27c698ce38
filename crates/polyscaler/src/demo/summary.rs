//! What the demo came to.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::scenario::Scenario;

/// One scale operation as the operator remembers it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Operation {
    /// When it was decided.
    timestamp: String,
    /// `Kind/name` of what was scaled.
    target: String,
    from: u32,
    to: u32,
    applied: bool,
}

/// Scale operations of every application.
#[derive(Debug)]
pub(super) struct Summary {
    applications: Vec<Line>,
    group: Option<GroupLine>,
}

/// How a group was moved.
#[derive(Debug, PartialEq, Eq)]
struct GroupLine {
    name: &'static str,
    actions: usize,
    /// The most members that one action moved.
    most: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    name: &'static str,
    out: usize,
    in_: usize,
    least: u32,
    most: u32,
}

impl Operation {
    fn is_of(&self, deployment: &str) -> bool {
        self.target.rsplit('/').next() == Some(deployment)
    }
}

impl GroupLine {
    /// Members that were moved by one decision have its time.
    fn of(name: &'static str, operations: &[Operation]) -> Self {
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        for operation in operations.iter().filter(|operation| operation.applied) {
            *members.entry(&operation.timestamp).or_default() += 1;
        }
        Self { name, actions: members.len(), most: members.into_values().max().unwrap_or(0) }
    }
}

impl Summary {
    pub(super) fn of(scenario: &Scenario, operations: Vec<Operation>) -> Self {
        let line = |name: &'static str| {
            let own: Vec<&Operation> =
                operations.iter().filter(|operation| operation.is_of(name) && operation.applied).collect();
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
            group: scenario.group.as_ref().map(|group| GroupLine::of(group.name, &operations)),
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
        let width = self.applications.iter().map(|line| line.name.len()).fold(16, usize::max);
        for Line { name, out, in_, least, most } in &self.applications {
            writeln!(
                f,
                "  {name:<width$} scaled {} times ({out} out, {in_} in), between {least} and {most} replicas",
                out + in_
            )?;
        }
        if let Some(GroupLine { name, actions, most }) = &self.group {
            writeln!(f, "  {name:<width$} moved {actions} times as one, up to {most} members at once")?;
        }
        writeln!(f, "  everything that was started has ended")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(timestamp: &str, name: &str, from: u32, to: u32, applied: bool) -> Operation {
        let target = format!("Deployment/{name}");
        Operation { timestamp: timestamp.to_owned(), target, from, to, applied }
    }

    #[test]
    fn counts_only_what_was_carried_out() {
        let scenario = Scenario::named("business").unwrap();
        let operation = |name: &str, from, to, applied| operation("1", name, from, to, applied);
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
        assert_eq!(summary.group, None);
    }

    #[test]
    fn what_was_decided_at_once_is_one_action_of_a_group() {
        let operations = vec![
            operation("1", "teastore-webui", 1, 3, true),
            operation("1", "teastore-db", 1, 2, true),
            operation("1", "teastore-auth", 1, 2, false),
            operation("2", "teastore-db", 2, 1, true),
        ];
        let summary = Summary::of(Scenario::named("groups").unwrap(), operations);
        assert_eq!(summary.group, Some(GroupLine { name: "teastore", actions: 2, most: 2 }));
        assert!(
            summary.to_string().contains("teastore-webui       scaled 1 times (1 out, 0 in)"),
            "{summary}"
        );
    }
}
