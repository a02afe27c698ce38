//! The status of an object that is not polled, and what is written of it beside that.

use super::*;
use crate::KeptStatus;

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

/// The status of `object` after it was found to be invalid, before and after.
fn found_invalid(object: &Value) -> (KeptStatus, KeptStatus) {
    let before = KIND.kept_status(object);
    let problem = Problem::new("spec.triggers[0].type", Fault::invalid("\"x\": no scaler found"));
    let next = before.after(&outcome(Verdict::Invalid(vec![problem]), NOW));
    (before, next)
}

fn label() -> Value {
    json!({ "scaledobject.keda.sh/name": "worker" })
}

#[test]
fn contract_3_the_label_is_written_once_whatever_is_wrong_with_the_triggers() {
    let after_a_poll = |object: &Value| {
        let before = KIND.kept_status(object);
        let next = before.after(&told(object.clone()).outcome());
        json!(next.changed_metadata(&before))
    };
    let found_invalid = |object: &Value| {
        let (before, next) = found_invalid(object);
        json!(next.changed_metadata(&before))
    };
    for changed in [&after_a_poll as &dyn Fn(&Value) -> Value, &found_invalid] {
        let mut object = least();
        assert_eq!(changed(&object), json!({ "labels": label() }));
        let observed = annotated("polyscaler.dev/mode", "observe");
        assert_eq!(changed(&observed), json!({}), "observing leaves the object alone");
        set(&mut object, "/metadata/labels", label());
        assert_eq!(changed(&object), json!({}));
    }
    let long = with("/metadata/name", json!("w".repeat(64)));
    assert_eq!(
        found_invalid(&long),
        json!({}),
        "it is no label, and would keep the status from being written"
    );
    let misspelt = annotated("polyscaler.dev/mode", "obsreve");
    assert_eq!(found_invalid(&misspelt), json!({}), "what is not understood writes nothing");
}

#[test]
fn contract_3_the_kind_of_the_target_is_known_whatever_is_wrong_with_the_triggers() {
    let status = found_invalid(&least()).1.to_value();
    assert_eq!(status["scaleTargetKind"], "apps/v1.Deployment");
    for unknown in ["scaleTargetGVKR", "originalReplicaCount", "hpaName"] {
        assert_eq!(status.get(unknown), None, "nobody has looked");
    }
    let mut changed = least();
    set(&mut changed, "/status", status);
    set(&mut changed, "/spec/scaleTargetRef", json!({ "name": "db", "kind": "StatefulSet" }));
    assert_eq!(found_invalid(&changed).1.to_value()["scaleTargetKind"], "apps/v1.StatefulSet");
}

#[test]
fn contract_3_a_pause_of_one_direction_shows_and_ends_whatever_is_wrong_with_the_triggers() {
    let paused = |object: &Value| {
        let mut after = object.clone();
        set(&mut after, "/status", found_invalid(object).1.to_value());
        (conditions(&after)[3].clone(), after)
    };
    let (said, mut object) = paused(&annotated("autoscaling.keda.sh/paused-scale-in", "true"));
    assert_eq!(said, "Paused=True ScaledObjectPaused: ScaledObject is paused; scale-in is paused");
    set(&mut object, "/metadata/annotations", json!({}));
    assert_eq!(
        paused(&object).0,
        "Paused=False ScaledObjectUnpaused: pause annotation removed for ScaledObject"
    );
}

#[test]
fn contract_3_who_is_paused_is_not_judged_before_the_pause_ends() {
    let unknown = json!([{ "type": "carrier-pigeon", "metadata": {} }]);
    for (key, value, pause) in [
        ("autoscaling.keda.sh/paused", "true", Pause::Everything),
        ("autoscaling.keda.sh/paused-replicas", "5", Pause::At(5)),
        ("polyscaler.dev/paused", "true", Pause::Everything),
    ] {
        let mut object = annotated(key, value);
        set(&mut object, "/spec/triggers", unknown.clone());
        set(&mut object, "/spec/idleReplicaCount", json!(7));
        let compiled = KIND.compile(&object, &STORED).unwrap();
        assert_eq!((compiled.plan.brakes.pause, &compiled.plan.actuation), (pause, &Actuation::Scale));
        let (said, events) = told(object.clone()).tell();
        let ready = &conditions(&said)[0];
        for wanted in [
            "Ready=True ScaledObjectReady: ScaledObject is paused; ",
            "spec.triggers[0].type",
            "spec.idleReplicaCount",
        ] {
            assert!(ready.contains(wanted), "{ready}");
        }
        assert!(events.iter().any(|event| event.starts_with("KEDAScalerInfo: spec: ")), "{events:?}");
        assert_eq!(problems(&object, &CONTEXT).len(), 2, "at admission as ever");
        set(&mut object, "/metadata/annotations", json!({ "autoscaling.keda.sh/paused-scale-in": "true" }));
        assert_eq!(problems(&object, &STORED).len(), 2, "one direction goes on");
    }
}
