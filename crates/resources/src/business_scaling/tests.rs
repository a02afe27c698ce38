use std::time::Duration;

use engine::{
    AbsenceReason, Decision, Difference, Fault, MemberDecision, Memory, Mode, Problem, Reading, Scale, Time,
    decide,
};

use super::*;
use crate::fixture::{difference, status_after};
use crate::lenient::{Lenient, question};
use crate::{MemberPoll, Poll, Verdict};

const CONTEXT: Context<'_> = Context {
    catalog: &Lenient,
    policies: &engine::POLICIES,
    allow_cross_namespace: false,
    admitting: true,
    resolved: None,
};

fn manifest(spec: Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": {"name": "a"}, "spec": spec })
}

fn least() -> Value {
    json!({ "targetDeployment": "web", "metricSource": "http://load/users" })
}

fn with(field: &str, value: Value) -> Value {
    let mut spec = least();
    spec[field] = value;
    spec
}

fn problems(spec: Value) -> Vec<String> {
    let problems = KIND.compile(&manifest(spec), &CONTEXT).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_least_manifest_has_the_defaults() {
    let plan = KIND.compile(&manifest(least()), &CONTEXT).unwrap().plan;
    assert_eq!(plan.members[0].target.to_string(), "Deployment default/web");
    assert_eq!(plan.members[0].bounds, Bounds::new(2, 10).unwrap());
    assert_eq!((plan.interval, plan.mode), (Duration::from_secs(60), Mode::Act));
    assert_eq!(
        question(&plan.metrics[0].query).config,
        json!({ "url": "http://load/users", "valuePath": "$.active_users" })
    );
}

#[test]
fn every_option_reaches_the_plan() {
    let spec = json!({
        "targetRef": { "apiVersion": "example.org/v1", "kind": "Fleet", "name": "taxis" },
        "namespace": "shop",
        "metric": { "type": "http", "config": { "url": "http://x/", "valuePath": "$.a" } },
        "scaleThresholds": { "minUsers": 0, "maxUsers": 10.5, "minReplicas": 0, "maxReplicas": 1 },
        "intervalSeconds": 5,
        "safety": { "cooldownSeconds": 300, "maxScaleUpRate": 3, "maxScaleDownRate": 1,
                    "scaleUpStabilizationSeconds": 10, "scaleDownStabilizationSeconds": 20 },
    });
    let mut object = manifest(spec);
    object["metadata"]["annotations"] = json!({ "polyscaler.dev/mode": "observe" });
    let plan = KIND.compile(&object, &CONTEXT).unwrap().plan;
    assert_eq!(plan.members[0].target.to_string(), "Fleet shop/taxis");
    assert_eq!(question(&plan.metrics[0].query).namespace, "shop");
    assert_eq!(plan.mode, Mode::Observe);
    assert_eq!(
        plan.limits,
        engine::Limits::default()
            .with_windows(Duration::from_secs(10), Duration::from_secs(20))
            .with_pods_per_operation(Some(3), Some(1))
            .with_cooldown(Duration::from_secs(300))
    );
}

#[test]
fn a_query_names_namespace_and_target() {
    let spec = json!({ "targetDeployment": "web", "namespace": "shop", "metric": { "type": "usage", "config": {} } });
    let plan = KIND.compile(&manifest(spec), &CONTEXT).unwrap().plan;
    let question = question(&plan.metrics[0].query);
    assert_eq!(question.namespace, "shop");
    assert_eq!(question.target.as_ref().map(Target::to_string).as_deref(), Some("Deployment shop/web"));
}

#[test]
fn all_problems_are_reported_at_once() {
    let spec = json!({
        "metricSource": "ftp://load",
        "scaleThresholds": { "minUsers": 5, "maxUsers": 5, "minReplicas": 4, "maxReplicas": 3 },
        "intervalSeconds": 0,
    });
    assert_eq!(
        problems(spec),
        [
            "spec.intervalSeconds: Invalid value: 0: spec.intervalSeconds in body should be greater than or \
             equal to 1",
            "spec.metricSource: Invalid value: \"ftp://load\": spec.metricSource in body should match \
             '^https?://[^/?#]'",
            "spec: Invalid value: exactly one of targetDeployment and targetRef must be set",
            "spec.scaleThresholds.minUsers: Invalid value: minUsers must be below maxUsers",
            "spec.scaleThresholds.minReplicas: Invalid value: minReplicas must not be above maxReplicas",
        ]
    );
}

#[test]
fn what_is_missing_or_mistyped_is_named_by_its_path() {
    assert_eq!(
        problems(with("intervalSeconds", json!("5"))),
        ["spec.intervalSeconds: Invalid value: \"string\": spec.intervalSeconds in body must be of type \
             integer: \"string\""]
    );
    assert_eq!(problems(with("headersFrom", json!({}))), ["spec.headersFrom.secretRef: Required value"]);
    assert_eq!(problems(with("targetDeployment", json!("../../nodes/x"))).len(), 1);
    let broken = json!({ "targetDeployment": "web", "metric": { "type": "unknown" } });
    assert_eq!(problems(broken), ["spec.metric.type: Invalid value: unknown source"]);
    let mut object = manifest(least());
    object["metadata"]["annotations"] = json!({ "polyscaler.dev/mode": "obsrve" });
    let problem = KIND.compile(&object, &CONTEXT).unwrap_err().remove(0).to_string();
    assert!(problem.starts_with("metadata.annotations[polyscaler.dev/mode]: Unsupported value"), "{problem}");
}

/// The outcome of a poll that read `reading` of a target with `replicas`, and wrote.
fn outcome(reading: Reading, replicas: u32, second: i64, memory: &mut Memory) -> Outcome {
    let plan = Arc::new(KIND.compile(&manifest(least()), &CONTEXT).unwrap().plan);
    let scale = Scale { replicas, status_replicas: replicas, ready: None };
    let now = Time::from_seconds(second);
    let observation = engine::Observation {
        scales: vec![Some(scale)],
        readings: vec![reading.clone()],
        ..engine::Observation::default()
    };
    let decision = decide(&plan, memory, &observation, now);
    let write = decision.scales().then_some(Ok(()));
    if write.is_some() {
        memory.applied(&plan, &decision, now);
    }
    let members = vec![MemberPoll { seen: Ok(scale), write }];
    let poll = Poll {
        plan,
        readings: vec![reading],
        members,
        decision,
        memory: memory.clone(),
        hpa: Ok(Vec::new()),
        hpa_scaling: None,
        lacking: Vec::new(),
        reversals: Vec::new(),
    };
    Outcome {
        uid: "1".to_owned(),
        generation: 3,
        at: now,
        verdict: Verdict::Polled(Box::new(poll)),
        warnings: Arc::default(),
    }
}

#[test]
fn the_status_reports_the_whole_story() {
    let mut memory = Memory::default();
    let scaled = outcome(Reading::of(3000.0, Time::default()), 2, 1_700_000_000, &mut memory);
    insta::assert_json_snapshot!("scaled", status_after(&KIND, &scaled, &Value::Null));
    let down = Reading::absent(AbsenceReason::Timeout, "http://load/users: no response within 5 s");
    let failing = outcome(down, 6, 1_700_000_060, &mut memory);
    insta::assert_json_snapshot!(
        "failing",
        status_after(&KIND, &failing, &status_after(&KIND, &scaled, &Value::Null))
    );
}

#[test]
fn a_status_changes_only_when_something_did() {
    let mut memory = Memory::default();
    let reading = |value: f64| Reading::of(value, Time::default());
    let status = |outcome: &Outcome, previous: &Value| status_after(&KIND, outcome, previous);
    let first = status(&outcome(reading(2000.0), 4, 0, &mut memory), &Value::Null);
    let same = status(&outcome(reading(2000.0), 4, 60, &mut memory), &first);
    assert_eq!(difference(&KIND, &first, &same), Difference::None);
    let moved = status(&outcome(reading(2001.0), 4, 120, &mut memory), &first);
    assert_eq!(difference(&KIND, &first, &moved), Difference::Minor);
    let scaled = status(&outcome(reading(4000.0), 4, 180, &mut memory), &first);
    assert_eq!(difference(&KIND, &first, &scaled), Difference::Major);
}

#[test]
fn an_invalid_spec_keeps_what_was_known() {
    let mut memory = Memory::default();
    let scaled = outcome(Reading::of(3000.0, Time::default()), 2, 1_700_000_000, &mut memory);
    let before = status_after(&KIND, &scaled, &Value::Null);
    let invalid = Outcome {
        uid: "1".to_owned(),
        generation: 4,
        at: Time::from_seconds(1_700_000_100),
        verdict: Verdict::Invalid(vec![Problem::new("spec.metricSource", Fault::required())]),
        warnings: Arc::default(),
    };
    let after = status_after(&KIND, &invalid, &before);
    assert_eq!(after["memory"], before["memory"], "a cooldown outlives a bad edit");
    assert_eq!(after["conditions"][0]["reason"], "InvalidSpec");
    assert_eq!(after["conditions"][0]["message"], "spec.metricSource: Required value");
    assert_eq!(after["conditions"].as_array().unwrap().len(), 1);
    assert_eq!(after["staleSince"], "2023-11-14T22:15:00Z", "the figures are of another spec");
    assert_eq!(after["desiredReplicas"], before["desiredReplicas"]);
    let later = Outcome { at: Time::from_seconds(1_700_000_200), ..invalid };
    assert_eq!(status_after(&KIND, &later, &after)["staleSince"], after["staleSince"]);
    let polled = outcome(Reading::of(3000.0, Time::default()), 6, 1_700_000_300, &mut memory);
    assert_eq!(status_after(&KIND, &polled, &after).get("staleSince"), None);
}

#[test]
fn a_target_that_may_sleep_and_is_measured_at_its_pods_only_is_warned_of() {
    let spec = |metric: &str, minimum: u32| {
        json!({ "targetDeployment": "web", "metric": { "type": metric },
                "scaleThresholds": { "minReplicas": minimum } })
    };
    let warnings = |spec| KIND.compile(&manifest(spec), &CONTEXT).unwrap().warnings;
    let found = warnings(spec("cpu", 0));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "spec.scaleThresholds.minReplicas");
    assert!(found[0].message.contains("no pods whose cpu could be measured"), "{}", found[0]);
    assert_eq!((warnings(spec("cpu", 1)), warnings(spec("http", 0))), (vec![], vec![]));
}

#[test]
fn the_status_shows_warnings_until_they_are_heeded() {
    let mut memory = Memory::default();
    let mut warned = outcome(Reading::of(3000.0, Time::default()), 6, 0, &mut memory);
    let heeded = warned.clone();
    warned.warnings = [engine::Warning::new("spec.schedule", "opens at 8:59")].into();
    let shown = status_after(&KIND, &warned, &Value::Null);
    assert_eq!(shown["warnings"], json!([{ "field": "spec.schedule", "message": "opens at 8:59" }]));
    assert_eq!(status_after(&KIND, &heeded, &shown).get("warnings"), None);
}

#[test]
fn a_missing_target_is_said_and_not_guessed() {
    let mut memory = Memory::default();
    let mut outcome = outcome(Reading::of(3000.0, Time::default()), 2, 0, &mut memory);
    let Verdict::Polled(poll) = &mut outcome.verdict else { unreachable!() };
    let failure = crate::TargetFailure {
        reason: crate::Reason::TargetNotFound,
        message: "Deployment default/web does not exist".to_owned(),
    };
    poll.members[0] = MemberPoll { seen: Err(failure), write: None };
    poll.decision = Decision { members: Vec::<MemberDecision>::new(), ..poll.decision.clone() };
    let status = status_after(&KIND, &outcome, &Value::Null);
    assert_eq!(status["conditions"][0]["reason"], "TargetNotFound");
    assert_eq!(status.get("currentReplicas"), None);
}
