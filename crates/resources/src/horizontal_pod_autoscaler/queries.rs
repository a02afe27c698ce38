//! What an HPA's metrics are read by: the sources that kinds of ours have, which ask the same APIs as the controller.

use engine::hpa::HpaSpec;
use engine::hpa::spec::{MetricId, MetricOf, MetricSpec, ResourceSpec};
use engine::{Asked, AskedTarget, ConfigPath, Problem, Query, Target};
use serde_json::{Map, Value, json};

use crate::compile::Context;

/// A source, its settings, and where in the HPA they stand.
struct Question {
    source: &'static str,
    config: Map<String, Value>,
    elsewhere: Vec<(&'static str, String)>,
}

/// The query of each metric, in the order of the HPA; those of a metric that a source refuses are left out, and why is
/// added to `problems`.
pub(super) fn of(
    spec: &HpaSpec,
    namespace: &str,
    target: &Target,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Query> {
    let by_default = [MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(ResourceSpec { name: "cpu".to_owned(), ..ResourceSpec::default() }),
        ..MetricSpec::default()
    }];
    let metrics = if spec.metrics.is_empty() { &by_default[..] } else { &spec.metrics };
    let mut queries = Vec::with_capacity(metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        let path = format!("spec.metrics[{index}]");
        let Some(Question { source, config, elsewhere }) = question(metric, &path) else { continue };
        let elsewhere: Vec<(&str, &str)> =
            elsewhere.iter().map(|(setting, place)| (*setting, place.as_str())).collect();
        let config = Value::Object(config);
        let asked = Asked {
            source,
            config: &config,
            path: ConfigPath { source: &path, config: &path, elsewhere: &elsewhere },
            namespace,
            target: AskedTarget::Of(target),
            credentials: &[],
        };
        match context.catalog.prepare(&asked) {
            Ok(prepared) => queries.push(prepared.query),
            Err(more) => problems.extend(more),
        }
    }
    queries
}

fn question(metric: &MetricSpec, path: &str) -> Option<Question> {
    Some(match metric.type_.as_str() {
        "Resource" => of_resource(metric.resource.as_ref()?, &format!("{path}.resource")),
        "ContainerResource" => {
            of_resource(metric.container_resource.as_ref()?, &format!("{path}.containerResource"))
        }
        "Pods" => named("pods-metric", metric.pods.as_ref()?, &format!("{path}.pods")),
        "External" => named("external-metric", metric.external.as_ref()?, &format!("{path}.external")),
        _ => {
            let of = metric.object.as_ref()?;
            let path = format!("{path}.object");
            let mut question = named("object-metric", of, &path);
            let about = &of.described_object;
            for (setting, field, value) in [
                ("objectKind", "kind", &about.kind),
                ("objectName", "name", &about.name),
                ("objectApiVersion", "apiVersion", &about.api_version),
            ] {
                if !value.is_empty() {
                    question.config.insert(setting.to_owned(), json!(value));
                }
                question.elsewhere.push((setting, format!("{path}.describedObject.{field}")));
            }
            question
        }
    })
}

fn of_resource(spec: &ResourceSpec, path: &str) -> Question {
    // metrics.k8s.io measures these two; of any other the controller never hears anything.
    let source = if spec.name == "memory" { "memory" } else { "cpu" };
    let measure = if spec.target.average_value.is_some() { "usage" } else { "utilization" };
    let mut config = Map::from_iter([("measure".to_owned(), json!(measure))]);
    if let Some(container) = &spec.container {
        config.insert("container".to_owned(), json!(container));
    }
    Question { source, config, elsewhere: vec![("container", format!("{path}.container"))] }
}

fn named(source: &'static str, of: &MetricOf, path: &str) -> Question {
    let mut config = Map::from_iter([("metric".to_owned(), json!(of.metric.name))]);
    if let Some(selector) = selector(&of.metric) {
        config.insert("metricSelector".to_owned(), json!(selector));
    }
    let elsewhere = vec![
        ("metric", format!("{path}.metric.name")),
        ("metricSelector", format!("{path}.metric.selector")),
    ];
    Question { source, config, elsewhere }
}

/// A label selector as the API server takes it in a URL.
fn selector(id: &MetricId) -> Option<String> {
    let selector = id.selector.as_ref()?;
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten().map(|expression| {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        }
    });
    let all: Vec<String> = labels.chain(expressions).collect();
    (!all.is_empty()).then(|| all.join(","))
}
