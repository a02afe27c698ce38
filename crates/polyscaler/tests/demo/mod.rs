//! The demo as someone sees it who pipes it into a file: one scenario with everything real, and nothing left.
//! Every scenario's day is played on the scripted loop, and its servers are tested, in `src/demo`.
//!
//! A day goes by in real time whatever the machine is busy with, so it is long enough for a slow machine to follow,
//! and what is judged holds for whoever follows at all: more at the peak than before it, and less after it.

use std::process::{Command, Stdio};

/// What a day of so many seconds prints.
fn play(scenario: &str, seconds: u32) -> String {
    let said = play_with(&["--scenario", scenario], seconds);
    assert!(said.contains("http://127.0.0.1:"), "{said}");
    said
}

/// The same with these arguments.
pub(crate) fn play_with(args: &[&str], seconds: u32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
        .args(["demo", "--duration", &format!("{seconds}s")])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(!said.contains('\u{1b}'), "no colours in a file: {said}");
    for words in ["export KUBECONFIG=", "everything that was started has ended"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    said
}

/// The most and the least that a word such as `ready` says in the lines of an application.
pub(crate) fn range(said: &str, application: &str, word: &str) -> (u32, u32) {
    let value = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|found| *found != word);
        words.nth(1)?.parse().ok()
    };
    let lines = said.lines().filter(|line| line.split_whitespace().nth(1) == Some(application));
    let values: Vec<u32> = lines.filter_map(value).collect();
    (values.iter().copied().min().unwrap(), values.iter().copied().max().unwrap())
}

/// How often an application was scaled out and in, as the summary has it.
pub(crate) fn scaled(said: &str, application: &str) -> (u32, u32) {
    let summary = said.split_once("\nsummary\n").unwrap_or_else(|| panic!("no summary in {said}")).1;
    let line = summary.lines().find(|line| line.split_whitespace().next() == Some(application));
    let line = line.unwrap_or_else(|| panic!("no {application} in {summary}"));
    let before = |word: &str| {
        let (count, _) = line.split_once(word).unwrap();
        count.rsplit(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    (before(" out,"), before(" in)"))
}

#[test]
fn a_missing_server_is_one_plain_line() {
    let servers = [
        ("queue", "TESTBED_NATS_SERVER"),
        ("worker", "TESTBED_REDIS_CHECK_RDB"),
        ("http", "TESTBED_PROMETHEUS"),
    ];
    for (scenario, variable) in servers {
        let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
            .args(["demo", "--scenario", scenario, "--duration", "1s"])
            .env(variable, "/nonexistent/server")
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
        assert!(errors.starts_with(&format!("polyscaler: {variable} is /nonexistent")), "{errors}");
    }
}

#[test]
fn where_there_can_be_no_real_node_one_plain_line_says_why() {
    let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
        .args(["demo", "--real", "--duration", "1s"])
        // A node would hide what is in there.
        .env("TMPDIR", "/var/lib")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    assert!(errors.starts_with("polyscaler: a real node needs "), "{errors}");
}

/// How many members each action of a group moved, by the lines on it.
fn moved(said: &str) -> Vec<u32> {
    let lines = said.lines().filter_map(|line| line.split_once(" one action at ")?.1.split_once(": "));
    lines.map(|(_, story)| story.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_group_follows_the_load_at_its_entry_as_one() {
    let said = play("groups", 75);
    assert!(said.contains("kubectl get scalinggroups,deployments"), "{said}");
    for service in ["webui", "auth", "image", "recommender", "persistence", "db", "registry"] {
        let (least, most) = range(&said, &format!("teastore-{service}"), "desired");
        assert!(least < most, "{service}: {least} to {most} in {said}");
        let (out, back) = scaled(&said, &format!("teastore-{service}"));
        assert!(out >= 1 && back >= 1, "{service}: {out} out, {back} in, in {said}");
    }
    assert!(moved(&said).iter().any(|members| *members >= 6), "all or nearly all at once: {said}");
    assert!(said.contains(" %, ready after "), "{said}");
    assert!(said.contains("times as one, up to "), "{said}");
}

#[test]
fn a_backtest_needs_no_control_plane() {
    let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
        .args(["demo", "--scenario", "backtest"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for words in ["polyscaler backtest -f ", "load (requests/s), up to ", "\nstatic:10 ", "\noracle "] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let report = said.split_once("The report is ").unwrap().1.split_once(": open it").unwrap().0;
    let report = std::path::Path::new(report);
    assert!(report.exists());
    std::fs::remove_dir_all(report.parent().unwrap().parent().unwrap()).unwrap();
}

#[test]
fn a_scaled_object_is_scaled_by_its_hpa_and_sleeps_at_night() {
    let said = play("keda", 60);
    assert!(
        said.contains("kubectl get scaledobjects,horizontalpodautoscalers,deployments -n test"),
        "{said}"
    );
    let (least, most) = range(&said, "test", "desired");
    assert!(least == 0 && most >= 3, "{least} to {most} in {said}");
    let (out, back) = scaled(&said, "test");
    assert!(out >= 1 && back >= 1, "{out} out, {back} in, in {said}");
    let peak = said.split_once("\nat the peak:\n").unwrap_or_else(|| panic!("no peak in {said}")).1;
    for words in
        ["SCALETARGETKIND", "scaledobject-py", "keda-hpa-scaledobject-py", "Deployment/test", "/25 (avg)"]
    {
        assert!(peak.contains(words), "{words} in {peak}");
    }
}
