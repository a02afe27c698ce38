//! The Events that a change of the status is worth.

use super::*;

#[test]
fn contract_4_10_scalings_are_told_in_kedas_words() {
    let (seen, _) =
        Told { seen: Ok(0), activity: active(vec![trigger("s0-prometheus", false)]), ..told(least()) }.tell();
    let up = active(vec![trigger("s0-prometheus", true), trigger("s1-prometheus", true)]);
    let rise = |write| Told {
        seen: Ok(0),
        to: Some(1),
        write: Some(write),
        activity: up.clone(),
        ..told(seen.clone())
    };
    let (object, events) = rise(Ok(())).tell();
    assert_eq!(
        events,
        ["KEDAScaleTargetActivated: Scaled apps/v1.Deployment shop/worker from 0 to 1, triggered by \
          s0-prometheus;s1-prometheus"]
    );
    let refused = WriteFailure { reason: Reason::FailedUpdateScale, message: "refused".to_owned() };
    let (failing, events) = rise(Err(refused.clone())).tell();
    let note = "Failed to scale apps/v1.Deployment shop/worker from 0 to 1: refused";
    assert_eq!(events, [format!("! KEDAScaleTargetActivationFailed: {note}")]);
    let again = Told { object: failing, ..rise(Err(refused)) };
    assert_eq!(again.tell().1, [""; 0], "the same failure is no news");
    let down = Told {
        seen: Ok(1),
        to: Some(0),
        write: Some(Ok(())),
        activity: active(vec![trigger("s0-prometheus", false)]),
        ..told(object)
    };
    assert_eq!(
        down.tell().1,
        ["KEDAScaleTargetDeactivated: Deactivated apps/v1.Deployment shop/worker from 1 to 0"]
    );
}

#[test]
fn contract_4_10_triggers_are_watched_from_the_hpa_on_and_as_long_as_it_is_there() {
    let did = |actions: &[HpaAction]| {
        let change = |action: &HpaAction| HpaChange { name: "keda-hpa-worker".to_owned(), action: *action };
        Ok(actions.iter().map(change).collect())
    };
    let running = active(vec![trigger("s0-prometheus", true)]);
    let first = Told { hpa: did(&[HpaAction::Created]), activity: running.clone(), ..told(least()) };
    let (object, events) = first.tell();
    let started =
        ["KEDAScalersStarted: Scaler prometheus is built", "KEDAScalersStarted: Started scalers watch"];
    let ready = "ScaledObjectReady: ScaledObject is ready for scaling";
    assert_eq!(events, [started[0], started[1], ready]);
    let mut paused = object.clone();
    set(&mut paused, "/metadata/annotations", json!({ "autoscaling.keda.sh/paused": "true" }));
    let (mut object, events) = Told { hpa: did(&[HpaAction::Deleted]), ..told(paused.clone()) }.tell();
    let stopped = "KEDAScalersStopped: Stopped scalers watch";
    assert_eq!(events, [stopped, "ScaledObjectPaused: ScaledObject is paused"]);
    assert_eq!(told(object.clone()).tell().1, [""; 0], "a pause that goes on is no news");
    set(&mut object, "/metadata/annotations", json!({}));
    let again = Told { hpa: did(&[HpaAction::Created]), activity: running.clone(), ..told(object) };
    let unpaused = "ScaledObjectUnpaused: pause annotation removed for ScaledObject";
    let (object, events) = again.tell();
    assert_eq!(events, [started[0], started[1], unpaused]);
    let renamed = did(&[HpaAction::Deleted, HpaAction::Created]);
    let renamed = Told { hpa: renamed, activity: running.clone(), ..told(object.clone()) };
    assert_eq!(renamed.tell().1, [stopped, started[0], started[1]]);
    let kept = Told { hpa: did(&[HpaAction::Updated]), activity: running, ..told(object) };
    assert_eq!(kept.tell().1, [""; 0]);
    // Created paused, nothing is asked.
    set(&mut paused, "/status", Value::Null);
    assert_eq!(
        told(paused).tell().1,
        [
            "ScaledObjectReady: ScaledObject is ready for scaling",
            "ScaledObjectPaused: ScaledObject is paused"
        ]
    );
}

#[test]
fn contract_4_10_a_deletion_is_told() {
    let told = |was_polled| {
        let events = KIND.farewell(&Deletion { was_polled });
        events
            .iter()
            .map(|event| format!("{} {}: {}", event.is_warning, event.reason, event.note))
            .collect::<Vec<_>>()
    };
    let deleted = "true ScaledObjectDeleted: ScaledObject was deleted";
    assert_eq!(told(true), ["false KEDAScalersStopped: Stopped scalers watch", deleted]);
    assert_eq!(told(false), [deleted]);
}

#[test]
fn contract_4_10_of_a_formula_the_sources_fail() {
    let modifiers = json!({ "formula": "a", "target": "5" });
    let mut object = least();
    set(&mut object, "/spec/triggers/0/name", json!("a"));
    set(&mut object, "/spec/advanced", json!({ "scalingModifiers": modifiers }));
    let (_, events) =
        Told { activity: active(vec![failed("s0-prometheus", 1, false)]), ..told(object.clone()) }.tell();
    assert!(events.iter().any(|event| event.starts_with("! KEDAMetricSourceFailed: ")), "{events:?}");
    // It is the formula that makes the target active, whatever single triggers are.
    let by_formula = Activity { is_active: true, ..active(vec![trigger("s0-prometheus", false)]) };
    let rise = Told { seen: Ok(0), to: Some(1), write: Some(Ok(())), activity: by_formula, ..told(object) };
    let (object, events) = rise.tell();
    assert!(
        events.iter().any(|event| event.ends_with("from 0 to 1, triggered by composite-metric")),
        "{events:?}"
    );
    assert!(conditions(&object)[1].contains("; active: composite-metric"), "{object}");
}
