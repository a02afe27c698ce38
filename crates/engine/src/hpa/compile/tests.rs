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
    assert_eq!(hpa.metrics, [HpaMetric { name: "cpu".to_owned(), aim }]);
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
        (json!({ "type": "Object", "object": named(json!({ "type": "Value", "value": "2k" })) }), "m"),
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
        assert_eq!((metric.name.as_str(), &metric.aim), (*name, &aim));
    }
}

#[test]
fn all_problems_are_reported_with_their_fields() {
    let spec = json!({
        "minReplicas": 0,
        "maxReplicas": -1,
        "metrics": [
            { "type": "Resource", "resource": { "name": "gpu", "target": { "averageUtilization": 50 } } },
            { "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization" } } },
            { "type": "ContainerResource", "containerResource": { "name": "cpu", "target": { "averageUtilization": 50 } } },
            { "type": "Resource" },
            { "type": "Pods", "pods": { "target": { "averageValue": "5" } } },
            { "type": "Weather" },
            external(json!({ "type": "Value", "value": "0" })),
        ],
        "behavior": {
            "scaleUp": { "stabilizationWindowSeconds": 3601, "selectPolicy": "Any", "policies": [], "tolerance": "-1" },
            "scaleDown": { "policies": [
                { "type": "Pods", "value": 0, "periodSeconds": 60 },
                { "type": "Pods", "value": 1, "periodSeconds": 1801 },
                { "type": "Half", "value": 1, "periodSeconds": 60 },
            ] },
        },
    });
    assert_eq!(
        compile(spec).unwrap_err(),
        [
            r#"spec.metrics[0].resource.name: Unsupported value: "gpu": supported values: "cpu", "memory""#,
            "spec.metrics[1].resource.target.averageValue: Required value",
            "spec.metrics[2].containerResource.container: Required value",
            "spec.metrics[3].resource: Required value",
            "spec.metrics[4].pods.metric.name: Required value",
            "spec.metrics[5].type: Unsupported value: \"Weather\": supported values: \"ContainerResource\", \
             \"External\", \"Object\", \"Pods\", \"Resource\"",
            "spec.metrics[6].external.target.value: Invalid value: must be positive",
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1; 0 needs an Object or External \
             metric",
            "spec.maxReplicas: Invalid value: -1: must be greater than 0",
            r#"spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min""#,
            "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be from 0 to 3600",
            "spec.behavior.scaleUp.tolerance: Invalid value: must be greater than or equal to 0",
            "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
            "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleDown.policies[1].periodSeconds: Invalid value: 1801: must be from 1 to 1800",
            r#"spec.behavior.scaleDown.policies[2].type: Unsupported value: "Half": supported values: "Percent", "Pods""#,
        ]
    );
    let order = compile(json!({ "minReplicas": 5, "maxReplicas": 3 })).unwrap_err();
    assert_eq!(order, ["spec.maxReplicas: Invalid value: must be greater than or equal to minReplicas"]);
}
