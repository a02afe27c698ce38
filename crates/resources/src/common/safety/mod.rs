//! `safety`: what limits how fast and how often a target is scaled.

mod behavior;
mod guards;

use std::time::Duration;

use engine::{Limits, Origin, Policy, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::Rule;
use guards::SuspiciousDropSpec;
pub use guards::{FallbackBehavior, FallbackSpec};
pub(crate) use guards::{MayFallBack, replicas_of_fallback, safeguards};

/// Where it stands in a manifest.
pub(crate) const PATH: &str = "spec.safety";

/// Limits on how fast and how often a target is scaled.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SafetySpec {
    /// Seconds after a scaling during which the target is not scaled again. Defaults to 0.
    #[schemars(range(max = 86400))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_seconds: Option<u32>,
    /// Seconds after a scaling, in either direction, during which the target is not scaled out. Defaults to
    /// `cooldownSeconds`.
    #[schemars(range(max = 86400))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_up_cooldown_seconds: Option<u32>,
    /// Seconds after a scaling, in either direction, during which the target is not scaled in. Defaults to
    /// `cooldownSeconds`.
    #[schemars(range(max = 86400))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_cooldown_seconds: Option<u32>,
    /// Maximum number of pods that one scaling adds. Defaults to no limit.
    #[schemars(range(min = 1, max = i32::MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scale_up_rate: Option<u32>,
    /// Maximum number of pods that one scaling removes. Defaults to no limit.
    #[schemars(range(min = 1, max = i32::MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scale_down_rate: Option<u32>,
    /// Stabilization window for scaling out: the lowest recommendation of this many seconds is followed. Defaults to 0,
    /// as in the HPA.
    #[schemars(range(max = 3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_up_stabilization_seconds: Option<u32>,
    /// Stabilization window for scaling in: the highest recommendation of this many seconds is followed. Defaults to 0;
    /// without `safety`, and in the HPA, it is 300.
    #[schemars(range(max = 3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_stabilization_seconds: Option<u32>,
    /// Rates, windows and tolerances in each direction, exactly as `behavior` of a HorizontalPodAutoscaler
    /// (autoscaling/v2), with its defaults for what is left out. Excludes the fields for rates and stabilization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "behavior::schema")]
    pub behavior: Option<Map<String, Value>>,
    /// What a metric asks for once it has failed for long enough, until it can be read again. The target never gets
    /// fewer replicas by it than it has, unless it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackSpec>,
    /// A metric that falls by a large share within a poll scales in only after it has been confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspicious_drop: Option<SuspiciousDropSpec>,
}

/// The rules across fields of every `safety`.
pub(crate) const RULES: &[Rule<SafetySpec>] = &[
    guards::replicas_of_fallback(PATH),
    Rule {
        path: PATH,
        field: "behavior",
        cel: "!has(self.behavior) || !(has(self.maxScaleUpRate) || has(self.maxScaleDownRate) || \
          has(self.scaleUpStabilizationSeconds) || has(self.scaleDownStabilizationSeconds))",
        message: "behavior has rates and windows of its own; leave out maxScaleUpRate, maxScaleDownRate, \
              scaleUpStabilizationSeconds and scaleDownStabilizationSeconds",
        holds: |safety| {
            let others = [
                safety.max_scale_up_rate,
                safety.max_scale_down_rate,
                safety.scale_up_stabilization_seconds,
                safety.scale_down_stabilization_seconds,
            ];
            safety.behavior.is_none() || others.iter().all(Option::is_none)
        },
    },
];

impl SafetySpec {
    /// Whether it says something, and nothing of how fast the target is scaled: then the default limits hold.
    pub(crate) fn has_only_guards(&self) -> bool {
        let limits = Self { fallback: None, suspicious_drop: None, ..self.clone() } != Self::default();
        !limits && *self != Self::default()
    }

    /// The engine's form of it; what is wrong with it is added to `problems`.
    fn compile(&self, problems: &mut Vec<Problem>) -> Limits {
        let seconds = |value: Option<u32>| Duration::from_secs(u64::from(value.unwrap_or(0)));
        let limits = match &self.behavior {
            Some(written) => behavior::compile(written, &format!("{PATH}.behavior"), problems),
            None => {
                let windows = [self.scale_up_stabilization_seconds, self.scale_down_stabilization_seconds];
                let [up, down] = windows.map(seconds);
                Limits::default()
                    .with_windows(up, down)
                    .with_pods_per_operation(self.max_scale_up_rate, self.max_scale_down_rate)
            }
        };
        let own = [self.scale_up_cooldown_seconds, self.scale_down_cooldown_seconds];
        let [up, down] = own.map(|own| seconds(own.or(self.cooldown_seconds)));
        limits.with_cooldowns(up, down)
    }
}

/// The limits of an object with this `safety`. Without one they are those of an HPA, which is noted in `origins`.
pub(crate) fn limits(
    safety: Option<&SafetySpec>,
    policy: Option<&dyn Policy>,
    problems: &mut Vec<Problem>,
    origins: &mut Vec<Origin>,
) -> Limits {
    match safety {
        Some(safety) if !safety.has_only_guards() => safety.compile(problems),
        _ if policy.is_some_and(Policy::follows_noise) => {
            origins.push(Origin::new(PATH, "tolerance 0.1, scale-in window 300 s", "default, as in the HPA"));
            Limits::of_hpa()
        }
        _ => Limits::default(),
    }
}

#[cfg(test)]
mod tests;
