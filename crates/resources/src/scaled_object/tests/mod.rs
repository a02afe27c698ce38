mod hpa;
mod marks;
mod refusals;
mod rules;
mod schema;
mod status;

use std::sync::Arc;

use engine::activation::Activation;
use engine::{Actuation, KeptHpa, Pause, Plan, Problem};
use serde_json::{Value, json};

use super::*;
use crate::compile::{Compiled, Context};
use crate::lenient::Lenient;

const CONTEXT: Context<'_> = Context {
    catalog: &Lenient,
    policies: &engine::POLICIES,
    allow_cross_namespace: false,
    admitting: true,
    resolved: None,
};

/// As the operator compiles what is stored.
const STORED: Context<'_> = Context { admitting: false, ..CONTEXT };

/// The least ScaledObject, called `worker`.
fn least() -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": { "name": "worker", "namespace": "shop", "creationTimestamp": "2026-11-30T06:00:00Z" },
        "spec": {
            "scaleTargetRef": { "name": "worker" },
            "triggers": [{ "type": "prometheus", "metadata": {
                "serverAddress": "http://prometheus:9090", "query": "sum(up)", "threshold": "10" } }],
        },
    })
}

/// [`least`] with `value` at `pointer`; what is on the way to it is made.
fn with(pointer: &str, value: Value) -> Value {
    let mut object = least();
    set(&mut object, pointer, value);
    object
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    for field in pointer.trim_start_matches('/').split('/') {
        place = match place {
            Value::Array(items) => &mut items[field.parse::<usize>().unwrap()],
            other => &mut other[field.replace("~1", "/")],
        };
    }
    *place = value;
}

/// [`least`] with these triggers, each given by its type and metadata.
fn with_triggers(triggers: Value) -> Value {
    with("/spec/triggers", triggers)
}

fn cpu() -> Value {
    json!({ "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } })
}

fn annotated(key: &str, value: &str) -> Value {
    with("/metadata/annotations", json!({ key: value }))
}

fn compiled(object: &Value) -> Compiled {
    let compiled = KIND.compile(object, &CONTEXT);
    compiled.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn plan(object: &Value) -> Plan {
    compiled(object).plan
}

fn problems(object: &Value, context: &Context<'_>) -> Vec<String> {
    let problems = KIND.compile(object, context).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

fn warnings(object: &Value, context: &Context<'_>) -> Vec<String> {
    let compiled = KIND.compile(object, context).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled.warnings.iter().map(ToString::to_string).collect()
}

/// The HPA that `object` keeps.
fn kept(object: &Value) -> KeptHpa {
    match plan(object).actuation {
        Actuation::Hpa(hpa) => hpa.unpacked(),
        other => panic!("no HPA: {other:?}"),
    }
}

/// What the plan of `object` goes by.
fn activation(object: &Value) -> Arc<Activation> {
    match compile::compile_policy(object, &CONTEXT) {
        Ok((_, policy)) => policy,
        Err(_) => panic!("{:?}", problems(object, &CONTEXT)),
    }
}
