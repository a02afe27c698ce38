//! The rules across fields of a ScalingRule.

use super::ScalingRuleSpec;
use crate::common::rule::Rule;

pub(super) const RULES: &[Rule<ScalingRuleSpec>] = &[
    Rule {
        path: "spec",
        field: "",
        cel: "has(self.deploymentName) != has(self.targetRef)",
        message: "exactly one of deploymentName and targetRef must be set",
        holds: |spec| spec.deployment_name.is_some() != spec.target_ref.is_some(),
    },
    Rule {
        path: "spec",
        field: "minReplicas",
        cel: "self.minReplicas <= self.maxReplicas",
        message: "minReplicas must not be above maxReplicas",
        holds: |spec| spec.min_replicas <= spec.max_replicas,
    },
    Rule {
        path: "spec",
        field: "scaleDownThreshold",
        cel: "self.scaleDownThreshold <= self.scaleUpThreshold",
        message: "scaleDownThreshold must not be above scaleUpThreshold",
        holds: |spec| spec.scale_down_threshold <= spec.scale_up_threshold,
    },
];
