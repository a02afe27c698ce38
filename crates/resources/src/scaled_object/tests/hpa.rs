//! The HPA that is kept.

use super::*;

#[test]
fn contract_3_the_least_object_keeps_the_hpa_that_keda_makes() {
    let mut hpa = kept(&least());
    // It is the version of this program.
    assert_eq!(hpa.labels.remove("app.kubernetes.io/version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    insta::assert_json_snapshot!(json!({
        "name": hpa.name, "labels": hpa.labels, "annotations": hpa.annotations, "spec": hpa.spec,
    }));
    assert!(hpa.adopt_orphan);
}

#[test]
fn contract_3_metrics_stand_in_the_order_of_their_types_and_then_of_the_triggers() {
    let mut object = with_triggers(json!([
        cpu(),
        { "type": "prometheus", "name": "load", "metricType": "Value",
          "metadata": { "serverAddress": "http://p", "query": "a", "threshold": "2.5" } },
        { "type": "memory", "metricType": "AverageValue", "metadata": { "value": "1Gi", "containerName": "app" } },
        { "type": "prometheus", "metadata": { "serverAddress": "http://p", "query": "b", "threshold": "1000" } },
    ]));
    set(&mut object, "/spec/minReplicaCount", json!(2));
    set(&mut object, "/spec/maxReplicaCount", json!(7));
    insta::assert_json_snapshot!(kept(&object).spec);
}

#[test]
fn contract_3_a_formula_stands_in_place_of_what_it_is_made_of() {
    let mut object = with_triggers(json!([
        { "type": "prometheus", "name": "load", "metadata": { "serverAddress": "http://p", "query": "a", "threshold": "2" } },
        { "type": "memory", "metricType": "AverageValue", "metadata": { "value": "1Gi", "containerName": "app" } },
        cpu(),
    ]));
    let modifiers =
        json!({ "formula": "load * 2", "target": "2.5", "metricType": "Value", "activationTarget": "1" });
    set(&mut object, "/spec/advanced", json!({ "scalingModifiers": modifiers }));
    insta::assert_json_snapshot!(kept(&object).spec["metrics"]);
    let mut without_hpa = object.clone();
    without_hpa["metadata"]["annotations"] = json!({ "polyscaler.dev/actuation": "direct" });
    let direct = activation(&without_hpa).direct.clone().unwrap();
    let names: Vec<&str> = direct.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["composite-metric", "cpu"], "as with an HPA");
    let composite = activation(&object).composite.clone().unwrap();
    assert_eq!((composite.target, composite.activation_target, composite.is_whole), (2.5, 1.0, false));
    assert_eq!(composite.type_, engine::TargetType::Value);
    set(&mut object, "/spec/advanced/scalingModifiers", json!({ "formula": "load", "target": "3" }));
    let composite = activation(&object).composite.clone().unwrap();
    assert_eq!((composite.is_whole, composite.type_), (true, engine::TargetType::AverageValue));
    // What is beyond thousandths is cut off.
    for (target, wanted) in [("2.5019", "2501m"), ("0.5", "500m"), ("1000", "1k"), ("3", "3")] {
        set(&mut object, "/spec/advanced/scalingModifiers/target", json!(target));
        let metrics = &kept(&object).spec["metrics"];
        assert_eq!(metrics[1]["external"]["target"]["averageValue"], wanted, "{target}");
    }
}

#[test]
fn contract_3_behavior_is_copied_but_for_what_is_paused() {
    let behavior = json!({ "scaleDown": { "stabilizationWindowSeconds": 60, "selectPolicy": "Min",
        "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 30 }], "tolerance": "0.05" } });
    let config = json!({ "horizontalPodAutoscalerConfig": { "behavior": behavior } });
    let mut object = with("/spec/advanced", config);
    assert_eq!(kept(&object).spec["behavior"], behavior);
    assert_eq!(kept(&least()).spec.get("behavior"), None);
    let disabled = |direction: &str, wanted: Value, object: &Value| {
        assert_eq!(kept(object).spec["behavior"][direction], wanted, "{direction}");
    };
    set(&mut object, "/metadata/annotations", json!({ "autoscaling.keda.sh/paused-scale-in": "true" }));
    let mut down = behavior["scaleDown"].clone();
    down["selectPolicy"] = json!("Disabled");
    disabled("scaleDown", down.clone(), &object);
    assert_eq!(kept(&object).spec["behavior"].get("scaleUp"), None);
    set(&mut object, "/metadata/annotations", json!({ "autoscaling.keda.sh/paused-scale-out": "true" }));
    disabled("scaleUp", json!({ "selectPolicy": "Disabled" }), &object);
    disabled("scaleDown", behavior["scaleDown"].clone(), &object);
    // Ours hold, too, and both add up.
    let both =
        json!({ "autoscaling.keda.sh/paused-scale-out": "true", "polyscaler.dev/paused-scale-in": "true" });
    set(&mut object, "/metadata/annotations", both);
    disabled("scaleUp", json!({ "selectPolicy": "Disabled" }), &object);
    disabled("scaleDown", down, &object);
}

#[test]
fn contract_3_bounds_are_those_of_the_spec_and_at_least_one() {
    for (min, max, wanted) in [
        (None, None, [1, 100]),
        (Some(0), Some(1), [1, 1]),
        (Some(3), None, [3, 100]),
        (Some(5), Some(9), [5, 9]),
    ] {
        let mut object = least();
        set(&mut object, "/spec/minReplicaCount", json!(min));
        set(&mut object, "/spec/maxReplicaCount", json!(max));
        let spec = kept(&object).spec;
        assert_eq!([&spec["minReplicas"], &spec["maxReplicas"]], wanted);
    }
}

#[test]
fn contract_3_labels_and_annotations_of_the_object_are_on_its_hpa() {
    let mut object = least();
    let labels = json!({ "team": "shop", "secret": "x", "app.kubernetes.io/managed-by": "flux" });
    set(&mut object, "/metadata/labels", labels);
    let annotations = json!({
        "note": "kept", "scaledobject.keda.sh/hpa-excluded-labels": "secret, team", "polyscaler.dev/memory": "{}",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    });
    set(&mut object, "/metadata/annotations", annotations);
    let hpa = kept(&object);
    assert_eq!(hpa.labels.get("team").map(String::as_str), Some("shop"), "blanks belong to the name");
    for (label, value) in [
        ("app.kubernetes.io/name", "keda-hpa-worker"),
        ("app.kubernetes.io/part-of", "worker"),
        ("app.kubernetes.io/version", env!("CARGO_PKG_VERSION")),
        ("scaledobject.keda.sh/name", "worker"),
    ] {
        assert_eq!(hpa.labels.get(label).map(String::as_str), Some(value), "{label}");
    }
    assert_eq!(hpa.labels.get("secret"), None);
    assert_eq!(hpa.labels.get("app.kubernetes.io/managed-by").map(String::as_str), Some("flux"));
    let keys: Vec<&str> = hpa.annotations.keys().map(String::as_str).collect();
    let wanted = [
        "kubectl.kubernetes.io/last-applied-configuration",
        "note",
        "scaledobject.keda.sh/hpa-excluded-labels",
    ];
    assert_eq!(keys, wanted, "what is ours stays on the object");
}

#[test]
fn contract_3_the_name_is_the_given_one_or_made_of_the_objects() {
    assert_eq!(kept(&least()).name, "keda-hpa-worker");
    let named = with("/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": "mine" } }));
    assert_eq!(kept(&named).name, "mine");
    // A label has 63 characters, and ends in a letter or digit.
    let long = format!("{}-.x", "a".repeat(61));
    let mut object = least();
    set(&mut object, "/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": long } }));
    let stored = KIND.compile(&object, &STORED).unwrap().plan.actuation;
    assert_eq!(stored.hpa().unwrap().unpacked().labels["app.kubernetes.io/name"], "a".repeat(61));
}

#[test]
fn contract_0_and_3_the_target_is_a_deployment_unless_the_spec_says_otherwise() {
    let target =
        |reference: Value| kept(&with("/spec/scaleTargetRef", reference)).spec["scaleTargetRef"].clone();
    let wanted = |api: &str, kind: &str| json!({ "apiVersion": api, "kind": kind, "name": "worker" });
    assert_eq!(target(json!({ "name": "worker" })), wanted("apps/v1", "Deployment"));
    assert_eq!(
        target(json!({ "name": "worker", "apiVersion": "", "kind": "" })),
        wanted("apps/v1", "Deployment")
    );
    assert_eq!(target(json!({ "name": "worker", "kind": "StatefulSet" })), wanted("apps/v1", "StatefulSet"));
    let fleet = json!({ "name": "worker", "apiVersion": "example.org/v1", "kind": "Fleet" });
    assert_eq!(target(fleet), wanted("example.org/v1", "Fleet"));
}

#[test]
fn contract_1_1_and_3_defaults_are_applied_and_counts_are_left_to_the_hpa() {
    let mut object = with_triggers(json!([cpu(), least()["spec"]["triggers"][0]]));
    set(&mut object, "/spec/idleReplicaCount", json!(0));
    set(&mut object, "/spec/minReplicaCount", json!(2));
    let made = plan(&object);
    assert_eq!(made.members[0].bounds, engine::Bounds::new(0, i32::MAX as u32).unwrap());
    assert_eq!(made.limits, engine::Limits::default());
    assert_eq!((made.metrics.len(), made.interval.as_secs()), (1, 30));
    let policy = activation(&object);
    assert_eq!((policy.min, policy.max, policy.idle), (2, 100, Some(0)));
    assert_eq!((policy.cooldown.as_secs(), policy.initial_cooldown.as_secs()), (300, 0));
    assert_eq!(policy.created.to_string(), "2026-11-30T06:00:00Z");
    assert_eq!((policy.only_pods, policy.forced, policy.direct.is_none()), (false, false, true));
    let names: Vec<&str> = policy.triggers.iter().map(|trigger| &*trigger.metric).collect();
    assert_eq!(names, ["s1-prometheus"], "all triggers count for the index");
    let only_pods = with_triggers(json!([cpu()]));
    assert!(KIND.compile(&only_pods, &STORED).is_ok());
    let mut only_pods = only_pods;
    set(&mut only_pods, "/spec/minReplicaCount", json!(1));
    assert!(activation(&only_pods).only_pods);
}

#[test]
fn direct_mode_needs_no_hpa() {
    let mut object = annotated("polyscaler.dev/actuation", "direct");
    set(&mut object, "/spec/triggers", json!([cpu(), least()["spec"]["triggers"][0]]));
    set(&mut object, "/spec/maxReplicaCount", json!(9));
    let behavior = json!({ "scaleDown": { "stabilizationWindowSeconds": 60 } });
    set(&mut object, "/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "behavior": behavior } }));
    let made = plan(&object);
    assert_eq!(made.actuation, Actuation::Scale);
    assert_eq!(made.members[0].bounds, engine::Bounds::new(0, 9).unwrap());
    let direct = activation(&object).direct.clone().unwrap();
    assert_eq!(made.limits, direct.limits);
    assert_eq!(made.limits.down.window.as_secs(), 60);
    assert_eq!((direct.bounds.min(), direct.bounds.max()), (1, 9));
    let names: Vec<&str> = direct.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["s1-prometheus", "cpu"], "in the order of the plan's metrics");
    assert_eq!(made.metrics.len(), 2, "what pods use is read, too");
    assert_eq!(made.metrics[1].query.source(), "cpu");
    for other in ["hpa", "both"] {
        let object = annotated("polyscaler.dev/actuation", other);
        let found = problems(&object, &CONTEXT);
        assert_eq!(found.is_empty(), other == "hpa", "{found:?}");
    }
}

#[test]
fn contract_3_each_trigger_has_a_metric_of_its_own() {
    let trigger = least()["spec"]["triggers"][0].clone();
    let mut object = with_triggers(json!([trigger, cpu(), trigger]));
    set(&mut object, "/spec/idleReplicaCount", json!(0));
    set(&mut object, "/spec/minReplicaCount", json!(1));
    let spec = kept(&object).spec;
    let names: Vec<&Value> = spec["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| &metric["external"]["metric"]["name"])
        .collect();
    assert_eq!(names, [&json!("s0-prometheus"), &json!("s2-prometheus"), &Value::Null]);
    for metric in &spec["metrics"].as_array().unwrap()[..2] {
        let selector = json!({ "matchLabels": { "scaledobject.keda.sh/name": "worker" } });
        assert_eq!(metric["external"]["metric"]["selector"], selector);
    }
    assert_eq!(spec["minReplicas"], 1, "an idle count is none of the HPA's business");
    assert!(!spec.to_string().contains("idle"));
}
