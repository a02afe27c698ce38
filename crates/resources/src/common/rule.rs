//! Rules across fields: written once as CEL for the API server and once as Rust for
//! everything that must judge without one. A test holds both against each other.

use engine::{Fault, Problem};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// A rule over the part of a spec at `path`.
pub(crate) struct Rule<S: 'static> {
    /// Path of the object that the rule judges, as in `spec.scaleThresholds`. Where it ends in `[]`, as
    /// in `spec.members[]`, the rule judges every item of the array by itself.
    pub(crate) path: &'static str,
    /// The field within it that is to blame, as in `minUsers`; empty where it is no single one.
    pub(crate) field: &'static str,
    /// The rule for the API server; `self` is the object at `path`.
    pub(crate) cel: &'static str,
    /// What is said when it does not hold.
    pub(crate) message: &'static str,
    /// The same rule over the typed spec, or over the typed item.
    pub(crate) holds: fn(&S) -> bool,
}

/// The problems of `spec` by `rules`, in the words of the API server.
pub(crate) fn problems<S>(rules: &[Rule<S>], spec: &S) -> Vec<Problem> {
    let broken = rules.iter().filter(|rule| !(rule.holds)(spec));
    broken.map(|rule| rule.problem(rule.path)).collect()
}

/// The problems of each of `items`, which stand at the rules' path.
pub(crate) fn problems_of_items<S>(rules: &[Rule<S>], items: &[S]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let broken = rules.iter().filter(|rule| !(rule.holds)(item));
        problems.extend(broken.map(|rule| rule.problem(&rule.path.replacen("[]", &format!("[{index}]"), 1))));
    }
    problems
}

impl<S> Rule<S> {
    /// That it does not hold for what stands at `path`.
    fn problem(&self, path: &str) -> Problem {
        let blamed = match self.field {
            "" => path.to_owned(),
            field => format!("{path}.{field}"),
        };
        Problem::new(blamed, Fault::invalid(self.message))
    }

    /// As it stands in the schema of a CRD.
    fn validation(&self) -> Value {
        let mut validation = json!({ "rule": self.cel, "message": self.message });
        if !self.field.is_empty() {
            validation["fieldPath"] = json!(format!(".{}", self.field));
        }
        validation
    }
}

/// Makes the CRD that is installed out of the derived one: adds `rules` to the schema of every
/// version, and drops the formats of numbers. A kind with rules over several types calls it once for each.
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

/// Drops from the schema of a CRD that fields may be null: the API server leaves such a field out then, and rules need
/// not think of it.
pub(crate) fn without_nullable(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    fn drop_nullable(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                if fields.get("nullable").is_some_and(Value::is_boolean) {
                    fields.remove("nullable");
                }
                fields.values_mut().for_each(drop_nullable);
            }
            Value::Array(items) => items.iter_mut().for_each(drop_nullable),
            _ => {}
        }
    }
    let mut definition =
        serde_json::to_value(crd).unwrap_or_else(|error| unreachable!("plain data: {error}"));
    drop_nullable(&mut definition);
    serde_json::from_value(definition).unwrap_or_else(|error| unreachable!("still a CRD: {error}"))
}

fn attach<S>(version: &mut Value, rule: &Rule<S>) {
    let mut pointer = "/schema/openAPIV3Schema".to_owned();
    for field in rule.path.split('.') {
        let (name, items) = field.strip_suffix("[]").map_or((field, ""), |name| (name, "/items"));
        pointer.push_str(&format!("/properties/{name}{items}"));
    }
    let schema = version.pointer_mut(&pointer).unwrap_or_else(|| unreachable!("no schema at {}", rule.path));
    match schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        Some(validations) => validations.push(rule.validation()),
        None => schema["x-kubernetes-validations"] = json!([rule.validation()]),
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
