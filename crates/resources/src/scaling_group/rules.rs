//! The rules across fields of a ScalingGroup.

use super::ScalingGroupSpec;
use crate::common::rule::Rule;

pub(super) const RULES: &[Rule<ScalingGroupSpec>] = &[Rule {
    path: "spec",
    field: "members",
    cel: "self.members.all(member, !has(member.minReplicas) || member.minReplicas <= member.maxReplicas)",
    message: "minReplicas of a member must not be above its maxReplicas",
    holds: |spec| spec.members.iter().all(|member| member.min_replicas <= member.max_replicas),
}];
