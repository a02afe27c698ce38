//! KEDA's ScaledObject, as it is replayed: the HPA that KEDA makes of it, and KEDA's own loop between 0 and the minimum.

mod direct;

use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::Startup;
use engine::{Bounds, Fault, FaultKind, MetricTarget, Plan, Problem, Query, Target, TargetType};
use serde_json::{Value, json};

/// API version and kind.
pub(crate) const KIND: (&str, &str) = ("keda.sh/v1alpha1", "ScaledObject");

/// KEDA's own loop, which moves a target between 0 and its minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct KedaLoop {
    /// Time between two polls.
    pub polling_interval: Duration,
    /// How long all metrics must be inactive before the target is put to 0.
    pub cooldown: Duration,
    /// The bounds; the minimum may be 0.
    pub bounds: Bounds,
    /// Whether the target is put to 0 when nothing is active.
    pub sleeps: bool,
    /// A metric is active above this, in the order of the metrics; `None` for those that say nothing about it.
    pub activations: Vec<Option<f64>>,
}

/// A type of trigger that can be replayed.
struct TriggerType {
    name: &'static str,
    /// The fields that may hold its target, the first that is given counts.
    targets: &'static [&'static str],
    /// The target where none is given; `None` where one is required.
    default: Option<f64>,
    activation: &'static str,
    /// The source of ours that is alike.
    source: &'static str,
}

const fn trigger(
    name: &'static str,
    targets: &'static [&'static str],
    default: Option<f64>,
    activation: &'static str,
    source: &'static str,
) -> TriggerType {
    TriggerType { name, targets, default, activation, source }
}

const STREAM_TARGETS: &[&str] = &["pendingEntriesCount", "lagCount", "streamLength"];

const TRIGGERS: &[TriggerType] = &[
    trigger("prometheus", &["threshold"], None, "activationThreshold", "prometheus"),
    trigger("metrics-api", &["targetValue"], None, "activationTargetValue", "http"),
    trigger("postgresql", &["targetQueryValue"], None, "activationTargetQueryValue", "external"),
    trigger("mysql", &["queryValue"], None, "activationQueryValue", "external"),
    trigger("redis", &["listLength"], Some(5.0), "activationListLength", "queue"),
    trigger("redis-cluster", &["listLength"], Some(5.0), "activationListLength", "queue"),
    trigger("redis-sentinel", &["listLength"], Some(5.0), "activationListLength", "queue"),
    trigger("redis-streams", STREAM_TARGETS, Some(5.0), "activationLagCount", "queue"),
    trigger("redis-cluster-streams", STREAM_TARGETS, Some(5.0), "activationLagCount", "queue"),
    trigger("redis-sentinel-streams", STREAM_TARGETS, Some(5.0), "activationLagCount", "queue"),
    trigger("nats-jetstream", &["lagThreshold"], Some(10.0), "activationLagThreshold", "queue"),
    trigger("gcp-pubsub", &["value"], Some(10.0), "activationValue", "queue"),
    trigger("kafka", &["lagThreshold"], Some(10.0), "activationLagThreshold", "queue"),
    trigger("apache-kafka", &["lagThreshold"], Some(10.0), "activationLagThreshold", "queue"),
    trigger("rabbitmq", &["value", "queueLength"], Some(20.0), "activationValue", "queue"),
    trigger("aws-sqs-queue", &["queueLength"], Some(5.0), "activationQueueLength", "queue"),
    trigger("azure-servicebus", &["messageCount"], Some(5.0), "activationMessageCount", "queue"),
];

/// The types that are measured at pods.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

/// One trigger, as the HPA and the loop see it.
struct Trigger {
    /// Name of its metric.
    name: String,
    /// The name that the object gives it.
    given: Option<String>,
    metric: Value,
    source: &'static str,
    /// `None` for one that is measured at pods.
    activation: Option<f64>,
    /// What the HPA aims for, of one that is not measured at pods.
    target: Option<MetricTarget>,
}

/// The plan of the HPA that KEDA would make, with bounds that may begin at 0, and KEDA's loop; without an HPA, or with a
/// formula, the plan that does both by itself.
pub(crate) fn compile(object: &Value, sync: Duration) -> Result<(Plan, Option<KedaLoop>), Vec<Problem>> {
    let mut problems = Vec::new();
    let spec = &object["spec"];
    let count = |name: &str, default: u64, problems: &mut Vec<Problem>| match &spec[name] {
        Value::Null => default,
        given => given.as_u64().filter(|count| *count <= u64::from(u32::MAX)).unwrap_or_else(|| {
            problems
                .push(invalid(format!("spec.{name}"), format!("{given}: must be a whole number, 0 or more")));
            default
        }),
    };
    let min = count("minReplicaCount", 0, &mut problems) as u32;
    let max = count("maxReplicaCount", 100, &mut problems) as u32;
    let polling_interval = Duration::from_secs(count("pollingInterval", 30, &mut problems).max(1));
    let cooldown = Duration::from_secs(count("cooldownPeriod", 300, &mut problems));
    let bounds = Bounds::new(min, max).filter(|_| max > 0);
    if bounds.is_none() {
        let message = format!("{max}: must be above 0 and not below minReplicaCount");
        problems.push(invalid("spec.maxReplicaCount", message));
    }
    let idle = spec.get("idleReplicaCount").filter(|idle| !idle.is_null());
    if idle.is_some_and(|idle| idle.as_u64() != Some(0)) {
        problems.push(invalid("spec.idleReplicaCount", "must be 0: KEDA supports nothing else"));
    }
    let target = target(object, &mut problems);
    let mut triggers = triggers(spec, &mut problems);
    // As the plan of direct mode has them, whatever the object's order is.
    triggers.sort_by_key(|trigger| trigger.activation.is_none());
    let (Some(bounds), true) = (bounds, problems.is_empty()) else { return Err(problems) };
    let hpa: HpaSpec = serde_json::from_value(json!({
        "minReplicas": min.max(1),
        "maxReplicas": max,
        "metrics": triggers.iter().map(|trigger| trigger.metric.clone()).collect::<Vec<_>>(),
        "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
    }))
    .map_err(|error| {
        vec![invalid("spec.advanced.horizontalPodAutoscalerConfig.behavior", error.to_string())]
    })?;
    let hpa = Hpa::compile(&hpa, "spec.advanced.horizontalPodAutoscalerConfig")?;
    let mut plan = hpa.plan(
        target,
        triggers.iter().map(|trigger| Query::unprepared(trigger.source)),
        Startup::default(),
        sync,
    );
    plan.members[0].bounds = bounds;
    let activations = triggers.iter().map(|trigger| trigger.activation).collect();
    let sleeps = min == 0 || idle.is_some();
    let keda = KedaLoop { polling_interval, cooldown, bounds, sleeps, activations };
    if direct::is_direct(object) {
        return Ok((direct::plan(object, (hpa, plan), &triggers, &keda)?, None));
    }
    Ok((plan, Some(keda)))
}

fn target(object: &Value, problems: &mut Vec<Problem>) -> Target {
    let text = |pointer: &str, default: &str| {
        object.pointer(pointer).and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let name = text("/spec/scaleTargetRef/name", "");
    if name.is_empty() {
        problems.push(Problem::new(
            "spec.scaleTargetRef.name",
            Fault::new(FaultKind::Required, "name the target"),
        ));
    }
    Target {
        api_version: text("/spec/scaleTargetRef/apiVersion", "apps/v1"),
        kind: text("/spec/scaleTargetRef/kind", "Deployment"),
        namespace: text("/metadata/namespace", "default"),
        name,
    }
}

fn triggers(spec: &Value, problems: &mut Vec<Problem>) -> Vec<Trigger> {
    let given = spec["triggers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() {
        let what = "give one trigger or more";
        problems.push(Problem::new("spec.triggers", Fault::new(FaultKind::Required, what)));
    }
    let mut names: Vec<String> = Vec::new();
    let mut triggers = Vec::new();
    for (index, trigger) in given.iter().enumerate() {
        let type_ = trigger["type"].as_str().unwrap_or_default();
        let name = trigger["name"].as_str().unwrap_or(type_).to_owned();
        let name = if names.contains(&name) { format!("s{index}-{name}") } else { name };
        names.push(name.clone());
        match one(trigger, type_, &name, &format!("spec.triggers[{index}]")) {
            Ok(trigger) => triggers.push(trigger),
            Err(problem) => problems.push(problem),
        }
    }
    triggers
}

fn one(trigger: &Value, type_: &str, name: &str, path: &str) -> Result<Trigger, Problem> {
    let metadata = &trigger["metadata"];
    let number = |field: &str| match &metadata[field] {
        Value::Null => Ok(None),
        given => {
            let number = given.as_f64().or_else(|| given.as_str()?.trim().parse().ok());
            let number = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
            let wrong = || {
                invalid(format!("{path}.metadata.{field}"), format!("{given}: must be a number, 0 or more"))
            };
            number.map(Some).ok_or_else(wrong)
        }
    };
    if RESOURCES.contains(&type_) {
        let source = if type_ == "cpu" { "cpu" } else { "memory" };
        let field = format!("{path}.metadata.value");
        let value = number("value")?.filter(|value| *value > 0.0);
        let value = value.ok_or_else(|| invalid(&field, "must be above 0"))?;
        let metric_type =
            trigger["metricType"].as_str().or(metadata["type"].as_str()).unwrap_or("Utilization");
        if metric_type != "Utilization" {
            return Err(unsupported(
                format!("{path}.metricType"),
                "of pods, only Utilization can be replayed",
            ));
        }
        let target = json!({ "type": "Utilization", "averageUtilization": value.round() as i64 });
        let metric = json!({ "type": "Resource", "resource": { "name": source, "target": target } });
        return Ok(Trigger {
            name: name.to_owned(),
            given: None,
            metric,
            source,
            activation: None,
            target: None,
        });
    }
    let Some(known) = TRIGGERS.iter().find(|known| known.name == type_) else {
        let all = TRIGGERS.iter().map(|known| known.name).chain(RESOURCES);
        return Err(Problem::new(format!("{path}.type"), Fault::unsupported(format_args!("{type_:?}"), all)));
    };
    let mut target = None;
    for field in known.targets {
        target = match target {
            None => number(field)?,
            some => some,
        };
    }
    let field = format!("{path}.metadata.{}", known.targets[0]);
    let target = target.or(known.default).filter(|target| *target > 0.0);
    let target = target
        .ok_or_else(|| Problem::new(&field, Fault::new(FaultKind::Required, "give a number above 0")))?;
    let quantity = format!("{}m", ((target * 1000.0).round() as i64).max(1));
    let (type_, hpa_target) = match trigger["metricType"].as_str() {
        None | Some("AverageValue") => {
            (TargetType::AverageValue, json!({ "type": "AverageValue", "averageValue": quantity }))
        }
        Some("Value") => (TargetType::Value, json!({ "type": "Value", "value": quantity })),
        Some(other) => {
            let fault = Fault::unsupported(format_args!("{other:?}"), ["AverageValue", "Value"]);
            return Err(Problem::new(format!("{path}.metricType"), fault));
        }
    };
    let metric =
        json!({ "type": "External", "external": { "metric": { "name": name }, "target": hpa_target } });
    Ok(Trigger {
        name: name.to_owned(),
        given: trigger["name"].as_str().map(str::to_owned),
        metric,
        source: known.source,
        activation: Some(number(known.activation)?.unwrap_or(0.0)),
        target: MetricTarget::new(type_, target),
    })
}

fn invalid(path: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(path, Fault::invalid(message))
}

fn unsupported(path: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(path, Fault::new(FaultKind::Unsupported, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(spec: Value) -> Result<(Plan, KedaLoop), Vec<String>> {
        let object = json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": spec });
        compile(&object, Duration::from_secs(15))
            .map(|(plan, keda)| (plan, keda.expect("an HPA is replayed")))
            .map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn an_object_is_the_hpa_that_keda_makes_and_its_loop() {
        let (plan, keda) = compiled(json!({
            "scaleTargetRef": { "name": "web" }, "maxReplicaCount": 20, "cooldownPeriod": 60,
            "triggers": [
                { "type": "prometheus", "metadata": { "query": "x", "threshold": "62.5", "activationThreshold": "5" } },
                { "type": "redis", "name": "jobs", "metadata": { "listName": "jobs" } },
                { "type": "prometheus", "metadata": { "query": "y", "threshold": 10 } },
                { "type": "cpu", "metricType": "Utilization", "metadata": { "value": "70" } },
            ],
        }))
        .unwrap();
        let names: Vec<&str> = plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names[..3], ["prometheus", "jobs", "s2-prometheus"]);
        let targets: Vec<f64> = plan.metrics.iter().map(|metric| metric.target.unwrap().value()).collect();
        assert_eq!(targets[..3], [62.5, 5.0, 10.0]);
        assert_eq!(plan.metrics[1].query.source(), "queue");
        assert_eq!(keda.activations, [Some(5.0), Some(0.0), Some(0.0), None]);
        assert_eq!((keda.cooldown.as_secs(), keda.polling_interval.as_secs(), keda.sleeps), (60, 30, true));
        assert_eq!(
            (keda.bounds.min(), keda.bounds.max(), plan.members[0].target.kind.as_str()),
            (0, 20, "Deployment")
        );
    }

    #[test]
    fn what_cannot_be_replayed_is_named_with_its_path() {
        let problems = compiled(json!({
            "minReplicaCount": 5, "maxReplicaCount": 2, "pollingInterval": -1, "idleReplicaCount": 1,
            "triggers": [
                { "type": "cron", "metadata": {} },
                { "type": "prometheus", "metadata": { "threshold": "many" } },
                { "type": "prometheus", "metadata": {} },
                { "type": "cpu", "metricType": "AverageValue", "metadata": { "value": "1" } },
            ],
        }))
        .unwrap_err();
        for (place, part) in [
            "spec.pollingInterval: Invalid value: -1",
            "spec.maxReplicaCount: ",
            "spec.idleReplicaCount: ",
            "spec.scaleTargetRef.name: ",
            "spec.triggers[0].type: Unsupported value: \"cron\"",
            "spec.triggers[1].metadata.threshold: ",
            "spec.triggers[2].metadata.threshold: Required value",
            "spec.triggers[3].metricType: ",
        ]
        .iter()
        .enumerate()
        {
            assert!(problems[place].starts_with(part), "{part} in {problems:?}");
        }
        assert!(
            compiled(json!({ "scaleTargetRef": { "name": "web" } })).unwrap_err()[0]
                .starts_with("spec.triggers: ")
        );
    }
}
