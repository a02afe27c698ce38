//! The demo as someone sees it who pipes it into a file: real servers, a short day, and nothing left.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::process::{Command, Stdio};

/// What a day of so many seconds prints.
fn play(scenario: &str, seconds: u32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
        .args(["demo", "--scenario", scenario, "--duration", &format!("{seconds}s")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(!said.contains('\u{1b}'), "no colours in a file: {said}");
    for words in ["http://127.0.0.1:", "export KUBECONFIG=", "everything that was started has ended"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    said
}

/// The most and the least that a word such as `ready` says in the lines of an application.
fn range(said: &str, application: &str, word: &str) -> (u32, u32) {
    let value = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|found| *found != word);
        words.nth(1)?.parse().ok()
    };
    let lines = said.lines().filter(|line| line.split_whitespace().nth(1) == Some(application));
    let values: Vec<u32> = lines.filter_map(value).collect();
    (values.iter().copied().min().unwrap(), values.iter().copied().max().unwrap())
}

#[test]
fn queues_fill_and_drain_and_ready_pods_work_them_off() {
    let said = play("queue", 30);
    assert!(said.contains("kubectl get scalingrules,deployments"), "{said}");
    for application in ["order-workers", "mailer"] {
        let (least, most) = range(&said, application, "ready");
        assert!(least <= 1 && most >= 3, "{application}: {least} to {most} in {said}");
        let waiting: Vec<u32> = said
            .lines()
            .filter(|line| line.split_whitespace().nth(1) == Some(application))
            .filter_map(|line| line.split_whitespace().nth(2)?.parse().ok())
            .collect();
        let fullest = waiting.iter().position(|count| Some(count) == waiting.iter().max()).unwrap();
        assert!(waiting[fullest] > 50, "{waiting:?}");
        assert!(waiting[fullest..].iter().any(|count| *count < 20), "it drains: {waiting:?}");
    }
    assert!(said.contains("threshold 1→"), "{said}");
}

#[test]
fn replicas_follow_business_figures() {
    let said = play("business", 20);
    assert!(said.contains("kubectl get businessscalings,deployments"), "{said}");
    assert!(range(&said, "payment-service", "wanted").1 >= 8, "{said}");
}

#[test]
fn a_missing_server_is_one_plain_line() {
    let output = Command::new(env!("CARGO_BIN_EXE_polyscaler"))
        .args(["demo", "--scenario", "queue"])
        .env("TESTBED_NATS_SERVER", "/nonexistent/nats-server")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    assert!(errors.starts_with("polyscaler: TESTBED_NATS_SERVER is /nonexistent"), "{errors}");
}
