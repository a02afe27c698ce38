//! `keda-report` over files: what is the same, what differs and what would not work, without a cluster.

use serde_json::Value;

use crate::command_line::{Files, assert_one_line_of_bad_usage, run};

const WORKS: &str = "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: works
spec:
  scaleTargetRef:
    name: web
  pollingInterval: 15
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus:9090
        query: up
        threshold: \"5\"
";

#[test]
fn each_object_has_a_line_and_what_is_otherwise_below() {
    let files = Files::new();
    let slower = WORKS
        .replace("name: works", "name: slower")
        .replace("name: web", "name: store")
        .replace("pollingInterval: 15", "pollingInterval: 60");
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n";
    let file = files.write("good.yaml", format!("{WORKS}---\n{slower}---\n{other}"));
    let ran = run(&["keda-report", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<Vec<&str>> =
        ran.stdout.lines().take(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [
            vec!["NAMESPACE", "OBJECT", "RESULT", "HPA"],
            vec!["default", "ScaledObject/works", "the", "same", "-"],
            vec!["default", "ScaledObject/slower", "differs", "-"],
        ]
    );
    assert!(ran.stdout.contains("differs: spec.pollingInterval: "), "{ran:?}");
    assert!(ran.stdout.ends_with("2 objects, 0 would not work\n"), "{ran:?}");
}

#[test]
fn what_would_not_work_is_named_with_its_field() {
    let files = Files::new();
    let unknown = WORKS.replace("type: prometheus", "type: carrier-pigeon");
    let job =
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata:\n  name: nightly\n  namespace: jobs\n";
    let file = files.write("bad.yaml", format!("{unknown}---\n{job}"));
    let ran = run(&["keda-report", "-o", "json", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let objects = report["objects"].as_array().unwrap();
    let note = &objects[0]["notes"][0];
    assert_eq!(
        (&note["kind"], &note["path"]),
        (&"missing".into(), &"spec.triggers[0].type".into()),
        "{report}"
    );
    assert!(note["message"].as_str().unwrap().contains("carrier-pigeon"), "{report}");
    assert_eq!(objects[1]["kind"], "ScaledJob");
    assert_eq!(objects[1]["namespace"], "jobs");
    assert!(
        objects[1]["notes"][0]["message"].as_str().unwrap().contains("ScaledJob is not served"),
        "{report}"
    );
}

#[test]
fn of_two_on_one_target_the_second_would_not_work() {
    let files = Files::new();
    let second = WORKS.replace("name: works", "name: second");
    let file = files.write("two.yaml", format!("{WORKS}---\n{second}"));
    let ran = run(&["keda-report", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let said =
        "the workload 'web' of type 'apps/v1.Deployment' is already managed by the ScaledObject 'works'";
    assert!(ran.stdout.contains(said) && ran.stdout.ends_with("2 objects, 1 would not work\n"), "{ran:?}");
}

#[test]
fn files_without_an_object_of_keda_are_no_report() {
    let files = Files::new();
    let file = files.write("other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n");
    assert_one_line_of_bad_usage(&run(&["keda-report", &file]), &["nothing to report on"]);
    assert_one_line_of_bad_usage(
        &run(&["keda-report", "/nonexistent.yaml"]),
        &["/nonexistent.yaml cannot be read"],
    );
}
