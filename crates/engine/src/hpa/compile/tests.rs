use serde_json::{Value, json};

use super::*;
use crate::pod_metric::PodAmount;

fn compile(spec: Value) -> Result<Hpa, Vec<String>> {
    let spec: HpaSpec = serde_json::from_value(spec).unwrap();
    Hpa::compile(&spec, "spec").map_err(|problems| problems.iter().map(Problem::to_string).collect())
}

fn external(target: Value) -> Value {
    json!({ "type": "External", "external": { "metric": { "name": "queue" }, "target": target } })
}

#[test]
fn what_is_left_out_is_filled_in_as_the_api_server_does() {
    let hpa = compile(json!({ "maxReplicas": 5 })).unwrap();
    assert_eq!((hpa.bounds.min(), hpa.bounds.max()), (1, 5));
    let measure = PodMeasure { resource: PodResource::Cpu, amount: PodAmount::Utilization, container: None };
    let aim = MetricAim::Pods(measure, PodAim::Percent(80));
    assert_eq!(hpa.metrics, [HpaMetric { name: "cpu".into(), aim }]);
    assert_eq!(hpa.limits.up.rate, Rate::HpaDefault);
    assert_eq!((hpa.limits.up.window, hpa.limits.down.window), (Duration::ZERO, DOWN_WINDOW));
    assert_eq!(hpa.limits.down.rate, Rate::Unlimited);
    assert_eq!(hpa.tolerance(), Tolerance::default());

    let given = json!({ "maxReplicas": 5, "behavior": { "scaleDown": { "selectPolicy": "Min", "tolerance": "50m" } } });
    let hpa = compile(given).unwrap();
    let rate = |limit: &Limit| match &limit.rate {
        Rate::Behavior(rules) => (rules.select, rules.policies.clone()),
        other => panic!("{other:?}"),
    };
    let policy = |amount| RatePolicy { amount, period: Duration::from_secs(15) };
    let (four, all) = (policy(Amount::Pods(4)), policy(Amount::Percent(100)));
    assert_eq!(rate(&hpa.limits.up), (SelectPolicy::Max, vec![four, all]));
    assert_eq!(rate(&hpa.limits.down), (SelectPolicy::Min, vec![all]));
    assert_eq!((hpa.limits.up.window, hpa.limits.down.window), (Duration::ZERO, DOWN_WINDOW));
    assert_eq!(hpa.tolerance(), Tolerance { up: 0.1, down: 0.05 });
}

#[test]
fn every_type_of_metric_has_its_aim() {
    let named = |target: Value| json!({ "metric": { "name": "m" }, "target": target });
    let cases = [
        (
            json!({ "type": "Resource", "resource": { "name": "memory",
            "target": { "type": "AverageValue", "averageValue": "64Mi" } } }),
            "memory",
        ),
        (
            json!({ "type": "ContainerResource", "containerResource": { "name": "cpu", "container": "app",
            "target": { "type": "Utilization", "averageUtilization": 60 } } }),
            "cpu of app",
        ),
        (
            json!({ "type": "Pods", "pods": named(json!({ "type": "AverageValue", "averageValue": "5" })) }),
            "m",
        ),
        ({
            let mut of = named(json!({ "type": "Value", "value": "2k" }));
            of["describedObject"] = json!({ "apiVersion": "v1", "kind": "Service", "name": "web" });
            (json!({ "type": "Object", "object": of }), "m")
        }),
        (external(json!({ "type": "AverageValue", "averageValue": "33300m" })), "queue"),
    ];
    let metrics: Vec<Value> = cases.iter().map(|(metric, _)| metric.clone()).collect();
    let hpa = compile(json!({ "minReplicas": 0, "maxReplicas": 5, "metrics": metrics })).unwrap();
    let measure = |resource, amount, container: Option<&str>| PodMeasure {
        resource,
        amount,
        container: container.map(str::to_owned),
    };
    let aims = [
        MetricAim::Pods(measure(PodResource::Memory, PodAmount::Usage, None), PodAim::Milli(67_108_864_000)),
        MetricAim::Pods(measure(PodResource::Cpu, PodAmount::Utilization, Some("app")), PodAim::Percent(60)),
        MetricAim::Pods(measure(PodResource::Custom, PodAmount::Usage, None), PodAim::Milli(5000)),
        MetricAim::Value(2_000_000),
        MetricAim::AverageValue(33_300),
    ];
    for ((metric, (_, name)), aim) in hpa.metrics.iter().zip(&cases).zip(aims) {
        assert_eq!((&*metric.name, &metric.aim), (*name, &aim));
    }
}

#[test]
fn all_problems_are_reported_with_their_fields_in_the_words_of_the_api_server() {
    let spec = json!({
        "minReplicas": 0,
        "maxReplicas": -1,
        "metrics": [
            { "type": "Resource", "resource": { "name": "gpu", "target": { "averageUtilization": 0 } } },
            { "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization" } } },
            { "type": "ContainerResource", "containerResource": { "name": "gpu",
              "target": { "type": "Utilization", "averageUtilization": 50, "averageValue": 1 } } },
            { "type": "Resource" },
            { "type": "Pods", "pods": { "target": { "type": "Value", "value": "-5" } } },
            { "type": "Weather" },
            { "type": "Resource", "pods": { "metric": { "name": "a/b" },
              "target": { "type": "AverageValue", "averageValue": "5" } } },
        ],
        "behavior": {
            "scaleUp": { "stabilizationWindowSeconds": 3601, "selectPolicy": "Any", "policies": [], "tolerance": "-1" },
            "scaleDown": { "stabilizationWindowSeconds": -1, "policies": [
                { "type": "Pods", "value": 0, "periodSeconds": 60 },
                { "type": "Pods", "value": 1, "periodSeconds": 1801 },
                { "type": "Half", "value": 1, "periodSeconds": 0 },
            ] },
        },
    });
    assert_eq!(
        compile(spec).unwrap_err(),
        [
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            "spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1",
            "spec.maxReplicas: Invalid value: -1: must be greater than or equal to `minReplicas`",
            "spec.metrics[0].resource.target.type: Required value: must specify a metric target type",
            r#"spec.metrics[0].resource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue"#,
            "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
            "spec.metrics[1].resource.target.averageUtilization: Required value: must set either a target raw value or \
             a target utilization",
            "spec.metrics[2].containerResource.name: Invalid value: \"gpu\": must be a standard resource type or fully \
             qualified",
            r#"spec.metrics[2].containerResource.name: Invalid value: "gpu": must be a standard resource for containers"#,
            "spec.metrics[2].containerResource.container: Required value: must specify a container",
            "spec.metrics[2].containerResource.target.averageValue: Forbidden: may not set both a target raw value and \
             a target utilization",
            "spec.metrics[3].resource: Required value: must populate information for the given metric source",
            "spec.metrics[4].pods.metric.name: Required value: must specify a metric name",
            r#"spec.metrics[4].pods.target.value: Invalid value: "-5": must be positive"#,
            "spec.metrics[4].pods.target.averageValue: Required value: must specify a positive target averageValue",
            "spec.metrics[5].type: Unsupported value: \"Weather\": supported values: \"ContainerResource\", \
             \"External\", \"Object\", \"Pods\", \"Resource\"",
            r#"spec.metrics[6].pods.metric.name: Invalid value: "a/b": may not contain '/'"#,
            "spec.metrics[6].resource: Required value: must populate information for the given metric source",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero \
             replicas",
            r#"spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min""#,
            "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
            r#"spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0"#,
            "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
            "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
            "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleDown.policies[1].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
            r#"spec.behavior.scaleDown.policies[2].type: Unsupported value: "Half": supported values: "Percent", "Pods""#,
            "spec.behavior.scaleDown.policies[2].periodSeconds: Invalid value: 0: must be greater than zero",
        ]
    );
    let order = compile(json!({ "minReplicas": 5, "maxReplicas": 3 })).unwrap_err();
    assert_eq!(order, ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"]);
}

#[test]
fn object_and_external_metrics_need_the_target_that_their_type_asks_for() {
    let named = |target: Value| {
        json!({ "maxReplicas": 5, "metrics": [{ "type": "Object", "object": {
            "metric": { "name": "m" }, "describedObject": { "kind": "Service", "name": "web" }, "target": target } }] })
    };
    let both = json!({ "type": "Value", "value": 1, "averageValue": 1 });
    assert_eq!(compile(named(both.clone())).unwrap().metrics[0].aim, MetricAim::Value(1000));
    let place = "spec.metrics[0].object.target.type: Invalid value: \"Utilization\": the HPA controller computes nothing";
    let problems = compile(named(json!({ "type": "Utilization", "value": 1 }))).unwrap_err();
    assert!(problems[0].starts_with(place), "{problems:?}");
    let problems = compile(
        json!({ "maxReplicas": 5, "metrics": [external(both), external(json!({ "type": "Value" }))] }),
    );
    assert_eq!(
        problems.unwrap_err(),
        [
            "spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod \
             target",
            "spec.metrics[1].external.target.averageValue: Required value: must set either a target value for metric or \
             a per-pod target",
        ]
    );
}
