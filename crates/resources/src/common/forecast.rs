//! `spec.forecast`, which every kind of ours may have.

use std::time::Duration;

use engine::Foresight;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Scales out ahead of a load that is expected, and never in because of one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ForecastSpec {
    /// Seconds that a replica takes from being asked for to being ready. The forecast looks so far ahead, and one poll more.
    #[serde(default = "default_horizon")]
    #[schemars(range(min = 1, max = 3600))]
    pub horizon_seconds: u32,
}

fn default_horizon() -> u32 {
    60
}

impl ForecastSpec {
    /// The engine's form of it, for a plan that is polled every `interval`.
    pub(crate) fn compile(&self, interval: Duration) -> Foresight {
        Foresight { horizon: Duration::from_secs(u64::from(self.horizon_seconds)) + interval }
    }
}
