//! Judges an object by the schema in its own CRD, in the words of the API server.
//!
//! The API server does this at admission; `polyscaler check` must say the same without
//! one, and the operator must not trip over an object that was stored before the schema
//! became stricter. A test holds the words against those of a real API server.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::hpa::Quantity;
use engine::{Fault, FaultKind, PolicyTable, Problem};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use regex::Regex;
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// The format of amounts, for schemas that are only here.
pub(crate) const QUANTITY: &str = "quantity";

/// The schema of one kind.
#[derive(Clone, Copy)]
pub(crate) struct Schema(&'static Value);

impl Schema {
    /// The schema in the CRD of this name for objects that may name `policies`, generated once for the life of the
    /// process.
    pub(crate) fn of(
        name: String,
        policies: &PolicyTable,
        crd: impl FnOnce() -> CustomResourceDefinition,
    ) -> Self {
        static SCHEMAS: Mutex<Vec<(String, PolicyTable, Schema)>> = Mutex::new(Vec::new());
        let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., schema)) = schemas.iter().find(|(of, with, _)| *of == name && with == policies) {
            return *schema;
        }
        let crd = serde_json::to_value(crd()).unwrap_or_default();
        let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned();
        let schema = Self(Box::leak(Box::new(schema.unwrap_or_default())));
        schemas.push((name, policies.clone(), schema));
        schema
    }

    /// The object as the API server takes it: a null counts as left out where the schema does not allow it.
    pub(crate) fn without_nulls<'a>(self, object: &'a Value) -> Cow<'a, Value> {
        let (Some(spec), Some(schema)) = (object.get("spec"), self.0.pointer("/properties/spec")) else {
            return Cow::Borrowed(object);
        };
        if !has_null(spec) {
            return Cow::Borrowed(object);
        }
        let mut object = object.clone();
        if spec.is_null() {
            object.as_object_mut().map(|fields| fields.remove("spec"));
        } else {
            drop_nulls(&mut object["spec"], schema);
        }
        Cow::Owned(object)
    }

    /// Everything in the spec that does not fit, each with its path.
    pub(crate) fn problems(self, object: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        match (object.get("spec"), self.0.pointer("/properties/spec")) {
            (Some(spec), Some(schema)) => judge(spec, schema, "spec", &mut problems),
            (None, Some(_)) => problems.push(Problem::new("spec", Fault::required())),
            (_, None) => {}
        }
        problems
    }

    /// Whether the spec has a field of this name.
    pub(crate) fn knows(self, field: &str) -> bool {
        self.0.pointer(&format!("/properties/spec/properties/{field}")).is_some()
    }

    /// That the schema does not know some fields, in the words of a strict API server.
    pub(crate) fn unknown_field_problems(self, object: &Value) -> Vec<Problem> {
        let problem = |path: String| {
            let detail = format!("strict decoding error: unknown field {path:?}");
            Problem::new("", Fault::new(FaultKind::UnknownField, detail))
        };
        self.unknown_fields(object).into_iter().map(problem).collect()
    }

    /// The paths of fields that the schema does not know.
    pub(crate) fn unknown_fields(self, object: &Value) -> Vec<String> {
        const OF_EVERY_OBJECT: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
        let mut unknown = Vec::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            match self.0.pointer(&format!("/properties/{name}")) {
                Some(schema) if !OF_EVERY_OBJECT.contains(&name.as_str()) => {
                    collect_unknown(value, schema, name, &mut unknown);
                }
                None if !OF_EVERY_OBJECT.contains(&name.as_str()) => unknown.push(name.clone()),
                _ => {}
            }
        }
        unknown
    }
}

/// Whether a problem keeps rules across fields from being judged.
pub(crate) fn blocks_rules(problem: &Problem) -> bool {
    match problem.fault.kind {
        FaultKind::Required
        | FaultKind::Unsupported
        | FaultKind::NotYet
        | FaultKind::TooLong
        | FaultKind::TooMany
        | FaultKind::WrongType => true,
        FaultKind::Invalid
        | FaultKind::Duplicate
        | FaultKind::Forbidden
        | FaultKind::NotFound
        | FaultKind::UnknownField
        | FaultKind::Unreadable => false,
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

/// Items of lists stay, and so does what stands in fields that the schema does not know.
fn drop_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            let known = schema["properties"].get(name).or(schema.get("additionalProperties"));
            let Some(schema) = known else { return true };
            drop_nulls(value, schema);
            !value.is_null() || schema["nullable"] == Value::Bool(true)
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| drop_nulls(item, &schema["items"])),
        _ => {}
    }
}

fn collect_unknown(value: &Value, schema: &Value, path: &str, unknown: &mut Vec<String>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == Value::Bool(true) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match (schema["properties"].get(name), schema.get("additionalProperties")) {
                    (Some(schema), _) | (None, Some(schema)) => {
                        collect_unknown(value, schema, &path, unknown)
                    }
                    (None, None) => unknown.push(path),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_unknown(item, &schema["items"], &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn judge(value: &Value, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    if value.is_null() && schema["nullable"] == Value::Bool(true) {
        return;
    }
    if let Some(problem) = mistyped(value, schema, path) {
        problems.push(problem);
        problems.extend(judge_choice(value, schema, path));
        return;
    }
    if schema["format"] == QUANTITY {
        problems.extend(judge_quantity(value, schema, path));
        return;
    }
    match value {
        Value::Object(fields) => judge_object(fields, schema, path, problems),
        Value::Array(items) => {
            problems.extend(judge_length(items.len() as u64, schema, path));
            problems.extend(repeated(items, schema, path));
            for (index, item) in items.iter().enumerate() {
                judge(item, &schema["items"], &format!("{path}[{index}]"), problems);
            }
        }
        Value::String(text) => problems.extend(judge_string(text, schema, path)),
        Value::Number(number) => problems.extend(judge_number(number.as_f64(), value, schema, path)),
        Value::Bool(_) | Value::Null => {}
    }
    problems.extend(judge_choice(value, schema, path));
}

fn judge_choice(value: &Value, schema: &Value, path: &str) -> Option<Problem> {
    let allowed = schema["enum"].as_array().filter(|allowed| !allowed.contains(value))?;
    let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
    let detail = format!("{value}: supported values: {}", allowed.join(", "));
    Some(Problem::new(path, Fault::new(FaultKind::Unsupported, detail)))
}

fn judge_object(fields: &Map<String, Value>, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            problems.push(Problem::new(format!("{path}.{name}"), Fault::required()));
        }
    }
    for (name, value) in fields {
        let known = schema["properties"].get(name).or(schema.get("additionalProperties"));
        let Some(schema) = known else { continue };
        judge(value, schema, &format!("{path}.{name}"), problems);
    }
}

fn judge_length(length: u64, schema: &Value, path: &str) -> Option<Problem> {
    let few = schema["minItems"].as_u64().filter(|&least| length < least);
    let many = schema["maxItems"].as_u64().filter(|&most| length > most);
    let fault = match (few, many) {
        (Some(least), _) => {
            Fault::invalid(format!("{length}: {path} in body should have at least {least} items"))
        }
        (None, Some(most)) => {
            Fault::new(FaultKind::TooMany, format!("{length}: must have at most {most} items"))
        }
        (None, None) => return None,
    };
    Some(Problem::new(path, fault))
}

/// The items of a list with keys whose keys an earlier one has. Each key is reported once.
fn repeated(items: &[Value], schema: &Value, path: &str) -> Vec<Problem> {
    let Some(keys) = schema["x-kubernetes-list-map-keys"].as_array() else { return Vec::new() };
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut problems = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let fields =
            keys.iter().filter_map(Value::as_str).filter_map(|key| Some((key, item.get(key)?.clone())));
        let key = Value::from_iter(fields).to_string();
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        if *count == 2 {
            problems.push(Problem::new(format!("{path}[{index}]"), Fault::new(FaultKind::Duplicate, key)));
        }
    }
    problems
}

fn mistyped(value: &Value, schema: &Value, path: &str) -> Option<Problem> {
    let wanted = schema["type"].as_str()?;
    let (found, fits) = match value {
        Value::Object(_) => ("object", wanted == "object"),
        Value::Array(_) => ("array", wanted == "array"),
        Value::String(_) => ("string", wanted == "string"),
        Value::Bool(_) => ("boolean", wanted == "boolean"),
        Value::Null => ("null", false),
        Value::Number(number) if is_whole(number.as_f64()) => {
            ("integer", wanted == "integer" || wanted == "number")
        }
        Value::Number(_) => ("number", wanted == "number"),
    };
    (!fits).then(|| {
        let detail = format!("{found:?}: {path} in body must be of type {wanted}: {found:?}");
        Problem::new(path, Fault::new(FaultKind::WrongType, detail))
    })
}

fn is_whole(number: Option<f64>) -> bool {
    number.is_some_and(|number| number.fract() == 0.0)
}

/// The first fault of a string: of several, the API server reports no more either.
fn judge_string(text: &str, schema: &Value, path: &str) -> Option<Problem> {
    let length = text.chars().count() as u64;
    if let Some(most) = schema["maxLength"].as_u64().filter(|&most| length > most) {
        let fault = Fault::new(FaultKind::TooLong, format!("may not be more than {most} bytes"));
        return Some(Problem::new(path, fault));
    }
    if let Some(least) = schema["minLength"].as_u64().filter(|&least| length < least) {
        let detail = format!("{text:?}: {path} in body should be at least {least} chars long");
        return Some(Problem::new(path, Fault::invalid(detail)));
    }
    let pattern = schema["pattern"].as_str()?;
    (!matches(pattern, text)).then(|| {
        Problem::new(path, Fault::invalid(format!("{text:?}: {path} in body should match '{pattern}'")))
    })
}

/// An amount is a text or a number, and has no more digits than can be computed with.
fn judge_quantity(value: &Value, schema: &Value, path: &str) -> Option<Problem> {
    let by_grammar = match value {
        Value::String(text) => judge_string(text, schema, path),
        Value::Number(_) => None,
        _ => {
            let detail = format!("{value}: must be a quantity, such as 250m, 1.5, 64Mi or 1e3");
            Some(Problem::new(path, Fault::new(FaultKind::WrongType, detail)))
        }
    };
    let is_read = || Quantity::deserialize(value).is_ok();
    by_grammar.or_else(|| {
        let detail = format!("{value}: has too many digits, or too great an exponent; the most are 19 digits and an exponent of 30");
        (!is_read()).then(|| Problem::new(path, Fault::invalid(detail)))
    })
}

/// Whether `text` is what `pattern` says.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    compiled(pattern).is_some_and(|pattern| pattern.is_match(text))
}

/// A pattern, compiled once for the life of the process: schemas are few, objects are many.
fn compiled(pattern: &str) -> Option<Regex> {
    static PATTERNS: Mutex<Option<HashMap<String, Option<Regex>>>> = Mutex::new(None);
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    let patterns = patterns.get_or_insert_default();
    patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok()).clone()
}

fn judge_number(number: Option<f64>, value: &Value, schema: &Value, path: &str) -> Option<Problem> {
    let number = number?;
    let open = schema["exclusiveMinimum"] == Value::Bool(true);
    let least = schema["minimum"].as_f64().filter(|&least| number < least || (open && number == least));
    let most = schema["maximum"].as_f64().filter(|&most| number > most);
    let allowed = match (least, most) {
        (Some(least), _) if open => format!("greater than {least}"),
        (Some(least), _) => format!("greater than or equal to {least}"),
        (None, Some(most)) => format!("less than or equal to {most}"),
        (None, None) => return None,
    };
    Some(Problem::new(path, Fault::invalid(format!("{value}: {path} in body should be {allowed}"))))
}
