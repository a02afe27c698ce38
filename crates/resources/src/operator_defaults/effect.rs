//! What defaults and ceilings do to one object.

use std::borrow::Cow;
use std::time::Duration;

use engine::{Fault, Origin, Plan, Problem, Warning};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::{Given, NamespaceDefaults};
use crate::common::{interval, safety};
use crate::{Compiled, Context, Kind};

impl<T> Given<T> {
    fn origin(&self, field: impl Into<String>, value: impl ToString) -> Origin {
        Origin::new(field, value, &*self.from)
    }
}

impl NamespaceDefaults {
    /// Compiles an object of `kind` with the defaults for what its spec leaves open, and within the ceilings.
    ///
    /// # Errors
    /// All problems at once, as [`Kind::compile`]; a metric source that is not allowed is one.
    pub fn compile(
        &self,
        kind: &Kind,
        object: &Value,
        context: &Context<'_>,
    ) -> Result<Compiled, Vec<Problem>> {
        if kind.is_read_only() {
            // What somebody else acts by has no defaults and ceilings of ours.
            return kind.compile(object, context);
        }
        let mut origins = Vec::new();
        let filled = self.fill(kind, object, context, &mut origins);
        let mut compiled = kind.compile(&filled, context)?;
        let problems = self.forbidden_sources(&compiled.plan, object);
        if !problems.is_empty() {
            return Err(problems);
        }
        let before = origins.len();
        self.cap(&mut compiled.plan, &mut origins);
        for Origin { field, value, from } in &origins[before..] {
            let message = format!("{from} allow no more than {value}, which applies");
            let message = if field.ends_with("Seconds") { message.replace("more", "less") } else { message };
            compiled.warnings.push(Warning::new(field.clone(), message));
        }
        compiled.plan.origins.extend(origins);
        Ok(compiled)
    }

    /// The object with the defaults for what its spec leaves open.
    fn fill<'a>(
        &self,
        kind: &Kind,
        object: &'a Value,
        context: &Context<'_>,
        origins: &mut Vec<Origin>,
    ) -> Cow<'a, Value> {
        let mut filled = Cow::Borrowed(object);
        let Some(spec) = object.get("spec").and_then(Value::as_object) else { return filled };
        let is_open = |field: &str| spec.get(field).is_none_or(Value::is_null);
        if let Some(given) = &self.interval_seconds
            && is_open(interval::FIELD)
            && kind.schema(context.policies).knows(interval::FIELD)
        {
            filled.to_mut()["spec"][interval::FIELD] = json!(given.value);
            origins.push(given.origin(format!("spec.{}", interval::FIELD), given.value));
        }
        if let Some(given) = &self.safety
            && let Some(own) = guards_at_most(spec.get("safety"))
        {
            let mut default = given.value.clone();
            default.retain(|field, _| !own.contains_key(field));
            origins.push(given.origin(safety::PATH, Value::Object(default.clone())));
            default.extend(own);
            filled.to_mut()["spec"]["safety"] = Value::Object(default);
        }
        filled
    }

    /// Brings a plan within the ceilings.
    fn cap(&self, plan: &mut Plan, origins: &mut Vec<Origin>) {
        if let Some(given) = &self.min_interval_seconds {
            let shortest = Duration::from_secs(u64::from(given.value));
            if plan.interval < shortest {
                plan.interval = shortest;
                let field = format!("spec.{}", interval::FIELD);
                origins.retain(|origin| origin.field != field);
                origins.push(given.origin(field, given.value));
            }
        }
        let Some(given) = &self.max_replicas else { return };
        let is_group = plan.group.is_some();
        for (index, member) in plan.members.iter_mut().enumerate() {
            if member.bounds.max() > given.value {
                member.bounds = member.bounds.at_most(given.value);
                let of = if is_group { format!("spec.members[{index}].") } else { "spec.".to_owned() };
                origins.push(given.origin(format!("{of}maxReplicas"), given.value));
            }
        }
        if plan.brakes.cap(given.value) {
            origins.push(given.origin("metadata.annotations", given.value));
        }
    }

    fn forbidden_sources(&self, plan: &Plan, object: &Value) -> Vec<Problem> {
        let Some(given) = &self.metric_types else { return Vec::new() };
        let sources = plan.metrics.iter().enumerate().map(|(index, metric)| (index, metric.query.source()));
        let forbidden = sources.filter(|(_, source)| given.value.iter().all(|allowed| allowed != source));
        let problem = |(index, source): (usize, &str)| {
            let allowed = given.value.join(", ");
            let why = format!("source {source} is not allowed; {} allow {allowed}", given.from);
            Problem::new(place_of_metric(object, index), Fault::forbidden(why))
        };
        forbidden.map(problem).collect()
    }
}

/// What `written`, the `safety` of a spec, says, where that is nothing of how fast the target is scaled; `None` where it
/// has limits of its own, or cannot be read.
fn guards_at_most(written: Option<&Value>) -> Option<Map<String, Value>> {
    match written {
        None | Some(Value::Null) => Some(Map::new()),
        Some(Value::Object(own)) => {
            let is_guards = safety::SafetySpec::deserialize(own).is_ok_and(|spec| spec.has_only_guards());
            is_guards.then(|| own.clone())
        }
        Some(_) => None,
    }
}

/// Where a manifest names the source of the metric at `index`.
fn place_of_metric(object: &Value, index: usize) -> String {
    let has = |pointer: &str| object.pointer(pointer).is_some_and(|value| !value.is_null());
    if has("/spec/metrics") {
        return format!("spec.metrics[{index}].type");
    }
    let named = [("/spec/metric", "spec.metric.type"), ("/spec/natsMonitoringURL", "spec.natsMonitoringURL")];
    let found = named.iter().find(|(pointer, _)| has(pointer));
    found.map_or("spec.metricSource", |(_, place)| place).to_owned()
}

#[cfg(test)]
mod tests;
