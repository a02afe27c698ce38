//! `check`: what it finds, and how it reports it.

use serde_json::{Value, json};

use crate::command_line::{Files, GOOD, json_of, run, run_with_input};

#[test]
fn a_good_manifest_is_valid() {
    let files = Files::new();
    let file = files.write("good.yaml", GOOD);
    let ran = run(&["check", &file]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.stdout, format!("{file}: BusinessScaling/good: valid\n"));
    assert_eq!(ran.stderr, "");
    let ran = run(&["check", "--output", "json", &file]);
    assert_eq!(ran.status, 0);
    let wanted = json!([{
        "file": file, "object": "BusinessScaling/good", "known": true, "valid": true, "problems": [],
        "warnings": [],
    }]);
    assert_eq!(json!(json_of(&ran)), wanted);
}

#[test]
fn a_bad_manifest_is_reported_by_field_on_stderr() {
    let files = Files::new();
    let bad = GOOD.replace("https:", "ftp:") + "  intervalSeconds: 0\n  scaleTresholds: {}\n";
    let file = files.write("bad.yaml", bad);
    let ran = run(&["check", &file]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    let prefix = format!("{file}: BusinessScaling/good: ");
    let lines: Vec<&str> = ran.stderr.lines().map(|line| line.strip_prefix(&prefix).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for words in ["unknown field \"spec.scaleTresholds\"", "spec.intervalSeconds: ", "spec.metricSource: "] {
        assert!(lines.iter().any(|line| line.contains(words)), "{words} in {lines:#?}");
    }
    let ran = run(&["check", "-o", "json", &file]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "machine output stands alone");
    let found = json_of(&ran);
    assert_eq!(found[0]["valid"], false);
    assert_eq!(found[0]["problems"].as_array().unwrap().len(), 3);
}

#[test]
fn several_files_and_documents_are_judged_each() {
    let files = Files::new();
    let bad =
        GOOD.replace("targetDeployment: web", "targetDeployment: Web").replace("name: good", "name: bad");
    let several = format!("---\n{GOOD}---\n# only a comment\n---\n{bad}---\n");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
        serde_saphyr::from_str::<Value>(GOOD).unwrap(),
        { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "other" }, "data": { "a": "b" } },
    ] });
    let (several, list) = (files.write("several.yaml", several), files.write("list.json", list.to_string()));
    let ran = run(&["check", "-o", "json", &several, &list]);
    assert_eq!(ran.status, 1);
    let found: Vec<(Value, Value, Value)> = json_of(&ran)
        .into_iter()
        .map(|found| (found["object"].clone(), found["known"].clone(), found["valid"].clone()))
        .collect();
    let wanted = [
        ("BusinessScaling/good", true, true),
        ("BusinessScaling/bad", true, false),
        ("BusinessScaling/good", true, true),
        ("ConfigMap/other", false, true),
    ];
    assert_eq!(found, wanted.map(|(object, known, valid)| (json!(object), json!(known), json!(valid))));
    assert_eq!(run(&["check", &list]).status, 0, "kinds of others are skipped");
}

#[test]
fn what_cannot_be_judged_is_an_error_that_names_the_file() {
    let files = Files::new();
    let folder = files.0.path().display().to_string();
    let cases = [
        (files.0.path().join("missing.yaml").display().to_string(), "cannot be read"),
        (folder, "cannot be read"),
        (files.write("broken.yaml", "a: [1, 2\nb: }"), "at line 2, column 2; correct it there"),
        (files.write("binary.yaml", [0xff, 0xfe, 0x00, 0x80]), "cannot be read"),
        (files.write("text.yaml", "just some words"), "apiVersion and kind must be set"),
        (files.write("kindless.yaml", "apiVersion: example.com/v1"), "apiVersion and kind must be set"),
        (files.write("typo.yaml", GOOD.replace("BusinessScaling", "BusinesScaling")), "no matches for kind"),
        (
            files.write("version.yaml", GOOD.replace("example.com/v1", "example.com/v2")),
            "no matches for kind",
        ),
    ];
    for (file, words) in cases {
        let ran = run(&["check", &file]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with(&format!("{file}: ")) && ran.stderr.contains(words),
            "{words}: {ran:?}"
        );
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        let ran = run(&["check", "-o", "json", &file]);
        assert_eq!(ran.status, 1, "{ran:?}");
        let message = json_of(&ran)[0]["problems"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn nothing_to_check_is_bad_usage() {
    let files = Files::new();
    let (empty, good) = (files.write("empty.yaml", ""), files.write("good.yaml", GOOD));
    for output in ["text", "json"] {
        let ran = run(&["check", "-o", output, &empty, "-"]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("no documents"), "{ran:?}");
    }
    assert_eq!(run(&["check", &empty, &good]).status, 0);
}

const SLEEPER: &str = "
apiVersion: autoscaling.example.com/v1
kind: GeneralScaler
metadata: {name: sleeper, namespace: shop}
spec:
  targetDeployment: web
  minReplicas: 0
  maxReplicas: 5
  metrics: [{type: cpu, targetValue: 80}]
";

#[test]
fn warnings_are_printed_and_change_nothing() {
    let files = Files::new();
    let file = files.write("sleeper.yaml", SLEEPER);
    let ran = run(&["check", &file]);
    assert_eq!(
        (ran.status, ran.stdout),
        (0, format!("{file}: GeneralScaler/sleeper: valid\n")),
        "{}",
        ran.stderr
    );
    let begin =
        format!("{file}: GeneralScaler/sleeper: warning: spec.minReplicas: at 0 replicas there are no pods");
    assert!(ran.stderr.starts_with(&begin) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    let ran = run(&["check", "-o", "json", &file]);
    let found = json_of(&ran).remove(0);
    assert_eq!((ran.status, &found["valid"]), (0, &json!(true)));
    assert_eq!(found["warnings"][0]["path"], "spec.minReplicas");
    let over =
        r#"  annotations: {polyscaler.dev/override: '{"minReplicas": 3, "until": "2020-01-01T00:00:00Z"}'}"#;
    let over = GOOD.replace("  name: good\n", &format!("  name: good\n{over}\n"));
    let ran = run(&["check", &files.write("over.yaml", over)]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let warned = "warning: metadata.annotations[polyscaler.dev/override]: it ended at 2020-01-01T00:00:00Z and is ignored";
    assert!(ran.stderr.contains(warned), "{}", ran.stderr);
    let awake = files.write("awake.yaml", SLEEPER.replace("minReplicas: 0", "minReplicas: 1"));
    assert_eq!(json_of(&run(&["check", "-o", "json", &awake]))[0]["warnings"], json!([]));
}

#[test]
fn manifests_come_from_standard_input_too() {
    let ran = run_with_input(&["check", "-"], GOOD.as_bytes());
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "-: BusinessScaling/good: valid\n"));
    let ran = run_with_input(&["check", "-"], b"spec: {}");
    assert_eq!(ran.status, 1, "{ran:?}");
}

/// Deep nesting, aliases that unfold without end, a long document: an answer, and soon.
#[test]
fn hostile_manifests_are_refused_and_do_not_hang() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let many = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs += &format!("a{level}: &a{level} [{many}]\n");
    }
    for text in [nested, laughs] {
        let ran = run_with_input(&["check", "-"], text.as_bytes());
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        assert!(ran.stderr.len() < 2000, "{} bytes of error", ran.stderr.len());
    }
}

/// The first example of the page, and one that leaves the server to the operator, which a check does not know.
#[test]
fn examples_of_prometheus_are_valid() {
    let page = include_str!("../../../../docs/prometheus.md");
    let (_, example) = page.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let line = "      serverAddress: http://prometheus.monitoring:9090\n";
    assert!(example.contains(line), "{example}");
    for manifest in [example, &example.replace(line, "")] {
        let ran = run_with_input(&["check", "-"], manifest.as_bytes());
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    let ran = run_with_input(&["check", "-"], example.replace("http://", "").as_bytes());
    assert_eq!(ran.status, 1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("spec.metric.config.serverAddress: Invalid value"), "{said}");
}

#[test]
fn a_second_object_on_one_target_is_refused_within_one_run() {
    let files = Files::new();
    let first = files.write("first.yaml", GOOD);
    let other = GOOD.replace("name: good", "name: other");
    let second = files.write("second.yaml", &other);
    let ran = run(&["check", &first, &second]);
    assert_eq!((ran.status, ran.stdout), (1, format!("{first}: BusinessScaling/good: valid\n")));
    let wanted = format!(
        "{second}: BusinessScaling/other: spec: Forbidden: Deployment default/web is already scaled by BusinessScaling good \
         in {first}; "
    );
    assert!(ran.stderr.starts_with(&wanted), "{}", ran.stderr);

    // One that only observes, the same object twice, and another target are no conflict.
    let observing =
        other.replace("  name: other\n", "  name: other\n  annotations: {polyscaler.dev/mode: observe}\n");
    let elsewhere = other.replace("targetDeployment: web", "targetDeployment: elsewhere");
    for (name, text) in
        [("observing.yaml", observing), ("again.yaml", GOOD.to_owned()), ("elsewhere.yaml", elsewhere)]
    {
        let ran = run(&["check", &first, &files.write(name, text)]);
        assert_eq!(ran.status, 0, "{name}: {}", ran.stderr);
    }

    // An HPA is the owner wherever it stands in the run.
    let hpa = files.write("hpa.yaml", HPA);
    for run_of in [[&hpa, &first], [&first, &hpa]] {
        let ran = run(&["check", run_of[0], run_of[1]]);
        let wanted = format!(
            "{first}: BusinessScaling/good: spec: Forbidden: Deployment default/web is already scaled by \
             HorizontalPodAutoscaler default/web in {hpa}; "
        );
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.starts_with(&wanted), "{}", ran.stderr);
        assert!(ran.stdout.contains("HorizontalPodAutoscaler/web: valid"), "{}", ran.stdout);
    }
    let elsewhere = files.write("elsewhere-hpa.yaml", HPA.replace("name: web }", "name: api }"));
    assert_eq!(run(&["check", &first, &elsewhere]).status, 0);
}

const HPA: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }, maxReplicas: 5 }
";

#[test]
fn an_hpa_is_judged_as_the_api_server_judges_it_and_beside_its_target() {
    let files = Files::new();
    let bad = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { kind: Deployment, name: web }
  minReplicas: 4
  maxReplicas: 3
  metrics:
  - type: Resource
    resource: { name: cpu, target: { type: Utilization, averageUtilisation: 80 } }
";
    let file = files.write("bad.yaml", bad);
    let ran = run(&["check", &file]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
    let prefix = format!("{file}: HorizontalPodAutoscaler/web: ");
    let lines: Vec<&str> = ran.stderr.lines().map(|line| line.strip_prefix(&prefix).unwrap()).collect();
    assert_eq!(
        lines,
        [
            "strict decoding error: unknown field \"spec.metrics[0].resource.target.averageUtilisation\"",
            "spec.scaleTargetRef.apiVersion: Invalid value: \"\": apiVersion must specify API group",
            "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`",
            "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a \
             target utilization",
        ]
    );
    let target = "---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  template:
    spec: { containers: [{ name: app, image: app, resources: { requests: { memory: 1Gi } } }] }
";
    let file = files.write("beside.yaml", format!("{HPA}{target}"));
    let ran = run(&["check", &file]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("web: warning: spec.scaleTargetRef: Deployment/web sets spec.replicas"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("warning: spec.metrics: container app of Deployment/web has no request for cpu"),
        "{ran:?}"
    );
    let second =
        files.write("second.yaml", HPA.replace("metadata: { name: web }", "metadata: { name: other }"));
    let ran = run(&["check", &second, &file]);
    assert!(ran.status == 0 && ran.stderr.contains("too, so neither of them scales it"), "{ran:?}");
}

#[test]
fn an_hpa_of_another_version_is_not_passed_over() {
    let files = Files::new();
    for version in ["autoscaling/v2beta2", "autoscaling/v3"] {
        let file = files.write("other.yaml", HPA.replace("autoscaling/v2", version));
        let ran = run(&["check", &file]);
        let wanted = format!(
            "{file}: HorizontalPodAutoscaler/web: apiVersion: Invalid value: {version:?}: Kubernetes serves no HPAs of this \
             version; write it as autoscaling/v2\n"
        );
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (1, "", wanted));
    }
    let file = files.write("v1.yaml", HPA.replace("autoscaling/v2", "autoscaling/v1"));
    let ran = run(&["check", &file]);
    let warned = format!(
        "{file}: HorizontalPodAutoscaler/web: warning: apiVersion: it is not judged as autoscaling/v1; write it as \
         autoscaling/v2\n"
    );
    assert_eq!((ran.status, ran.stderr), (0, warned), "the API server takes it");
    assert_eq!(ran.stdout, format!("{file}: HorizontalPodAutoscaler/web: skipped\n"));
    let found = json_of(&run(&["check", "-o", "json", &file])).remove(0);
    assert_eq!((&found["known"], &found["warnings"][0]["path"]), (&json!(false), &json!("apiVersion")));
}

/// As `kubectl get --raw` has them.
#[test]
fn a_list_of_one_kind_is_judged_by_its_items() {
    let files = Files::new();
    let mut item = serde_saphyr::from_str::<Value>(HPA).unwrap();
    item.as_object_mut().unwrap().retain(|name, _| name != "apiVersion" && name != "kind");
    let mut bad = item.clone();
    bad["spec"]["maxReplicas"] = json!(0);
    let list = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscalerList", "items": [item, bad] });
    let nested = json!({ "apiVersion": "v1", "kind": "List", "items": [list] });
    let ran = run(&["check", &files.write("list.json", nested.to_string())]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.ends_with("HorizontalPodAutoscaler/web: valid\n"), "{ran:?}");
    assert!(ran.stderr.contains("HorizontalPodAutoscaler/web: spec.maxReplicas: "), "{ran:?}");
}
