//! What the status repeats of the spec: for columns, mostly.

use serde_json::Value;

use crate::scaled_object::hpa::NAME_LABEL;
use crate::scaled_object::rules::is_of_pods;

/// What the status repeats of the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The types of the triggers, each once.
    pub(super) trigger_types: String,
    /// The names of the authentications that they refer to, each once.
    pub(super) authentications: String,
    /// The resources that the HPA measures at whole pods.
    pub(super) resources: Vec<String>,
    /// Whether metrics may fall back.
    pub(super) has_fallback: bool,
    /// The name of the object, where its label does not have it yet.
    pub(super) unlabelled: Option<String>,
    /// Whether a formula makes one metric of all.
    pub(super) has_formula: bool,
}

impl Facts {
    /// Those of `object`, which may be malformed.
    pub(super) fn of(object: &Value) -> Self {
        let none = Vec::new();
        let triggers = object.pointer("/spec/triggers").and_then(Value::as_array).unwrap_or(&none);
        let distinct = |pointer: &str| {
            let mut found: Vec<&str> = Vec::new();
            for text in triggers.iter().filter_map(|trigger| trigger.pointer(pointer)?.as_str()) {
                if !found.contains(&text) {
                    found.push(text);
                }
            }
            found.join(",")
        };
        let is_of_pod = |trigger: &&Value| {
            let container = trigger.pointer("/metadata/containerName").and_then(Value::as_str);
            container.is_none_or(str::is_empty)
        };
        let resources = triggers.iter().filter(is_of_pod).filter_map(|trigger| trigger["type"].as_str());
        let modifiers = object.pointer("/spec/advanced/scalingModifiers").and_then(Value::as_object);
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(NAME_LABEL)?.as_str());
        Self {
            unlabelled: name.filter(|name| label != Some(name)).map(str::to_owned),
            trigger_types: distinct("/type"),
            authentications: distinct("/authenticationRef/name"),
            resources: resources.filter(|type_| is_of_pods(type_)).map(str::to_owned).collect(),
            has_fallback: object.pointer("/spec/fallback").is_some_and(Value::is_object),
            has_formula: modifiers.is_some_and(|modifiers| !modifiers.is_empty()),
        }
    }
}
