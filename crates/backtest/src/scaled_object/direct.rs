//! A ScaledObject that is scaled without an HPA, or by a formula: the operator's own policy, in one loop.

use std::sync::Arc;
use std::time::Duration;

use engine::activation::{self, Activation, Composite, Formula, LIVE_POLLING};
use engine::hpa::Hpa;
use engine::{Bounds, MetricTarget, Plan, Problem, TargetType, Time};
use serde_json::Value;

use super::{KedaLoop, Trigger, invalid};

/// Where the formula and its settings stand.
const MODIFIERS: &str = "spec.advanced.scalingModifiers";

/// Whether `object` is replayed so: it asks for direct mode, or has a formula, which an HPA cannot compute.
pub(super) fn is_direct(object: &Value) -> bool {
    let mode = &object["metadata"]["annotations"][resources::ACTUATION_ANNOTATION];
    *mode == "direct" || !object["spec"]["advanced"]["scalingModifiers"].is_null()
}

/// `plan`, which is that of `hpa`, with the operator's policy in place of both loops.
pub(super) fn plan(
    object: &Value,
    (hpa, mut plan): (Hpa, Plan),
    triggers: &[Trigger],
    keda: &KedaLoop,
) -> Result<Plan, Vec<Problem>> {
    let spec = &object["spec"];
    let composite = composite(spec, triggers)?;
    let seconds = |name: &str| Duration::from_secs(spec[name].as_u64().unwrap_or(0));
    let (min, max) = (keda.bounds.min(), keda.bounds.max());
    let activation = Activation {
        triggers: triggers.iter().filter_map(activating).collect(),
        only_pods: triggers.iter().all(|trigger| trigger.activation.is_none()),
        min,
        max,
        idle: spec["idleReplicaCount"].as_u64().and_then(|idle| u32::try_from(idle).ok()),
        cooldown: keda.cooldown,
        initial_cooldown: seconds("initialCooldownPeriod"),
        // The object is older than the load.
        created: Time::default(),
        forced: false,
        fallback: None,
        composite: composite.map(Box::new),
        freshness: is_live(spec).then_some(LIVE_POLLING),
        direct: Some(Box::new(hpa)),
    };
    plan.policy = Arc::new(activation);
    plan.interval = keda.polling_interval;
    plan.members[0].bounds = Bounds::new(0, max).unwrap_or(keda.bounds);
    Ok(plan)
}

/// Whether any trigger is measured anew whenever it is asked for, and not cached between polls.
fn is_live(spec: &Value) -> bool {
    let triggers = spec["triggers"].as_array().into_iter().flatten();
    triggers
        .filter(|trigger| trigger["type"] != "cpu" && trigger["type"] != "memory")
        .any(|trigger| trigger["useCachedMetrics"] != true)
}

/// The trigger as the policy has it; `None` for one that is measured at pods.
fn activating(trigger: &Trigger) -> Option<activation::Trigger> {
    Some(activation::Trigger {
        name: trigger.given.clone(),
        scaler: "".into(),
        metric: trigger.name.as_str().into(),
        activation: trigger.activation?,
        target: trigger.target?,
        is_open: false,
    })
}

fn composite(spec: &Value, triggers: &[Trigger]) -> Result<Option<Composite>, Vec<Problem>> {
    let modifiers = &spec["advanced"]["scalingModifiers"];
    if modifiers.is_null() {
        return Ok(None);
    }
    let mut problems = Vec::new();
    let mut refuse = |field: &str, why: &str| problems.push(invalid(format!("{MODIFIERS}.{field}"), why));
    let number = |field: &str| modifiers[field].as_str().map(|text| text.trim().parse::<f64>());
    let type_ = match modifiers["metricType"].as_str() {
        Some("Value") => TargetType::Value,
        _ => TargetType::AverageValue,
    };
    let target = number("target").and_then(Result::ok).and_then(|target| MetricTarget::new(type_, target));
    if target.is_none() {
        refuse("target", "must be a number above 0");
    }
    let activation_target = number("activationTarget").unwrap_or(Ok(0.0)).ok();
    if activation_target.is_none() {
        refuse("activationTarget", "must be a number");
    }
    let measured = triggers.iter().filter(|trigger| trigger.activation.is_some());
    let names: Vec<&str> = measured.filter_map(|trigger| trigger.given.as_deref()).collect();
    let formula = Formula::compile(modifiers["formula"].as_str().unwrap_or_default(), &names);
    let formula = formula.map_err(|why| refuse("formula", &why)).ok();
    match (formula, target, activation_target) {
        (Some(formula), Some(target), Some(activation_target)) => Ok(Some(Composite {
            formula,
            target: target.value(),
            type_,
            activation_target,
            is_whole: target.value().fract() == 0.0,
        })),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Scene, manifest};

    fn object(mode: &str, more: &Value) -> Value {
        let mut object = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": { "name": "web", "namespace": "shop",
                          "annotations": { "polyscaler.dev/actuation": mode } },
            "spec": {
                "scaleTargetRef": { "name": "web" }, "maxReplicaCount": 20, "pollingInterval": 15, "cooldownPeriod": 60,
                "triggers": [
                    { "type": "prometheus", "name": "requests", "metadata": { "query": "x", "threshold": "100" } },
                ],
            },
        });
        object["spec"]["advanced"] = more.clone();
        object
    }

    /// Nothing, then 1200 a second for 5 min, then nothing.
    fn load() -> Vec<f64> {
        (0..60).map(|index| if (20..40).contains(&index) { 1200.0 } else { 0.0 }).collect()
    }

    #[test]
    fn direct_mode_goes_from_zero_to_what_is_needed_at_once() {
        let made = manifest(object("direct", &Value::Null));
        let scene = Scene::new(made, "startup: 30s\ncapacity: 100", load(), 15);
        let decisions = scene.replayed(0).results.remove(0).decisions;
        let first = &decisions[0];
        assert_eq!((first.from, first.to), (0, 12));
        assert_eq!(first.steps, ["activation 0→1 (requests 1200 > 0)", "hpa 1→12 (requests 1200/100)"]);
        let last = decisions.last().map(|last| (last.from, last.to, last.steps.clone()));
        assert_eq!(last, Some((12, 0, vec!["activation 12→0 (inactive for 60 s)".to_owned()])));
        let beside_an_hpa = manifest(object("hpa", &Value::Null));
        assert!(beside_an_hpa.keda.is_some(), "as KEDA does it");
    }

    #[test]
    fn a_formula_is_computed() {
        let modifiers = json!({ "scalingModifiers": { "formula": "requests / 2", "target": "100" } });
        let made = manifest(object("hpa", &modifiers));
        assert!(made.keda.is_none());
        let scene = Scene::new(made, "startup: 30s\ncapacity: 100", load(), 15);
        let result = scene.replayed(0).results.remove(0);
        assert_eq!(result.decisions[0].steps[1], "hpa 1→6 (composite-metric 600/100)");
        let wrong = json!({ "scalingModifiers": { "formula": "other + 1", "target": "0" } });
        let problems =
            crate::Manifest::compile(object("hpa", &wrong), &crate::testing::Anything, &engine::POLICIES);
        let problems: Vec<String> = problems.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(problems[0].starts_with("spec.advanced.scalingModifiers.target: "), "{problems:?}");
        assert!(problems[1].contains("unknown name \"other\": the triggers are requests"), "{problems:?}");
    }
}
