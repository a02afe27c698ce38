//! The rules across fields of a BusinessScaling.

use super::BusinessScalingSpec;
use crate::common::rule::Rule;

pub(super) const RULES: &[Rule<BusinessScalingSpec>] = &[
    Rule {
        path: "spec",
        field: "",
        cel: "has(self.targetDeployment) != has(self.targetRef)",
        message: "exactly one of targetDeployment and targetRef must be set",
        holds: |spec| spec.target_deployment.is_some() != spec.target_ref.is_some(),
    },
    Rule {
        path: "spec",
        field: "",
        cel: "has(self.metricSource) != has(self.metric)",
        message: "exactly one of metricSource and metric must be set",
        holds: |spec| spec.metric_source.is_some() != spec.metric.is_some(),
    },
    Rule {
        path: "spec",
        field: "",
        cel: "!has(self.metric) || (!has(self.valuePath) && !has(self.headersFrom))",
        message: "valuePath and headersFrom belong to metricSource; with metric, set them in its config",
        holds: |spec| spec.metric.is_none() || (spec.value_path.is_none() && spec.headers_from.is_none()),
    },
    Rule {
        path: "spec.scaleThresholds",
        field: "minUsers",
        cel: "self.minUsers < self.maxUsers",
        message: "minUsers must be below maxUsers",
        holds: |spec| spec.scale_thresholds.min_users < spec.scale_thresholds.max_users,
    },
    Rule {
        path: "spec.scaleThresholds",
        field: "minReplicas",
        cel: "self.minReplicas <= self.maxReplicas",
        message: "minReplicas must not be above maxReplicas",
        holds: |spec| spec.scale_thresholds.min_replicas <= spec.scale_thresholds.max_replicas,
    },
];
