//! Triggers `cpu` and `memory`: what the target's pods use. The HPA measures it by itself, so nothing is published.

use engine::hpa::Quantity;
use engine::{Fault, Metric, MetricTarget, Problem, TargetType};
use serde_json::{Value, json};

use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const VALUE: Parameter = Parameter::required(&["value"], &[M]);
const CONTAINER: Parameter = Parameter::optional(&["containerName"], &[M]);
const TYPE: Parameter = Parameter::deprecated(
    "the 'type' setting is in trigger.metricType instead of trigger.metadata.type",
    &["type"],
    &[M],
);
const PARAMETERS: &[&[Parameter]] = &[&[VALUE, CONTAINER, TYPE]];

pub(super) const CPU: TriggerType = TriggerType {
    name: "cpu",
    parameters: PARAMETERS,
    takes_any: false,
    may_cache: false,
    identities_not_yet: &[],
    compile: |metadata| compile(metadata, "cpu"),
};
pub(super) const MEMORY: TriggerType = TriggerType {
    name: "memory",
    parameters: PARAMETERS,
    takes_any: false,
    may_cache: false,
    identities_not_yet: &[],
    compile: |metadata| compile(metadata, "memory"),
};

/// What the HPA aims for.
struct Goal {
    /// The `target` of the HPA's metric.
    target: Value,
    /// In percent, or in the resource's own unit.
    amount: f64,
    /// How the source is asked to measure it.
    measure: &'static str,
}

fn compile(metadata: &mut Metadata<'_>, resource: &'static str) -> Option<CompiledTrigger> {
    let goal = goal(metadata);
    let container = metadata.text(&CONTAINER);
    let mut question = Question::default();
    question.give("container", metadata, &CONTAINER);
    question.set("measure", goal.as_ref().map_or("utilization", |goal| goal.measure));
    let query = question.query(resource, metadata)?;
    let goal = goal?;
    let metric = Metric {
        name: resource.to_owned(),
        query,
        minimum: None,
        target: MetricTarget::new(TargetType::AverageValue, goal.amount),
        member: None,
    };
    let hpa_metric = match container {
        None => {
            json!({ "type": "Resource", "resource": { "name": resource, "target": goal.target } })
        }
        Some(container) => json!({
            "type": "ContainerResource",
            "containerResource": { "name": resource, "container": container, "target": goal.target },
        }),
    };
    Some(CompiledTrigger::Pods { hpa_metric, metric })
}

fn goal(metadata: &mut Metadata<'_>) -> Option<Goal> {
    let text = metadata.text(&VALUE);
    match metadata.trigger.metric_type.as_deref() {
        Some("Utilization") => {
            let text = text?;
            let percent = text.parse::<i32>().ok().filter(|percent| *percent > 0);
            if percent.is_none() {
                let why =
                    format!("{:?}: must be a whole number of percent above 0", engine::one_line(&text, 100));
                metadata.refuse(&VALUE, Fault::invalid(why));
            }
            let percent = percent?;
            let target = json!({ "type": "Utilization", "averageUtilization": percent });
            Some(Goal { target, amount: percent.into(), measure: "utilization" })
        }
        Some("AverageValue") => {
            let text = text?;
            let milli = text.parse::<Quantity>().ok().map(Quantity::milli).filter(|milli| *milli > 0);
            if milli.is_none() {
                let why = format!(
                    "{:?}: must be a quantity above 0, such as 250m or 64Mi",
                    engine::one_line(&text, 100)
                );
                metadata.refuse(&VALUE, Fault::invalid(why));
            }
            let target = json!({ "type": "AverageValue", "averageValue": text });
            Some(Goal { target, amount: milli? as f64 / 1e3, measure: "usage" })
        }
        other => {
            let given = other.unwrap_or_default();
            let why =
                format!("unknown metric type: {given}, allowed values are 'Utilization' or 'AverageValue'");
            let path = format!("{}.metricType", metadata.about.path);
            metadata.note(Problem::new(path, Fault::invalid(why)));
            None
        }
    }
}
