//! What is written in the files that are tested here.

use std::path::PathBuf;

use serde_json::Value;

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path).canonicalize().unwrap()
}

/// The text of a file in the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}

/// The file of alert rules.
pub(crate) const ALERTS: &str = "config/monitoring/alerts.yaml";

/// One alert rule.
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) expression: String,
    pub(crate) severity: String,
    pub(crate) annotations: Value,
}

/// All alert rules, in the order of the file.
pub(crate) fn alerts() -> Vec<Alert> {
    let file: Value = serde_saphyr::from_str(&read(ALERTS)).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rules
        .map(|rule| Alert {
            name: text(&rule["alert"]),
            expression: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            annotations: rule["annotations"].clone(),
        })
        .collect()
}

/// One query of the dashboard.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) panel: String,
    pub(crate) expression: String,
    /// The labels that its legend shows.
    pub(crate) shown: Vec<String>,
}

/// All queries of the dashboard, with `job` and `interval` in place of its variables.
pub(crate) fn queries(job: &str, interval: &str) -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(&read("config/monitoring/dashboard.json")).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression.replace("$job", job).replace("$namespace", ".*");
            let expression = expression.replace("$__rate_interval", interval);
            assert!(!expression.contains('$'), "a variable that the dashboard does not have: {expression}");
            queries.push(Query {
                panel: panel["title"].as_str().unwrap().to_owned(),
                expression,
                shown: shown(target["legendFormat"].as_str().unwrap()),
            });
        }
    }
    queries
}

/// The labels between double braces.
fn shown(legend: &str) -> Vec<String> {
    let pieces = legend.split("{{").skip(1).filter_map(|piece| piece.split_once("}}"));
    pieces.map(|(label, _)| label.trim().to_owned()).collect()
}

/// The names of metrics in an expression, which are all words that begin as ours do.
pub(crate) fn metric_names(expression: &str) -> Vec<&str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("polyscaler_") || word.starts_with("process_")).collect()
}

#[test]
fn names_and_labels_are_found() {
    assert_eq!(
        metric_names("sum by (le) (rate(polyscaler_a_bucket{job=\"x\"}[5m])) / process_b"),
        ["polyscaler_a_bucket", "process_b"]
    );
    assert_eq!(shown("{{kind}} {{ reason }} p99"), ["kind", "reason"]);
}
