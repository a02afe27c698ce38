//! What KEDA's webhook refuses.

use super::*;

fn prometheus() -> Value {
    least()["spec"]["triggers"][0].clone()
}

fn named(name: &str) -> Value {
    let mut trigger = prometheus();
    trigger["name"] = json!(name);
    trigger
}

fn modified(modifiers: Value) -> Value {
    let mut object = with_triggers(json!([named("a")]));
    set(&mut object, "/spec/advanced", json!({ "scalingModifiers": modifiers }));
    object
}

#[test]
fn contract_2_what_is_refused_always_is_refused_in_kedas_words() {
    let mut fields = least();
    let mut of = |fields_set: &[(&str, Value)]| {
        fields = least();
        for (pointer, value) in fields_set {
            set(&mut fields, pointer, value.clone());
        }
        fields.clone()
    };
    let long = "a".repeat(64);
    let cases = [
        (
            of(&[("/spec/minReplicaCount", json!(5)), ("/spec/maxReplicaCount", json!(3))]),
            "spec: Invalid value: minReplicaCount must be less than or equal to maxReplicaCount",
        ),
        (
            of(&[("/spec/minReplicaCount", json!(101))]),
            "spec: Invalid value: minReplicaCount must be less than or equal to maxReplicaCount",
        ),
        (
            of(&[("/spec/minReplicaCount", json!(2)), ("/spec/idleReplicaCount", json!(2))]),
            "spec.idleReplicaCount: Invalid value: IdleReplicaCount=2 must be less than MinReplicaCount=2",
        ),
        (
            of(&[("/spec/idleReplicaCount", json!(0))]),
            "spec.idleReplicaCount: Invalid value: IdleReplicaCount=0 must be less than MinReplicaCount=0",
        ),
        (
            of(&[("/metadata/name", json!(long))]),
            "metadata.name: Too long: the name has 64 characters, and it is the value of a label, which has 63 at most: \
             shorten it",
        ),
        (
            with_triggers(json!([
                { "type": "cron", "useCachedMetrics": true, "metadata": {
                    "timezone": "UTC", "start": "0 6 * * *", "end": "0 20 * * *", "desiredReplicas": "3" } },
            ])),
            "spec.triggers[0].useCachedMetrics: Forbidden: property \"useCachedMetrics\" is not supported for \"cron\" \
             scaler",
        ),
        (
            with_triggers(json!([named("a"), named("a")])),
            "spec.triggers[1].name: Duplicate value: \"a\": triggerName is defined multiple times, but it must be unique",
        ),
        (
            with_triggers(json!([])),
            "spec.triggers: Invalid value: 0: spec.triggers in body should have at least 1 items",
        ),
        (modified(json!({ "target": "2" })), "spec.advanced.scalingModifiers.formula: Required value"),
        (modified(json!({ "formula": "a" })), "spec.advanced.scalingModifiers.target: Required value"),
        (
            modified(json!({ "formula": "a", "target": "0" })),
            "spec.advanced.scalingModifiers.target: Invalid value: 0: must be greater than 0",
        ),
        (
            modified(json!({ "formula": "a", "target": "two" })),
            "spec.advanced.scalingModifiers.target: Invalid value: \"two\": must be a number",
        ),
        (
            modified(json!({ "formula": "a", "target": "2", "metricType": "Utilization" })),
            "spec.advanced.scalingModifiers.metricType: Unsupported value: \"Utilization\": supported values: \
             \"AverageValue\", \"Value\"",
        ),
    ];
    for (object, wanted) in &cases {
        for context in [&CONTEXT, &STORED] {
            let found = problems(object, context);
            assert!(found.iter().any(|problem| problem == wanted), "{wanted}: {found:#?}");
        }
    }
}

#[test]
fn contract_2_rule_7_bounds_with_their_quirk() {
    let less = |idle: u32, least: u32| {
        Some(format!(
            "spec.idleReplicaCount: Invalid value: IdleReplicaCount={idle} must be less than MinReplicaCount={least}"
        ))
    };
    for (min, idle, wanted) in [
        // A minimum that is written as 0 counts as 1, one that is left out as 0.
        (Some(0), 0, None),
        (None, 0, less(0, 0)),
        (Some(0), 1, less(1, 1)),
        (Some(1), 0, None),
        (Some(1), 1, less(1, 1)),
        (Some(3), 2, None),
        (Some(3), 4, less(4, 3)),
    ] {
        let mut object = with("/spec/idleReplicaCount", json!(idle));
        if let Some(min) = min {
            set(&mut object, "/spec/minReplicaCount", json!(min));
        }
        for context in [&CONTEXT, &STORED] {
            assert_eq!(problems(&object, context), Vec::from_iter(wanted.clone()), "{min:?} {idle}");
        }
    }
}

#[test]
fn contract_2_rule_10_a_formula_is_compiled_over_the_named_triggers() {
    let mut object = with_triggers(json!([named("a"), prometheus(), cpu()]));
    set(&mut object, "/spec/triggers/2/name", json!("b"));
    let mut refused = |formula: &str| {
        let modifiers = json!({ "formula": formula, "target": "2" });
        set(&mut object, "/spec/advanced", json!({ "scalingModifiers": modifiers }));
        problems(&object, &CONTEXT)
    };
    for formula in ["a + 1", "a < 5 ? a * 2 : 5", "count([a], {# > 1}) > 1 ? 5 : 0", "a ?? 8", "float(a)"] {
        assert_eq!(refused(formula), [""; 0], "{formula}");
    }
    for formula in ["b", "c", "a +", "now()", "\"a\"", "a > 1 ? \"x\" : 2"] {
        let found = refused(formula);
        assert!(
            found.len() == 1
                && found[0].starts_with("spec.advanced.scalingModifiers.formula: Invalid value: "),
            "{formula}: {found:?}"
        );
    }
}

#[test]
fn contract_2_rule_12_what_may_not_be_cached() {
    for type_ in ["cpu", "memory"] {
        let metadata = json!({ "value": "50" });
        let trigger = json!({ "type": type_, "metricType": "Utilization", "useCachedMetrics": true, "metadata": metadata });
        let mut object = with_triggers(json!([trigger]));
        set(&mut object, "/spec/minReplicaCount", json!(1));
        let wanted = format!("property \"useCachedMetrics\" is not supported for \"{type_}\" scaler");
        for context in [&CONTEXT, &STORED] {
            let found = problems(&object, context);
            assert!(found.len() == 1 && found[0].contains(&wanted), "{found:?}");
        }
    }
    let mut cached = prometheus();
    cached["useCachedMetrics"] = json!(true);
    assert_eq!(problems(&with_triggers(json!([cached])), &CONTEXT), [""; 0]);
}

#[test]
fn contract_2_rules_6_8_9_and_11_are_refused_before_it_is_stored_and_warnings_after() {
    let mut only_pods = with_triggers(json!([cpu()]));
    let mut fallback = with_triggers(json!([cpu()]));
    set(&mut fallback, "/spec/minReplicaCount", json!(1));
    set(&mut fallback, "/spec/fallback", json!({ "failureThreshold": 3, "replicas": 2 }));
    let modifiers = json!({ "failureThreshold": 3, "replicas": 2, "behavior": "scalingModifiers" });
    let cases = [
        (only_pods.clone(), "scaling to 0 needs at least one trigger that is not cpu or memory"),
        (fallback, "at least one trigger that is not cpu or memory is needed"),
        (with("/spec/fallback", modifiers), "scalingModifiers needs advanced.scalingModifiers.formula"),
        (with("/metadata/name", json!("a".repeat(60))), "longer than 63 characters: shorten the name"),
        (
            with("/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": "a".repeat(64) } })),
            "set horizontalPodAutoscalerConfig.name",
        ),
    ];
    for (object, wanted) in &cases {
        let found = problems(object, &CONTEXT);
        assert!(found.len() == 1 && found[0].contains(wanted), "{wanted}: {found:?}");
        let found = warnings(object, &STORED);
        assert!(found.len() == 1 && found[0].contains(wanted), "{wanted}: {found:?}");
    }
    // Negative numbers do not pass the schema.
    for fallback in
        [json!({ "failureThreshold": -1, "replicas": 1 }), json!({ "failureThreshold": 1, "replicas": -1 })]
    {
        let found = problems(&with("/spec/fallback", fallback), &STORED);
        assert!(found[0].ends_with("should be greater than or equal to 0"), "{found:?}");
    }
    // KEDA does not look at other kinds.
    set(
        &mut only_pods,
        "/spec/scaleTargetRef",
        json!({ "name": "a", "apiVersion": "example.org/v1", "kind": "Fleet" }),
    );
    assert_eq!(problems(&only_pods, &CONTEXT), [""; 0]);
}

#[test]
fn contract_2_what_has_no_effect_is_a_warning() {
    let mut object = with("/spec/pollingInterval", json!(10));
    set(&mut object, "/spec/cooldownPeriod", json!(60));
    assert_eq!(warnings(&object, &CONTEXT), [""; 0], "it scales to 0");
    set(&mut object, "/spec/minReplicaCount", json!(2));
    let found = warnings(&object, &CONTEXT);
    assert!(found[0].starts_with("spec.pollingInterval: ") && found[1].starts_with("spec.cooldownPeriod: "));
    set(&mut object, "/spec/triggers/0/useCachedMetrics", json!(true));
    assert_eq!(warnings(&object, &CONTEXT).len(), 1);
    set(&mut object, "/spec/idleReplicaCount", json!(0));
    assert_eq!(warnings(&object, &CONTEXT), [""; 0]);
    set(&mut object, "/spec/idleReplicaCount", json!(1));
    let found = warnings(&object, &CONTEXT);
    assert!(
        found[0].starts_with("spec.idleReplicaCount: the HPA scales from 1 back to minReplicaCount, 2"),
        "{found:?}"
    );
    set(&mut object, "/metadata/annotations", json!({ "polyscaler.dev/actuation": "direct" }));
    assert_eq!(warnings(&object, &CONTEXT), [""; 0], "there is no HPA");
}

#[test]
fn a_behavior_that_no_hpa_can_have_is_refused() {
    let behavior = json!({ "scaleUp": { "selectPolicy": "Most" }, "scaleDown": { "policies": [] } });
    let object = with("/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "behavior": behavior } }));
    let path = "spec.advanced.horizontalPodAutoscalerConfig.behavior";
    assert_eq!(
        problems(&object, &CONTEXT),
        [
            format!(
                "{path}.scaleUp.selectPolicy: Unsupported value: \"Most\": supported values: \"Disabled\", \"Max\", \"Min\""
            ),
            format!("{path}.scaleDown.policies: Required value: must specify at least one Policy"),
        ]
    );
}

#[test]
fn triggers_that_are_not_cached_are_polled_often_enough_for_the_hpa() {
    let mut object = with("/spec/pollingInterval", json!(1000));
    assert_eq!(activation(&object).freshness, Some(engine::activation::LIVE_POLLING));
    set(&mut object, "/spec/triggers/0/useCachedMetrics", json!(true));
    assert_eq!(activation(&object).freshness, None);
}
