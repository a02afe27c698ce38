//! What becomes of a ScalingGroup: every member, and the last action with its timing.

use engine::{Action, ActionMember, Memory, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::common::condition::{Condition, merge, whole_seconds};
use crate::common::fields::as_number;
use crate::common::status::{Outcome, Poll};

/// What became of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingGroupStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How the object is.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Every member's replicas in one line: `webui 4, auth 2→3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_summary: Option<String>,
    /// Every member.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub members: Vec<GroupMemberStatus>,
    /// What was last done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_action: Option<ActionStatus>,
    /// The last decision: every member's steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// When the group was last scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_scale_time: Option<String>,
    /// What later decisions must know of earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub memory: Option<Memory>,
}

/// One member.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupMemberStatus {
    /// Its name in the group.
    pub name: String,
    /// The target as `Kind/name`.
    pub target: String,
    /// Replicas asked of the target, as last seen or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<u32>,
    /// Replicas that are ready, where the target's kind tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<u32>,
    /// Replicas that the last decision came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<u32>,
    /// The steps of the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// Why it could not be read or scaled, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it could not be read or scaled, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One move of the group.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionStatus {
    /// When it was decided.
    #[schemars(schema_with = "date_time")]
    pub time: String,
    /// Every member that was to change.
    pub members: Vec<ActionMemberStatus>,
    /// Seconds from the decision until the API server had taken all writes; absent while one is missing.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub written_after_seconds: Option<f64>,
    /// Seconds from the decision until the last member was ready; absent while one is not.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub ready_after_seconds: Option<f64>,
}

/// One member in a move of the group.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionMemberStatus {
    /// Its name in the group.
    pub name: String,
    /// Replicas asked for before.
    pub from: u32,
    /// Replicas asked for by the action.
    pub to: u32,
    /// Writes tried.
    pub attempts: u32,
    /// Seconds from the decision until the API server had taken the write.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub written_after_seconds: Option<f64>,
    /// Seconds from the decision until all its replicas were ready.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub ready_after_seconds: Option<f64>,
    /// Why the last write failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

pub(super) fn status(outcome: &Outcome, previous: &Value) -> Value {
    let mut status = ScalingGroupStatus::deserialize(previous).unwrap_or_default();
    status.observed_generation = Some(outcome.generation);
    status.conditions = merge(&outcome.conditions(), &status.conditions, outcome.generation, outcome.at);
    if let Some(poll) = outcome.poll() {
        status.members = (0..poll.plan.members.len()).map(|member| member_status(poll, member)).collect();
        let summaries: Vec<String> = status.members.iter().map(GroupMemberStatus::summary).collect();
        status.member_summary = Some(summaries.join(", "));
        let decisions = status.members.iter().filter_map(|member| {
            member.last_decision.as_ref().map(|decision| format!("{}: {decision}", member.name))
        });
        status.last_decision = Some(decisions.collect::<Vec<_>>().join("; "));
        status.last_scale_time = poll.memory.last_scale.map(whole_seconds);
        status.last_action = poll.memory.last_action.as_ref().map(ActionStatus::from);
        status.memory = (poll.memory != Memory::default()).then(|| poll.memory.clone());
    }
    serde_json::to_value(status).unwrap_or_else(|error| unreachable!("plain data: {error}"))
}

fn member_status(poll: &Poll, index: usize) -> GroupMemberStatus {
    let (member, polled, decided) = (&poll.plan.members[index], &poll.members[index], poll.decided(index));
    let failure = match (&polled.seen, &polled.write) {
        (Err(failure), _) => Some((failure.reason, failure.message.clone())),
        (_, Some(Err(failure))) => Some((failure.reason, failure.message.clone())),
        _ => None,
    };
    let is_written = matches!(polled.write, Some(Ok(())));
    GroupMemberStatus {
        name: member.role.name.clone(),
        target: member.target.short_name(),
        current_replicas: decided.map(|decided| if is_written { decided.to } else { decided.from }),
        ready_replicas: polled.seen.as_ref().ok().and_then(|scale| scale.ready),
        desired_replicas: decided.map(|decided| decided.to),
        last_decision: decided.map(engine::MemberDecision::explanation),
        reason: failure.as_ref().map(|(reason, _)| reason.to_string()),
        message: failure.map(|(_, message)| message),
    }
}

impl GroupMemberStatus {
    /// `webui 4`, `webui 4→6` where replicas and decision differ, `webui ?` where it could not be read.
    fn summary(&self) -> String {
        match (self.current_replicas, self.desired_replicas) {
            (Some(current), Some(desired)) if current != desired => {
                format!("{} {current}→{desired}", self.name)
            }
            (Some(current), _) => format!("{} {current}", self.name),
            (None, _) => format!("{} ?", self.name),
        }
    }
}

impl From<&Action> for ActionStatus {
    fn from(action: &Action) -> Self {
        let last = |time: fn(&ActionMember) -> Option<Time>| {
            let times: Option<Vec<Time>> = action.members.iter().map(time).collect();
            times.and_then(|times| times.into_iter().max()).map(|time| seconds(action, time))
        };
        Self {
            time: action.at.to_string(),
            members: action.members.iter().map(|member| action_member(action, member)).collect(),
            written_after_seconds: last(|member| member.written),
            ready_after_seconds: last(|member| member.ready),
        }
    }
}

fn action_member(action: &Action, member: &ActionMember) -> ActionMemberStatus {
    ActionMemberStatus {
        name: member.name.clone(),
        from: member.from,
        to: member.to,
        attempts: member.attempts,
        written_after_seconds: member.written.map(|time| seconds(action, time)),
        ready_after_seconds: member.ready.map(|time| seconds(action, time)),
        message: member.failure.clone(),
    }
}

fn seconds(action: &Action, time: Time) -> f64 {
    time.since(action.at).as_millis() as f64 / 1000.0
}
