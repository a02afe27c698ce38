//! Conditions as they stand in a status: the few words by which an object says how it is.

use engine::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::date_time;

/// One condition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Type of the condition.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Reason for the condition's last transition, in one word.
    pub reason: String,
    /// Details about the last transition, for people.
    pub message: String,
    /// When `status` last changed.
    #[schemars(schema_with = "date_time")]
    pub last_transition_time: String,
    /// Generation of the spec that the condition was set for.
    pub observed_generation: i64,
}

/// What a condition says now, without the times that only the status knows. The types and reasons are
/// those of the object's kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConditionStatus {
    /// What it is about.
    pub type_: &'static str,
    /// Whether it holds.
    pub state: ConditionState,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, in a sentence.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionState {
    /// It does.
    True,
    /// It does not.
    False,
    /// That is not known.
    Unknown,
}

impl ConditionState {
    /// The state as it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionState {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Joins what conditions say now with the times of the previous ones.
pub(crate) fn merge(
    now_said: &[ConditionStatus],
    previous: &[Condition],
    generation: i64,
    now: Time,
) -> Vec<Condition> {
    let stamp = |said: &ConditionStatus| {
        let (type_, status) = (said.type_, said.state.as_str());
        let unchanged = previous.iter().find(|before| before.type_ == type_ && before.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: said.reason.to_owned(),
            message: said.message.clone(),
            last_transition_time: unchanged
                .map_or_else(|| whole_seconds(now), |before| before.last_transition_time.clone()),
            observed_generation: generation,
        }
    };
    now_said.iter().map(stamp).collect()
}

/// RFC 3339 without fractions, as Kubernetes writes times.
pub(crate) fn whole_seconds(time: Time) -> String {
    Time::from_seconds(time.as_millis().div_euclid(1000)).to_string()
}
