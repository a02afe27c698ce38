//! `backtest`: what it writes, what it says of bad input, and that it leaves nothing half written.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::command_line::{Files, Ran, polyscaler, run};

pub(super) const SCALER: &str = "apiVersion: autoscaling.example.com/v1
kind: GeneralScaler
metadata: {name: web, namespace: shop}
spec:
  targetDeployment: web
  minReplicas: 1
  maxReplicas: 20
  metrics:
  - {name: requests, type: prometheus, targetValue: 100, config: {query: 'sum(rate(requests[1m]))'}}
";
const WORKLOAD: &str = "capacity: 100\nstartup: 30s\nunit: requests/s\ncostPerPodHour: 0.5\n";

/// An hour of load, a value a minute: 200, and 700 in the middle.
pub(super) fn load() -> String {
    let value = |minute: u32| if (20..40).contains(&minute) { 700 } else { 200 };
    let line = |minute| format!("2026-11-29 10:{minute:02}:00,{}\n", value(minute));
    "timestamp,requests\n".to_owned() + &(0..60).map(line).collect::<String>()
}

/// Files of a backtest, and a folder for its report.
struct Scene {
    files: Files,
    arguments: Vec<String>,
    out: String,
}

impl Scene {
    fn new() -> Self {
        let files = Files::new();
        let scaler = files.write("scaler.yaml", SCALER);
        let workload = files.write("workload.yaml", WORKLOAD);
        let load = files.write("load.csv", load());
        let out = files.0.path().join("out").display().to_string();
        let arguments = ["-f", &scaler, "--load", &load, "--workload", &workload, "--out", &out];
        Self { arguments: arguments.map(str::to_owned).into(), files, out }
    }

    fn run(&self, more: &[&str]) -> Ran {
        let mut arguments = vec!["backtest"];
        arguments.extend(self.arguments.iter().map(String::as_str));
        arguments.extend(more);
        run(&arguments)
    }

    /// The same with another file in the place of one.
    fn with(&self, flag: &str, name: &str, text: impl AsRef<[u8]>) -> Ran {
        let file = self.files.write(name, text);
        let mut arguments = vec!["backtest"];
        let mut before = "";
        for argument in &self.arguments {
            arguments.push(if before == flag { &file } else { argument });
            before = argument;
        }
        run(&arguments)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(Path::new(&self.out).join(name)).unwrap()
    }

    fn written(&self) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(&self.out) else { return Vec::new() };
        let mut names: Vec<String> =
            folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_report_is_written_and_a_table_printed() {
    let scene = Scene::new();
    let ran = scene.run(&["--against", "static:7,oracle", "--plot"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for words in [
        "contender  slo_violation_minutes",
        "\nweb ",
        "\nstatic:7 ",
        "\noracle ",
        "load (requests/s), up to 700",
    ] {
        assert!(ran.stdout.contains(words), "{words} in {}", ran.stdout);
    }
    assert_eq!(scene.written(), ["report.html", "summary.json", "timeline.csv"]);
    let summary: Value = serde_json::from_str(&scene.read("summary.json")).unwrap();
    let scores = |place: usize| &summary["contenders"][place]["scores"];
    assert_eq!(scores(0)["slo_violation_minutes"], 0.5);
    assert_eq!(scores(1)["pod_hours"], 7.0);
    assert!((scores(1)["cost"].as_f64().unwrap() - 3.5).abs() < 1e-9, "{summary}");
    assert_eq!(scores(2)["oracle_gap"], 0.0);
    let timeline = scene.read("timeline.csv");
    assert!(timeline.starts_with(
        "time,contender,load,needed,wanted,ready,violated\n2026-11-29T10:00:00Z,web,200,2,2,2,false\n"
    ));
    assert_eq!(timeline.lines().count(), 1 + 3 * 240, "a row a poll and contender");
    let again = scene.run(&["--against", "static:7,oracle", "--output", "json"]);
    let printed: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(printed, summary, "the same bits from run to run");
    assert_eq!(scene.read("timeline.csv"), timeline);
}

#[test]
fn a_gate_fails_and_says_which_condition() {
    let scene = Scene::new();
    let ran = scene.run(&[
        "--fail-if",
        "slo_violation_minutes > 10",
        "--fail-if",
        "cost > 1.2 * baseline",
        "--against",
        "static:7",
    ]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = scene.run(&[
        "--fail-if",
        "slo_violation_minutes > 0.2",
        "--fail-if",
        "cost < baseline",
        "--against",
        "static:7",
    ]);
    assert_eq!(ran.status, 1, "{ran:?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines[0], "failed: slo_violation_minutes > 0.2 (0.5, the limit is 0.2)");
    assert!(lines.len() == 2 && lines[1].starts_with("failed: cost < baseline ("), "{lines:?}");
    for (arguments, part) in [
        (vec!["--fail-if", "price > 1"], "no score"),
        (vec!["--fail-if", "cost > baseline"], "--baseline"),
        (
            vec!["--baseline", "nobody", "--fail-if", "cost > baseline"],
            "there is no such contender; there are web",
        ),
        (vec!["--time-zone", "Mars/Base"], "not a time zone"),
        (vec!["--separator", "ab"], "one character"),
    ] {
        let ran = scene.run(&arguments);
        assert!(ran.status == 2 && ran.stderr.contains(part), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn two_manifests_are_compared_under_names_of_their_own() {
    let scene = Scene::new();
    let other = scene.files.write("roomy.yaml", SCALER.replace("targetValue: 100", "targetValue: 50"));
    let ran = scene.run(&["--against", &other, "--output", "json"]);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<&Value> =
        summary["contenders"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["web", "web@roomy"]);
    let ran = scene.run(&["--against", "nobody"]);
    assert!(
        ran.status == 1 && ran.stderr.contains("--against nobody: there is no such contender"),
        "{ran:?}"
    );
}

#[test]
fn scaled_objects_and_hpas_are_replayed_as_their_own_controllers_act() {
    let scene = Scene::new();
    let hpa = scene.files.write(
        "hpa.yaml",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: hpa-of-web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 20
  metrics:
  - type: External
    external: {metric: {name: requests}, target: {type: AverageValue, averageValue: '100'}}
",
    );
    let scaled_object = "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: keda-of-web, namespace: shop}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 1
  maxReplicaCount: 20
  triggers:
  - {type: prometheus, metadata: {serverAddress: 'http://prometheus:9090', query: requests, threshold: '100'}}
";
    let object = scene.files.write("scaledobject.yaml", scaled_object);
    let ran = scene.run(&["--against", &format!("{hpa},{object},hpa,keda"), "--output", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let scores = |name: &str| {
        let all = summary["contenders"].as_array().unwrap();
        all.iter().find(|contender| contender["name"] == name).unwrap()["scores"].clone()
    };
    assert_eq!(scores("hpa-of-web"), scores("hpa"));
    assert_eq!(scores("keda-of-web"), scores("keda"));
    let cron = scaled_object.replace("type: prometheus", "type: cron");
    let ran = scene.with("-f", "cron.yaml", cron);
    let words = "ScaledObject/keda-of-web: spec.triggers[0].type: Unsupported value: \"cron\"";
    assert!(ran.status == 1 && ran.stderr.contains(words), "{ran:?}");
}

const HPA: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 20
  metrics:
  - type: ContainerResource
    containerResource: {name: cpu, container: main, target: {type: Utilization, averageUtilization: 70}}
";

#[test]
fn an_hpa_over_a_container_is_replayed_and_the_report_says_how() {
    let scene = Scene::new();
    let ran = scene.with("-f", "hpa.yaml", HPA);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 2, "{ran:?}");
    let summary: Value = serde_json::from_str(&scene.read("summary.json")).unwrap();
    assert!(summary["contenders"][0]["decisions"].as_u64().unwrap() > 2, "{summary}");
    let remark = "spec.metrics[0].containerResource.container: a replica of a replay is one container";
    assert!(summary["remarks"][0].as_str().unwrap().starts_with(remark), "{summary}");
}

#[test]
fn an_hpa_that_cannot_be_replayed_is_not_passed_over() {
    let scene = Scene::new();
    let average = "{type: AverageValue, averageValue: 250m}";
    let cases = [
        (
            HPA.replace("autoscaling/v2", "autoscaling/v1"),
            "HorizontalPodAutoscaler/web: apiVersion: Invalid value: it is not judged as autoscaling/v1; write it as autoscaling/v2",
        ),
        (
            HPA.replace("{type: Utilization, averageUtilization: 70}", average),
            "spec.metrics[0].containerResource.target.averageValue: Unsupported value: of pods, only Utilization can be replayed",
        ),
        (
            HPA.replace("maxReplicas", "maxReplica"),
            "strict decoding error: unknown field \"spec.maxReplica\"",
        ),
    ];
    for (hpa, words) in cases {
        let ran = scene.with("-f", "hpa.yaml", &hpa);
        assert!(ran.status == 1 && ran.stderr.contains(words), "{words}: {ran:?}");
        // Also beside others that can be.
        let ran = scene.with("-f", "hpa.yaml", format!("{SCALER}---\n{hpa}"));
        assert!(ran.status == 1 && ran.stderr.contains(words), "{words}: {ran:?}");
    }
}

/// As `kubectl get --raw` has them.
#[test]
fn a_list_of_one_kind_is_replayed() {
    let scene = Scene::new();
    let mut item = serde_saphyr::from_str::<Value>(HPA).unwrap();
    item.as_object_mut().unwrap().retain(|name, _| name != "apiVersion" && name != "kind");
    let list = serde_json::json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscalerList",
                                   "metadata": {}, "items": [item] });
    let ran = scene.with("-f", "list.json", list.to_string());
    assert!(ran.status == 0 && ran.stdout.contains("\nweb "), "{ran:?}");
}

#[test]
fn a_manifest_with_a_forecast_is_replayed_without_it_too() {
    let scene = Scene::new();
    let ran = scene.with("-f", "ahead.yaml", SCALER.to_owned() + "  forecast: {horizonSeconds: 30}\n");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("\nweb, no forecast "), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nthe forecast of web: the SLO is broken for "), "{}", ran.stdout);
    let summary: Value = serde_json::from_str(&scene.read("summary.json")).unwrap();
    assert!(summary["remarks"].to_string().contains("the forecast of web: "), "{summary}");
}

#[test]
fn bad_loads_are_reported_by_line_and_column_and_leave_nothing() {
    let cases: [(&[u8], &str); 9] = [
        (
            b"timestamp,requests\n2026-11-29 10:00:00,1\n2026-11-29 10:01:00,many\n",
            "line 3, column requests: \"many\" is not a number",
        ),
        (
            b"timestamp,requests\n2026-11-29 10:00:00,1\nnoon,1\n",
            "line 3, column timestamp: \"noon\" is not a time",
        ),
        (
            b"timestamp,requests\n2026-11-29 10:00:00,1\n2026-11-29 10:01:00\n",
            "line 3: 1 fields, and column requests is field 2",
        ),
        (
            b"timestamp,users,orders\n2026-11-29 10:00:00,1,2\n2026-11-29 10:01:00,1,2\n",
            "no column \"requests\"; its columns: users, orders",
        ),
        (b"timestamp,requests\n2026-11-29 10:00:00,1\n", "has only one value"),
        (b"", "has no values"),
        (b"\xff\xfe1\0", "UTF-16"),
        (b"timestamp,requests\n2026-11-29 10:00:00,1\n2026-11-29 10:01:00,\xe4\n", "UTF-8"),
        (
            b"timestamp,requests\n2026-10-25 02:30:00,1\n2026-10-25 02:45:00,1\n2026-10-25 02:00:00,1\n",
            "line 4, column timestamp: the time goes back by an hour",
        ),
    ];
    let scene = Scene::new();
    for (text, part) in cases {
        let ran = scene.with("--load", "bad.csv", text);
        assert!(ran.status == 1 && ran.stdout.is_empty(), "{ran:?}");
        assert!(ran.stderr.contains(part) && !ran.stderr.contains("panicked"), "{part} in {}", ran.stderr);
        assert_eq!(scene.written(), Vec::<String>::new());
    }
    let ran = scene.run(&["--load"]);
    assert_eq!(ran.status, 2, "{ran:?}");
}

#[test]
fn odd_loads_are_read_all_the_same() {
    let scene = Scene::new();
    for (name, text) in [
        ("windows.csv", "\u{feff}".to_owned() + &load().replace(',', ";").replace('\n', "\r\n")),
        ("tabs.csv", load().replace(',', "\t")),
        ("no-header.csv", load().split_once('\n').unwrap().1.to_owned()),
        (
            "lines.txt",
            load().lines().skip(1).map(|line| format!("{}\n", line.split_once(',').unwrap().1)).collect(),
        ),
    ] {
        let ran = scene.with("--load", name, text);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{name}: {ran:?}");
        let summary: Value = serde_json::from_str(&scene.read("summary.json")).unwrap();
        assert_eq!(summary["contenders"][0]["scores"]["slo_violation_minutes"], 0.5, "{name}");
        assert_eq!(summary["remarks"], Value::Array(Vec::new()), "{name}");
    }
    let same: String = (0..60).map(|minute| format!("2026-11-29 10:{minute:02}:00,5\n")).collect();
    let ran = scene.with("--load", "same.csv", same);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(scene.read("summary.json").contains("all values are equal"));
    let mut lines: Vec<String> = load().lines().map(str::to_owned).collect();
    lines.swap(5, 6);
    lines[10] = lines[10].replace(",200", ",NaN");
    lines.remove(20);
    lines.push(lines[60 - 2].clone());
    let ran = scene.with("--load", "rough.csv", lines.join("\n"));
    assert_eq!(ran.status, 0, "{ran:?}");
    let summary: Value = serde_json::from_str(&scene.read("summary.json")).unwrap();
    let load = &summary["load"];
    assert_eq!((&load["disordered"], &load["unusable"]), (&1.into(), &1.into()), "{load}");
    assert!(load["duplicates"].as_u64().unwrap() == 1, "{load}");
}

#[test]
fn bad_manifests_and_workloads_are_reported_by_path() {
    let scene = Scene::new();
    let bad =
        SCALER.replace("maxReplicas: 20", "maxReplicas: 0").replace("targetValue: 100", "targetValue: 0");
    for (flag, name, text, parts) in [
        (
            "-f",
            "bad.yaml",
            bad.as_str(),
            ["GeneralScaler/web: spec.maxReplicas: ", "spec.metrics[0].targetValue: "],
        ),
        (
            "-f",
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
            ["has no object that can be replayed: ", "GeneralScaler"],
        ),
        ("-f", "not.yaml", "a: [", ["not.yaml: ", "not YAML"]),
        (
            "--workload",
            "bad.yaml",
            "capacity: 0\n",
            ["bad.yaml: capacity: Invalid value: 0", "must be above 0"],
        ),
        ("--workload", "typo.yaml", "capacity: 5\nstartUp: 3s\n", ["typo.yaml: ", "line 2"]),
    ] {
        let ran = scene.with(flag, name, text);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
        }
    }
    assert_eq!(scene.written(), Vec::<String>::new());
    let ran = run(&["backtest", "-f", "nowhere.yaml", "--load", "nowhere.csv"]);
    assert!(ran.status == 1 && ran.stderr.starts_with("nowhere.yaml: cannot be read: "), "{ran:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_nothing_is_left() {
    let scene = Scene::new();
    std::fs::write(&scene.out, "a file").unwrap();
    let ran = scene.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.stderr.contains(&format!("--out {}: cannot be written; name a writable directory", scene.out)),
        "{ran:?}"
    );
    std::fs::remove_file(&scene.out).unwrap();
    // Where a file cannot be put in its place, the others are not there either.
    std::fs::create_dir_all(Path::new(&scene.out).join("report.html/full")).unwrap();
    let ran = scene.run(&[]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("report.html cannot be written"), "{ran:?}");
    assert_eq!(scene.written(), ["report.html"], "neither a half nor a temporary file");
    let mode = std::fs::metadata(&scene.out).unwrap().permissions().mode();
    assert!(mode & 0o200 != 0);
}

/// The peak memory of a backtest, in MiB, and the cells that it made of them.
fn peak(scene: &Scene, path: &str) -> (f64, u64) {
    let arguments = [
        "backtest",
        "-f",
        &scene.arguments[1],
        "--load",
        path,
        "--step",
        "15s",
        "--against",
        "static:7",
        "--output",
        "json",
    ];
    let mut child = polyscaler(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most: f64 = 0.0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        most = line.and_then(|kib| kib.trim().parse().ok()).map_or(most, |kib: f64| most.max(kib / 1024.0));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let summary: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    (most, summary["load"]["cells"].as_u64().unwrap())
}

#[test]
fn millions_of_lines_pass_through_in_little_memory() {
    let scene = Scene::new();
    let write = |name: &str, lines: u32| {
        let path = scene.files.0.path().join(name);
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        (0..lines).for_each(|line| writeln!(file, "{}", 200 + line % 500).unwrap());
        file.flush().unwrap();
        path.display().to_string()
    };
    // A fifth of ten million, as a debug build is slow; memory does not depend on it.
    let (short, long) = (write("short.txt", 200_000), write("long.txt", 2_000_000));
    let ((of_short, cells), (of_long, more)) = (peak(&scene, &short), peak(&scene, &long));
    assert_eq!((cells, more), (200_000, 2_000_000));
    assert!(
        of_short > 1.0 && of_long < of_short + 16.0,
        "{of_long} MiB, and {of_short} MiB for a tenth of it"
    );
}
