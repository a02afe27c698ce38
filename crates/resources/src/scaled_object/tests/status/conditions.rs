//! The conditions: KEDA's reasons and sentences, and what is said behind those.

use super::*;

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
