//! The last action of a ScalingGroup in its status, with its timing.

use engine::{Action, ActionMember, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::fields::{as_number, date_time};

/// A scaling of the group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionStatus {
    /// Time of the decision.
    #[schemars(schema_with = "date_time")]
    pub time: String,
    /// The members whose replicas the scaling was to change.
    #[serde(default)]
    pub members: Vec<ActionMemberStatus>,
    /// Seconds from the decision until all writes were accepted by the API server; absent while one is outstanding.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub written_after_seconds: Option<f64>,
    /// Seconds from the decision until the last member was ready; absent while one is not.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub ready_after_seconds: Option<f64>,
}

/// A member in a scaling of the group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionMemberStatus {
    /// Name of the member.
    pub name: String,
    /// Replicas before.
    pub from: u32,
    /// Desired replicas.
    pub to: u32,
    /// Number of write attempts.
    pub attempts: u32,
    /// Seconds from the decision until the write was accepted by the API server.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub written_after_seconds: Option<f64>,
    /// Seconds from the decision until all replicas were ready.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub ready_after_seconds: Option<f64>,
    /// Why the last write failed.
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
