//! `cost`: what `slo` recommends, as far as a budget pays for it.
//!
//! No more than `floor(maxCostPerHour / costPerPodHour)` replicas, and never fewer than the
//! least; the cap is applied beside the bounds, after the windows, so that a budget that was
//! lowered counts at once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::slo::TOLERANCE;
use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, Slo, View, settings,
};
use crate::{Budget, Fault, Problem};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "cost",
    summary: "The recommendation of slo, capped by a budget.",
    serves: Serves::Target,
    settings: &[
        Setting {
            name: "maxCostPerHour",
            type_: SettingType::NOT_NEGATIVE,
            required: true,
            help: "Maximum cost of all replicas per hour.",
        },
        Setting {
            name: "costPerPodHour",
            type_: SettingType::PositiveNumber,
            required: true,
            help: "Cost of one replica per hour, in the same currency.",
        },
        TOLERANCE,
    ],
    compile: |config, path| Ok(Arc::new(CostPolicy::from_config(config, path)?) as Arc<dyn Policy>),
};

/// [`Slo`] under a [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostPolicy {
    slo: Slo,
    budget: Budget,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    max_cost_per_hour: f64,
    cost_per_pod_hour: f64,
    tolerance: Option<f64>,
}

impl CostPolicy {
    /// The recommendations of `slo` under `budget`.
    pub fn new(slo: Slo, budget: Budget) -> Self {
        Self { slo, budget }
    }

    fn from_config(config: &Value, path: &str) -> Result<Self, Vec<Problem>> {
        let Config { max_cost_per_hour, cost_per_pod_hour, tolerance } = settings(&ENTRY, config, path)?;
        let budget = Budget::new(cost_per_pod_hour, max_cost_per_hour)
            .ok_or_else(|| vec![Problem::new(path, Fault::invalid("costs must be finite"))])?;
        Ok(Self::new(Slo::new(tolerance), budget))
    }
}

impl Policy for CostPolicy {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        self.slo.recommend(view, member, memory)
    }

    fn budget(&self) -> Option<Budget> {
        Some(self.budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_settings_are_judged() {
        let compile = |config: Value| crate::POLICIES.compile("cost", &config, "spec.policy.config");
        let good = serde_json::json!({"maxCostPerHour": 0.5, "costPerPodHour": 0.1});
        assert_eq!(compile(good).unwrap().budget().map(Budget::affordable), Some(5));
        let said: Vec<String> = compile(serde_json::json!({"costPerPodHour": 0, "maxCostperHour": 1}))
            .unwrap_err()
            .iter()
            .map(Problem::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "spec.policy.config.maxCostPerHour: Required value",
                "spec.policy.config.costPerPodHour: Invalid value: 0: must be a number above 0",
                "spec.policy.config.maxCostperHour: unknown field; this policy accepts maxCostPerHour, \
                 costPerPodHour, tolerance",
            ]
        );
    }
}
