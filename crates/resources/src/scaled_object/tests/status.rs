//! The status by what came of a poll.

mod events;
mod fields;

use std::time::Duration;

use engine::{
    Absence, AbsenceReason, Activity, Decision, Fault, MemberDecision, Memory, Mode, PastScales, Scale, Time,
    TriggerActivity, Warning,
};

use super::*;
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
        metric: metric.to_owned(),
        scaler: "prometheusScaler".to_owned(),
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
        let poll = Poll {
            plan: Arc::new(compiled.plan),
            readings: Vec::new(),
            members: vec![MemberPoll { seen: scale.map_err(failure), write: self.write.clone() }],
            decision,
            memory: self.memory.clone(),
            hpa: self.hpa.clone(),
            hpa_scaling: self.hpa_scaling.clone(),
            lacking: self.lacking.clone(),
            reversals: Vec::new(),
        };
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
fn contract_4_8_conditions_have_kedas_reasons() {
    let inactive = || active(vec![trigger("s0-prometheus", false)]);
    let mut with_fallback = least();
    set(&mut with_fallback, "/spec/fallback", json!({ "failureThreshold": 3, "replicas": 6 }));
    let none: &[(&str, &str)] = &[];
    type Case<'a> = (&'a str, Value, Activity, &'a [(&'a str, &'a str)]);
    let cases: Vec<Case<'_>> = vec![
        (
            "inactive",
            least(),
            inactive(),
            &[("Ready", "True ScaledObjectReady"), ("Active", "False ScalerNotActive")],
        ),
        (
            "forced",
            annotated("autoscaling.keda.sh/force-activation", "true"),
            Activity { is_active: true, is_forced: true, ..inactive() },
            &[("Active", "True ScalerActive")],
        ),
        (
            "all fail",
            least(),
            active(vec![failed("s0-prometheus", 1, false)]),
            &[("Ready", "False TriggerError"), ("Active", "False ScalerNotActive")],
        ),
        (
            "some fail",
            least(),
            active(vec![failed("s0-prometheus", 1, false), trigger("s1-cron", true)]),
            &[("Ready", "Unknown PartialTriggerError"), ("Active", "True ScalerActive")],
        ),
        (
            "waits for the fallback",
            with_fallback.clone(),
            active(vec![failed("s0-prometheus", 1, false)]),
            &[("Ready", "True ScaledObjectReady"), ("Fallback", "False NoFallbackFound")],
        ),
        (
            "falls back",
            with_fallback,
            active(vec![failed("s0-prometheus", 4, true)]),
            &[("Ready", "True ScaledObjectReady"), ("Fallback", "True FallbackExists")],
        ),
        (
            "paused",
            annotated("autoscaling.keda.sh/paused", "true"),
            Activity::default(),
            &[
                ("Ready", "True ScaledObjectReady"),
                ("Active", "Unknown "),
                ("Paused", "True ScaledObjectPaused"),
            ],
        ),
        (
            "paused in one direction",
            annotated("autoscaling.keda.sh/paused-scale-in", "true"),
            inactive(),
            &[("Active", "False ScalerNotActive"), ("Paused", "True ScaledObjectPaused")],
        ),
        ("not paused", least(), inactive(), &[("Paused", "False ")]),
        ("nothing", least(), inactive(), none),
    ];
    for (name, object, activity, wanted) in cases {
        let (object, _) = Told { activity, ..told(object) }.tell();
        let all = object["status"]["conditions"].as_array().unwrap().clone();
        for (type_, wanted) in wanted {
            let found = all.iter().find(|condition| condition["type"] == *type_).unwrap();
            let reason = found.get("reason").and_then(Value::as_str).unwrap_or("");
            let found = format!("{} {reason}", found["status"].as_str().unwrap());
            assert_eq!(found, *wanted, "{name}: {type_}");
        }
        let types: Vec<&Value> = all.iter().map(|condition| &condition["type"]).collect();
        assert_eq!(types, ["Ready", "Active", "Fallback", "Paused"], "{name}");
    }
}

#[test]
fn contract_4_8_what_fails_is_said_behind_kedas_sentence() {
    let (object, events) =
        Told { activity: active(vec![failed("s0-prometheus", 1, false)]), ..told(least()) }.tell();
    let ready =
        "Triggers defined in ScaledObject are not working correctly; s0-prometheus: no response within 3 s";
    assert_eq!(conditions(&object)[0], format!("Ready=False TriggerError: {ready}"));
    assert_eq!(events.last().unwrap(), &format!("! KEDAScalerFailed: {ready}"));
    let (object, events) =
        Told { activity: active(vec![trigger("s0-prometheus", true)]), ..told(object) }.tell();
    assert_eq!(events, ["ScaledObjectReady: ScaledObject is ready for scaling"]);
    assert_eq!(
        conditions(&object)[1],
        "Active=True ScalerActive: Scaling is performed because triggers are active; active: s0-prometheus"
    );
}

#[test]
fn contract_4_8_a_target_or_an_hpa_that_is_not_as_it_must_be_fails_the_check() {
    let reads = |reason| Told { seen: Err(reason), ..told(least()) }.tell();
    for (reason, wanted) in [
        (
            Reason::TargetNotFound,
            "False ScaledObjectCheckFailed: ScaledObject doesn't have correct scaleTargetRef specification: Target resource \
             doesn't exist: ",
        ),
        (
            Reason::TargetNotScalable,
            "False ScaledObjectCheckFailed: ScaledObject doesn't have correct scaleTargetRef specification: Target resource \
             doesn't expose /scale subresource: ",
        ),
        (
            Reason::TargetForbidden,
            "False ErrorGettingCurrentReplicas: Error getting current replicas count for ScaleTarget: ",
        ),
    ] {
        let (object, events) = reads(reason);
        let wanted = format!("Ready={wanted}Deployment shop/worker is not there");
        assert_eq!(conditions(&object)[0], wanted);
        if reason == Reason::TargetForbidden {
            assert!(events.iter().any(|event| event.starts_with("! KEDAScalerFailed: ")), "{events:?}");
            continue;
        }
        // Contract 4.8 and 4.10: nothing is said of triggers, and KEDA's two Events come in this order.
        assert_eq!(conditions(&object)[1], "Active=Unknown UnknownState: ScaledObject check failed");
        assert_eq!(object["status"].get("hpaName"), None);
        let sentence = if reason == Reason::TargetNotFound {
            "Target resource doesn't exist"
        } else {
            "Target resource doesn't expose /scale subresource"
        };
        let both = [sentence, "ScaledObject doesn't have correct scaleTargetRef specification"];
        assert_eq!(events, both.map(|note| format!("! ScaledObjectCheckFailed: {note}")));
    }
    let message = "HorizontalPodAutoscaler shop/keda-hpa-worker already exists, and the HPA 'keda-hpa-worker' is already managed by the ScaledObject 'other'";
    let hpa = Err(WriteFailure { reason: Reason::HpaConflict, message: message.to_owned() });
    let (object, _) = Told { hpa, ..told(least()) }.tell();
    assert_eq!(
        conditions(&object)[0],
        format!(
            "Ready=False ScaledObjectCheckFailed: Failed to ensure HPA is correctly created for ScaledObject: {message}"
        )
    );
}

#[test]
fn contract_4_8_an_object_that_is_not_polled_says_why_and_keeps_what_is_known() {
    let (polled, _) = Told { activity: active(vec![trigger("s0-prometheus", true)]), ..told(least()) }.tell();
    let problem = Problem::new("spec.triggers[0].type", Fault::invalid("\"x\": no scaler found"));
    for (verdict, step, message) in [
        (
            Verdict::Invalid(vec![problem]),
            "ScaledObject doesn't have correct triggers specification",
            "spec.triggers[0].type: Invalid value: \"x\": no scaler found",
        ),
        (
            Verdict::Conflict(
                "Deployment shop/worker is already scaled by ScaledObject shop/older".to_owned().into(),
            ),
            "Failed to ensure HPA is correctly created for ScaledObject",
            "Deployment shop/worker is already scaled by ScaledObject shop/older",
        ),
    ] {
        let (object, events) = tell(&polled, &outcome(verdict, NOW), &[]);
        assert_eq!(
            conditions(&object),
            [
                format!("Ready=False ScaledObjectCheckFailed: {step}: {message}"),
                "Active=Unknown UnknownState: ScaledObject check failed".to_owned(),
                "Fallback=False NoFallbackFound: No fallbacks are active on this scaled object".to_owned(),
                "Paused=False -: -".to_owned(),
            ]
        );
        assert_eq!(events, [format!("! ScaledObjectCheckFailed: {step}: {message}")]);
        assert_eq!(object["status"]["externalMetricNames"], json!(["s0-prometheus"]));
    }
}

#[test]
fn contract_3_and_4_8_a_pause_and_its_end_are_told() {
    let mut object = annotated("autoscaling.keda.sh/paused-replicas", "4");
    let (status, events) =
        Told { seen: Ok(2), to: Some(4), write: Some(Ok(())), ..told(object.clone()) }.tell();
    assert_eq!(status["status"]["pausedReplicaCount"], 4);
    assert_eq!(
        conditions(&status)[3],
        "Paused=True ScaledObjectPaused: ScaledObject is paused; scaling is paused at 4 replicas by the annotation \
         autoscaling.keda.sh/paused-replicas"
    );
    assert!(events.iter().any(|event| event.starts_with("SuccessfulRescale: ")), "{events:?}");
    assert!(events.iter().any(|event| event == "ScaledObjectPaused: ScaledObject is paused"), "{events:?}");
    object["status"] = status["status"].clone();
    object["metadata"]["annotations"] = json!({});
    let (status, events) =
        Told { activity: active(vec![trigger("s0-prometheus", true)]), ..told(object) }.tell();
    assert_eq!(status["status"].get("pausedReplicaCount"), None);
    let unpaused = "pause annotation removed for ScaledObject";
    assert_eq!(conditions(&status)[3], format!("Paused=False ScaledObjectUnpaused: {unpaused}"));
    assert_eq!(events, [format!("ScaledObjectUnpaused: {unpaused}")]);
}

/// As with KEDA, which deals with pauses before it looks at the target.
#[test]
fn contract_4_8_a_pause_holds_whether_the_target_is_there_or_not() {
    for reason in [Reason::TargetNotFound, Reason::TargetNotScalable, Reason::TargetForbidden] {
        let paused = |by: (&str, &str)| Told { seen: Err(reason), ..told(annotated(by.0, by.1)) }.tell();
        let (object, events) = paused(("autoscaling.keda.sh/paused", "true"));
        let [ready, .., pause] = &conditions(&object)[..] else { panic!("{object}") };
        assert!(ready.starts_with("Ready=True ScaledObjectReady: ScaledObject is paused"), "{ready}");
        assert!(pause.starts_with("Paused=True ScaledObjectPaused: ScaledObject is paused"), "{pause}");
        let told = [
            "ScaledObjectReady: ScaledObject is ready for scaling",
            "ScaledObjectPaused: ScaledObject is paused",
        ];
        assert_eq!(events, told, "{reason:?}");
        // At a count of its own it has to be scaled to that.
        let (object, _) = paused(("autoscaling.keda.sh/paused-replicas", "4"));
        assert!(conditions(&object)[0].starts_with("Ready=False "), "{object}");
    }
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
fn the_last_scaling_explains_the_present_state() {
    let mut told = told(least());
    let past: PastScales = serde_json::from_value(json!([
        { "at": "2026-11-30T06:00:00Z", "from": 0, "to": 1, "steps": ["activation 0→1 (s0-prometheus 12 above 0)"] },
    ]))
    .unwrap();
    let target = plan(&least()).members[0].target.clone();
    told.memory.scales.insert(&target, past);
    told.activity = active(vec![trigger("s0-prometheus", true)]);
    assert_eq!(
        conditions(&told.tell().0)[1],
        "Active=True ScalerActive: Scaling is performed because triggers are active; active: s0-prometheus; last scaled from \
         0 to 1 at 2026-11-30T06:00:00Z: activation 0→1 (s0-prometheus 12 above 0)"
    );
}

#[test]
fn contract_4_8_what_the_hpa_says_is_passed_on() {
    let said = |is_active, reason: &str| {
        let scaling = HpaScaling { is_active, reason: reason.to_owned(), message: "said".to_owned() };
        conditions(&Told { hpa_scaling: Some(scaling), ..told(least()) }.tell().0)[4].clone()
    };
    assert_eq!(said(true, "ValidMetricFound"), "HPAActive=True HPAActive: HPA is actively scaling");
    assert_eq!(said(false, "ScalingDisabled"), "HPAActive=True ScalingDisabled: said");
    let failing = "HPA is not actively scaling: said";
    assert_eq!(
        said(false, "FailedGetExternalMetric"),
        format!("HPAActive=False FailedGetExternalMetric: {failing}")
    );
    assert_eq!(said(false, ""), format!("HPAActive=False HPAMetricsUnavailable: {failing}"));
}

#[test]
fn contract_1_1_the_label_is_written_once() {
    let mut object = least();
    let changed = |object: &Value| {
        let before = KIND.kept_status(object);
        let next = before.after(&told(object.clone()).outcome());
        json!(next.changed_metadata(&before))
    };
    assert_eq!(changed(&object), json!({ "labels": { "scaledobject.keda.sh/name": "worker" } }));
    let mut observed = object.clone();
    set(&mut observed, "/metadata/annotations", json!({ "polyscaler.dev/mode": "observe" }));
    assert_eq!(changed(&observed), json!({}), "observing leaves the object alone");
    set(&mut object, "/metadata/labels", json!({ "scaledobject.keda.sh/name": "worker" }));
    assert_eq!(changed(&object), json!({}));
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
