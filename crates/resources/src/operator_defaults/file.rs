//! The file: its form, what is wrong with it, and which parts hold in a namespace.

use std::fmt;
use std::sync::Arc;

use engine::policy::Slo;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Given, Labels, NamespaceDefaults};
use crate::common::{rule, safety};
use crate::general_scaler;

/// The file of an operator's defaults and ceilings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OperatorDefaults {
    defaults: Defaults,
    ceilings: Ceilings,
    namespaces: Vec<ForNamespaces>,
}

/// For what a spec leaves open.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Defaults {
    /// Seconds between two polls, from 1.
    interval_seconds: Option<u32>,
    /// The whole `safety` of an object that has none.
    safety: Option<Map<String, Value>>,
}

/// For what a spec says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Ceilings {
    /// The largest maximum of replicas, from 1.
    max_replicas: Option<u32>,
    /// The shortest time between two polls in seconds, from 1.
    min_interval_seconds: Option<u32>,
    /// The only metric sources that may be used.
    metric_types: Option<Vec<String>>,
}

/// The same for some namespaces; it wins over what holds for all, and a later one over an earlier.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ForNamespaces {
    /// Their names.
    names: Vec<String>,
    /// Labels that a namespace has, all of them.
    match_labels: Labels,
    defaults: Defaults,
    ceilings: Ceilings,
}

/// Why a file of defaults cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultsError {
    /// It is not YAML, or has fields that nobody knows.
    Unreadable(String),
    /// A field has a value that makes no sense.
    Invalid {
        /// Path of the field.
        path: String,
        /// What is wrong with it, and what to give.
        why: String,
    },
}

impl fmt::Display for DefaultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => f.write_str(why),
            Self::Invalid { path, why } => write!(f, "{path}: {why}"),
        }
    }
}

impl std::error::Error for DefaultsError {}

impl OperatorDefaults {
    /// Reads the text of a file. An empty one gives nothing.
    ///
    /// # Errors
    /// With the path of the first field that is wrong.
    pub fn parse(text: &str) -> Result<Self, DefaultsError> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let file: Self = serde_saphyr::from_str(text)
            .map_err(|error| DefaultsError::Unreadable(engine::one_line(&error.to_string(), 300)))?;
        check(&file.defaults, &file.ceilings, "")?;
        for (index, part) in file.namespaces.iter().enumerate() {
            let path = format!("namespaces[{index}]");
            if part.names.is_empty() && part.match_labels.is_empty() {
                return Err(invalid(&path, "", "set names or matchLabels"));
            }
            check(&part.defaults, &part.ceilings, &format!("{path}."))?;
        }
        Ok(file)
    }

    /// The same file, where all metric types that it allows are among `known`.
    ///
    /// # Errors
    /// With the path of the first that is not: it would be allowed, and those that were meant would be refused.
    pub fn with_known_types(self, known: &[&str]) -> Result<Self, DefaultsError> {
        let parts = self.namespaces.iter().enumerate();
        let parts = parts.map(|(index, part)| (format!("namespaces[{index}]."), &part.ceilings));
        for (path, ceilings) in [(String::new(), &self.ceilings)].into_iter().chain(parts) {
            for (index, name) in ceilings.metric_types.iter().flatten().enumerate() {
                if !known.contains(&name.as_str()) {
                    let why = format!("{name:?}: unknown metric type; known are {}", known.join(", "));
                    return Err(invalid(&path, &format!("ceilings.metricTypes[{index}]"), why));
                }
            }
        }
        Ok(self)
    }

    /// Whether any part chooses namespaces by their labels.
    pub fn reads_labels(&self) -> bool {
        self.namespaces.iter().any(|part| !part.match_labels.is_empty())
    }

    /// What holds in the namespace `name` that has these labels.
    pub fn in_namespace(&self, name: &str, labels: &Labels) -> NamespaceDefaults {
        let mut found = NamespaceDefaults::default();
        found.take(&self.defaults, &self.ceilings, &"the operator's defaults".into());
        for part in self.namespaces.iter().filter(|part| part.holds_in(name, labels)) {
            found.take(&part.defaults, &part.ceilings, &part.shown().into());
        }
        found
    }
}

fn invalid(path: &str, field: &str, why: impl Into<String>) -> DefaultsError {
    DefaultsError::Invalid { path: format!("{path}{field}"), why: why.into() }
}

/// The first thing wrong with defaults and ceilings at `path`.
fn check(defaults: &Defaults, ceilings: &Ceilings, path: &str) -> Result<(), DefaultsError> {
    for (field, value, most) in [
        ("defaults.intervalSeconds", defaults.interval_seconds, 86_400),
        ("ceilings.maxReplicas", ceilings.max_replicas, i32::MAX as u32),
        ("ceilings.minIntervalSeconds", ceilings.min_interval_seconds, 86_400),
    ] {
        if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
            return Err(invalid(path, field, format!("{value}: must be a whole number from 1 to {most}")));
        }
    }
    if let Some(safety) = &defaults.safety {
        check_safety(safety, &format!("{path}defaults."))?;
    }
    if ceilings.metric_types.as_ref().is_some_and(Vec::is_empty) {
        return Err(invalid(path, "ceilings.metricTypes", "name at least one, or leave it out to allow all"));
    }
    Ok(())
}

/// The first thing wrong with a `safety`, by the schema and the rules that hold in a spec.
fn check_safety(safety: &Map<String, Value>, path: &str) -> Result<(), DefaultsError> {
    let wrong = |field: &str, why: String| {
        let field = field.strip_prefix("spec.").unwrap_or(field);
        Err(invalid(path, field, why))
    };
    let object = json!({ "spec": { "safety": safety } });
    let schema = general_scaler::KIND.schema(&engine::POLICIES);
    if let Some(unknown) = schema.unknown_fields(&object).first() {
        return wrong(unknown, "unknown field".to_owned());
    }
    let mut problems = schema.problems(&object);
    problems.retain(|problem| problem.path.starts_with(safety::PATH));
    if problems.is_empty() {
        match safety::SafetySpec::deserialize(&object["spec"]["safety"]) {
            Ok(spec) => {
                problems.extend(rule::problems(safety::RULES, &spec));
                safety::limits(Some(&spec), Some(&Slo::default()), &mut problems, &mut Vec::new());
            }
            Err(error) => return wrong("safety", error.to_string()),
        }
    }
    match problems.first() {
        Some(problem) => wrong(&problem.path, problem.fault.to_string()),
        None => Ok(()),
    }
}

impl ForNamespaces {
    fn holds_in(&self, name: &str, labels: &Labels) -> bool {
        let by_name = self.names.is_empty() || self.names.iter().any(|known| known == name);
        by_name && self.match_labels.iter().all(|(label, value)| labels.get(label) == Some(value))
    }

    /// How a status names it.
    fn shown(&self) -> String {
        let labels = self.match_labels.iter().map(|(label, value)| format!("{label}={value}"));
        let parts: Vec<String> = self.names.iter().cloned().chain(labels).collect();
        format!("the operator's defaults for namespaces {}", parts.join(", "))
    }
}

impl NamespaceDefaults {
    /// Takes over what is given, in place of what was given before.
    fn take(&mut self, defaults: &Defaults, ceilings: &Ceilings, from: &Arc<str>) {
        take(&mut self.interval_seconds, defaults.interval_seconds.as_ref(), from);
        take(&mut self.safety, defaults.safety.as_ref(), from);
        take(&mut self.max_replicas, ceilings.max_replicas.as_ref(), from);
        take(&mut self.min_interval_seconds, ceilings.min_interval_seconds.as_ref(), from);
        take(&mut self.metric_types, ceilings.metric_types.as_ref(), from);
    }
}

fn take<T: Clone>(place: &mut Option<Given<T>>, value: Option<&T>, from: &Arc<str>) {
    if let Some(value) = value {
        *place = Some(Given { value: value.clone(), from: Arc::clone(from) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named_with_its_path() {
        for (text, said) in [
            (
                "defaults: {intervalSeconds: 0}",
                "defaults.intervalSeconds: 0: must be a whole number from 1 to 86400",
            ),
            ("ceilings: {maxReplicas: 0}", "ceilings.maxReplicas: 0: must be a whole number"),
            ("ceilings: {metricTypes: []}", "ceilings.metricTypes: name at least one"),
            ("namespaces: [{ceilings: {maxReplicas: 5}}]", "namespaces[0]: set names or matchLabels"),
            (
                "namespaces: [{names: [a], ceilings: {minIntervalSeconds: 0}}]",
                "namespaces[0].ceilings.minIntervalSeconds: 0: must be",
            ),
            ("defaults: {safety: {cooldown: 5}}", "defaults.safety.cooldown: unknown field"),
            (
                "defaults: {safety: {cooldownSeconds: -5}}",
                "defaults.safety.cooldownSeconds: Invalid value: -5",
            ),
            (
                "defaults: {safety: {behavior: {}, maxScaleUpRate: 1}}",
                "defaults.safety.behavior: Invalid value: behavior has rates",
            ),
            ("default: {}", "unknown field"),
            ("[1", ""),
        ] {
            let error = OperatorDefaults::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        for text in
            ["", "# nothing", "{}", "defaults: {safety: {behavior: {scaleDown: {selectPolicy: Min}}}}"]
        {
            assert!(OperatorDefaults::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_metric_type_that_nobody_knows_is_named_with_its_path() {
        let known = ["redis", "cpu"];
        let read = |text| OperatorDefaults::parse(text).unwrap().with_known_types(&known);
        assert!(read("{ceilings: {metricTypes: [cpu]}, namespaces: [{names: [a]}]}").is_ok());
        for (text, said) in [
            (
                "ceilings: {metricTypes: [cpu, rediss]}",
                "ceilings.metricTypes[1]: \"rediss\": unknown metric type; known are redis, cpu",
            ),
            (
                "namespaces: [{names: [a], ceilings: {metricTypes: [x]}}]",
                "namespaces[0].ceilings.metricTypes[0]: \"x\": unknown",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn a_later_part_wins_and_parts_hold_by_name_and_label() {
        let file = OperatorDefaults::parse(
            "{ceilings: {maxReplicas: 10}, namespaces: [{names: [shop, bank], ceilings: {maxReplicas: 20}}, \
             {matchLabels: {tier: gold}, ceilings: {maxReplicas: 50}}]}",
        )
        .unwrap();
        assert!(file.reads_labels() && !OperatorDefaults::default().reads_labels());
        let gold = Labels::from([("tier".to_owned(), "gold".to_owned())]);
        for (name, labels, most, from) in [
            ("other", &Labels::new(), 10, "the operator's defaults"),
            ("shop", &Labels::new(), 20, "the operator's defaults for namespaces shop, bank"),
            ("shop", &gold, 50, "the operator's defaults for namespaces tier=gold"),
        ] {
            let given = file.in_namespace(name, labels).max_replicas.unwrap();
            assert_eq!((given.value, &*given.from), (most, from));
        }
    }
}
