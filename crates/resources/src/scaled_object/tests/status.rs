//! The status by what came of a poll.

mod conditions;
mod events;
mod fields;
mod told;
mod unpolled;

use std::time::Duration;

use engine::{
    Absence, AbsenceReason, Activity, Decision, Fault, MemberDecision, Memory, Mode, PastScales, Scale, Time,
    TriggerActivity, Warning,
};

use super::*;
use crate::MEMORY_ANNOTATION;
use crate::fixture::difference;
use crate::{
    Change, Deletion, HpaAction, HpaChange, HpaScaling, MemberPoll, Outcome, Poll, Reason, TargetFailure,
    Verdict, WriteFailure,
};

const NOW: Time = Time::from_seconds(1_800_000_000);

/// What a poll came to, before it is told.
struct Told {
    object: Value,
    activity: Activity,
    seen: Result<u32, Reason>,
    to: Option<u32>,
    write: Option<Result<(), WriteFailure>>,
    hpa: Result<Vec<HpaChange>, WriteFailure>,
    hpa_scaling: Option<HpaScaling>,
    memory: Memory,
    lacking: Vec<Problem>,
    at: Time,
}

fn told(object: Value) -> Told {
    let (seen, to, write, hpa) = (Ok(2), None, None, Ok(Vec::new()));
    let (activity, memory, lacking) = Default::default();
    Told { object, activity, seen, to, write, hpa, hpa_scaling: None, memory, lacking, at: NOW }
}

fn trigger(metric: &str, is_active: bool) -> TriggerActivity {
    TriggerActivity {
        metric: metric.into(),
        scaler: "prometheusScaler".into(),
        is_active,
        value: Some(1.0),
        failure: None,
        failures: 0,
        falls_back: false,
    }
}

fn failed(metric: &str, failures: u32, falls_back: bool) -> TriggerActivity {
    let failure = Absence { reason: AbsenceReason::Timeout, message: "no response within 3 s".to_owned() };
    let (value, failure) = (None, Some(failure));
    TriggerActivity { value, failure, failures, falls_back, ..trigger(metric, falls_back) }
}

fn active(triggers: Vec<TriggerActivity>) -> Activity {
    let is_active = triggers.iter().any(|trigger| trigger.is_active);
    Activity { is_active, triggers, last_active: is_active.then_some(NOW), ..Activity::default() }
}

impl Told {
    /// What came of it; as by the loop, it is remembered what people are told.
    fn outcome(&self) -> Outcome {
        let compiled = KIND.compile(&self.object, &STORED).unwrap();
        let scale =
            self.seen.map(|replicas| Scale { replicas, status_replicas: replicas, ready: Some(replicas) });
        let failure =
            |reason| TargetFailure { reason, message: "Deployment shop/worker is not there".to_owned() };
        let decided = scale.map(|scale| {
            let (from, to) = (scale.replicas, self.to.unwrap_or(scale.replicas));
            MemberDecision { member: 0, from, recommended: None, to, cost: None, steps: Vec::new() }
        });
        let decision = Decision {
            at: self.at,
            mode: Mode::Act,
            values: Vec::new(),
            absences: Vec::new(),
            outlooks: Vec::new(),
            activity: Some(self.activity.clone()),
            published: Vec::new(),
            members: decided.into_iter().collect(),
        };
        let mut poll = Poll {
            plan: Arc::new(compiled.plan),
            readings: Vec::new(),
            members: vec![MemberPoll { seen: scale.map_err(failure), write: self.write.clone() }],
            decision,
            memory: Memory { told: KIND.memory(&self.object).told, ..self.memory.clone() },
            hpa: self.hpa.clone(),
            hpa_scaling: self.hpa_scaling.clone(),
            lacking: self.lacking.clone(),
            reversals: Vec::new(),
        };
        poll.memory.told = KIND.told(&poll);
        let warnings = compiled.warnings.into();
        Outcome { warnings, ..outcome(Verdict::Polled(Box::new(poll)), self.at) }
    }

    /// The object with the status after this, and the Events as `reason: note`.
    fn tell(&self) -> (Value, Vec<String>) {
        tell(&self.object, &self.outcome(), if self.write == Some(Ok(())) { &[0] } else { &[] })
    }
}

fn outcome(verdict: Verdict, at: Time) -> Outcome {
    let warnings: Arc<[Warning]> = Arc::default();
    Outcome { uid: "1".to_owned(), generation: 1, at, verdict, warnings }
}

fn tell(object: &Value, outcome: &Outcome, scaled: &[usize]) -> (Value, Vec<String>) {
    let before = KIND.kept_status(object);
    let next = before.after(outcome);
    let events = KIND.events(&Change { outcome, scaled, before: &before, next: &next });
    let mut object = object.clone();
    object["status"] = next.to_value();
    if let Some(text) = next.changed_metadata(&before).get("annotations") {
        let annotations =
            object["metadata"].as_object_mut().unwrap().entry("annotations").or_insert(json!({}));
        annotations[MEMORY_ANNOTATION] = text[MEMORY_ANNOTATION].clone();
    }
    let said = |event: &crate::Announcement| {
        let mark = if event.is_warning { "! " } else { "" };
        format!("{mark}{}: {}", event.reason, event.note)
    };
    (object, events.iter().map(said).collect())
}

/// The conditions in one line each.
fn conditions(object: &Value) -> Vec<String> {
    let all = object["status"]["conditions"].as_array().unwrap();
    let line = |condition: &Value| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!("{}={} {}: {}", text("type"), text("status"), text("reason"), text("message"))
    };
    all.iter().map(line).collect()
}

#[test]
fn the_status_after_the_first_poll_is_whole() {
    let mut object = least();
    let second = json!({ "type": "prometheus", "authenticationRef": { "name": "token" }, "metadata": {
        "serverAddress": "http://p", "query": "b", "threshold": "1" } });
    set(&mut object, "/spec/triggers", json!([least()["spec"]["triggers"][0], second, cpu()]));
    set(&mut object, "/spec/triggers/1/authenticationRef", Value::Null);
    let mut first = told(object);
    first.activity = active(vec![trigger("s0-prometheus", true), trigger("s1-prometheus", false)]);
    first.hpa_scaling = Some(HpaScaling {
        is_active: true,
        reason: "ValidMetricFound".to_owned(),
        message: "fine".to_owned(),
    });
    let (object, events) = first.tell();
    insta::assert_json_snapshot!(object["status"]);
    insta::assert_json_snapshot!(events);
    // What KEDA's type does not have, its CRD would prune.
    assert_eq!(object["status"].get("memory"), None);
}

#[test]
fn contract_4_9_steady_activity_writes_nothing() {
    let mut at_first = told(least());
    at_first.activity = active(vec![trigger("s0-prometheus", true)]);
    let (object, _) = at_first.tell();
    let later = Time::from_seconds(1_800_000_600);
    let mut next = Told { object: object.clone(), at: later, ..at_first };
    next.activity.last_active = Some(later);
    let (after, events) = next.tell();
    assert_eq!(after, object);
    assert_eq!(
        (difference(&KIND, &object["status"], &after["status"]), events),
        (engine::Difference::None, vec![])
    );
    // When it ends, that is when it was active last.
    let mut ended = Told { object, at: Time::from_seconds(1_800_000_630), ..next };
    ended.activity = Activity { last_active: Some(later), ..active(vec![trigger("s0-prometheus", false)]) };
    ended.activity.cooldown_left = Some(Duration::from_secs(270));
    let (object, _) = ended.tell();
    assert_eq!(object["status"]["lastActiveTime"], "2027-01-15T08:10:00Z");
    assert_eq!(
        conditions(&object)[1],
        "Active=False ScalerCooldown: Scaler cooling down because triggers are not active; until 2027-01-15T08:15:00Z"
    );
}

#[test]
fn contract_1_1_and_4_9_the_first_replicas_are_kept_and_health_is_shown_with_a_fallback() {
    let mut object = least();
    set(&mut object, "/spec/fallback", json!({ "failureThreshold": 3, "replicas": 6 }));
    let first =
        Told { seen: Ok(7), activity: active(vec![failed("s0-prometheus", 1, false)]), ..told(object) };
    let (object, events) = first.tell();
    // Contract 4.10: it falls back later, but it is said at once what fails.
    assert!(
        events.contains(&"! KEDAScalerFailed: s0-prometheus: no response within 3 s".to_owned()),
        "{events:?}"
    );
    assert_eq!(object["status"]["originalReplicaCount"], 7);
    let (after, events) =
        Told { seen: Ok(3), activity: active(vec![failed("s0-prometheus", 4, true)]), ..told(object) }.tell();
    assert_eq!(after["status"]["originalReplicaCount"], 7);
    assert_eq!(
        after["status"]["health"],
        json!({ "s0-prometheus": { "numberOfFailures": 4, "status": "Failing" } })
    );
    let note =
        "At least one trigger is falling back on this scaled object; s0-prometheus: no response within 3 s";
    assert_eq!(events, [format!("ScaledObjectFallbackActivated: {note}")]);
    let (after, events) =
        Told { activity: active(vec![trigger("s0-prometheus", true)]), ..told(after) }.tell();
    assert_eq!(
        after["status"]["health"],
        json!({ "s0-prometheus": { "numberOfFailures": 0, "status": "Happy" } })
    );
    assert_eq!(events, ["ScaledObjectFallbackDeactivated: No fallbacks are active on this scaled object"]);
}

#[test]
fn contract_1_1_a_status_that_keda_wrote_is_read_whole() {
    let mut object = least();
    object["status"] = json!({
        "scaleTargetKind": "apps/v1.Deployment",
        "scaleTargetGVKR": { "group": "apps", "version": "v1", "kind": "Deployment", "resource": "deployments" },
        "originalReplicaCount": 3, "lastActiveTime": "2026-11-30T05:00:00Z",
        "externalMetricNames": ["s0-prometheus"], "hpaName": "keda-hpa-worker",
        "triggersTypes": "prometheus", "authenticationsTypes": "",
        "health": { "s0-prometheus": { "numberOfFailures": 0, "status": "Happy" } },
        "triggersActivity": { "s0-prometheus": { "isActive": true } },
        "conditions": [
            { "type": "Ready", "status": "True", "reason": "ScaledObjectReady", "message": "m" },
            { "type": "Paused", "status": "False" },
        ],
    });
    assert_eq!(KIND.kept_status(&object).to_value(), object["status"]);
    // Its cooldown goes on where KEDA left it.
    let memory = json!(KIND.memory(&object));
    assert_eq!(
        memory,
        json!({ "policy": { "Deployment shop/worker": { "lastActive": "2026-11-30T05:00:00Z" } } })
    );
    let ours = r#"{"lastScale":"2026-11-30T05:30:00Z"}"#;
    set(&mut object, "/metadata/annotations", json!({ "polyscaler.dev/memory": ours }));
    assert_eq!(json!(KIND.memory(&object)), json!({ "lastScale": "2026-11-30T05:30:00Z" }), "ours counts");
}
