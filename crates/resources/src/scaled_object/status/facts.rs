//! What the status repeats of the spec: for columns, mostly.

use engine::{Pause, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::annotations::MODE_ANNOTATION;
use crate::common::fields::own_namespace;
use crate::scaled_object::ScaleTarget;
use crate::scaled_object::hpa::{LONGEST_LABEL, NAME_LABEL};
use crate::scaled_object::marks::pause_of;
use crate::scaled_object::rules::is_of_pods;

/// What the status repeats of the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Facts {
    /// The types of the triggers, each once.
    pub(super) trigger_types: String,
    /// The names of the authentications that they refer to, each once.
    pub(super) authentications: String,
    /// The resources that the HPA measures at whole pods.
    pub(super) resources: Vec<String>,
    /// Whether metrics may fall back.
    pub(super) has_fallback: bool,
    /// The name of the object, where its label is to have it and does not yet.
    pub(super) unlabelled: Option<String>,
    /// Whether a formula makes one metric of all.
    pub(super) has_formula: bool,
    /// What the annotations pause.
    pub(super) pause: Pause,
    /// Group, version and kind of the target, where the status does not say them yet.
    pub(super) untold_kind: Option<String>,
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
        let target =
            object.pointer("/spec/scaleTargetRef").and_then(|target| ScaleTarget::deserialize(target).ok());
        let target = target.map(|target| target.in_namespace(own_namespace(object)));
        let told_kind = object.pointer("/status/scaleTargetKind").and_then(Value::as_str);
        Self {
            // A name that is too long for a label would keep the status from being written.
            unlabelled: name
                .filter(|name| label != Some(name) && name.len() <= LONGEST_LABEL && acts(object))
                .map(str::to_owned),
            trigger_types: distinct("/type"),
            authentications: distinct("/authenticationRef/name"),
            resources: resources.filter(|type_| is_of_pods(type_)).map(str::to_owned).collect(),
            has_fallback: object.pointer("/spec/fallback").is_some_and(Value::is_object),
            has_formula: modifiers.is_some_and(|modifiers| !modifiers.is_empty()),
            pause: pause_of(object),
            untold_kind: target.as_ref().map(group_version_kind).filter(|kind| told_kind != Some(kind)),
        }
    }
}

/// As KEDA writes it: `apps/v1.Deployment`.
pub(super) fn group_version_kind(target: &Target) -> String {
    format!("{}.{}", target.api_version, target.kind)
}

/// Whether more than the status may be written of `object`; not where its mode cannot be read.
fn acts(object: &Value) -> bool {
    let mode =
        object.pointer("/metadata/annotations").and_then(|annotations| annotations.get(MODE_ANNOTATION));
    mode.is_none_or(|mode| mode == "act")
}
