use serde_json::Value;

use super::*;
use crate::testing::{Scene, scaler};

fn scene() -> Scene {
    let values = (0..120).map(|index| if (40..80).contains(&index) { 640.0 } else { 200.0 }).collect();
    Scene::new(scaler("requests", 100.0), "startup: 30s\nunit: requests/s", values, 15)
}

fn with_report<T>(look: impl FnOnce(&Report<'_>) -> T) -> T {
    let scene = scene();
    let replayed = scene.replayed(6);
    let remarks = ["a <b>remark</b>".to_owned()];
    look(&Report {
        title: "web over <load>",
        replayed: &replayed,
        workload: &scene.bound.workload,
        remarks: &remarks,
    })
}

#[test]
fn the_summary_has_every_score_of_every_contender() {
    let summary = with_report(|report| report.summary());
    let contenders = summary["contenders"].as_array().unwrap();
    assert_eq!(
        contenders.iter().map(|contender| contender["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["web", "oracle", "static"]
    );
    for contender in contenders {
        let scores = contender["scores"].as_object().unwrap();
        assert_eq!(scores.len(), crate::scores::SCORES.len());
        assert!(scores.values().all(Value::is_number), "{scores:?}");
    }
    assert_eq!(summary["workload"]["members"][0]["capacity"], 100.0);
    assert_eq!(summary["load"]["step_seconds"], 15.0);
}

#[test]
fn the_timeline_has_a_row_a_moment_and_contender() {
    let mut csv = Vec::new();
    with_report(|report| report.write_timeline(&mut csv)).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "time,contender,load,needed,wanted,ready,violated");
    assert_eq!(lines.len(), 1 + 3 * 120);
    assert_eq!(lines[1], "1970-01-01T00:00:00Z,web,200,2,2,2,false");
    assert_eq!(lines[1 + 40], "1970-01-01T00:10:00Z,web,640,7,7,2,true");
    // The scores can be worked out again from the file.
    let shortfall: u32 = lines[1..=120]
        .iter()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            fields[3].parse::<u32>().unwrap().saturating_sub(fields[5].parse().unwrap())
        })
        .sum();
    let scores = with_report(|report| report.replayed.results[0].scores());
    assert!((f64::from(shortfall) / 120.0 / 20.0 - scores.accuracy_u).abs() < 1e-12);
}

#[test]
fn the_page_is_whole_and_safe() {
    let page = with_report(|report| report.html());
    assert!(!page.contains("<b>remark") && page.contains("a &lt;b&gt;remark"));
    assert!(page.contains("<title>web over &lt;load&gt; · backtest</title>"));
    for outside in ["http://", "https://", "src=\"", "@import", "url("] {
        let found = page.matches(outside).count();
        assert!(found == usize::from(outside == "http://"), "{outside}: {found}");
    }
    assert!(page.contains("slo 2→7 (640/100)"));
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["load"].as_array().unwrap().len(), 120);
    assert_eq!(data["needed"], serde_json::json!([40, 2, 40, 7, 40, 2]));
    assert_eq!(data["contenders"][0]["decisions"][0][4][0], "slo 2→7 (640/100)");
}

#[test]
fn the_terminal_has_a_table_and_a_drawing() {
    let table = with_report(|report| report.table());
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[0].starts_with("contender  slo_violation_minutes") && lines[1].starts_with("web "),
        "{table}"
    );
    let plot = with_report(|report| report.plot(60));
    assert!(
        plot.contains("load (requests/s), up to 640") && plot.contains('█') && plot.contains('!'),
        "{plot}"
    );
    assert!(plot.lines().all(|line| line.chars().count() <= 62), "{plot}");
}
