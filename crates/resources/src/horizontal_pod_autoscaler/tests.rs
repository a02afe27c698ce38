use engine::{Bounds, Mode, Problem};
use serde_json::{Value, json};

use super::KIND;
use crate::lenient::{Lenient, question};
use crate::{Compiled, Context, Labels, OperatorDefaults};

fn context() -> Context<'static> {
    Context {
        catalog: &Lenient,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: true,
        resolved: None,
    }
}

fn object(spec: Value) -> Value {
    json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "web", "namespace": "shop" }, "spec": spec })
}

fn spec(metrics: Value) -> Value {
    json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "minReplicas": 2, "maxReplicas": 9, "metrics": metrics,
    })
}

fn compiled(spec: Value) -> Compiled {
    KIND.compile(&object(spec), &context()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn problems(spec: Value) -> Vec<String> {
    let problems = KIND.compile(&object(spec), &context()).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

fn warnings(spec: Value) -> Vec<String> {
    compiled(spec).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn its_plan_is_the_controllers_and_claims_nothing() {
    let plan = compiled(spec(json!([]))).plan;
    assert_eq!((plan.mode, plan.interval.as_secs(), plan.policy.name()), (Mode::Observe, 15, "hpa"));
    assert_eq!(plan.members[0].target.to_string(), "Deployment shop/web");
    assert_eq!(plan.members[0].bounds, Bounds::new(2, 9).unwrap());
    assert_eq!(plan.claimed().count(), 0);
    let query = &plan.metrics[0].query;
    assert_eq!((query.source(), question(query).config["measure"].as_str()), ("cpu", Some("utilization")));
    assert!(KIND.is_read_only() && !crate::general_scaler::KIND.is_read_only());
    assert!(crate::crds(&engine::POLICIES).all(|(name, _)| name != KIND.crd_name()));
}

#[test]
fn every_type_of_metric_is_read_where_the_controller_reads_it() {
    let selector = json!({ "matchLabels": { "queue": "a" }, "matchExpressions": [
        { "key": "tier", "operator": "In", "values": ["x", "y"] }, { "key": "old", "operator": "DoesNotExist" } ] });
    let average = json!({ "type": "AverageValue", "averageValue": "500m" });
    let metrics = json!([
        { "type": "Resource", "resource": { "name": "memory", "target": average } },
        { "type": "ContainerResource", "containerResource": { "name": "cpu", "container": "app",
          "target": { "type": "Utilization", "averageUtilization": 60 } } },
        { "type": "Pods", "pods": { "metric": { "name": "rps" }, "target": average } },
        { "type": "Object", "object": { "metric": { "name": "hits", "selector": selector }, "target": average,
          "describedObject": { "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "front" } } },
        { "type": "External", "external": { "metric": { "name": "depth" }, "target": { "type": "Value", "value": 30 } } },
    ]);
    let plan = compiled(spec(metrics)).plan;
    let asked: Vec<(&str, Value)> = plan
        .metrics
        .iter()
        .map(|metric| (metric.query.source(), question(&metric.query).config.clone()))
        .collect();
    assert_eq!(
        asked,
        [
            ("memory", json!({ "measure": "usage" })),
            ("cpu", json!({ "measure": "utilization", "container": "app" })),
            ("pods-metric", json!({ "metric": "rps" })),
            (
                "object-metric",
                json!({ "metric": "hits", "metricSelector": "queue=a,tier in (x,y),!old", "objectKind": "Ingress",
                        "objectName": "front", "objectApiVersion": "networking.k8s.io/v1" })
            ),
            ("external-metric", json!({ "metric": "depth" })),
        ]
    );
}

#[test]
fn problems_have_the_api_servers_paths_and_words() {
    let mut wrong = spec(json!([]));
    wrong["scaleTargetRef"] = json!({ "kind": "a/b" });
    (wrong["minReplicas"], wrong["maxReplicas"]) = (json!(0), json!(0));
    assert_eq!(
        problems(wrong),
        [
            "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'",
            "spec.scaleTargetRef.name: Required value",
            "spec.scaleTargetRef.apiVersion: Invalid value: \"\": apiVersion must specify API group",
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            "spec.maxReplicas: Required value: must be set and greater than 0",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero \
             replicas",
        ]
    );
    let mut core = spec(json!([]));
    core["scaleTargetRef"] = json!({ "apiVersion": "v1", "kind": "ReplicationController", "name": "web" });
    assert_eq!(problems(core), [] as [&str; 0]);
    let mut mistyped = spec(json!([]));
    (mistyped["minReplicas"], mistyped["behavior"]) =
        (json!("2"), json!({ "scaleUp": { "tolerance": "a lot" } }));
    let found = problems(mistyped);
    assert!(
        found.iter().any(|problem| problem.starts_with("spec.minReplicas: Invalid value: ")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|problem| problem.starts_with("spec.behavior.scaleUp.tolerance: ")),
        "{found:?}"
    );
    let many = spec(json!([{ "type": "Resource", "resource": { "name": "cpu",
        "target": { "type": "Utilization", "averageUtilization": 5_000_000_000_i64 } } }]));
    assert!(
        problems(many)[0].starts_with("spec.metrics[0].resource.target.averageUtilization: Invalid value: ")
    );
}

#[test]
fn an_amount_that_is_none_is_named_by_its_path() {
    let external = |value: &Value| {
        json!([{ "type": "External", "external": { "metric": { "name": "m" },
                                            "target": { "type": "AverageValue", "averageValue": value } } }])
    };
    for good in ["1k", "250m", "1.5Gi", "1e3", "1E-2", "+.5", "5.", "2E", "0.0000001", "1234567890123456789"]
    {
        assert_eq!(problems(spec(external(&json!(good)))), [] as [&str; 0], "{good}");
    }
    let at = "spec.metrics[0].external.target.averageValue: Invalid value: ";
    for (bad, words) in [
        (json!("1K"), "\"1K\": spec.metrics[0].external.target.averageValue in body should match '^[+-]?"),
        (json!("1.2.3"), "\"1.2.3\": "),
        (json!("1mi"), "\"1mi\": "),
        (json!("1e"), "\"1e\": "),
        (json!("."), "\".\": "),
        (json!(""), "\"\": "),
        (json!("1 k"), "\"1 k\": "),
        (json!("0.33333333333333333333"), "\"0.33333333333333333333\": has too many digits"),
        (json!("1e999"), "\"1e999\": has too many digits"),
        (json!(1e40), "1e+40: has too many digits"),
        (json!(true), "true: must be a quantity"),
        (json!([1]), "[1]: must be a quantity"),
    ] {
        let found = problems(spec(external(&bad)));
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].starts_with(&format!("{at}{words}")), "{bad}: {found:?}");
    }
}

#[test]
fn what_people_come_to_regret_is_a_warning() {
    assert_eq!(warnings(spec(json!([]))), [] as [&str; 0]);
    let external = |value: Value| json!({ "type": "External", "external": { "metric": { "name": "m" }, "target": { "type": "Value", "value": value } } });
    let gpu = json!({ "type": "Resource", "resource": { "name": "nvidia.com/gpu",
                      "target": { "type": "Utilization", "averageUtilization": 60 } } });
    let mut odd = spec(json!([external(json!(1)), external(json!("1")), gpu]));
    (odd["minReplicas"], odd["maxReplicas"]) = (json!(0), json!(1));
    odd["behavior"] = json!({ "scaleUp": { "selectPolicy": "Disabled" }, "scaleDown": { "stabilizationWindowSeconds": 0 } });
    let places: Vec<String> =
        compiled(odd.clone()).warnings.into_iter().map(|warning| warning.path).collect();
    assert_eq!(
        places,
        [
            "spec.minReplicas",
            "spec.metrics[1]",
            "spec.metrics[2].resource.name",
            "spec.behavior.scaleUp.selectPolicy",
            "spec.behavior.scaleDown.stabilizationWindowSeconds",
        ]
    );
    odd["minReplicas"] = json!(1);
    let found = warnings(odd);
    assert_eq!(
        found[0],
        "spec.maxReplicas: minReplicas and maxReplicas are both 1, so the target is never scaled"
    );
}

#[test]
fn defaults_and_ceilings_of_ours_do_not_hold_for_it() {
    let file =
        "defaults: {intervalSeconds: 60, safety: {cooldownSeconds: 100}}\nceilings: {maxReplicas: 3}\n";
    let defaults = OperatorDefaults::parse(file).unwrap().in_namespace("shop", &Labels::new());
    let compiled = defaults.compile(&KIND, &object(spec(json!([]))), &context()).unwrap();
    assert_eq!(compiled.plan.members[0].bounds, Bounds::new(2, 9).unwrap());
    assert!(compiled.plan.origins.is_empty() && compiled.warnings.is_empty());
}
