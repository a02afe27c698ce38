//! What an HPA may have and its author comes to regret.

use engine::Warning;
use engine::hpa::spec::{MetricSpec, ResourceSpec};
use engine::hpa::{Hpa, HpaSpec};
use engine::limits::{Amount, Rate, SelectPolicy};
use serde_json::Value;

/// The resources that metrics.k8s.io measures.
const MEASURED: [&str; 2] = ["cpu", "memory"];

/// By the HPA alone.
pub(super) fn of(spec: &HpaSpec, hpa: &Hpa) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |path: &str, message: String| warnings.push(Warning::new(path, message));
    let (min, max) = (hpa.bounds.min(), hpa.bounds.max());
    if min == max {
        let message = format!("minReplicas and maxReplicas are both {max}, so the target is never scaled");
        warn("spec.maxReplicas", message);
    }
    if min == 0 {
        let message = "0 needs the API server's feature gate HPAScaleToZero, which is off by default up to Kubernetes \
                       1.36; without it the HPA is refused";
        warn("spec.minReplicas", message.to_owned());
    }
    for (index, metric) in spec.metrics.iter().enumerate() {
        let path = format!("spec.metrics[{index}]");
        if let Some((field, resource)) = resource(metric)
            && !MEASURED.contains(&resource.name.as_str())
        {
            let message = format!(
                "metrics.k8s.io measures {}; of {:?} there is never a value, and while a metric fails nothing is scaled in",
                MEASURED.join(" and "),
                resource.name
            );
            warn(&format!("{path}.{field}.name"), message);
        }
        if spec.metrics[..index].contains(metric) {
            warn(&path, "is the same as an earlier metric, and asked for twice at each sync".to_owned());
        }
    }
    for (field, limit) in [("scaleUp", &hpa.limits.up), ("scaleDown", &hpa.limits.down)] {
        let is_disabled =
            matches!(&limit.rate, Rate::Behavior(rules) if rules.select == SelectPolicy::Disabled);
        if is_disabled && field == "scaleUp" {
            warn(
                "spec.behavior.scaleUp.selectPolicy",
                "Disabled: a load that grows is never followed".to_owned(),
            );
        }
        if field == "scaleDown" && limit.window.is_zero() && !is_disabled && removes_all_at_once(&limit.rate)
        {
            let message = "with a window of 0 and no policy below 100 percent, a metric that drops for one sync removes \
                           all pods beyond minReplicas at once";
            warn("spec.behavior.scaleDown.stabilizationWindowSeconds", message.to_owned());
        }
    }
    warnings
}

fn removes_all_at_once(rate: &Rate) -> bool {
    match rate {
        Rate::Behavior(rules) => rules
            .policies
            .iter()
            .any(|policy| matches!(policy.amount, Amount::Percent(percent) if percent >= 100)),
        Rate::Unlimited | Rate::HpaDefault => true,
        Rate::PodsPerOperation(_) => false,
    }
}

/// The field and the resource of a metric that is measured at pods by metrics.k8s.io.
fn resource(metric: &MetricSpec) -> Option<(&'static str, &ResourceSpec)> {
    match metric.type_.as_str() {
        "Resource" => Some(("resource", metric.resource.as_ref()?)),
        "ContainerResource" => Some(("containerResource", metric.container_resource.as_ref()?)),
        _ => None,
    }
}

/// What the HPA's target, which stands in the same file, does not have or should not have.
pub(crate) fn beside_its_target(hpa: &Value, target: &Value) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let shown = |pointer: &str| target.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{}/{}", shown("/kind"), shown("/metadata/name"));
    if target.pointer("/spec/replicas").is_some_and(|replicas| !replicas.is_null()) {
        let message = format!(
            "{name} sets spec.replicas, so each time that it is applied it undoes what was scaled: leave it out"
        );
        warnings.push(Warning::new("spec.scaleTargetRef", message));
    }
    let Some(pod) = target.pointer("/spec/template/spec") else { return warnings };
    let metrics: Vec<MetricSpec> =
        serde_json::from_value(hpa.pointer("/spec/metrics").cloned().unwrap_or_default()).unwrap_or_default();
    let by_default = metrics.is_empty().then(|| ("spec.metrics".to_owned(), "cpu".to_owned(), None));
    let given = metrics.iter().enumerate().filter_map(|(index, metric)| {
        let (field, resource) = resource(metric)?;
        resource.target.average_utilization?;
        Some((format!("spec.metrics[{index}].{field}"), resource.name.clone(), resource.container.clone()))
    });
    for (path, resource, container) in by_default.into_iter().chain(given) {
        if pod.pointer(&format!("/resources/requests/{resource}")).is_some() && container.is_none() {
            continue;
        }
        let bare = lasting(pod).filter(|found| container.as_ref().is_none_or(|name| found["name"] == **name));
        let bare: Vec<&str> = bare
            .filter(|found| found.pointer(&format!("/resources/requests/{resource}")).is_none())
            .filter_map(|found| found["name"].as_str())
            .collect();
        if !bare.is_empty() {
            let message = format!(
                "container {} of {name} has no request for {resource}, so there is no utilization and the HPA never scales: \
                 set resources.requests.{resource}, or aim for averageValue",
                bare.join(", ")
            );
            warnings.push(Warning::new(path, message));
        }
    }
    warnings
}

/// The containers that run as long as the pod does.
fn lasting(pod: &Value) -> impl Iterator<Item = &Value> {
    let all = |field: &str| pod[field].as_array().into_iter().flatten();
    all("containers").chain(all("initContainers").filter(|container| container["restartPolicy"] == "Always"))
}
