//! `behavior` as it is in `autoscaling/v2`: its schema, and its way into the engine.

use engine::hpa::spec::BehaviorSpec;
use engine::{Fault, Limits, Problem, hpa};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

/// What an HPA whose `behavior` names no tolerance has.
const TOLERANCE: f64 = hpa::Tolerance::DEFAULT;

/// The engine's form of what is `written` at `path`. What is wrong is added to `problems`.
pub(super) fn compile(written: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) -> Limits {
    let written = Value::Object(written.clone());
    match BehaviorSpec::deserialize(&written) {
        Ok(behavior) => hpa::behavior(&behavior, path, problems).with_tolerance(TOLERANCE),
        Err(error) => {
            problems.push(Problem::new(path, Fault::invalid(error.to_string())));
            Limits::default()
        }
    }
}

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let rules = |direction: &str, window: u32| {
        json!({
            "type": "object",
            "description": format!("Rules for scaling {direction}."),
            "properties": {
                "stabilizationWindowSeconds": {
                    "type": "integer", "minimum": 0, "maximum": 3600,
                    "description": format!("Seconds for which past recommendations count. Defaults to {window}."),
                },
                "selectPolicy": {
                    "type": "string", "enum": ["Disabled", "Max", "Min"],
                    "description": "Which of several policies counts: the one that allows the largest change (Max, the \
                                    default) or the smallest (Min). Disabled forbids scaling in this direction.",
                },
                "policies": {
                    "type": "array", "minItems": 1, "maxItems": 20, "x-kubernetes-list-type": "atomic",
                    "description": "How much may change within a period.",
                    "items": policy(),
                },
                "tolerance": {
                    "x-kubernetes-preserve-unknown-fields": true,
                    "description": "How far from its target a metric may be before the replicas change, as a quantity, \
                                    for example 0.05 or \"50m\". Defaults to 0.1.",
                },
            },
        })
    };
    json_schema!({
        "type": "object",
        "properties": { "scaleUp": rules("out", 0), "scaleDown": rules("in", 300) },
    })
}

fn policy() -> Value {
    json!({
        "type": "object",
        "required": ["type", "value", "periodSeconds"],
        "properties": {
            "type": { "type": "string", "enum": ["Percent", "Pods"], "description": "What `value` counts." },
            "value": {
                "type": "integer", "minimum": 1, "maximum": i32::MAX,
                "description": "The change that is allowed within the period.",
            },
            "periodSeconds": {
                "type": "integer", "minimum": 1, "maximum": 1800, "description": "The period.",
            },
        },
    })
}
