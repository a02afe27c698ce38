//! What must hold for a ScaledObject: the rules of KEDA's admission webhook that need no more than the object.
//!
//! Only one of them stands in KEDA's CRD. Of the others, KEDA's operator itself goes by a few: an object that it runs is
//! not refused here by the rest once it is stored, so that whoever changes over keeps what works; it is warned about.

use std::collections::BTreeSet;

use engine::{Fault, FaultKind, Problem, Target, Warning};

use super::ScaledObjectSpec;
use super::refusals::HPA_NAME;
use super::spec::ScalingModifiers;
use crate::common::rule::Rule;
use crate::compile::Findings;

/// The longest name of an object whose name is the value of a label.
const LONGEST_NAME: usize = 63;

pub(super) const RULES: &[Rule<ScaledObjectSpec>] = &[Rule {
    path: "spec",
    field: "",
    cel: "!has(self.minReplicaCount) || self.minReplicaCount <= (has(self.maxReplicaCount) ? self.maxReplicaCount : 100)",
    message: "minReplicaCount must be less than or equal to maxReplicaCount",
    holds: |spec| spec.min() <= spec.max(),
}];

/// The triggers that an HPA measures at pods.
pub(super) fn is_of_pods(type_: &str) -> bool {
    matches!(type_, "cpu" | "memory")
}

/// Judges the spec of the object called `name`. `admitting`: before it is stored.
pub(super) fn judge(spec: &ScaledObjectSpec, name: &str, admitting: bool, findings: &mut Findings) {
    always(spec, name, &mut findings.problems);
    let found = at_admission(spec, name);
    if admitting {
        findings.problems.extend(found);
    } else {
        let warning = |problem: Problem| Warning::new(problem.path, problem.fault.detail);
        findings.warnings.extend(found.into_iter().map(warning));
    }
    findings.warnings.extend(doubts(spec));
}

/// What KEDA's operator does not run either.
fn always(spec: &ScaledObjectSpec, name: &str, problems: &mut Vec<Problem>) {
    if name.len() > LONGEST_NAME {
        let why = format!(
            "the name has {} characters, and it is the value of a label, which has {LONGEST_NAME} at most: shorten it",
            name.len()
        );
        problems.push(Problem::new("metadata.name", Fault::new(FaultKind::TooLong, why)));
    }
    // A minimum that is written as 0 is 1 as soon as the target is active; one that is left out is 0.
    let least = spec.min_replica_count.map_or(0, |min| min.max(1));
    if let Some(idle) = spec.idle_replica_count.filter(|idle| *idle >= least) {
        let why = format!("IdleReplicaCount={idle} must be less than MinReplicaCount={least}");
        problems.push(Problem::new("spec.idleReplicaCount", Fault::invalid(why)));
    }
    if spec.triggers.is_empty() {
        problems.push(Problem::new("spec.triggers", Fault::required()));
    }
    let mut names = BTreeSet::new();
    for (index, trigger) in spec.triggers.iter().enumerate() {
        if let Some(name) = trigger.name.as_ref().filter(|name| !name.is_empty())
            && !names.insert(name)
        {
            let why = format!("{name:?}: triggerName is defined multiple times, but it must be unique");
            let fault = Fault::new(FaultKind::Duplicate, why);
            problems.push(Problem::new(format!("spec.triggers[{index}].name"), fault));
        }
    }
}

/// What KEDA refuses before it is stored, and runs where it is stored all the same.
fn at_admission(spec: &ScaledObjectSpec, name: &str) -> Vec<Problem> {
    let only_pods = spec.triggers.iter().all(|trigger| is_of_pods(&trigger.type_));
    let mut found = Vec::new();
    let hpa = spec.hpa_name(name);
    if hpa.len() > LONGEST_NAME {
        let why = format!(
            "the HPA would be called {hpa}, which is longer than {LONGEST_NAME} characters: shorten the name of the object, or \
             set horizontalPodAutoscalerConfig.name"
        );
        found.push(Problem::new(HPA_NAME, Fault::new(FaultKind::TooLong, why)));
    }
    if only_pods && spec.min() == 0 && is_watched(&spec.scale_target_ref.in_namespace("")) {
        let why = "scaling to 0 needs at least one trigger that is not cpu or memory: set minReplicaCount to 1 or more, or \
                   add one";
        found.push(Problem::new("spec.minReplicaCount", Fault::invalid(why)));
    }
    if let Some(fallback) = &spec.fallback {
        if only_pods && spec.modifiers().is_none() {
            let why = "at least one trigger that is not cpu or memory is needed, as only those can fall back";
            found.push(Problem::new("spec.fallback", Fault::invalid(why)));
        }
        let formula = spec.modifiers().and_then(|modifiers| ScalingModifiers::given(&modifiers.formula));
        if fallback.behavior == "scalingModifiers" && formula.is_none() {
            let why = "scalingModifiers needs advanced.scalingModifiers.formula";
            found.push(Problem::new("spec.fallback.behavior", Fault::invalid(why)));
        }
    }
    found
}

/// Whether the target is of the kinds that KEDA's webhook looks at.
pub(super) fn is_watched(target: &Target) -> bool {
    target.api_version == "apps/v1" && matches!(target.kind.as_str(), "Deployment" | "StatefulSet")
}

/// That the HPA and the way to `idleReplicaCount` undo each other; KEDA scales to and fro without a word.
pub(super) fn idles_under_hpa(spec: &ScaledObjectSpec) -> Option<Warning> {
    let idle = spec.idle_replica_count.filter(|idle| *idle > 0)?;
    let min = spec.min();
    let why = format!(
        "the HPA scales from {idle} back to minReplicaCount, {min}, as it leaves only a target at 0 alone: set it to 0, or have \
         no HPA with the annotation polyscaler.dev/actuation: direct"
    );
    Some(Warning::new("spec.idleReplicaCount", why))
}

/// What has no effect as it is.
fn doubts(spec: &ScaledObjectSpec) -> Vec<Warning> {
    if spec.min() == 0 || spec.idle_replica_count.is_some() {
        return Vec::new();
    }
    let mut doubts = Vec::new();
    let is_cached = spec.triggers.iter().any(|trigger| trigger.use_cached_metrics);
    if spec.polling_interval.is_some() && !is_cached {
        let why = "it matters only for the way to and from 0 or idleReplicaCount, and for useCachedMetrics: with \
                   minReplicaCount above 0 and without those the HPA gets values that are at most so old, or 30 s";
        doubts.push(Warning::new("spec.pollingInterval", why));
    }
    if spec.cooldown_period.is_some() {
        let why = "it matters only where the target is scaled to 0 or to idleReplicaCount: with minReplicaCount above 0 it \
                   has no effect; the HPA's behavior decides how fast it scales in";
        doubts.push(Warning::new("spec.cooldownPeriod", why));
    }
    doubts
}
