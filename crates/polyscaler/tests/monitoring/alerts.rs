//! Alert rules by themselves: they are sound, each fires when it should, says so in plain words,
//! and has a paragraph that says what to do.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use testbed::programs::{self, PROMTOOL};

use crate::monitoring::files::{ALERTS, alerts, read, repository};

/// Scenarios in which alerts fire, for promtool.
const SCENARIOS: [&str; 2] =
    ["config/monitoring/alerts_test.yaml", "config/monitoring/alerts_days_test.yaml"];

fn promtool(args: &[&str]) {
    let program = programs::ensure(&PROMTOOL, &mut |line| eprintln!("{line}")).unwrap();
    let output = Command::new(program).args(args).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_finds_nothing_wrong() {
    promtool(&["check", "rules", "--lint-fatal", &repository(ALERTS).display().to_string()]);
}

#[test]
fn every_alert_fires_in_a_scenario_and_none_while_all_is_well() {
    let files = SCENARIOS.map(|file| serde_saphyr::from_str::<Value>(&read(file)).unwrap());
    let mut fired = BTreeSet::new();
    let mut quiet = BTreeSet::new();
    for scenario in files.iter().flat_map(|file| file["tests"].as_array().unwrap()) {
        for expected in scenario["alert_rule_test"].as_array().unwrap() {
            let name = expected["alertname"].as_str().unwrap().to_owned();
            let fires = expected["exp_alerts"].as_array().is_some_and(|alerts| !alerts.is_empty());
            if fires {
                fired.insert(name)
            } else {
                quiet.insert(name)
            };
        }
    }
    let all: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    assert_eq!(fired, all, "each alert is seen firing");
    assert_eq!(quiet, all, "each alert is seen not firing");
    let paths = SCENARIOS.map(|file| repository(file).display().to_string());
    promtool(&[&["test", "rules"], &paths.each_ref().map(String::as_str)[..]].concat());
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_is_wrong() {
    for alert in alerts() {
        let name = &alert.name;
        assert!(
            ["critical", "warning", "info"].contains(&alert.severity.as_str()),
            "{name}: {}",
            alert.severity
        );
        for field in ["summary", "description"] {
            let text = alert.annotations[field].as_str().unwrap_or_default();
            assert!(text.ends_with(['.', ')']) && text.len() > 20, "{name}: {field}: {text:?}");
        }
        let runbook = format!("docs/monitoring.md#{}", name.to_lowercase());
        assert_eq!(alert.annotations["runbook_url"], runbook.as_str());
    }
}

#[test]
fn every_alert_has_its_paragraph() {
    let page = read("docs/monitoring.md");
    let written: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### Polyscaler")).collect();
    let alerts = alerts();
    let given: Vec<&str> =
        alerts.iter().map(|alert| alert.name.strip_prefix("Polyscaler").unwrap()).collect();
    assert_eq!(written, given, "the same alerts in the same order");
    for name in given {
        let (_, paragraph) = page.split_once(&format!("### Polyscaler{name}\n")).unwrap();
        let paragraph = paragraph.split("\n#").next().unwrap().trim();
        assert!(paragraph.split_whitespace().count() >= 20, "{name}: {paragraph:?}");
    }
}
