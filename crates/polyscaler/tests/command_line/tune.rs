//! `tune`: what it recommends, what it refuses to, and what it writes.

use serde_json::Value;

use crate::command_line::backtest::SCALER;
use crate::command_line::{Files, run};

/// Two days of waves, a value every five minutes.
fn load() -> String {
    let value = |index: i32| 500.0 - 300.0 * (f64::from(index) / 288.0 * std::f64::consts::TAU).cos();
    (0..4 * 288).map(|index| format!("{:.1}\n", value(index))).collect()
}

const WORKLOAD: &str = "capacity: 100\nstartup: 60s\nslo: {utilization: 0.9}\n";

#[test]
fn the_cheapest_that_holds_is_recommended_with_a_diff() {
    let files = Files::new();
    let (scaler, workload) = (files.write("scaler.yaml", SCALER), files.write("workload.yaml", WORKLOAD));
    let load = files.write("load.txt", load());
    let out = files.0.path().join("out");
    let shown = out.display().to_string();
    let mut arguments = vec!["tune", "-f", &scaler, "--workload", &workload, "--load", &load, "--step", "5m"];
    arguments.extend(["--candidates", "24", "--out", &shown, "--slo", "violated_share <= 0.01"]);
    let ran = run(&arguments);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for words in
        ["settings tried on the load before", "as it is", " ◀", "--- web\n+++ web, tuned\n", "targetValue"]
    {
        assert!(ran.stdout.contains(words), "{words} in {}", ran.stdout);
    }
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let summary: Value = serde_json::from_str(&read("tune.json")).unwrap();
    let place = |one: &&Value| one["number"] == summary["recommended"];
    let recommended = summary["front"].as_array().unwrap().iter().find(place).unwrap();
    assert!(recommended["held_back"]["scores"]["violated_share"].as_f64().unwrap() <= 0.01);
    assert!(read("report.html").contains("tuned"));
    // What is recommended is what is written, and it is as good as was said.
    let tuned = out.join("tuned.yaml").display().to_string();
    assert_eq!(run(&["check", &tuned]).status, 0);
    assert_eq!(run(&arguments).stdout, ran.stdout, "the same seed finds the same settings");
}

#[test]
fn what_does_not_hold_is_not_recommended() {
    let files = Files::new();
    let (scaler, load) = (files.write("scaler.yaml", SCALER), files.write("load.txt", load()));
    let out = files.0.path().join("out");
    let shown = out.display().to_string();
    let mut arguments = vec!["tune", "-f", &scaler, "--load", &load, "--step", "5m", "--candidates", "6"];
    arguments.extend(["--slo", "cost < 1", "--out", &shown]);
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("tuned.yaml"), "of an earlier run").unwrap();
    let ran = run(&arguments);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("nothing is recommended: no settings meet cost < 1"), "{ran:?}");
    assert!(!out.join("tuned.yaml").exists() && out.join("tune.json").exists());
    let ran = run(&["tune", "-f", &scaler, "--load", &load, "--train", "2"]);
    assert!(ran.status == 2 && ran.stderr.contains("from 0.1 to 0.9"), "{ran:?}");
}
