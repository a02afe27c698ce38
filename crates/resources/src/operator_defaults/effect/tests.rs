use engine::Pause;
use serde_json::json;

use crate::lenient::Lenient;
use crate::operator_defaults::{Labels, OperatorDefaults};
use crate::{KINDS, general_scaler, scaling_group, scaling_rule};

use super::*;

const CONTEXT: Context<'_> = Context {
    catalog: &Lenient,
    policies: &engine::POLICIES,
    allow_cross_namespace: false,
    admitting: true,
    resolved: None,
};

fn compiled(file: &str, kind: &Kind, object: &Value) -> Result<Compiled, Vec<String>> {
    let given = OperatorDefaults::parse(file).unwrap().in_namespace("shop", &Labels::new());
    let compiled = given.compile(kind, object, &CONTEXT);
    compiled.map_err(|problems| problems.iter().map(Problem::to_string).collect())
}

fn scaler(more: Value) -> Value {
    let mut spec = json!({ "targetDeployment": "web", "maxReplicas": 100,
                           "metrics": [{ "type": "prometheus", "targetValue": 1 }] });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": spec })
}

fn origins(compiled: &Compiled) -> Vec<(&str, &str)> {
    let all = compiled.plan.origins.iter();
    all.map(|origin| (origin.field.as_str(), origin.value.as_str())).collect()
}

#[test]
fn defaults_fill_what_a_spec_leaves_open_and_no_more() {
    let file = "defaults: {intervalSeconds: 30, safety: {cooldownSeconds: 60}}";
    let open = compiled(file, &general_scaler::KIND, &scaler(json!({}))).unwrap();
    assert_eq!((open.plan.interval.as_secs(), open.plan.limits.up.cooldown.as_secs()), (30, 60));
    assert_eq!(
        origins(&open),
        [("spec.intervalSeconds", "30"), ("spec.safety", r#"{"cooldownSeconds":60}"#)]
    );
    assert!(open.plan.origins.iter().all(|origin| origin.from == "the operator's defaults"));
    let own = scaler(json!({ "intervalSeconds": 5, "safety": {} }));
    let own = compiled(file, &general_scaler::KIND, &own).unwrap();
    assert_eq!((own.plan.interval.as_secs(), own.plan.limits.up.cooldown.as_secs()), (5, 0));
    assert_eq!(origins(&own), []);
    // A fallback says nothing of limits, so the default ones hold beside it.
    let guarded = scaler(json!({ "safety": { "fallback": { "replicas": 5 } } }));
    let guarded = compiled(file, &general_scaler::KIND, &guarded).unwrap();
    assert_eq!(guarded.plan.limits.up.cooldown.as_secs(), 60);
    assert!(guarded.plan.safeguards.has_fallback());
    assert_eq!(origins(&guarded)[1], ("spec.safety", r#"{"cooldownSeconds":60}"#));
}

#[test]
fn ceilings_bring_down_what_a_spec_says_and_warn() {
    let file = "ceilings: {maxReplicas: 20, minIntervalSeconds: 10}";
    let mut object = scaler(json!({ "minReplicas": 30, "intervalSeconds": 1, "safety": {} }));
    object["metadata"]["annotations"] = json!({ "polyscaler.dev/paused-replicas": "50" });
    let capped = compiled(file, &general_scaler::KIND, &object).unwrap();
    let bounds = capped.plan.members[0].bounds;
    assert_eq!((bounds.min(), bounds.max(), capped.plan.interval.as_secs()), (20, 20, 10));
    assert_eq!(capped.plan.brakes.pause, Pause::At(20));
    assert_eq!(
        origins(&capped),
        [("spec.intervalSeconds", "10"), ("spec.maxReplicas", "20"), ("metadata.annotations", "20")]
    );
    let warnings: Vec<String> = capped.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings[0],
        "spec.intervalSeconds: the operator's defaults allow no less than 10, which applies"
    );
    assert_eq!(warnings[1], "spec.maxReplicas: the operator's defaults allow no more than 20, which applies");
}

#[test]
fn every_member_of_a_group_has_the_ceiling() {
    let member = |name: &str, most: u32| json!({ "targetRef": { "name": name }, "maxReplicas": most });
    let spec = json!({ "members": [member("web", 50), member("db", 5)], "policy": { "type": "random" } });
    let object = json!({ "metadata": { "name": "g", "namespace": "shop" }, "spec": spec });
    let capped = compiled("ceilings: {maxReplicas: 20}", &scaling_group::KIND, &object).unwrap();
    let most: Vec<u32> = capped.plan.members.iter().map(|member| member.bounds.max()).collect();
    assert_eq!(most, [20, 5]);
    assert!(origins(&capped).contains(&("spec.members[0].maxReplicas", "20")), "{:?}", origins(&capped));
}

#[test]
fn a_source_that_is_not_allowed_is_refused_at_its_place() {
    let file = "ceilings: {metricTypes: [redis, cpu]}";
    let problems = compiled(file, &general_scaler::KIND, &scaler(json!({}))).unwrap_err();
    assert_eq!(
        problems,
        [
            "spec.metrics[0].type: Forbidden: source prometheus is not allowed; the operator's defaults allow redis, cpu"
        ]
    );
    let rule = json!({ "metadata": { "namespace": "shop" }, "spec": {
        "deploymentName": "web", "namespace": "shop", "minReplicas": 1, "maxReplicas": 2, "subject": "s",
        "natsMonitoringURL": "http://nats:8222", "scaleUpThreshold": 2, "scaleDownThreshold": 1,
        "pollIntervalSeconds": 30,
    } });
    let problems = compiled(file, &scaling_rule::KIND, &rule).unwrap_err();
    assert!(problems[0].starts_with("spec.natsMonitoringURL: Forbidden: source nats"), "{problems:?}");
    let slower = compiled("defaults: {intervalSeconds: 60}", &scaling_rule::KIND, &rule).unwrap();
    assert_eq!(slower.plan.interval.as_secs(), 30, "it must have an interval of its own");
}

#[test]
fn nothing_is_given_without_a_file() {
    for kind in KINDS {
        let none = crate::NamespaceDefaults::default();
        let (with, without) = (none.compile(kind, &json!({}), &CONTEXT), kind.compile(&json!({}), &CONTEXT));
        assert_eq!(with.map(|_| ()), without.map(|_| ()));
    }
}

#[test]
fn what_a_status_says_has_the_effect_of_the_file() {
    let file = "{defaults: {intervalSeconds: 30, safety: {maxScaleUpRate: 2}}, ceilings: {maxReplicas: 20}}";
    let mut object = scaler(json!({}));
    let by_file = compiled(file, &general_scaler::KIND, &object).unwrap();
    let origins = by_file.plan.origins.iter();
    let said =
        origins.map(|origin| json!({ "field": origin.field, "value": origin.value, "from": origin.from }));
    object["status"] = json!({ "defaults": said.collect::<Vec<_>>() });
    let by_status =
        NamespaceDefaults::given_to(&object).compile(&general_scaler::KIND, &object, &CONTEXT).unwrap();
    assert_eq!(by_status.plan.origins, by_file.plan.origins);
    assert_eq!(by_status.plan.members[0].bounds, by_file.plan.members[0].bounds);
    assert_eq!(by_status.plan.limits, by_file.plan.limits);

    // What an object has without any file is said in words, and is left as it is.
    object["status"] = json!({ "defaults": [
        { "field": "spec.safety", "value": "tolerance 0.1, scale-in window 300 s", "from": "default, as in the HPA" },
    ] });
    assert_eq!(NamespaceDefaults::given_to(&object), NamespaceDefaults::default());
    assert_eq!(NamespaceDefaults::given_to(&scaler(json!({}))), NamespaceDefaults::default());
}
