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
fn what_would_not_work_is_named_with_its_field_and_why() {
    let files = Files::new();
    let [not_there, unknown, invalid] = [
        ("type: prometheus", "type: kafka"),
        ("type: prometheus", "type: carrier-pigeon"),
        ("pollingInterval: 15", "minReplicaCount: 9\n  maxReplicaCount: 2"),
    ]
    .map(|(from, to)| WORKS.replace(from, to));
    let job =
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata:\n  name: nightly\n  namespace: jobs\n";
    let both = format!("{not_there}  minReplicaCount: 9\n  maxReplicaCount: 2\n");
    let all = [&not_there, &unknown, &invalid, job, &both].join("---\n");
    let file = files.write("bad.yaml", all);
    let ran = run(&["keda-report", "-o", "json", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let said = |object: usize| {
        let notes = report["objects"][object]["notes"].as_array().unwrap().iter();
        let text = |note: &Value, field: &str| note[field].as_str().unwrap().to_owned();
        let notes = notes.filter(|note| note["kind"] != "differs");
        notes.map(|note| (text(note, "kind"), text(note, "path"))).collect::<Vec<_>>()
    };
    let note = |kind: &str, path: &str| (kind.to_owned(), path.to_owned());
    assert_eq!(said(0), [note("missing", "spec.triggers[0].type")]);
    assert_eq!(said(1), [note("invalid", "spec.triggers[0].type")]);
    assert_eq!(said(2).len(), 1, "{report}");
    assert_eq!(said(2)[0].0, "invalid");
    assert_eq!((said(3), &report["objects"][3]["namespace"]), (vec![note("missing", "")], &"jobs".into()));
    let kinds: Vec<String> = said(4).into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&"invalid".to_owned()), "{report}");

    let printed = run(&["keda-report", &file]).stdout;
    let results: Vec<&str> = printed.lines().skip(1).take(5).collect();
    for (line, result) in
        results.iter().zip(["not there yet", "invalid", "invalid", "not there yet", "invalid"])
    {
        assert!(line.contains(&format!("  {result}  ")), "{result}: {printed}");
    }
    assert!(printed.contains("\n  not there yet: ScaledJob is not served"), "{printed}");
    assert!(printed.ends_with("5 objects, 5 would not work\n"), "{printed}");
}

#[test]
fn what_names_an_authentication_that_is_not_there_is_incomplete_and_not_invalid() {
    let files = Files::new();
    let works =
        WORKS.replace("type: prometheus", "type: prometheus\n      authenticationRef:\n        name: token");
    let file = files.write("without.yaml", works);
    let ran = run(&["keda-report", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let said = "incomplete: spec.triggers[0].authenticationRef.name: Not found: ";
    assert!(ran.stdout.contains(said) && ran.stdout.contains("  incomplete  "), "{ran:?}");
}

#[test]
fn of_two_on_one_target_the_second_is_in_conflict() {
    let files = Files::new();
    let second = WORKS.replace("name: works", "name: second");
    let file = files.write("two.yaml", format!("{WORKS}---\n{second}"));
    let ran = run(&["keda-report", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let said = "in conflict: spec.scaleTargetRef: Duplicate value: the workload 'web' of type 'apps/v1.Deployment' is already \
                managed by the ScaledObject 'works'";
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

/// As `kubectl get --raw` has them.
#[test]
fn a_list_of_one_kind_is_reported_by_its_items() {
    let files = Files::new();
    let mut item = serde_saphyr::from_str::<Value>(WORKS).unwrap();
    item.as_object_mut().unwrap().retain(|name, _| name != "apiVersion" && name != "kind");
    let list =
        serde_json::json!({ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObjectList", "items": [item] });
    let ran = run(&["keda-report", &files.write("list.json", list.to_string())]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("ScaledObject/works"), "{ran:?}");
}
