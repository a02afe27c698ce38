//! The demo as someone sees it who pipes it into a file: real servers, a short day, and nothing left.
//!
//! A day goes by in real time whatever the machine is busy with, so two demos at most are played at a time, a day
//! is long enough for a slow machine to follow it, and what is judged holds for whoever follows at all:
//! more at the peak than before it, less after it, and never more than allowed.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// One is held by whoever plays: each demo runs a control plane of its own.
static STAGES: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

/// Demos that have asked for a stage.
static PLAYS: AtomicUsize = AtomicUsize::new(0);

/// What a day of so many seconds prints.
fn play(scenario: &str, seconds: u32) -> String {
    let stage = &STAGES[PLAYS.fetch_add(1, Ordering::Relaxed) % STAGES.len()];
    // Whoever failed on the stage has left it.
    let _alone = stage.lock().unwrap_or_else(PoisonError::into_inner);
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

/// What waits, or how much load there is, in the lines of an application.
fn loads(said: &str, application: &str) -> Vec<f64> {
    let lines = said.lines().filter(|line| line.split_whitespace().nth(1) == Some(application));
    lines.filter_map(|line| line.split_whitespace().nth(2)?.parse().ok()).collect()
}

/// How often an application was scaled out and in, as the summary has it.
fn scaled(said: &str, application: &str) -> (u32, u32) {
    let summary = said.split_once("\nsummary\n").unwrap_or_else(|| panic!("no summary in {said}")).1;
    let line = summary.lines().find(|line| line.split_whitespace().next() == Some(application));
    let line = line.unwrap_or_else(|| panic!("no {application} in {summary}"));
    let before = |word: &str| {
        let (count, _) = line.split_once(word).unwrap();
        count.rsplit(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    (before(" out,"), before(" in)"))
}

/// The queue of an application fills, its pods become more, and it drains.
fn fills_and_drains(said: &str, application: &str) {
    let (least, most) = range(said, application, "ready");
    assert!(least <= 1 && most >= 2, "{application}: {least} to {most} in {said}");
    let (out, back) = scaled(said, application);
    assert!(out >= 1 && back >= 1, "{application}: {out} out, {back} in, in {said}");
    let waiting = loads(said, application);
    let fullest = waiting.iter().copied().fold(0.0, f64::max);
    assert!(fullest > 50.0, "{application}: {waiting:?} in {said}");
    let mut since = waiting.iter().skip_while(|count| **count < fullest);
    assert!(since.any(|count| *count < fullest / 2.0), "{application} drains: {waiting:?} in {said}");
}

#[test]
fn queues_fill_and_drain_and_ready_pods_work_them_off() {
    let said = play("queue", 60);
    assert!(said.contains("kubectl get scalingrules,deployments"), "{said}");
    fills_and_drains(&said, "order-workers");
    fills_and_drains(&said, "mailer");
    assert!(said.contains("threshold "), "{said}");
}

#[test]
fn lists_fill_and_drain_and_ready_pods_work_them_off() {
    let said = play("worker", 60);
    assert!(said.contains("kubectl get generalscalers,deployments"), "{said}");
    fills_and_drains(&said, "worker");
    fills_and_drains(&said, "reports");
    assert!(said.contains("slo "), "{said}");
}

#[test]
fn replicas_follow_requests_and_a_budget_caps_them() {
    let said = play("http", 60);
    assert!(said.contains("kubectl get generalscalers,deployments"), "{said}");
    assert!(range(&said, "shop", "wanted").1 >= 4, "{said}");
    // 890 at the peak. Where a scrape is late, a rate over few of them is too low or too high.
    let requests = loads(&said, "shop").into_iter().fold(0.0, f64::max);
    assert!((300.0..1800.0).contains(&requests), "Prometheus sees {requests} a second in {said}");
    assert_eq!(range(&said, "search", "wanted").1, 5, "{said}");
    assert!(said.contains("→5 (0.50/h of 0.50/h)"), "{said}");
}

#[test]
fn replicas_follow_business_figures() {
    let said = play("business", 40);
    assert!(said.contains("kubectl get businessscalings,deployments"), "{said}");
    let (least, most) = range(&said, "payment-service", "wanted");
    assert!(least <= 2 && (6..=10).contains(&most), "{least} to {most} in {said}");
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

/// How many members each action of a group moved, by the lines that tell of it.
fn moved(said: &str) -> Vec<u32> {
    let lines = said.lines().filter_map(|line| line.split_once(" one action at ")?.1.split_once(": "));
    lines.map(|(_, story)| story.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_group_follows_the_load_at_its_entry_as_one() {
    let said = play("groups", 75);
    assert!(said.contains("kubectl get scalinggroups,deployments"), "{said}");
    for service in ["webui", "auth", "image", "recommender", "persistence", "db", "registry"] {
        let (least, most) = range(&said, &format!("teastore-{service}"), "wanted");
        assert!(least < most, "{service}: {least} to {most} in {said}");
        let (out, back) = scaled(&said, &format!("teastore-{service}"));
        assert!(out >= 1 && back >= 1, "{service}: {out} out, {back} in, in {said}");
    }
    assert!(moved(&said).iter().any(|members| *members >= 6), "all or nearly all at once: {said}");
    assert!(said.contains(" %, ready after "), "{said}");
    assert!(said.contains("times as one, up to "), "{said}");
}
