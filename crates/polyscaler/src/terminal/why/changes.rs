//! By what numbers an object decides, and what would change its decision.

use engine::{
    AbsenceReason, Actuation, Level, Memory, Number, Observation, Plan, Reading, Scale, Time, TurningPoint,
    TurningPoints, turning_points,
};
use resources::{Kind, NamespaceDefaults, Reason};
use serde::Serialize;
use serde_json::Value;
use sources::{AddressPolicy, Registry};

use super::super::lenient;
use super::super::object::{Condition, Seen};
use super::super::table::plain;

/// Limits by bounds.
const OF_BOUNDS: [Reason; 2] = [Reason::TooManyReplicas, Reason::TooFewReplicas];
/// What can be done where they are not those of the spec.
const OF_OVERRIDE: &str = "change or remove the annotation polyscaler.dev/override; when it ends, the bounds of the spec count again";

/// What an object's decision rests on, and what would change it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changes {
    /// The replicas that are allowed: those of the spec, or of the override in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bounds: Option<(u32, u32)>,
    /// What stands in place of the spec's bounds for now.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub(super) bounds_override: Option<String>,
    pub(super) metrics: Vec<MetricSeen>,
    /// What holds it back: conditions that say so.
    pub(super) held_by: Vec<Condition>,
    /// In sentences, what would change it.
    pub(super) would_change: Vec<String>,
    /// What is wrong with the spec, or what the caller's version does not know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<String>,
}

/// A metric beside what it is compared with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricSeen {
    pub(super) name: String,
    pub(super) value: Option<f64>,
    /// Whether the status of its kind has values of metrics; KEDA's has none.
    #[serde(skip)]
    pub(super) is_told: bool,
    pub(super) levels: Vec<Level>,
}

impl Changes {
    pub(super) fn of(kind: &Kind, object: &Value, seen: &Seen, now: Time) -> Self {
        let mut changes = Self { held_by: held_by(seen), ..Self::default() };
        let catalog = Registry::new(AddressPolicy::default());
        let context = lenient(&catalog);
        let plan = match NamespaceDefaults::given_to(object).compile(kind, object, &context) {
            Ok(compiled) => compiled.plan,
            Err(problems) => {
                changes.problems = problems.iter().map(ToString::to_string).collect();
                changes.advise();
                return changes;
            }
        };
        let values = kind.kept_status(object).metric_values();
        let metrics = plan.metrics.iter().enumerate().map(|(index, metric)| MetricSeen {
            name: metric.name.clone(),
            value: values.get(index).copied().flatten(),
            is_told: kind.needs.hpa.is_none(),
            levels: plan.levels(index),
        });
        changes.metrics = metrics.collect();
        changes.bounds = bounds(&plan.at(now));
        let over = plan.brakes.bounds.as_ref().filter(|over| over.is_active(now));
        changes.bounds_override = over.map(|over| plain(&over.to_string()));
        let memory = kind.memory(object);
        changes.turn(&plan, &memory, seen, now);
        changes.would_change.extend(cooldowns(&plan, &memory, now));
        changes.advise();
        changes
    }

    /// What each metric would have to come to.
    fn turn(&mut self, plan: &Plan, memory: &Memory, seen: &Seen, now: Time) {
        let scale = |replicas| Scale { replicas, status_replicas: replicas, ready: None };
        let scales = seen.replicas_of_targets.iter().map(|replicas| replicas.map(scale)).collect();
        let read = |metric: &MetricSeen| match metric.value {
            Some(value) => Reading::of(value, now),
            None => Reading::absent(AbsenceReason::ValueMissing, "the status has no value"),
        };
        let readings = self.metrics.iter().map(read).collect();
        let observation = Observation { scales, readings, ..Observation::default() };
        for (index, metric) in self.metrics.iter().enumerate() {
            let Some(found) = turning_points(plan, memory, &observation, index, now) else { continue };
            let in_all = if plan.members.len() > 1 { " in all" } else { "" };
            self.would_change.push(sentence(metric, found, in_all));
        }
    }

    /// What can be done about each condition that holds it back.
    fn advise(&mut self) {
        for condition in &self.held_by {
            let is_by_override =
                self.bounds_override.is_some() && OF_BOUNDS.map(Reason::as_str).contains(&&*condition.reason);
            let advice = if is_by_override { Some(OF_OVERRIDE) } else { condition.advice() };
            if let Some(advice) = advice.filter(|advice| !self.would_change.iter().any(|said| said == advice))
            {
                self.would_change.push(advice.to_owned());
            }
        }
    }
}

/// The replicas that are allowed, where it is one target: beyond those of its HPA it is only switched on and off.
fn bounds(plan: &Plan) -> Option<(u32, u32)> {
    let [member] = &plan.members[..] else { return None };
    let Actuation::Hpa(hpa) = &plan.actuation else {
        return Some((member.bounds.min(), member.bounds.max()));
    };
    let spec = hpa.unpacked().spec;
    let count = |field: &str| u32::try_from(spec[field].as_u64()?).ok();
    count("minReplicas").zip(count("maxReplicas"))
}

/// The conditions that say that something is not as the object asks for, or that its decision is limited.
fn held_by(seen: &Seen) -> Vec<Condition> {
    let holds_back = |condition: &&Condition| match condition.type_.as_str() {
        // The summary repeats one of the others, where there are others.
        "Ready" => condition.status != "True" || condition.reason == "Observing",
        "ScalingLimited" | "Paused" | "Fallback" => condition.status == "True",
        _ => false,
    };
    let mut held: Vec<Condition> = Vec::new();
    for condition in seen.conditions.iter().filter(holds_back) {
        // A pause is a limit, too, and has more to say as a pause.
        held.retain(|before| before.reason != condition.reason);
        held.push(condition.clone());
    }
    held
}

/// `active_users 3200 asks for 6: from 3500 on for 7, from 2999 down for 5`.
fn sentence(metric: &MetricSeen, found: TurningPoints, in_all: &str) -> String {
    let TurningPoints { now, above, below } = found;
    let value = metric.value.map_or_else(String::new, |value| format!(" {}", Number(value)));
    let point = |point: Option<TurningPoint>, direction: &str| {
        point.map(|TurningPoint { value, replicas }| {
            format!("from {} {direction} for {replicas}", Number(value))
        })
    };
    let points: Vec<String> = [point(above, "on"), point(below, "down")].into_iter().flatten().collect();
    let others = if points.is_empty() { "no other value changes that".to_owned() } else { points.join(", ") };
    format!("{}{value} asks for {now} replicas{in_all}: {others}", metric.name)
}

/// How long scaling out and in still wait for the cooldown.
fn cooldowns(plan: &Plan, memory: &Memory, now: Time) -> Option<String> {
    let passed = now.since(memory.last_scale?);
    let left = |limit: &engine::limits::Limit| limit.cooldown.saturating_sub(passed).as_secs();
    match (left(&plan.limits.up), left(&plan.limits.down)) {
        (0, 0) => None,
        (up, down) if up == down => Some(format!("the cooldown ends in {up} s; nothing is scaled before")),
        (0, down) => Some(format!("the cooldown ends in {down} s; nothing is scaled in before")),
        (up, 0) => Some(format!("the cooldown ends in {up} s; nothing is scaled out before")),
        (up, down) => {
            Some(format!("the cooldown ends in {up} s for scaling out, and in {down} s for scaling in"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(mut status: Value) -> Changes {
        for condition in status["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2023-11-14T22:00:00Z");
            condition["observedGeneration"] = json!(1);
        }
        let object = json!({
            "apiVersion": "scaling.example.com/v1", "kind": "ScalingRule",
            "metadata": { "name": "orders", "namespace": "shop", "generation": 1 },
            "spec": {
                "deploymentName": "orders", "namespace": "shop", "minReplicas": 1, "maxReplicas": 5,
                "natsMonitoringURL": "http://nats:8222", "subject": "orders",
                "scaleUpThreshold": 50, "scaleDownThreshold": 10, "pollIntervalSeconds": 10,
            },
            "status": status,
        });
        let kind = &resources::scaling_rule::KIND;
        Changes::of(kind, &object, &Seen::of(kind, &object), Time::from_seconds(1_700_000_000))
    }

    #[test]
    fn what_would_change_a_decision_is_said_in_numbers() {
        let found = changes(json!({
            "pendingMessages": 30, "currentReplicas": 3, "desiredReplicas": 3,
            "conditions": [
                { "type": "Ready", "status": "True", "reason": "Ready", "message": "well" },
                { "type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "bounds 6→5 (5 at most)" },
            ],
        }));
        assert_eq!(found.problems, Vec::<String>::new());
        assert_eq!(found.bounds, Some((1, 5)));
        assert_eq!(found.metrics[0].value, Some(30.0));
        let said = found.would_change.join("\n");
        assert!(
            said.contains(" 30 asks for 3 replicas: from 50.01 on for 4, from 9.999 down for 2"),
            "{said}"
        );
        assert!(said.contains("raise maxReplicas"), "{said}");
        assert_eq!(found.held_by.len(), 1);
    }

    #[test]
    fn without_a_value_there_is_advice_and_no_number() {
        let found = changes(json!({
            "currentReplicas": 3,
            "conditions": [
                { "type": "Ready", "status": "False", "reason": "MetricTimeout", "message": "no answer within 5 s" },
            ],
        }));
        assert_eq!(found.would_change.len(), 1, "{:?}", found.would_change);
        assert!(found.would_change[0].starts_with("see that the server"), "{:?}", found.would_change);
    }
}
