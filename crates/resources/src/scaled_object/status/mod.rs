//! The status of a ScaledObject: KEDA's, field for field, as a CRD of KEDA would prune anything else. What we say beyond
//! that stands in the messages of conditions.

mod conditions;
mod events;
mod facts;

use std::collections::BTreeMap;

use engine::activation::remembered;
use engine::{Activity, Memory, Pause, Target, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::facts::{Facts, group_version_kind};
use super::hpa::{COMPOSITE, NAME_LABEL};
use super::marks::is_whole;
use super::spec::ScaleTarget;
use crate::common::condition::whole_seconds;
use crate::common::fields::{date_time, own_namespace};
use crate::common::status::ObservedStatus;
use crate::kept_status::Status;
use crate::{Outcome, Poll};

pub use conditions::METRICS_API_FIELD;
pub(super) use events::{events, farewell, unwritten};

/// Observed state of a ScaledObject.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScaledObjectStatus {
    /// Group, version and kind of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_target_kind: Option<String>,
    /// The same, each by itself, with the name of its resource.
    #[serde(rename = "scaleTargetGVKR", skip_serializing_if = "Option::is_none")]
    pub scale_target_gvkr: Option<Gvkr>,
    /// Replicas that the target had before it was scaled for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_replica_count: Option<u32>,
    /// When the target became active, and once it no longer is, when it was so last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_active_time: Option<String>,
    /// Names under which the values of triggers are published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_metric_names: Vec<String>,
    /// Resources that the HPA measures at pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_metric_names: Vec<String>,
    /// Name under which the value of the formula is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composite_scaler_name: Option<String>,
    /// Current state of the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<KedaCondition>,
    /// How each metric that may fall back is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub health: BTreeMap<String, HealthStatus>,
    /// How active each trigger is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers_activity: BTreeMap<String, TriggerActivityStatus>,
    /// Replicas that the target is paused at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_replica_count: Option<u32>,
    /// Name of the HPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hpa_name: Option<String>,
    /// Types of the triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers_types: Option<String>,
    /// Names of the authentications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentications_types: Option<String>,
    /// What of the spec the status repeats.
    #[serde(skip)]
    #[schemars(skip)]
    facts: Facts,
}

/// Group, version, kind and resource of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Gvkr {
    /// API group.
    pub group: String,
    /// API version within the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Resource name, as in URLs.
    pub resource: String,
}

/// One condition of an object, as KEDA has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct KedaCondition {
    /// Type of the condition.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a metric that may fall back is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthStatus {
    /// Failures in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_failures: Option<u32>,
    /// `Happy` or `Failing`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// Whether a trigger is active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerActivityStatus {
    /// Whether it is. Always written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

impl Status for ScaledObjectStatus {
    fn read(object: &Value) -> Option<Self> {
        let stored = object.get("status").filter(|status| !status.is_null());
        let status = stored.map_or_else(|| Some(Self::default()), |stored| Self::deserialize(stored).ok());
        status.map(|status| Self { facts: Facts::of(object), ..status })
    }

    fn changed_metadata(&self, earlier: &Self) -> Map<String, Value> {
        let mut metadata = Map::new();
        if let (Some(name), None) = (&earlier.facts.unlabelled, &self.facts.unlabelled) {
            metadata.insert("labels".to_owned(), json!({ NAME_LABEL: name }));
        }
        metadata
    }

    fn update(&mut self, outcome: &Outcome) {
        // It is written with what is written next: as with KEDA also where the object is found to be invalid.
        self.facts.unlabelled = None;
        let was_active = self.condition(conditions::ACTIVE).is_some_and(|active| active.status == "True");
        self.conditions = conditions::of(outcome, self);
        self.triggers_types = Some(self.facts.trigger_types.clone());
        self.authentications_types = Some(self.facts.authentications.clone());
        let untold_kind = self.facts.untold_kind.take();
        let Some(poll) = outcome.poll() else {
            // KEDA looks at the target before it finds out that a trigger is invalid, which is done the other way round here:
            // what else it notes of the target is not known.
            self.scale_target_kind = untold_kind.or_else(|| self.scale_target_kind.take());
            self.paused_replica_count =
                self.paused_replica_count.filter(|replicas| self.facts.pause == Pause::At(*replicas));
            return;
        };
        if conditions::target_sentence(poll).is_some() {
            // As with KEDA: of a target that is not there nothing is known, and nothing that was known is forgotten.
            return;
        }
        if let Some(member) = poll.plan.members.first() {
            self.scale_target_kind = Some(group_version_kind(&member.target));
            self.scale_target_gvkr = Some(gvkr(&member.target));
        }
        let seen = poll.members.first().and_then(|member| member.seen.as_ref().ok());
        self.original_replica_count = self.original_replica_count.or(seen.map(|scale| scale.replicas));
        let pause = poll.plan.brakes.pause;
        self.paused_replica_count = match pause {
            Pause::At(replicas) => Some(replicas),
            _ => None,
        };
        if is_whole(pause) {
            // Nothing is read meanwhile, and no HPA is kept.
            return;
        }
        if poll.hpa.is_ok() {
            self.hpa_name = poll.plan.actuation.hpa().map(|hpa| hpa.name().to_owned());
        }
        self.resource_metric_names = self.facts.resources.clone();
        self.composite_scaler_name = self.facts.has_formula.then(|| COMPOSITE.to_owned());
        if let Some(activity) = &poll.decision.activity {
            self.last_active_time = last_active(self.last_active_time.take(), was_active, activity, poll);
            self.show(activity);
        }
    }

    fn clear_volatile(&mut self) {
        for condition in &mut self.conditions {
            condition.message.clear();
        }
        for health in self.health.values_mut() {
            health.number_of_failures = None;
        }
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        None
    }

    fn beside(&self) -> Value {
        json!(self.facts)
    }

    fn with_beside(self, beside: Value) -> Self {
        Self { facts: Facts::deserialize(beside).unwrap_or_default(), ..self }
    }
}

impl ScaledObjectStatus {
    /// The condition of this type.
    fn condition(&self, type_: &str) -> Option<&KedaCondition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    /// The metrics that make the target active: those of triggers, or that of the formula, which alone counts where there
    /// is one.
    fn active_metrics<'a>(&self, activity: &'a Activity) -> Vec<&'a str> {
        if self.facts.has_formula {
            return if activity.is_forced { Vec::new() } else { vec![COMPOSITE] };
        }
        let active = activity.triggers.iter().filter(|trigger| trigger.is_active);
        active.map(|trigger| &*trigger.metric).collect()
    }

    /// What each trigger came to.
    fn show(&mut self, activity: &Activity) {
        let triggers = &activity.triggers;
        self.external_metric_names = triggers.iter().map(|trigger| trigger.metric.to_string()).collect();
        let active = |trigger: &engine::TriggerActivity| {
            (trigger.metric.to_string(), TriggerActivityStatus { is_active: Some(trigger.is_active) })
        };
        self.triggers_activity = triggers.iter().map(active).collect();
        let health = |trigger: &engine::TriggerActivity| {
            let status = if trigger.failures == 0 { "Happy" } else { "Failing" };
            let health =
                HealthStatus { number_of_failures: Some(trigger.failures), status: status.to_owned() };
            (trigger.metric.to_string(), health)
        };
        let may_fall_back = triggers.iter().filter(|_| self.facts.has_fallback);
        self.health = may_fall_back.map(health).collect();
    }
}

/// What KEDA has left in the status of an object that it scaled by: when its target was last active.
pub(super) fn inherited(object: &Value) -> Memory {
    let mut memory = Memory::default();
    let last = object.pointer("/status/lastActiveTime").and_then(|at| Time::deserialize(at).ok());
    let target =
        object.pointer("/spec/scaleTargetRef").and_then(|target| ScaleTarget::deserialize(target).ok());
    if let (Some(last), Some(target)) = (last, target) {
        memory.policy.insert(&target.in_namespace(own_namespace(object)), remembered(last));
    }
    memory
}

/// Written when activity begins and when it ends, not at each poll in between.
fn last_active(known: Option<String>, was_active: bool, activity: &Activity, poll: &Poll) -> Option<String> {
    if !activity.is_active {
        return activity.last_active.map(whole_seconds).or(known);
    }
    if conditions::failing(activity).next().is_some() {
        return known;
    }
    let begins = || whole_seconds(activity.last_active.unwrap_or(poll.decision.at));
    known.filter(|_| was_active).or_else(|| Some(begins()))
}

fn gvkr(target: &Target) -> Gvkr {
    let (group, version) = target.api_version.split_once('/').unwrap_or(("", &target.api_version));
    Gvkr {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: target.kind.clone(),
        resource: plural(&target.kind.to_lowercase()),
    }
}

/// The resource of a kind by the rule that Kubernetes itself guesses by.
fn plural(kind: &str) -> String {
    match kind {
        kind if kind.ends_with('s') => format!("{kind}es"),
        kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        kind => format!("{kind}s"),
    }
}
