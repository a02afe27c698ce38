//! An object as its status describes it, for whichever kind: what all kinds have in common.

use engine::Time;
use resources::{Kind, Reason};
use serde::Serialize;
use serde_json::Value;

use super::table::plain;

/// Of an object without conditions.
pub(super) const NOT_LOOKED_AT: &str = "the operator has not looked at it yet";
/// What can be done where that lasts.
pub(super) const ADVICE_IF_NOT_LOOKED_AT: &str =
    "where that lasts, see whether the operator runs, and whether its --namespaces include this one";

/// What is read out of an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    pub(super) name: String,
    #[serde(skip)]
    pub(super) uid: String,
    /// The HPA that it keeps.
    #[serde(skip)]
    pub(super) hpa: Option<String>,
    /// What it scales; of a group its members with their replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desired: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<String>,
    /// Since when the figures are out of date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale_since: Option<String>,
    pub(super) conditions: Vec<Condition>,
    /// What it has from elsewhere than its spec.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) defaults: Vec<Given>,
    /// Replicas of the targets, in the order of the spec, as far as they are known.
    #[serde(skip)]
    pub(super) replicas_of_targets: Vec<Option<u32>>,
    /// The generation of the spec, and the one that the status is about.
    #[serde(skip)]
    pub(super) generations: (i64, Option<i64>),
}

/// What an object has from elsewhere than its spec.
#[derive(Debug, Serialize)]
pub(super) struct Given {
    pub(super) field: String,
    pub(super) value: String,
    pub(super) from: String,
}

/// A condition of the status.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) type_: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) last_transition_time: String,
}

impl Seen {
    /// What `object`, which is of `kind`, says.
    pub(super) fn of(kind: &'static Kind, object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(plain);
        let count = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let members = object.pointer("/status/members").and_then(Value::as_array);
        let of_members = |field: &str| -> Option<u64> {
            members?
                .iter()
                .map(|member| member[field].as_u64())
                .reduce(|sum, count| Some(sum? + count?))
                .flatten()
        };
        let current = count("/status/currentReplicas");
        let of_targets = match members {
            Some(members) => members.iter().map(|member| member["currentReplicas"].as_u64()).collect(),
            None => vec![current],
        };
        let defaults = object.pointer("/status/defaults").and_then(Value::as_array);
        Self {
            kind: kind.kind,
            namespace: text("/metadata/namespace").unwrap_or_default(),
            name: text("/metadata/name").unwrap_or_default(),
            uid: text("/metadata/uid").unwrap_or_default(),
            hpa: text("/status/hpaName"),
            target: text("/status/target").or_else(|| text("/status/memberSummary")).or_else(|| {
                Some(format!(
                    "{}/{}",
                    text("/status/scaleTargetGVKR/kind")?,
                    text("/spec/scaleTargetRef/name")?
                ))
            }),
            mode: text("/status/mode"),
            current: current.or_else(|| of_members("currentReplicas")),
            desired: count("/status/desiredReplicas").or_else(|| of_members("desiredReplicas")),
            decision: text("/status/lastDecision").or_else(|| activity(object)),
            stale_since: text("/status/staleSince"),
            conditions: conditions.into_iter().flatten().map(Condition::of).collect(),
            defaults: defaults.into_iter().flatten().map(Given::of).collect(),
            replicas_of_targets: of_targets
                .into_iter()
                .map(|count| count.and_then(|count| u32::try_from(count).ok()))
                .collect(),
            generations: (
                number("/metadata/generation").unwrap_or_default(),
                number("/status/observedGeneration"),
            ),
        }
    }

    pub(super) fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether it does what its spec asks for, as far as the operator has said.
    pub(super) fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|ready| ready.status == "True")
    }

    /// Whether the spec has changed since the operator looked at it.
    pub(super) fn is_outdated(&self) -> bool {
        let (generation, observed) = self.generations;
        observed.is_some_and(|observed| observed < generation)
    }

    /// `ScalingRule shop/orders`.
    pub(super) fn full_name(&self) -> String {
        match self.namespace.as_str() {
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        }
    }

    /// `4→7`, or `4`; empty where nothing was decided.
    pub(super) fn replicas(&self) -> String {
        match (self.current, self.desired) {
            (Some(current), Some(desired)) if current != desired => format!("{current}→{desired}"),
            (Some(current), _) => current.to_string(),
            (None, _) => String::new(),
        }
    }
}

/// What KEDA's status says of activity, where others have their last decision.
fn activity(object: &Value) -> Option<String> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == "Active")?["message"].as_str().map(plain)
}

impl Given {
    fn of(given: &Value) -> Self {
        let text = |field: &str| plain(given[field].as_str().unwrap_or_default());
        Self { field: text("field"), value: text("value"), from: text("from") }
    }
}

impl Condition {
    fn of(condition: &Value) -> Self {
        let text = |field: &str| plain(condition[field].as_str().unwrap_or_default());
        Self {
            type_: text("type"),
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            last_transition_time: text("lastTransitionTime"),
        }
    }

    /// What would change it.
    pub(super) fn advice(&self) -> Option<&'static str> {
        Reason::named(&self.reason).and_then(Reason::advice)
    }
}

/// `12 s`, `5 min`, `3 h`, `4 days`.
pub(super) fn age(then: Time, now: Time) -> String {
    match now.since(then).as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
