//! The command line as people and scripts use it: output, words and exit status. No cluster.

mod backtest;
mod check;
mod history;
mod keda_report;
mod looks;
mod start;
mod tune;
mod usage;

use std::io::Write as _;
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
    assert_one_line(ran, 1, words);
}

fn assert_one_line_of_bad_usage(ran: &Ran, words: &[&str]) {
    assert_one_line(ran, 2, words);
}

fn assert_one_line(ran: &Ran, status: i32, words: &[&str]) {
    assert_eq!(ran.status, status, "{ran:?}");
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
    assert_eq!(run(&["check", "-"]).status, 2, "nothing was checked");
    assert_eq!(run_with_input(&["check", "-"], ran.stdout.as_bytes()).status, 0);
}
