use std::sync::Arc;

use engine::{
    AbsenceReason, Action, ActionMember, Difference, Memory, Observation, Plan, Reading, Scale, Time, decide,
};
use serde_json::{Value, json};

use super::super::KIND;
use super::*;
use crate::fixture::{difference, status_after};
use crate::lenient::Lenient;
use crate::{Context, MemberPoll, Reason, TargetFailure, Verdict, WriteFailure};

/// Finds nothing wrong.
fn plan(spec: Value) -> Arc<Plan> {
    let object = json!({ "apiVersion": "polyscaler.dev/v1alpha1", "kind": "ScalingGroup",
                         "metadata": { "name": "shop", "namespace": "shop" }, "spec": spec });
    let context = Context {
        catalog: &Lenient,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: false,
        resolved: None,
    };
    Arc::new(KIND.compile(&object, &context).unwrap().plan)
}

/// A shop whose entry calls two others, with a budget.
fn shop() -> Arc<Plan> {
    plan(json!({
        "members": [
            { "name": "webui", "targetRef": { "name": "webui" }, "maxReplicas": 10 },
            { "name": "auth", "targetRef": { "name": "auth" }, "maxReplicas": 4, "capacity": 50 },
            { "name": "db", "targetRef": { "name": "db" }, "maxReplicas": 9, "capacity": 300, "costPerPodHour": 0.4 },
        ],
        "metrics": [{ "name": "requests", "type": "prometheus", "member": "webui", "targetValue": 100 }],
        "callGraph": [
            { "from": "webui", "to": "auth", "callsPerCall": 0.5 },
            { "from": "webui", "to": "db", "callsPerCall": 1.5 },
        ],
        "budget": { "maxPods": 20, "maxCostPerHour": 5, "costPerPodHour": 0.1 },
    }))
}

fn scale(replicas: u32) -> Result<Scale, TargetFailure> {
    Ok(Scale { replicas, status_replicas: replicas, ready: Some(replicas) })
}

fn missing(target: &str) -> Result<Scale, TargetFailure> {
    Err(TargetFailure {
        reason: Reason::TargetNotFound,
        message: format!("Deployment shop/{target} does not exist"),
    })
}

type Write = Option<Result<(), WriteFailure>>;

/// What a poll of `plan` comes to that reads `reading`, sees `seen` and whose writes end as `write` says.
fn polled(
    plan: &Arc<Plan>,
    reading: Reading,
    seen: Vec<Result<Scale, TargetFailure>>,
    write: impl Fn(usize) -> Result<(), WriteFailure>,
) -> Outcome {
    let at = Time::from_seconds(1_700_000_000);
    let mut memory = Memory::default();
    let scales = seen.iter().map(|seen| seen.as_ref().ok().copied()).collect();
    let readings = vec![reading; plan.metrics.len()];
    let observation = Observation { scales, readings: readings.clone(), ..Observation::default() };
    let decision = decide(plan, &mut memory, &observation, at);
    let write = |member: usize| -> Write {
        let decided = decision.members.iter().find(|decided| decided.member == member)?;
        decided.scales().then(|| write(member))
    };
    let members =
        seen.into_iter().enumerate().map(|(member, seen)| MemberPoll { seen, write: write(member) });
    let members = members.collect();
    let poll = Poll {
        plan: plan.clone(),
        readings,
        members,
        decision,
        memory,
        hpa: Ok(Vec::new()),
        hpa_scaling: None,
        lacking: Vec::new(),
        reversals: Vec::new(),
    };
    Outcome {
        uid: "1".to_owned(),
        generation: 2,
        at,
        verdict: Verdict::Polled(Box::new(poll)),
        warnings: Arc::default(),
    }
}

fn reading(value: f64) -> Reading {
    Reading::of(value, Time::from_seconds(1_700_000_000))
}

fn written(_: usize) -> Result<(), WriteFailure> {
    Ok(())
}

fn poll(outcome: &mut Outcome) -> &mut Poll {
    let Verdict::Polled(poll) = &mut outcome.verdict else { unreachable!() };
    poll
}

/// Reason and message of the condition, and whether it holds.
fn condition(status: &Value, type_: &str) -> (bool, String, String) {
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == type_).unwrap();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("status") == "True", text("reason"), text("message"))
}

fn said(holds: bool, reason: &str, message: &str) -> (bool, String, String) {
    (holds, reason.to_owned(), message.to_owned())
}

#[test]
fn the_status_reports_the_whole_story() {
    let mut outcome = polled(&shop(), reading(380.0), vec![scale(2), scale(1), scale(1)], written);
    let at = Time::from_seconds(1_700_000_000);
    let after = |millis: i64| Some(Time::from_millis(at.as_millis() + millis));
    let member = |name: &str, from, to, written, ready| ActionMember {
        name: name.to_owned(),
        from,
        to,
        attempts: 1,
        written,
        ready,
        failure: None,
    };
    poll(&mut outcome).memory.last_scale = Some(at);
    poll(&mut outcome).memory.last_action = Some(Action {
        at,
        members: vec![
            member("webui", 2, 4, after(12), after(6250)),
            member("auth", 1, 4, after(15), None),
            member("db", 1, 2, after(9), after(5500)),
        ],
    });
    let status = status_after(&KIND, &outcome, &Value::Null);
    insta::assert_json_snapshot!("followed", status);

    // The next poll changes nothing, and what scaled each member last stays known.
    let steady = polled(&shop(), reading(380.0), vec![scale(4), scale(4), scale(2)], written);
    let after = status_after(&KIND, &steady, &status);
    assert_eq!(after["members"][0]["lastScaleReason"], status["members"][0]["lastScaleReason"]);
    assert!(status["members"][0]["lastScaleReason"].as_str().unwrap().contains("2→4"));
}

#[test]
fn all_is_well() {
    let outcome = polled(&shop(), reading(200.0), vec![scale(2), scale(2), scale(1)], written);
    let status = status_after(&KIND, &outcome, &Value::Null);
    let cases = [
        ("Ready", said(true, "Ready", "the metrics are available and every member can be scaled")),
        ("AbleToScale", said(true, "ReadyForNewScale", "every member can be scaled")),
        ("ScalingActive", said(true, "ValidMetricFound", "all metrics are available")),
        (
            "ScalingLimited",
            said(false, "DesiredWithinRange", "the desired count is within the acceptable range"),
        ),
    ];
    for (type_, expected) in cases {
        assert_eq!(condition(&status, type_), expected, "{type_}");
    }
    assert_eq!(status["memberSummary"], "webui 2, auth 2, db 1");
    assert_eq!(status["pods"], json!({ "now": 5, "recommended": 5, "decided": 5, "budget": 20 }));
    assert_eq!(status["cost"], json!({ "now": 0.8, "recommended": 0.8, "decided": 0.8, "budget": 5 }));
    // auth: 100 calls over 2 × 50; db: 300 over 300; webui: 200 over 2 × 100. The first of equals is named.
    assert_eq!(status["bottleneck"], "webui");
}

#[test]
fn every_failing_member_is_named_and_the_others_go_on() {
    let conflict = |member: usize| match member {
        2 => Err(WriteFailure {
            reason: Reason::ScaleConflict,
            message: "Deployment shop/db was changed".to_owned(),
        }),
        _ => Ok(()),
    };
    let outcome = polled(&shop(), reading(380.0), vec![scale(2), missing("auth"), scale(1)], conflict);
    let status = status_after(&KIND, &outcome, &Value::Null);
    let expected = said(
        false,
        "TargetNotFound",
        "2 of 3 members cannot be scaled: auth: TargetNotFound (Deployment shop/auth does not exist); db: ScaleConflict \
         (Deployment shop/db was changed); the others are scaled",
    );
    assert_eq!(condition(&status, "AbleToScale"), expected);
    assert_eq!(condition(&status, "Ready"), expected);
    let members = status["members"].as_array().unwrap();
    assert_eq!((&members[0]["currentReplicas"], members[0].get("reason")), (&json!(4), None));
    assert_eq!((members[1].get("currentReplicas"), &members[1]["reason"]), (None, &json!("TargetNotFound")));
    assert_eq!((&members[2]["currentReplicas"], &members[2]["desiredReplicas"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&members[2]["reason"], &members[2]["message"]),
        (&json!("ScaleConflict"), &json!("Deployment shop/db was changed"))
    );
    assert_eq!(status["memberSummary"], "webui 4, auth ?, db 1→2");
    // What is not there still has its demand, as it is measured at another.
    assert_eq!((&members[1]["demand"], members[1].get("load")), (&json!(190), None));

    let none =
        polled(&shop(), reading(380.0), vec![missing("webui"), missing("auth"), missing("db")], written);
    let (_, _, message) = condition(&status_after(&KIND, &none, &Value::Null), "AbleToScale");
    assert!(message.starts_with("no member can be scaled: webui: TargetNotFound ("), "{message}");
    assert!(!message.contains("go on"), "{message}");
}

#[test]
fn a_member_at_its_most_is_named() {
    let outcome = polled(&shop(), reading(450.0), vec![scale(5), scale(4), scale(3)], written);
    let status = status_after(&KIND, &outcome, &Value::Null);
    let (limited, reason, message) = condition(&status, "ScalingLimited");
    assert_eq!(
        (limited, reason.as_str(), message.as_str()),
        (true, "TooManyReplicas", "auth: bounds 5→4 (4 at most)")
    );
    assert_eq!(
        condition(&status, "Ready"),
        said(true, "Ready", "the metrics are available and every member can be scaled")
    );
}

#[test]
fn what_a_person_can_mend_gives_the_reason() {
    let mut outcome = polled(&shop(), reading(450.0), vec![scale(5), scale(4), scale(3)], written);
    let cooldown = Step::Cooldown { from: 4, to: 5, left: std::time::Duration::from_secs(9) };
    poll(&mut outcome).decision.members[0].steps.push(cooldown);
    let (_, reason, message) = condition(&status_after(&KIND, &outcome, &Value::Null), "ScalingLimited");
    assert_eq!(reason, "TooManyReplicas");
    assert_eq!(message, "auth: bounds 5→4 (4 at most); webui: cooldown 4→5 (9 s left)");
}

#[test]
fn every_absent_metric_is_reported() {
    let gone = Reading::absent(AbsenceReason::Timeout, "no response within 5 s");
    let outcome = polled(&shop(), gone, vec![scale(5), scale(4), scale(3)], written);
    let status = status_after(&KIND, &outcome, &Value::Null);
    let expected = said(false, "MetricTimeout", "metric requests: no response within 5 s");
    assert_eq!(condition(&status, "ScalingActive"), expected);
    assert_eq!(status["metrics"][0]["reason"], "MetricTimeout");
    assert_eq!(status.get("bottleneck"), None, "what is not known is not shown");
    assert_eq!(status["members"][0].get("demand"), None);
}

#[test]
fn what_moves_with_the_load_is_no_reason_to_write_at_once() {
    let seen = || vec![scale(2), scale(2), scale(1)];
    let first = status_after(&KIND, &polled(&shop(), reading(200.0), seen(), written), &Value::Null);
    let same = status_after(&KIND, &polled(&shop(), reading(200.0), seen(), written), &first);
    assert_eq!(difference(&KIND, &first, &same), Difference::None);
    let moved = status_after(&KIND, &polled(&shop(), reading(190.0), seen(), written), &first);
    assert_ne!(moved["members"][0]["demand"], first["members"][0]["demand"]);
    assert_eq!(difference(&KIND, &first, &moved), Difference::Minor);
    let mut drawn = first.clone();
    drawn["memory"] = json!({ "policy": { "Deployment shop/web": { "round": 7 } } });
    let mut again = drawn.clone();
    again["memory"]["policy"]["Deployment shop/web"]["round"] = json!(8);
    assert_eq!(difference(&KIND, &drawn, &again), Difference::Minor);
    let scaled = status_after(&KIND, &polled(&shop(), reading(300.0), seen(), written), &first);
    assert_eq!(difference(&KIND, &first, &scaled), Difference::Major);
}

/// The largest group, of members with long names that fail, or that are all held back.
fn largest(seen: impl Fn(&str) -> Result<Scale, TargetFailure>) -> Value {
    let name = |index: usize| format!("{}-{index}", "m".repeat(60));
    let member = |index| json!({ "targetRef": { "name": name(index) }, "maxReplicas": 3, "capacity": 10 });
    let call = |index| json!({ "from": name(0), "to": name(index) });
    let plan = plan(json!({
        "members": (0..64).map(member).collect::<Value>(),
        "metrics": [{ "type": "prometheus" }],
        "callGraph": (1..64).map(call).collect::<Value>(),
    }));
    let seen = (0..64).map(|index| seen(&name(index))).collect();
    let mut outcome = polled(&plan, reading(380.0), seen, written);
    let at = Time::from_seconds(1_700_000_000);
    let moved = |index| ActionMember {
        name: name(index),
        from: 1,
        to: 3,
        attempts: 12,
        written: Some(at),
        ready: Some(at),
        failure: Some("Deployment shop/x: the API server does not answer within 5 s".to_owned()),
    };
    poll(&mut outcome).memory.last_action = Some(Action { at, members: (0..64).map(moved).collect() });
    status_after(&KIND, &outcome, &Value::Null)
}

#[test]
fn the_largest_group_fits() {
    for status in [largest(|_| scale(1)), largest(missing)] {
        let size = status.to_string().len();
        // An object may have 1.5 MiB, and managedFields come on top.
        assert!(size < 150_000, "{size} bytes");
        for field in ["memberSummary", "lastDecision"] {
            assert!(status[field].as_str().is_none_or(|line| line.len() <= LONGEST_LINE + 20), "{field}");
        }
    }
    let status = largest(|_| scale(1));
    let decision = status["lastDecision"].as_str().unwrap();
    assert!(decision.contains("; and ") && decision.ends_with(" more"), "{decision}");
    let (_, reason, message) = condition(&status, "ScalingLimited");
    assert_eq!(reason, "TooManyReplicas");
    assert!(message.contains("; and 59 more: "), "{message}");
    let failing = largest(missing);
    let (_, _, message) = condition(&failing, "AbleToScale");
    for index in 0..64 {
        assert!(message.contains(&format!("-{index}: TargetNotFound")), "{message}");
    }
    assert_eq!(message.matches("does not exist").count(), 5, "the first are reported in full");
}

#[test]
fn a_line_ends_with_a_whole_part() {
    let parts = |count: usize, length: usize| (0..count).map(move |_| "x".repeat(length));
    assert_eq!(line(parts(0, 1), ", "), "");
    assert_eq!(line(parts(2, 3), ", "), "xxx, xxx");
    assert_eq!(line(parts(1, 2000), ", ").len(), 2000, "the first is always reported");
    let long = line(parts(30, 98), ", ");
    assert_eq!(long, format!("{}, and 20 more", vec!["x".repeat(98); 10].join(", ")));
}
