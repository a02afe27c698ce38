//! `fallback` and `suspiciousDrop`: what holds while a metric fails for long, or falls so fast that it is hardly true.

use std::time::Duration;

use engine::{Fallback, FallbackReplicas, Safeguards, SuspiciousDrop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SafetySpec;
use crate::common::rule::Rule;

/// Failures after which a fallback counts where nothing else is said, as in KEDA's examples.
const DEFAULT_FAILURES: u32 = 3;

/// Replicas that a metric asks for once it has failed for long enough.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FallbackSpec {
    /// Number of polls in a row without a reading after which the fallback counts. Defaults to 3 where `afterSeconds`
    /// is not set, either.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failure_threshold: Option<u32>,
    /// Seconds without a reading after which the fallback counts. With `failureThreshold`, whichever comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub after_seconds: Option<u32>,
    /// Number of replicas that the metric then asks for. Required unless `behavior` is `currentReplicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i32::MAX))]
    pub replicas: Option<u32>,
    /// `static`: `replicas`. `currentReplicas`: those that the target has. `currentReplicasIfHigher`: whichever is more.
    #[serde(default)]
    #[schemars(schema_with = "behaviors")]
    pub behavior: FallbackBehavior,
    /// Whether a `static` fallback may lead below the replicas that the target has.
    #[serde(default)]
    pub allow_scale_in: bool,
}

/// Which replicas a fallback leads to, in the words of KEDA.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum FallbackBehavior {
    /// A number.
    #[default]
    Static,
    /// Those that the target has.
    CurrentReplicas,
    /// A number, or those that the target has, whichever is more.
    CurrentReplicasIfHigher,
}

fn behaviors(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string", "enum": ["currentReplicas", "currentReplicasIfHigher", "static"], "default": "static"
    })
}

/// A drop of a metric that must be confirmed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SuspiciousDropSpec {
    /// A metric that falls by more than this many percent of its last value must be confirmed.
    #[schemars(range(min = 1, max = 99))]
    pub percent: u32,
    /// Seconds for which the lower value must stay before it scales in.
    #[schemars(range(min = 1, max = 86400))]
    pub confirm_seconds: u32,
}

/// What may have a fallback of its own.
pub(crate) trait MayFallBack {
    /// Its fallback.
    fn fallback(&self) -> Option<&FallbackSpec>;
}

impl MayFallBack for SafetySpec {
    fn fallback(&self) -> Option<&FallbackSpec> {
        self.fallback.as_ref()
    }
}

/// The rule of the fallback of what stands at `path`.
pub(crate) const fn replicas_of_fallback<S: MayFallBack>(path: &'static str) -> Rule<S> {
    Rule {
        path,
        field: "fallback",
        cel: "!has(self.fallback) || has(self.fallback.replicas) || (has(self.fallback.behavior) && \
              self.fallback.behavior == 'currentReplicas')",
        message: "a fallback needs replicas, unless its behavior is currentReplicas",
        holds: |holder| {
            holder.fallback().is_none_or(|fallback| {
                fallback.replicas.is_some() || fallback.behavior == FallbackBehavior::CurrentReplicas
            })
        },
    }
}

impl FallbackSpec {
    fn compile(&self) -> Fallback {
        let replicas = self.replicas.unwrap_or_default();
        let failures = self.failure_threshold;
        Fallback {
            after_failures: failures.or(self.after_seconds.is_none().then_some(DEFAULT_FAILURES)),
            after: self.after_seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
            replicas: match self.behavior {
                FallbackBehavior::Static => FallbackReplicas::Static(replicas),
                FallbackBehavior::CurrentReplicas => FallbackReplicas::Current,
                FallbackBehavior::CurrentReplicasIfHigher => FallbackReplicas::CurrentIfHigher(replicas),
            },
            may_scale_in: self.allow_scale_in,
        }
    }
}

/// The safeguards of an object with this `safety` and so many metrics. `of_metrics` are the fallbacks of metrics by
/// themselves, which win.
pub(crate) fn safeguards(
    safety: Option<&SafetySpec>,
    metrics: usize,
    of_metrics: &[Option<&FallbackSpec>],
) -> Safeguards {
    let common = safety.and_then(|safety| safety.fallback.as_ref());
    let own = |index: usize| of_metrics.get(index).copied().flatten().or(common);
    let drop = safety.and_then(|safety| safety.suspicious_drop.as_ref());
    Safeguards {
        fallbacks: (0..metrics).map(|index| own(index).map(FallbackSpec::compile)).collect(),
        drop: drop.map(|drop| SuspiciousDrop {
            share: f64::from(drop.percent) / 100.0,
            confirm: Duration::from_secs(u64::from(drop.confirm_seconds)),
        }),
    }
}
