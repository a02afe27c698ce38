//! The status fields that several kinds have.

use engine::{BoundsOverride, Mode, Origin, Plan, Warning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::{Condition, merge, whole_seconds};
use super::conditions;
use super::fields::date_time;
use crate::Outcome;

/// The status fields that every kind of ours has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObservedStatus {
    /// Generation of the spec that was last observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Whether decisions are applied (`Active`), only recorded (`Observing`), or scaling, or one direction of it, is paused
    /// (`Paused`; the condition `Paused` has the details).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The override of the bounds that is in effect, by the annotation `polyscaler.dev/override`; absent where there is none
    /// and once it has ended.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub bounds_override: Option<String>,
    /// Since when metrics, replicas and decisions in this status are out of date, because the spec is invalid
    /// or another object owns the target; absent while they are current.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub stale_since: Option<String>,
    /// Values that come from elsewhere than the spec: defaults and limits of the operator, each with its origin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub defaults: Vec<OriginStatus>,
    /// Parts of the spec that are valid but probably unintended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub warnings: Vec<WarningStatus>,
    /// Current state of the object.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A warning about the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct WarningStatus {
    /// Path of the field; empty for the object as a whole.
    pub field: String,
    /// What is questionable, and what was probably intended.
    pub message: String,
}

/// What an object has from elsewhere than its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct OriginStatus {
    /// Path of the field of the spec in whose place it stands.
    pub field: String,
    /// What counts.
    pub value: String,
    /// Where it comes from.
    pub from: String,
}

impl From<&Origin> for OriginStatus {
    fn from(origin: &Origin) -> Self {
        let Origin { field, value, from } = origin.clone();
        Self { field, value, from }
    }
}

impl From<&Warning> for WarningStatus {
    fn from(warning: &Warning) -> Self {
        Self { field: warning.path.clone(), message: warning.message.clone() }
    }
}

impl ObservedStatus {
    /// Takes over what `outcome` says.
    pub(crate) fn update(&mut self, outcome: &Outcome) {
        self.observed_generation = Some(outcome.generation);
        self.conditions = merge(&conditions::of(outcome), &self.conditions, outcome.generation, outcome.at);
        self.warnings = outcome.warnings.iter().map(WarningStatus::from).collect();
        match outcome.poll() {
            Some(poll) => {
                self.defaults = poll.plan.origins.iter().map(OriginStatus::from).collect();
                self.mode = Some(mode_name(&poll.plan).to_owned());
                let over = poll.plan.brakes.override_at(poll.decision.at);
                self.bounds_override = over.map(BoundsOverride::to_string);
                self.stale_since = None;
            }
            // An object that never was polled has no figures.
            None if self.mode.is_some() && self.stale_since.is_none() => {
                self.stale_since = Some(whole_seconds(outcome.at));
            }
            None => {}
        }
    }

    /// Clears what moves with the metrics alone.
    pub(crate) fn clear_volatile(&mut self) {
        for condition in &mut self.conditions {
            condition.message.clear();
        }
    }

    /// The condition of this type.
    pub(crate) fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }
}

/// What becomes of decisions, in one word.
fn mode_name(plan: &Plan) -> &'static str {
    match plan.mode {
        // Also where it is paused: not even the replicas of a pause are written.
        Mode::Observe => "Observing",
        Mode::Act if plan.brakes.pause.is_on() => "Paused",
        Mode::Act => "Active",
    }
}

/// The status fields that every kind of ours with a single target has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SingleTargetStatus {
    /// What all kinds report.
    #[serde(flatten)]
    pub observed: ObservedStatus,
    /// The target as `Kind/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Replicas of the target that the last decision was based on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<u32>,
    /// Replicas that the last decision asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<u32>,
    /// Last decision: every step from the metrics to the desired replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// When the target was last scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_scale_time: Option<String>,
    /// Steps of the decision that last scaled the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_reason: Option<String>,
}

impl SingleTargetStatus {
    /// Takes over what `outcome` says; what it does not speak of stays.
    pub(crate) fn update(&mut self, outcome: &Outcome) {
        self.observed.update(outcome);
        let Some(poll) = outcome.poll() else { return };
        self.target = poll.plan.members.first().map(|member| member.target.short_name());
        let written = poll.members.first().is_some_and(|member| matches!(member.write, Some(Ok(()))));
        match poll.decided(0) {
            Some(decided) => {
                // As in the HPA: all three figures are of one instant, that of the decision.
                self.current_replicas = Some(decided.from);
                self.desired_replicas = Some(decided.to);
                self.last_decision = Some(decided.explanation());
                if written {
                    self.last_scale_reason = Some(decided.explanation());
                }
            }
            None => {
                self.current_replicas = None;
                self.desired_replicas = None;
                self.last_decision = None;
            }
        }
        self.last_scale_time = poll.memory.last_scale.map(whole_seconds);
    }

    /// Clears what moves with the metrics alone.
    pub(crate) fn clear_volatile(&mut self) {
        self.observed.clear_volatile();
        self.last_decision = None;
    }
}
