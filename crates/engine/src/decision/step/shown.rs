//! Steps as people and machines read them.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::{RateLimit, Step};
use crate::cost::Money;
use crate::outlook::Percent;
use crate::safeguards::{Failing, HeldDrop};
use crate::{AbsentMetric, Expected, Number};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.change() {
            Some((from, to)) if from != to => write!(f, " {from}→{to}")?,
            Some((_, to)) => write!(f, " {to}")?,
            None => {}
        }
        match self {
            Self::Policy { basis, .. } | Self::Switch { basis, .. } => write!(f, " ({basis})"),
            Self::StandIn(stand_in) => write!(f, " {stand_in}"),
            Self::Controller(comparison) => write!(f, " {comparison}"),
            Self::Absent(AbsentMetric { metric, absence }) => write!(f, " {metric} ({absence})"),
            Self::Pods { metric, load } => write!(f, " {metric} ({load})"),
            Self::Forecast { metric, expected: Expected { load, model, error, .. }, ahead, .. } => {
                let (load, error) = (Number(*load), Percent(*error));
                write!(f, " ({metric} {load} in {} s by {model}, recent error {error})", ahead.as_secs())
            }
            Self::NoForecast { metric, why } => write!(f, " {metric} ({why})"),
            Self::Stabilization { window, .. } => write!(f, " ({} s window)", window.as_secs()),
            Self::Cost { cost_per_hour, max_cost_per_hour, .. } => {
                write!(f, " ({}/h of {}/h)", Money(*cost_per_hour), Money(*max_cost_per_hour))
            }
            Self::Budget { total, budget, .. } => write!(f, " ({})", total.of(*budget)),
            Self::Bounds { from, to } if from > to => write!(f, " ({to} at most)"),
            Self::Bounds { to, .. } => write!(f, " ({to} at least)"),
            Self::Fallback { metric, failing: Failing { since, .. }, .. } => {
                write!(f, " ({metric} has failed since {since})")
            }
            Self::SuspiciousDrop { metric, drop: HeldDrop { before, value, left }, .. } => {
                let left = left.as_millis().div_ceil(1000);
                write!(f, " ({metric} {}→{}, {left} s to confirm)", Number(*before), Number(*value))
            }
            Self::Override(over) => write!(f, " {over}"),
            Self::Paused { pause, .. } => write!(f, " ({pause})"),
            Self::NoScaleIn { .. } => f.write_str(" (metric unavailable)"),
            Self::Rate { from, to, limit } => match limit {
                RateLimit::Pods(pods) => write!(f, " ({}{pods} at most)", if from > to { '+' } else { '-' }),
                RateLimit::Behavior => write!(f, " (behavior allows {to})"),
                RateLimit::Disabled => f.write_str(" (disabled by behavior)"),
                RateLimit::HpaDefault => f.write_str(" (twice the replicas, or 4, at most)"),
            },
            Self::Cooldown { left, .. } => write!(f, " ({} s left)", left.as_millis().div_ceil(1000)),
            Self::Disabled { min } => write!(f, " (replicas set to 0 while minReplicas is {min})"),
            Self::Held { invariant, .. } => write!(f, " (it would violate {invariant})"),
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let change = self.change();
        let mut step = serializer.serialize_struct("Step", if change.is_some() { 4 } else { 2 })?;
        step.serialize_field("step", self.kind())?;
        if let Some((from, to)) = change {
            step.serialize_field("from", &from)?;
            step.serialize_field("to", &to)?;
        }
        step.serialize_field("text", &self.to_string())?;
        step.end()
    }
}

#[cfg(test)]
mod tests;
