//! Refusals at admission that take more than the object: what others have already, and what its workload must have. And
//! by which names KEDA counts refusals.

use engine::{Fault, FaultKind, Problem, Target};
use serde::Deserialize as _;
use serde_json::Value;

use super::marks::{is_direct, is_transferred, observes};
use super::rules::{is_of_pods, is_watched};
use super::{ScaleTarget, TriggerSpec};
use crate::common::fields::own_namespace;
use crate::manifest::TargetOwner;
use crate::workload_needs::{RequestNeeded, WorkloadNeeds};

const TARGET: &str = "spec.scaleTargetRef";
pub(super) const HPA_NAME: &str = "spec.advanced.horizontalPodAutoscalerConfig.name";

/// That something else scales the target of `object`, with the sentence of KEDA's webhook in front.
pub(super) fn taken(object: &Value, target: &Target, owner: &TargetOwner) -> Problem {
    let kind = format!("{}.{}", target.api_version, target.kind);
    let said = |manager: &str, advice: &str| {
        let name = &target.name;
        format!("the workload '{name}' of type '{kind}' is already managed by the {manager}: {advice}")
    };
    match owner {
        TargetOwner::Object { kind, name, .. } => {
            let advice =
                "delete one of the two, or set the annotation polyscaler.dev/mode: observe on this one";
            let fault = Fault::new(FaultKind::Duplicate, said(&format!("{kind} '{name}'"), advice));
            Problem::new(TARGET, fault)
        }
        TargetOwner::Hpa { name, .. } if is_transferred(object) => {
            let advice = format!("to transfer its ownership, name the HPA here: {name}");
            let fault = Fault::new(FaultKind::Required, said(&format!("hpa '{name}'"), &advice));
            Problem::new(HPA_NAME, fault)
        }
        TargetOwner::Hpa { name, .. } => {
            let advice = "delete it, or name it in advanced.horizontalPodAutoscalerConfig.name and set the annotation \
                          scaledobject.keda.sh/transfer-hpa-ownership: \"true\" to take it over";
            Problem::new(TARGET, Fault::forbidden(said(&format!("hpa '{name}'"), advice)))
        }
    }
}

/// That `owner` keeps an HPA of this name already, in KEDA's words.
pub(super) fn hpa_taken(name: &str, owner: &TargetOwner) -> Problem {
    let manager = match owner {
        TargetOwner::Object { kind, name, .. } => format!("{kind} '{name}'"),
        TargetOwner::Hpa { name, .. } => format!("hpa '{name}'"),
    };
    let why = format!("the HPA '{name}' is already managed by the {manager}: choose another name here");
    Problem::new(HPA_NAME, Fault::new(FaultKind::Duplicate, why))
}

/// The name of the HPA that `object`, which may be malformed, keeps while it is not paused; none where it keeps none at all.
pub(super) fn hpa_name(object: &Value) -> Option<String> {
    if is_direct(object) || observes(object) {
        return None;
    }
    let name = object.pointer("/metadata/name")?.as_str()?;
    let given = object.pointer("/spec/advanced/horizontalPodAutoscalerConfig/name").and_then(Value::as_str);
    let given = given.filter(|given| !given.is_empty()).map(str::to_owned);
    Some(given.unwrap_or_else(|| format!("keda-hpa-{name}")))
}

/// What the triggers of `object`, which may be malformed, need of its workload; nothing where KEDA does not look.
pub(super) fn workload_needs(object: &Value) -> Option<WorkloadNeeds> {
    let target = ScaleTarget::deserialize(object.pointer("/spec/scaleTargetRef")?).ok()?;
    let target = target.in_namespace(own_namespace(object));
    if !is_watched(&target) {
        return None;
    }
    let triggers = object.pointer("/spec/triggers")?.as_array()?.iter().enumerate();
    let needed = triggers.filter_map(|(index, trigger)| {
        let trigger = TriggerSpec::deserialize(trigger).ok().filter(|trigger| is_of_pods(&trigger.type_))?;
        let container = trigger.metadata.get("containerName").filter(|name| !name.is_empty()).cloned();
        Some(RequestNeeded { path: format!("spec.triggers[{index}]"), resource: trigger.type_, container })
    });
    let needed: Vec<RequestNeeded> = needed.collect();
    (!needed.is_empty()).then(|| WorkloadNeeds::requests(target, needed))
}

/// The types of the triggers of `object`, which may be malformed.
pub(super) fn trigger_types(object: &Value) -> Vec<String> {
    let triggers = object.pointer("/spec/triggers").and_then(Value::as_array).into_iter().flatten();
    triggers.filter_map(|trigger| Some(trigger["type"].as_str()?.to_owned())).collect()
}

/// The name by which KEDA's webhook counts such a refusal.
pub(super) fn counted_as(problem: &Problem) -> &'static str {
    match (problem.path.as_str(), problem.fault.kind) {
        ("metadata.name", _) => "name-too-long",
        (TARGET, FaultKind::Duplicate) => "other-scaled-object",
        (TARGET, FaultKind::Forbidden) => "other-hpa",
        (HPA_NAME, FaultKind::Required) => "transfer-ownership-missing-hpa-name",
        (HPA_NAME, FaultKind::Duplicate) => "other-scaled-object-hpa",
        (HPA_NAME, _) => "hpa-name-too-long",
        (TARGET, FaultKind::NotFound) => "missing-requests",
        ("spec.minReplicaCount", _) => "scale-to-zero-requirements-not-met",
        ("spec.fallback.behavior", _) => "scaling-modifiers-fallback",
        (path, _) if path.starts_with("spec.fallback") => "incorrect-fallback",
        (path, _) if path.starts_with("spec.advanced.scalingModifiers") => "scaling-modifiers",
        (path, FaultKind::Forbidden) if is_whole_trigger(path) => "missing-requests",
        (path, _) if path.starts_with("spec.triggers") => "incorrect-triggers",
        _ => "incorrect-replicas",
    }
}

/// Whether the path is that of a trigger, and of none of its fields.
fn is_whole_trigger(path: &str) -> bool {
    path.strip_prefix("spec.triggers[").is_some_and(|rest| rest.find(']') == Some(rest.len() - 1))
}
