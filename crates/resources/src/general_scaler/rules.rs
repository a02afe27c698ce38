//! The rules across fields of a GeneralScaler.

use super::{GeneralScalerSpec, ScalerMetric};
use crate::common::rule::Rule;
use crate::common::safety::{FallbackSpec, MayFallBack, replicas_of_fallback};

impl MayFallBack for ScalerMetric {
    fn fallback(&self) -> Option<&FallbackSpec> {
        self.fallback.as_ref()
    }
}

/// The rules of each metric.
pub(super) const OF_METRICS: &[Rule<ScalerMetric>] = &[replicas_of_fallback("spec.metrics[]")];

pub(super) const RULES: &[Rule<GeneralScalerSpec>] = &[
    Rule {
        path: "spec",
        field: "",
        cel: "has(self.targetDeployment) != has(self.targetRef)",
        message: "exactly one of targetDeployment and targetRef must be set",
        holds: |spec| spec.target_deployment.is_some() != spec.target_ref.is_some(),
    },
    Rule {
        path: "spec",
        field: "minReplicas",
        cel: "self.minReplicas <= self.maxReplicas",
        message: "minReplicas must not be above maxReplicas",
        holds: |spec| spec.min_replicas <= spec.max_replicas,
    },
    Rule {
        path: "spec.policy",
        field: "config",
        cel: "self.type != 'cost' || (has(self.config) && has(self.config.maxCostPerHour) && \
              has(self.config.costPerPodHour))",
        message: "policy cost needs maxCostPerHour and costPerPodHour",
        holds: |spec| spec.policy.type_ != "cost" || (has(spec, MAX_COST) && has(spec, COST_PER_POD)),
    },
    Rule {
        path: "spec",
        field: "policy.config.maxCostPerHour",
        cel: "self.policy.type != 'cost' || !has(self.policy.config) || !has(self.policy.config.maxCostPerHour) || \
              !has(self.policy.config.costPerPodHour) || \
              double(self.minReplicas) * self.policy.config.costPerPodHour <= self.policy.config.maxCostPerHour * 1.000000001",
        message: "the budget must cover minReplicas: minReplicas × costPerPodHour must not be above maxCostPerHour",
        holds: |spec| spec.policy.type_ != "cost" || pays_for_the_least(spec).unwrap_or(true),
    },
];

const MAX_COST: &str = "maxCostPerHour";
const COST_PER_POD: &str = "costPerPodHour";

fn has(spec: &GeneralScalerSpec, setting: &str) -> bool {
    spec.policy.config.contains_key(setting)
}

/// `None` where a cost is missing, which another rule says. A billionth more is noise, not money.
fn pays_for_the_least(spec: &GeneralScalerSpec) -> Option<bool> {
    let amount = |setting: &str| spec.policy.config.get(setting)?.as_f64();
    Some(f64::from(spec.min_replicas) * amount(COST_PER_POD)? <= amount(MAX_COST)? * 1.000_000_001)
}
