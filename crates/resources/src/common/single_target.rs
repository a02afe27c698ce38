//! The end of compilation for kinds with a single target: the same for all of them.

use std::sync::Arc;

use engine::{Actuation, Bounds, Member, Metric, Plan, Policy, Problem, Target, Warning};
use serde_json::Value;

use super::annotations::Annotations;
use super::forecast::ForecastSpec;
use super::interval::Interval;
use super::rule;
use super::safety::{self, FallbackSpec, SafetySpec};
use crate::compile::{Compiled, Findings, NotCompiled};

/// What a kind has made of its spec.
pub(crate) struct SingleTarget<'a> {
    pub(crate) target: Target,
    /// `None` where they contradict each other, which a rule has said.
    pub(crate) bounds: Option<Bounds>,
    /// Where the minimum stands in the manifest.
    pub(crate) minimum_at: &'static str,
    pub(crate) metrics: Vec<Metric>,
    /// `None` where its settings make none, which a rule or a problem has said.
    pub(crate) policy: Option<Arc<dyn Policy>>,
    pub(crate) safety: Option<&'a SafetySpec>,
    pub(crate) forecast: Option<&'a ForecastSpec>,
    pub(crate) interval: Interval,
    /// The fallbacks that metrics have by themselves, in the order of the metrics.
    pub(crate) fallbacks: Vec<Option<&'a FallbackSpec>>,
}

impl SingleTarget<'_> {
    /// The plan of `object`, of which `broken_rules` and `findings` are known by now.
    pub(crate) fn plan(
        self,
        object: &Value,
        mut broken_rules: Vec<Problem>,
        findings: Findings,
    ) -> Result<Compiled, NotCompiled> {
        let Findings { mut problems, mut warnings } = findings;
        let annotations = Annotations::read(object, &mut problems);
        warnings.extend(annotations.warnings);
        broken_rules.extend(self.safety.iter().flat_map(|safety| rule::problems(safety::RULES, *safety)));
        let mut origins = Vec::new();
        let interval = self.interval.compile(&mut origins);
        let limits = safety::limits(self.safety, self.policy.as_deref(), &mut problems, &mut origins);
        let is_sound = broken_rules.is_empty() && problems.is_empty();
        let (Some(policy), Some(bounds), true) = (self.policy, self.bounds, is_sound) else {
            return Err(NotCompiled::Problems { broken_rules, others: problems });
        };
        warnings.extend(cannot_wake(bounds, self.minimum_at, &self.metrics));
        let safeguards = safety::safeguards(self.safety, self.metrics.len(), &self.fallbacks);
        let plan = Plan {
            members: vec![Member::single(self.target, bounds)],
            metrics: self.metrics,
            policy,
            limits,
            mode: annotations.mode,
            interval,
            group: None,
            actuation: Actuation::Scale,
            brakes: annotations.brakes,
            origins,
            safeguards,
            foresight: self.forecast.map(|forecast| forecast.compile(interval)),
        };
        Ok(Compiled { plan, warnings })
    }
}

/// The sources that measure the pods of the target.
const MEASURED_AT_PODS: [&str; 2] = ["cpu", "memory"];

/// At 0 replicas there are no pods, so what is measured at the pods alone never asks for the first one.
fn cannot_wake(bounds: Bounds, minimum_at: &str, metrics: &[Metric]) -> Option<Warning> {
    let is_of_pods = |metric: &Metric| MEASURED_AT_PODS.contains(&metric.query.source());
    let sleeps = bounds.min() == 0 && !metrics.is_empty() && metrics.iter().all(is_of_pods);
    sleeps.then(|| {
        let mut sources: Vec<&str> = metrics.iter().map(|metric| metric.query.source()).collect();
        sources.dedup();
        let message = format!(
            "at 0 replicas there are no pods whose {} could be measured, so the target never scales out again: set it \
             to 1 or more, or add a metric that does not depend on the target's pods",
            sources.join(" or ")
        );
        Warning::new(minimum_at, message)
    })
}
