//! An HPA becomes the plan by which its controller acts.

use std::time::Duration;

use engine::hpa::spec::ObjectRef;
use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::Startup;
use engine::{Actuation, Fault, Mode, Problem, Target};
use serde::Deserialize as _;
use serde_json::Value;

use super::{queries, warnings};
use crate::common::fields::own_namespace;
use crate::compile::{Compiled, Context, NotCompiled, spec};

/// The controller's own `--horizontal-pod-autoscaler-sync-period`.
const SYNC: Duration = Duration::from_secs(15);

/// The core group has one kind that can be scaled.
const IN_CORE: &str = "ReplicationController";

pub(super) fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let spec: HpaSpec = spec(object)?;
    let reference = ObjectRef::deserialize(&object["spec"]["scaleTargetRef"]).unwrap_or_default();
    let mut problems = reference_problems(&reference);
    let hpa = Hpa::compile(&spec, "spec").map_err(|more| problems.extend(more)).ok();
    let namespace = own_namespace(object);
    let ObjectRef { api_version, kind, name } = reference;
    let target = Target { api_version, kind, namespace: namespace.to_owned(), name };
    let queries = hpa.as_ref().map(|_| queries::of(&spec, namespace, &target, context, &mut problems));
    match (hpa, queries) {
        (Some(hpa), Some(queries)) if problems.is_empty() => {
            let mut plan = hpa.plan(target, queries, Startup::default(), SYNC);
            plan.mode = Mode::Observe;
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            plan.actuation = Actuation::Controller { hpa: name.to_owned() };
            Ok(Compiled { plan, warnings: warnings::of(&spec, &hpa) })
        }
        _ => Err(NotCompiled::Problems { broken_rules: Vec::new(), others: problems }),
    }
}

/// What the API server would refuse of the target's name and kind.
fn reference_problems(reference: &ObjectRef) -> Vec<Problem> {
    let ObjectRef { api_version, kind, name } = reference;
    let place = |field: &str| format!("spec.scaleTargetRef.{field}");
    let mut problems = Vec::new();
    for (field, value) in [("kind", kind), ("name", name)] {
        let invalid =
            |why: String| Problem::new(place(field), Fault::invalid_value(format_args!("{value:?}"), why));
        match value.as_str() {
            "" => problems.push(Problem::new(place(field), Fault::required())),
            "." | ".." => problems.push(invalid(format!("may not be '{value}'"))),
            value => {
                let parts = ["/", "%"].into_iter().filter(|part| value.contains(part));
                problems.extend(parts.map(|part| invalid(format!("may not contain '{part}'"))));
            }
        }
    }
    let why = match api_version.split('/').collect::<Vec<_>>()[..] {
        [_, _, _, ..] => Some(format!("unexpected GroupVersion string: {api_version}")),
        [_, _] => None,
        _ if kind == IN_CORE => None,
        _ => Some("apiVersion must specify API group".to_owned()),
    };
    if let Some(why) = why {
        let fault = Fault::invalid_value(format_args!("{api_version:?}"), why);
        problems.push(Problem::new(place("apiVersion"), fault));
    }
    problems
}
