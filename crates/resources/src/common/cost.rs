//! Money in the status of an object.

use engine::{Cost, without_noise};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::as_number;

/// Money, for one hour.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostStatus {
    /// What the replicas cost that there were before the last decision.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub now: Option<f64>,
    /// What the policy's wish would cost; absent where it could not wish.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub wished: Option<f64>,
    /// What the desired replicas cost.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub decided: Option<f64>,
    /// What all replicas together may cost.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub budget: Option<f64>,
}

impl CostStatus {
    pub(crate) fn new(now: f64, wished: Option<f64>, decided: f64, budget: Option<f64>) -> Self {
        Self {
            now: Some(without_noise(now)),
            wished: wished.map(without_noise),
            decided: Some(without_noise(decided)),
            budget: budget.map(without_noise),
        }
    }
}

impl From<Cost> for CostStatus {
    fn from(cost: Cost) -> Self {
        Self::new(cost.now, cost.recommended, cost.decided, Some(cost.budget))
    }
}
