//! The last action of a ScalingGroup in its status, with its timing.

use engine::{Action, ActionMember, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::fields::{as_number, date_time};

/// One move of the group.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionStatus {
    /// When it was decided.
    #[schemars(schema_with = "date_time")]
    pub time: String,
    /// Every member that was to change.
    #[serde(default)]
    pub members: Vec<ActionMemberStatus>,
    /// Seconds from the decision until the API server had taken all writes; absent while one is missing.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub written_after_seconds: Option<f64>,
    /// Seconds from the decision until the last member was ready; absent while one is not.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
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
