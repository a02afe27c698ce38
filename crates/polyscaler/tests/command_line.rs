//! The command line as people and scripts use it: output, words and exit status. No cluster.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const GOOD: &str = "apiVersion: example.com/v1
kind: BusinessScaling
metadata:
  name: good
spec:
  targetDeployment: web
  metricSource: https://load.example.com/users
";

/// What a command came to.
#[derive(Debug)]
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let status = output.status.code().unwrap();
        Self { status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The binary in an environment without a cluster or settings.
fn polyscaler(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyscaler"));
    command.args(args).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Ran {
    polyscaler(args).output().unwrap().into()
}

fn run_with_input(args: &[&str], input: &[u8]) -> Ran {
    let mut child =
        polyscaler(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that fails early may not read it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// A folder with files, for manifests.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn json_of(ran: &Ran) -> Vec<Value> {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// An error for people: one line, without the marks of a log or a panic.
fn assert_one_plain_line(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.status, 1, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(ran.stderr.starts_with("polyscaler: "), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word} in {ran:?}");
    }
}

#[test]
fn crds_are_printed_as_yaml() {
    let ran = run(&["crds"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let crds: Vec<Value> = serde_saphyr::from_multiple(&ran.stdout).unwrap();
    let names: Vec<&Value> = crds.iter().map(|crd| &crd["metadata"]["name"]).collect();
    assert!(names.contains(&&json!("businessscalings.example.com")), "{names:?}");
    for crd in &crds {
        assert_eq!(crd["kind"], "CustomResourceDefinition");
        assert!(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].is_object());
    }
    assert_eq!(run(&["check", "-"]).status, 0, "nothing to say about nothing");
    assert_eq!(run_with_input(&["check", "-"], ran.stdout.as_bytes()).status, 0);
}

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
    }]);
    assert_eq!(json!(json_of(&ran)), wanted);
}

#[test]
fn a_bad_manifest_is_told_by_field_on_stderr() {
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
    assert_eq!(run(&["check", &list]).status, 0, "kinds of others are passed over");
}

#[test]
fn what_cannot_be_judged_is_an_error_that_names_the_file() {
    let files = Files::new();
    let folder = files.0.path().display().to_string();
    let cases = [
        (files.0.path().join("missing.yaml").display().to_string(), "cannot be read"),
        (folder, "cannot be read"),
        (files.write("broken.yaml", "a: [1, 2\nb: }"), "at line 2, column 2; mend it there"),
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
    let empty = files.write("empty.yaml", "");
    let ran = run(&["check", &empty]);
    assert_eq!((ran.status, ran.stdout), (0, format!("{empty}: no documents\n")));
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
    let page = include_str!("../../../docs/prometheus.md");
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
fn bad_usage_has_its_own_exit_status() {
    let cases: [&[&str]; 12] = [
        &["no-such-command"],
        &["check"],
        &["check", "--output", "xml", "-"],
        &["crds", "--no-such-flag"],
        &["operator", "--metrics-address", "nonsense"],
        &["operator", "--health-address", "127.0.0.1"],
        &["operator", "--webhook-address", "localhost:9443"],
        &["operator", "--lease-duration", "1s"],
        &["operator", "--leader-elect=maybe"],
        &["operator", "--deny-addresses", "10.0.0.0/99"],
        &["operator", "--max-actions", "-1"],
        &["operator", "--prometheus-url", "prometheus:9090"],
    ];
    for args in cases {
        let ran = run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("--help"), "{args:?}: {ran:?}");
    }
    let ran = run(&[]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("operator") && ran.stderr.contains("check"), "{ran:?}");
}

#[test]
fn help_is_enough_to_work_from() {
    let words: [(&[&str], &[&str]); 4] = [
        (&["--help"], &["operator", "check", "crds", "--version"]),
        (&["check", "--help"], &["<FILE>", "standard input", "--output", "Exit status"]),
        (&["crds", "--help"], &["kubectl apply -f -"]),
        (
            &["operator", "--help"],
            &[
                "--kubeconfig",
                "POLYSCALER_KUBECONFIG",
                "--namespaces",
                "--metrics-address",
                "0.0.0.0:8080",
                "--health-address",
                "0.0.0.0:8081",
                "--activity-address",
                "0.0.0.0:8082",
                "off",
                "--leader-elect",
                "--max-actions",
                "200",
                "--lease-duration",
                "LOG_LEVEL",
                "LOG_FORMAT",
                "--allow-cross-namespace",
                "--webhook-address",
                "--webhook-configuration",
                "--cert-dir",
                "--cert-secret",
                "--deny-addresses",
                "--allow-addresses",
                "--prometheus-url",
            ],
        ),
    ];
    for (args, words) in words {
        let ran = run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
        for word in words {
            assert!(ran.stdout.contains(word), "{word} in the help of {args:?}:\n{}", ran.stdout);
        }
    }
    let ran = run(&["--version"]);
    assert_eq!(ran.stdout, format!("polyscaler {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_flag_of_the_operator_is_an_environment_variable() {
    let help = run(&["operator", "--help"]).stdout;
    let flags = help.lines().map(str::trim).filter_map(|line| line.strip_prefix("--"));
    for flag in flags.map(|flag| flag.split([' ', '[', '=']).next().unwrap()) {
        let variable = format!("[env: POLYSCALER_{}=]", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}");
    }
}

/// In the log of a pod there is no command line to look at.
#[test]
fn a_value_of_the_environment_that_makes_no_sense_is_one_plain_line() {
    let cases = [
        ("POLYSCALER_METRICS_ADDRESS", "nonsense", "give an address such as 0.0.0.0:8080, or off"),
        ("POLYSCALER_LEADER_ELECT", "perhaps", "true, false"),
        ("POLYSCALER_KINDS", "NoSuchKind", "BusinessScaling"),
        ("POLYSCALER_LEASE_DURATION", "1s", "give a time from 3s to 5m"),
        ("POLYSCALER_ALLOW_CROSS_NAMESPACE", "perhaps", "true, false"),
    ];
    for (variable, value, words) in cases {
        let ran: Ran = polyscaler(&["operator"]).env(variable, value).output().unwrap().into();
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.lines().count()), (2, "", 1), "{ran:?}");
        for word in [variable, &format!("'{value}'"), words] {
            assert!(ran.stderr.contains(word), "{word} in {ran:?}");
        }
    }
    // Where the flag is given it is the flag that is wrong.
    let mut command = polyscaler(&["operator", "--lease-duration=1s"]);
    let ran: Ran = command.env("POLYSCALER_LEASE_DURATION", "30s").output().unwrap().into();
    assert_eq!(ran.status, 2);
    assert!(!ran.stderr.contains("environment variable"), "{ran:?}");
}

#[test]
fn logging_that_makes_no_sense_is_one_plain_line() {
    for (variable, value) in [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud"), ("LOG_LEVEL", "cluster=loud")] {
        let ran: Ran = polyscaler(&["operator"]).env(variable, value).output().unwrap().into();
        assert_one_plain_line(&ran, &[&format!("{variable}={value}")]);
    }
}

#[test]
fn traces_that_make_no_sense_are_one_plain_line_and_bad_usage() {
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let cases = [
        ("OTEL_SDK_DISABLED", "perhaps", "give true or false"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "give otlp or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "give http/protobuf or grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "such as http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:hush@c", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "entry 1 is not name=value"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "give none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent/ca.pem", "name a file in PEM format"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "a number of spans from 1"),
        ("OTEL_TRACES_SAMPLER", "some", "always_on, always_off or traceidratio"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "entry 1 is not name=value"),
    ];
    for (variable, value, words) in cases {
        let ran: Ran = polyscaler(&["operator"]).envs([on, (variable, value)]).output().unwrap().into();
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("polyscaler: {variable}")), "{ran:?}");
        assert!(ran.stderr.contains(words) && !ran.stderr.contains("hush"), "{words}: {ran:?}");
    }
}

/// The operator with no listeners.
const QUIET: [&str; 5] = [
    "operator",
    "--metrics-address=off",
    "--health-address=off",
    "--activity-address=off",
    "--webhook-address=off",
];

#[test]
fn an_api_server_that_is_not_known_is_one_plain_line() {
    let files = Files::new();
    let empty = files.write("empty", "");
    let garbage = files.write("garbage", "{ not: [yaml");
    let missing = files.0.path().join("missing").display().to_string();
    let no_context = files.write("no-context", "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n");
    let cluster = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
        users: [{name: a, user: {}}]\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority: no-such-file}}]\n";
    let no_certificate = files.write("no-certificate", cluster);
    for file in [missing, empty, garbage, no_context, no_certificate] {
        let flag = format!("--kubeconfig={file}");
        let ran = run(&[&QUIET[..], &[&flag]].concat());
        assert_one_plain_line(&ran, &[&format!("kubeconfig {file}: ")]);
    }
    assert_one_plain_line(&run(&QUIET), &["--kubeconfig", "KUBECONFIG", "service account"]);
}

#[test]
fn a_port_that_is_taken_is_one_plain_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (index, flag) in ["--metrics-address", "--health-address", "--activity-address", "--webhook-address"]
        .into_iter()
        .enumerate()
    {
        let mut args: Vec<String> = QUIET.iter().map(|&arg| arg.to_owned()).collect();
        args[index + 1] = format!("{flag}={address}");
        let ran = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_one_plain_line(&ran, &[&address, flag, "off"]);
    }
}

/// Where a certificate is looked for is told before anything else is tried.
#[test]
fn a_certificate_folder_that_cannot_be_used_is_one_plain_line() {
    let files = Files::new();
    let a_file = files.write("file", "");
    let folder = |name: &str, held: &[(&str, &str)]| {
        let path = files.0.path().join(name);
        std::fs::create_dir(&path).unwrap();
        for (name, text) in held {
            std::fs::write(path.join(name), text).unwrap();
        }
        path.display().to_string()
    };
    let authority = testbed::certificates::Authority::new(files.0.path(), "authority").unwrap();
    let (one, other) = (authority.server("one", &[]).unwrap(), authority.server("other", &[]).unwrap());
    let text = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    let (certificate, key) = (text(&one.certificate), text(&one.key));
    // Not even root writes below a file, or into a part of /proc.
    for (path, words) in [
        (a_file.clone(), "cannot be made"),
        (format!("{a_file}/below"), "cannot be made"),
        ("/proc/self/fdinfo".to_owned(), "none can be written there"),
        (folder("half", &[("tls.crt", &certificate)]), "tls.key"),
        (folder("garbage", &[("tls.crt", "garbage"), ("tls.key", &key)]), "tls.crt holds no certificate"),
        (folder("keyless", &[("tls.crt", &certificate), ("tls.key", "")]), "tls.key holds no private key"),
        (
            folder("strange", &[("tls.crt", &certificate), ("tls.key", &text(&other.key))]),
            "tls.key does not belong to tls.crt",
        ),
    ] {
        for address in ["off", "127.0.0.1:0"] {
            let flags = [format!("--webhook-address={address}"), format!("--cert-dir={path}")];
            let ran = run(&[&QUIET[..4], &[&flags[0], &flags[1]]].concat());
            assert_one_plain_line(&ran, &[&format!("certificate folder {path}: "), words]);
        }
    }
}

#[test]
fn an_audit_file_that_cannot_be_written_is_one_plain_line() {
    let files = Files::new();
    let below = format!("{}/audit.jsonl", files.write("file", ""));
    let flag = format!("--audit-file={below}");
    let ran = run(&[&QUIET[..], &[&flag]].concat());
    assert_one_plain_line(&ran, &[&format!("--audit-file {below} cannot be opened"), "can be written"]);
}
