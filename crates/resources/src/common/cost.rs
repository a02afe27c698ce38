//! Costs in the status of an object.

use engine::{Cost, without_noise};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::as_number;

/// Costs per hour.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostStatus {
    /// Cost of the replicas before the last decision.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub now: Option<f64>,
    /// Cost of the replicas that the policy recommended; absent if it had no recommendation.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub recommended: Option<f64>,
    /// Cost of the desired replicas.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub decided: Option<f64>,
    /// Maximum cost of all replicas together.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub budget: Option<f64>,
}

impl CostStatus {
    pub(crate) fn new(now: f64, recommended: Option<f64>, decided: f64, budget: Option<f64>) -> Self {
        Self {
            now: Some(without_noise(now)),
            recommended: recommended.map(without_noise),
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
