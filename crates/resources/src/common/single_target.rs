//! The end of compilation for kinds with a single target: the same for all of them.

use std::sync::Arc;
use std::time::Duration;

use engine::{Actuation, Bounds, Member, Metric, Plan, Policy, Problem, Target};
use serde_json::Value;

use super::fields::{SafetySpec, mode};
use crate::kind::NotCompiled;

/// What a kind has made of its spec.
pub(crate) struct SingleTarget<'a> {
    pub(crate) target: Target,
    /// `None` where they contradict each other, which a rule has said.
    pub(crate) bounds: Option<Bounds>,
    pub(crate) metrics: Vec<Metric>,
    /// `None` where its settings make none, which a rule or a problem has said.
    pub(crate) policy: Option<Arc<dyn Policy>>,
    pub(crate) safety: Option<&'a SafetySpec>,
    pub(crate) interval_seconds: u32,
}

impl SingleTarget<'_> {
    /// The plan of `object`, of which `broken_rules` and `problems` are known by now.
    pub(crate) fn plan(
        self,
        object: &Value,
        broken_rules: Vec<Problem>,
        mut problems: Vec<Problem>,
    ) -> Result<Plan, NotCompiled> {
        let mode = mode(object, &mut problems);
        let is_sound = broken_rules.is_empty() && problems.is_empty();
        let (Some(policy), Some(bounds), true) = (self.policy, self.bounds, is_sound) else {
            return Err(NotCompiled::Problems { broken_rules, others: problems });
        };
        Ok(Plan {
            members: vec![Member::single(self.target, bounds)],
            metrics: self.metrics,
            policy,
            limits: self.safety.map(SafetySpec::compile).unwrap_or_default(),
            mode,
            interval: Duration::from_secs(u64::from(self.interval_seconds)),
            group: None,
            actuation: Actuation::Scale,
        })
    }
}
