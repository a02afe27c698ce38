//! Rules across fields: written once as CEL for the API server and once as Rust for
//! everything that must judge without one. A test holds both against each other.

use engine::Problem;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// A rule over the part of a spec at `path`.
pub(crate) struct Rule<S: 'static> {
    /// Path of the object that the rule judges, as in `spec.scaleThresholds`.
    pub(crate) path: &'static str,
    /// The field within it that is to blame, as in `minUsers`; empty where it is no single one.
    pub(crate) field: &'static str,
    /// The rule for the API server; `self` is the object at `path`.
    pub(crate) cel: &'static str,
    /// What is said when it does not hold.
    pub(crate) message: &'static str,
    /// The same rule over the typed spec.
    pub(crate) holds: fn(&S) -> bool,
}

/// The problems of `spec` by `rules`, in the words of the API server.
pub(crate) fn problems<S>(rules: &[Rule<S>], spec: &S) -> Vec<Problem> {
    let broken = rules.iter().filter(|rule| !(rule.holds)(spec));
    broken.map(|rule| Problem::new(rule.blamed(), format!("Invalid value: {}", rule.message))).collect()
}

impl<S> Rule<S> {
    /// Path of what is to blame.
    fn blamed(&self) -> String {
        match self.field {
            "" => self.path.to_owned(),
            field => format!("{}.{field}", self.path),
        }
    }
}

/// Makes the CRD that is installed out of the derived one: adds `rules` to the schema of every
/// version, and drops the formats of numbers.
pub(crate) fn finish<S>(crd: CustomResourceDefinition, rules: &[Rule<S>]) -> CustomResourceDefinition {
    let mut definition =
        serde_json::to_value(crd).unwrap_or_else(|error| unreachable!("plain data: {error}"));
    drop_number_formats(&mut definition);
    let versions = definition.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten() {
        for rule in rules {
            attach(version, rule);
        }
    }
    serde_json::from_value(definition).unwrap_or_else(|error| unreachable!("still a CRD: {error}"))
}

fn attach<S>(version: &mut Value, rule: &Rule<S>) {
    let pointer: String = rule.path.split('.').map(|field| format!("/properties/{field}")).collect();
    let place = version.pointer_mut(&format!("/schema/openAPIV3Schema{pointer}"));
    let schema = place.unwrap_or_else(|| unreachable!("no schema at {}", rule.path));
    let mut validation = json!({ "rule": rule.cel, "message": rule.message });
    if !rule.field.is_empty() {
        validation["fieldPath"] = json!(format!(".{}", rule.field));
    }
    match schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        Some(validations) => validations.push(validation),
        None => schema["x-kubernetes-validations"] = json!([validation]),
    }
}

/// The API server warns about unsigned formats, and under any format of numbers it speaks of
/// `float64` and `int32` where users know numbers and integers. Ranges say the same better.
fn drop_number_formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if matches!(fields.get("type").and_then(Value::as_str), Some("integer" | "number")) {
                fields.remove("format");
            }
            fields.values_mut().for_each(drop_number_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_number_formats),
        _ => {}
    }
}
