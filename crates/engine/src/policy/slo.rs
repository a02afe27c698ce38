//! `slo`: as many replicas as the metric furthest from its target asks for.
//!
//! Each metric with a target asks for a count of its own, in the arithmetic of the HPA
//! (kubernetes.io, "Horizontal Pod Autoscaling", algorithm details):
//!
//! - `AverageValue`: `ceil(value / target)`;
//! - `Value`: `ceil(readyReplicas × value / target)`, and the present replicas while
//!   `value / target` is within the tolerance of 1.
//!
//! The largest count is the recommendation; but whether there are any replicas at all is decided by the metrics that
//! are not measured at pods, where there are such. A metric without a reading asks for nothing; that nothing
//! is scaled in meanwhile is not this policy's business.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::hpa::Tolerance;
use crate::number::ceil_of_quotient;
use crate::{Basis, Metric, MetricTarget, Proportion, Scale, TargetType};

pub(super) const TOLERANCE: Setting = Setting {
    name: "tolerance",
    type_: SettingType::Number { min: 0.0, max: 1.0 },
    required: false,
    help: "How far the ratio of value to target may be from 1 before the replicas change. Defaults to the tolerance of \
           `safety.behavior`, or 0.1, as in the HPA. With another `safety`, it is 0 for `targetType: AverageValue`, \
           except for `cpu` and `memory`, because that count is exact.",
};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "slo",
    summary: "The replicas needed for the metric furthest from its target.",
    serves: Serves::Target,
    settings: &[TOLERANCE],
    compile: |config, path| {
        Ok(Arc::new(Slo::new(settings::<Config>(&ENTRY, config, path)?.tolerance)) as Arc<dyn Policy>)
    },
};

/// The largest recommendation of all metrics that have a target and a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slo {
    tolerance: Option<f64>,
}

#[derive(Deserialize)]
struct Config {
    tolerance: Option<f64>,
}

impl Slo {
    /// With `tolerance` for every metric, or else that of the plan's limits, or the default of its target's type.
    pub fn new(tolerance: Option<f64>) -> Self {
        Self { tolerance }
    }

    /// No replicas, where there may be none and all metrics but those of pods are known and ask for none. What pods
    /// use cannot know whether there should be any, as an idle pod uses something, too.
    fn asleep(self, view: &View<'_>, member: usize, scale: Scale) -> Option<Recommendation> {
        let may_be_none = view.members.get(member).is_some_and(|member| member.bounds.min() == 0);
        let is_of_pods = |index: usize| view.is_of_pods(index);
        if !may_be_none || !(0..view.metrics.len()).any(is_of_pods) {
            return None;
        }
        let mut others = view.metrics.iter().enumerate().filter(|(index, _)| !is_of_pods(*index));
        let mut first = None;
        let all_ask_for_none = others.all(|(index, metric)| {
            let (Some(value), Some(target)) = (view.value(index), metric.target) else { return false };
            let asked = ask(value, target, scale, self.tolerance(view, target.type_(), false));
            let basis = |by| Basis::Ratio {
                metric: shown_name(view.metrics, metric),
                value,
                target: target.value(),
                by,
            };
            match asked {
                Some((0, by)) => {
                    first.get_or_insert_with(|| basis(by));
                    true
                }
                _ => false,
            }
        });
        let basis = first.filter(|_| all_ask_for_none)?;
        Some(Recommendation { policy: ENTRY.name, replicas: 0, basis })
    }

    fn tolerance(self, view: &View<'_>, type_: TargetType, is_of_pods: bool) -> Tolerance {
        let default = match type_ {
            TargetType::AverageValue if !is_of_pods => 0.0,
            TargetType::AverageValue | TargetType::Value => Tolerance::DEFAULT,
        };
        let [up, down] = match view.limits {
            Some(limits) => [limits.up.tolerance, limits.down.tolerance],
            None => [None, None],
        };
        let of = |limit: Option<f64>| self.tolerance.or(limit).unwrap_or(default);
        Tolerance { up: of(up), down: of(down) }
    }
}

/// What one metric asks for; `None` where its value says nothing about the count.
fn ask(value: f64, target: MetricTarget, scale: Scale, tolerance: Tolerance) -> Option<(u32, Proportion)> {
    match target.type_() {
        TargetType::AverageValue => {
            let quotient = value / (target.value() * f64::from(scale.replicas));
            if scale.replicas > 0
                && let Some(tolerance) = within(quotient, tolerance).filter(|tolerance| *tolerance > 0.0)
            {
                return Some((scale.replicas, Proportion::Within { tolerance }));
            }
            Some((ceil_of_quotient(value, target.value()), Proportion::Shared))
        }
        TargetType::Value => ask_by_ratio(value, target.value(), scale, tolerance),
    }
}

/// The tolerance of the side of 1 on which `quotient` is, where it is within.
fn within(quotient: f64, tolerance: Tolerance) -> Option<f64> {
    let side = if quotient > 1.0 { tolerance.up } else { tolerance.down };
    // A rounding error must not push a quotient of exactly 1.1 out of a tolerance of 0.1.
    ((quotient - 1.0).abs() <= side + 1e-9).then_some(side)
}

fn ask_by_ratio(value: f64, target: f64, scale: Scale, tolerance: Tolerance) -> Option<(u32, Proportion)> {
    if scale.replicas > 0
        && let Some(tolerance) = within(value / target, tolerance)
    {
        return Some((scale.replicas, Proportion::Within { tolerance }));
    }
    if scale.replicas == 0 {
        // As in the HPA: from zero, one replica is taken to bear one target's worth.
        return Some((ceil_of_quotient(value, target), Proportion::EachOf(1)));
    }
    let ready = scale.serving();
    let count = ceil_of_quotient(value * f64::from(ready), target);
    if value > target && count < scale.replicas {
        // Those that start will take their share; an overload is no reason to remove them.
        return Some((scale.replicas, Proportion::Starting { ready }));
    }
    // With none ready the figure does not come from the replicas, so it says nothing about their count.
    (ready > 0).then_some((count, Proportion::EachOf(ready)))
}

impl Policy for Slo {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn recommend(&self, view: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let scale = view.scale(member)?;
        if let Some(asleep) = self.asleep(view, member, scale) {
            return Some(asleep);
        }
        let asked = view.metrics.iter().enumerate().filter_map(|(index, metric)| {
            let (value, target) = (view.value(index)?, metric.target?);
            let tolerance = self.tolerance(view, target.type_(), view.is_of_pods(index));
            let (replicas, by) = ask(value, target, scale, tolerance)?;
            Some((replicas, metric, value, target, by))
        });
        // The first of equals, so that the explanation does not depend on the order of ties.
        let (replicas, metric, value, target, by) =
            asked.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
        let basis =
            Basis::Ratio { metric: shown_name(view.metrics, metric), value, target: target.value(), by };
        Some(Recommendation { policy: ENTRY.name, replicas, basis })
    }
}

/// The metric's name, where there are several to distinguish.
fn shown_name(metrics: &[Metric], metric: &Metric) -> Option<String> {
    (metrics.len() > 1).then(|| metric.name.clone())
}

#[cfg(test)]
mod tests;
