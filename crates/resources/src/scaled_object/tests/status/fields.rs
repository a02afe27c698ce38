//! The fields of the status, and what of them the spec and the workload make.

use super::*;

fn prometheus(name: &str) -> Value {
    let mut trigger = least()["spec"]["triggers"][0].clone();
    trigger["name"] = json!(name);
    trigger
}

#[test]
fn contract_1_1_status_fields_repeat_the_spec_in_its_order() {
    let of_container = json!({ "type": "memory", "metricType": "AverageValue",
        "metadata": { "value": "1Gi", "containerName": "app" } });
    let mut object = with_triggers(json!([prometheus("b"), cpu(), prometheus("a"), of_container]));
    for (place, name) in [(0, "second"), (2, "first")] {
        set(&mut object, &format!("/spec/triggers/{place}/authenticationRef"), json!({ "name": name }));
    }
    // Whoever compiles it has not resolved them; the status is about what is named.
    let mut plain = object.clone();
    for place in [0, 2] {
        plain["spec"]["triggers"][place].as_object_mut().unwrap().remove("authenticationRef");
    }
    let triggers = || vec![trigger("s0-prometheus", false), trigger("s2-prometheus", true)];
    let outcome = Told { activity: active(triggers()), ..told(plain) }.outcome();
    let (after, _) = tell(&object, &outcome, &[]);
    let status = &after["status"];
    assert_eq!(status["externalMetricNames"], json!(["s0-prometheus", "s2-prometheus"]));
    assert_eq!(status["resourceMetricNames"], json!(["cpu"]), "not those of single containers");
    assert_eq!(status["triggersTypes"], "prometheus,cpu,memory");
    assert_eq!(status["authenticationsTypes"], "second,first");
    assert_eq!(status.get("compositeScalerName"), None);
    assert_eq!(status["scaleTargetKind"], "apps/v1.Deployment");
    let gvkr = json!({ "group": "apps", "version": "v1", "kind": "Deployment", "resource": "deployments" });
    assert_eq!(status["scaleTargetGVKR"], gvkr);
    assert_eq!(
        status["triggersActivity"],
        json!({ "s0-prometheus": { "isActive": false }, "s2-prometheus": { "isActive": true } })
    );
    assert_eq!(status.get("health"), None, "only what may fall back has it");
}

#[test]
fn contract_3_of_a_formula_the_status_lists_what_it_is_made_of() {
    let modifiers = json!({ "formula": "a", "target": "5" });
    let mut object = with_triggers(json!([prometheus("a")]));
    set(&mut object, "/spec/advanced", json!({ "scalingModifiers": modifiers }));
    let told_of = |object| Told { activity: active(vec![trigger("s0-prometheus", true)]), ..told(object) };
    let (mut after, _) = told_of(object).tell();
    assert_eq!(after["status"]["externalMetricNames"], json!(["s0-prometheus"]));
    assert_eq!(after["status"]["compositeScalerName"], "composite-metric");
    // Better than KEDA, which leaves it there.
    set(&mut after, "/spec/advanced", json!({}));
    assert_eq!(told_of(after).tell().0["status"].get("compositeScalerName"), None);
}

#[test]
fn contract_0_and_1_1_a_target_of_any_kind_has_its_group_and_resource() {
    for (reference, kind, group, resource) in [
        (json!({ "name": "a", "kind": "StatefulSet" }), "apps/v1.StatefulSet", "apps", "statefulsets"),
        (
            json!({ "name": "a", "apiVersion": "example.org/v1beta1", "kind": "Fleet" }),
            "example.org/v1beta1.Fleet",
            "example.org",
            "fleets",
        ),
    ] {
        let (after, _) = told(with("/spec/scaleTargetRef", reference)).tell();
        let gvkr = &after["status"]["scaleTargetGVKR"];
        assert_eq!(after["status"]["scaleTargetKind"], kind);
        assert_eq!((&gvkr["group"], &gvkr["resource"]), (&json!(group), &json!(resource)));
    }
}

#[test]
fn contract_3_paused_replicas_that_cannot_be_read_fail_the_check() {
    let (object, events) = told(annotated("autoscaling.keda.sh/paused-replicas", "many")).tell();
    let all = conditions(&object);
    let wanted = "Ready=False ScaledObjectCheckFailed: the paused replica count cannot be read: \"many\": must be a whole";
    assert!(all[0].starts_with(wanted), "{}", all[0]);
    assert!(all[3].starts_with("Paused=True ScaledObjectPaused: ScaledObject is paused"), "{}", all[3]);
    assert_eq!(object["status"].get("pausedReplicaCount"), None);
    assert!(events[0].starts_with("! ScaledObjectCheckFailed: the paused replica count"), "{events:?}");
}

#[test]
fn contract_2_rule_5_what_a_workload_lacks_is_said_and_the_object_stays_ready() {
    let mut object = with_triggers(json!([cpu()]));
    set(&mut object, "/spec/minReplicaCount", json!(1));
    let missing = "the container app doesn't have the cpu request defined";
    let lacking = || vec![Problem::new("spec.triggers[0]", Fault::forbidden(missing))];
    let (after, events) = Told { lacking: lacking(), ..told(object.clone()) }.tell();
    let ready = "Ready=True ScaledObjectReady: ScaledObject is defined correctly and is ready for scaling";
    assert_eq!(conditions(&after)[0], format!("{ready}; {missing}"));
    let told_once = format!("! KEDAScalerInfo: spec.triggers[0]: Forbidden: {missing}");
    assert_eq!(events.iter().filter(|event| **event == told_once).count(), 1, "{events:?}");
    let again = Told { lacking: lacking(), ..told(after.clone()) }.tell();
    assert_eq!((again.0, again.1), (after.clone(), Vec::new()), "it is no news");
    assert_eq!(conditions(&told(after).tell().0)[0], ready, "until it is there");
    assert!(
        KIND.compile(&object, &STORED).unwrap().plan.actuation.hpa().is_some(),
        "the HPA is made as by KEDA"
    );
}

#[test]
fn contract_2_rule_5_is_told_once_also_where_another_trigger_fails() {
    let missing = "the container app doesn't have the cpu request defined";
    let lacking = || vec![Problem::new("spec.triggers[1]", Fault::forbidden(missing))];
    let mut object = with_triggers(json!([prometheus("a"), cpu()]));
    let mut told_of = 0;
    for failures in 1..=3 {
        let activity = active(vec![failed("s0-prometheus", failures, false)]);
        let poll = Told { activity, lacking: lacking(), ..told(object) };
        let (after, events) = poll.tell();
        assert!(conditions(&after)[0].starts_with("Ready=False TriggerError"), "{}", conditions(&after)[0]);
        assert!(conditions(&after)[0].ends_with(missing), "{}", conditions(&after)[0]);
        told_of +=
            events.iter().filter(|event| event.contains(missing) && event.contains("KEDAScalerInfo")).count();
        object = after;
    }
    assert_eq!(told_of, 1);
    let unseen = Told { seen: Err(Reason::TargetNotFound), lacking: lacking(), ..told(object) };
    assert!(
        unseen.tell().1.iter().all(|event| !event.contains(missing)),
        "what Ready does not say is not told either"
    );
}

#[test]
fn contract_2_warnings_are_a_normal_event() {
    let mut object = with("/spec/cooldownPeriod", json!(60));
    set(&mut object, "/spec/minReplicaCount", json!(2));
    let (after, events) = told(object).tell();
    let info = events.iter().filter(|event| event.starts_with("KEDAScalerInfo: spec.cooldownPeriod: "));
    assert_eq!(info.count(), 1, "{events:?}");
    assert_eq!(told(after).tell().1, [""; 0]);
}

#[test]
fn contract_4_10_a_status_that_cannot_be_written_is_told() {
    let event = KIND.unwritten("the API server refuses it").unwrap();
    assert_eq!(
        (event.is_warning, event.reason.as_str(), event.note.as_str()),
        (true, "ScaledObjectUpdateFailed", "the API server refuses it")
    );
}

#[test]
fn contract_1_1_that_a_trigger_is_not_active_is_written_where_it_is_missing() {
    let status = json!({ "triggersActivity": { "s0-prometheus": {} } });
    let before = KIND.kept_status(&with("/status", status));
    assert_eq!(before.to_value()["triggersActivity"], json!({ "s0-prometheus": {} }));
    let next = before
        .after(&Told { activity: active(vec![trigger("s0-prometheus", false)]), ..told(least()) }.outcome());
    let written = next.to_value();
    assert_eq!(written["triggersActivity"], json!({ "s0-prometheus": { "isActive": false } }));
}
