//! The decision and its reasoning, from which every surface prints.
//!
//! Status, Event, log line, activity page and metric label all come from the same
//! [`Decision`]: nobody has to ask "why did it scale?" a second time.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::Number;
use crate::cost::Money;
use crate::outlook::Percent;
use crate::pod_metric::PodLoad;
use crate::safeguards::{Failing, HeldDrop};
use crate::{
    AbsentMetric, Basis, BoundsOverride, Cost, Expected, GroupBudget, Mode, NoForecast, Outlook, Pause, Time,
    Total,
};

/// What one poll came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The instant for which it was made.
    pub at: Time,
    /// Whether it is to be carried out.
    pub mode: Mode,
    /// The value of each of the plan's metrics, for people: of what pods use, the average of those that count, times
    /// `spec.replicas`. `None` where it is absent.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
    /// The metrics without a usable reading.
    pub absences: Vec<AbsentMetric>,
    /// What is expected of each of the plan's metrics; empty where nobody forecasts.
    #[serde(skip)]
    pub outlooks: Vec<Outlook>,
    /// One entry for each member whose target was found, in the plan's order.
    pub members: Vec<MemberDecision>,
}

impl Decision {
    /// Whether any member's replicas change.
    pub fn scales(&self) -> bool {
        self.members.iter().any(MemberDecision::scales)
    }

    /// Leaves all replicas as they are, because the decision would violate `invariant`.
    pub(crate) fn hold(&mut self, invariant: &'static str) {
        for member in self.members.iter_mut().filter(|member| member.scales()) {
            member.steps.push(Step::Held { from: member.to, to: member.from, invariant });
            member.to = member.from;
        }
    }
}

/// What one poll came to for one member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberDecision {
    /// Place of the member in the plan.
    pub member: usize,
    /// Replicas asked for before.
    pub from: u32,
    /// What the policy recommended; `None` where no reading let it recommend anything.
    pub recommended: Option<u32>,
    /// Replicas to ask for.
    pub to: u32,
    /// What that costs, where the policy has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How `from` became `to`, in order.
    pub steps: Vec<Step>,
}

impl MemberDecision {
    /// Whether the replicas change.
    pub fn scales(&self) -> bool {
        self.from != self.to
    }

    /// The steps in one line: `linear 2→6 (3000 in 1000..5000), rate 6→4 (+2 at most)`.
    pub fn explanation(&self) -> String {
        self.steps.iter().map(Step::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// One step of the reasoning, with its numbers. Printed, it is what people read.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The policy turned readings into a recommendation.
    Policy {
        /// The policy's name.
        policy: &'static str,
        /// Replicas before.
        from: u32,
        /// Replicas recommended.
        to: u32,
        /// What the recommendation rests on.
        basis: Basis,
    },
    /// A metric has no usable reading.
    Absent(AbsentMetric),
    /// Not all is known of the pods that a metric is measured at: those that are starting or not measured count as idle
    /// before a scale-out and as busy before a scale-in, and those beyond `spec.replicas` do not add to the count.
    Pods {
        /// The metric's name in the plan.
        metric: String,
        /// What is known.
        load: PodLoad,
    },
    /// A load that is expected asks for more replicas than the present one.
    Forecast {
        /// What was wanted before.
        from: u32,
        /// What the load expected asks for; more than `from`.
        to: u32,
        /// The metric's name in the plan.
        metric: String,
        /// What is expected.
        expected: Expected,
        /// From the decision to when it is expected.
        ahead: Duration,
    },
    /// There is no forecast that can be relied on, so the decision goes by what was read.
    NoForecast {
        /// The metric's name in the plan.
        metric: String,
        /// Why.
        why: NoForecast,
    },
    /// A stabilization window delays the change.
    Stabilization {
        /// What was wanted before.
        from: u32,
        /// What the window allows.
        to: u32,
        /// The window.
        window: Duration,
    },
    /// What is wanted costs more than the policy's budget.
    Cost {
        /// What was wanted before.
        from: u32,
        /// What the budget pays for, and never less than the minimum.
        to: u32,
        /// What `to` costs in an hour.
        cost_per_hour: f64,
        /// The budget for an hour.
        max_cost_per_hour: f64,
    },
    /// The members of a group together are beyond its budget.
    Budget {
        /// What was wanted before.
        from: u32,
        /// This member's part of what the budget allows, and never less than the minimum.
        to: u32,
        /// What all members come to with that.
        total: Total,
        /// What they may come to.
        budget: GroupBudget,
    },
    /// What is wanted lies outside the bounds.
    Bounds {
        /// What was wanted before.
        from: u32,
        /// The nearest bound.
        to: u32,
    },
    /// The bounds of the spec are overridden for a time.
    Override(BoundsOverride),
    /// People have paused scaling, or one direction of it.
    Paused {
        /// What was wanted before.
        from: u32,
        /// The replicas that stay, or that the target is kept at.
        to: u32,
        /// What is paused.
        pause: Pause,
    },
    /// A metric has failed for so long that its fallback counts.
    Fallback {
        /// What was wanted before.
        from: u32,
        /// What is wanted with the fallback.
        to: u32,
        /// The metric's name in the plan.
        metric: String,
        /// For how long it has failed.
        failing: Failing,
        /// Whether it may lead below the replicas that the target has.
        may_scale_in: bool,
    },
    /// A metric has fallen so fast that it must be confirmed before anything is scaled in.
    SuspiciousDrop {
        /// What was wanted before.
        from: u32,
        /// The replicas that stay.
        to: u32,
        /// The metric's name in the plan.
        metric: String,
        /// What it fell from and to, and how long it must stay.
        drop: HeldDrop,
    },
    /// Without every reading there is no scale-in.
    NoScaleIn {
        /// What was wanted before.
        from: u32,
        /// The replicas that stay.
        to: u32,
    },
    /// Replicas must not change faster than this.
    Rate {
        /// What was wanted before.
        from: u32,
        /// What the limit allows.
        to: u32,
        /// The limit.
        limit: RateLimit,
    },
    /// The last scale is too recent.
    Cooldown {
        /// What was wanted before.
        from: u32,
        /// The replicas that stay.
        to: u32,
        /// Time until the next scale may be.
        left: Duration,
    },
    /// Someone set the target to 0 although it has a minimum, so it is left alone.
    Disabled {
        /// The minimum.
        min: u32,
    },
    /// The decision would have violated an invariant, which is a fault of the engine or of a policy.
    Held {
        /// What was wanted before.
        from: u32,
        /// The replicas that stay.
        to: u32,
        /// The invariant's name.
        invariant: &'static str,
    },
}

/// What a [`Step::Rate`] goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// So many pods in one operation.
    Pods(u32),
    /// The policies of an HPA's `behavior`.
    Behavior,
    /// Scaling in this direction is disabled by `behavior`.
    Disabled,
    /// What an HPA without `behavior` keeps to.
    HpaDefault,
}

impl Step {
    /// The step's stable name for machines.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Policy { policy, .. } => policy,
            Self::Absent(_) => "absent",
            Self::Pods { .. } => "pods",
            Self::Forecast { .. } => "forecast",
            Self::NoForecast { .. } => "no forecast",
            Self::Stabilization { .. } => "stabilization",
            Self::Cost { .. } => "cost",
            Self::Budget { .. } => "budget",
            Self::Bounds { .. } => "bounds",
            Self::Fallback { .. } => "fallback",
            Self::SuspiciousDrop { .. } => "suspicious drop",
            Self::Override(_) => "override",
            Self::Paused { .. } => "paused",
            Self::NoScaleIn { .. } => "no scale-in",
            Self::Rate { .. } => "rate",
            Self::Cooldown { .. } => "cooldown",
            Self::Disabled { .. } => "disabled",
            Self::Held { .. } => "held",
        }
    }

    /// What is wanted before and after the step; `None` for a step that only states a fact.
    pub fn change(&self) -> Option<(u32, u32)> {
        match *self {
            Self::Policy { from, to, .. }
            | Self::Forecast { from, to, .. }
            | Self::Stabilization { from, to, .. }
            | Self::Cost { from, to, .. }
            | Self::Budget { from, to, .. }
            | Self::Bounds { from, to }
            | Self::Paused { from, to, .. }
            | Self::Fallback { from, to, .. }
            | Self::SuspiciousDrop { from, to, .. }
            | Self::NoScaleIn { from, to }
            | Self::Rate { from, to, .. }
            | Self::Cooldown { from, to, .. }
            | Self::Held { from, to, .. } => Some((from, to)),
            Self::Disabled { .. } => Some((0, 0)),
            Self::Absent(_) | Self::Pods { .. } | Self::NoForecast { .. } | Self::Override(_) => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.change() {
            Some((from, to)) if from != to => write!(f, " {from}→{to}")?,
            Some((_, to)) => write!(f, " {to}")?,
            None => {}
        }
        match self {
            Self::Policy { basis, .. } => write!(f, " ({basis})"),
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
            Self::Fallback { metric, failing: Failing { polls, since }, .. } => {
                write!(f, " ({metric} failed {polls} times since {since})")
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
mod tests {
    use super::*;
    use crate::{Absence, AbsenceReason, ForecastModel, Proportion};

    #[test]
    fn each_step_is_one_phrase() {
        let absent = AbsentMetric {
            metric: "users".to_owned(),
            absence: Absence { reason: AbsenceReason::Timeout, message: "no response in 5 s".to_owned() },
        };
        let cases = [
            (
                Step::Policy {
                    policy: "slo",
                    from: 4,
                    to: 7,
                    basis: Basis::Ratio { metric: None, value: 700.0, target: 100.0, by: Proportion::Shared },
                },
                "slo 4→7 (700/100)",
            ),
            (
                Step::Policy {
                    policy: "linear",
                    from: 4,
                    to: 4,
                    basis: Basis::Range { value: 2000.0, low: 1000.0, high: 5000.0 },
                },
                "linear 4 (2000 in 1000..5000)",
            ),
            (Step::Rate { from: 7, to: 6, limit: RateLimit::Pods(2) }, "rate 7→6 (+2 at most)"),
            (Step::Rate { from: 2, to: 5, limit: RateLimit::Pods(1) }, "rate 2→5 (-1 at most)"),
            (Step::Rate { from: 9, to: 6, limit: RateLimit::Behavior }, "rate 9→6 (behavior allows 6)"),
            (Step::Rate { from: 9, to: 6, limit: RateLimit::Disabled }, "rate 9→6 (disabled by behavior)"),
            (
                Step::Rate { from: 9, to: 6, limit: RateLimit::HpaDefault },
                "rate 9→6 (twice the replicas, or 4, at most)",
            ),
            (Step::Disabled { min: 2 }, "disabled 0 (replicas set to 0 while minReplicas is 2)"),
            (
                Step::Held { from: 9, to: 6, invariant: "within_bounds" },
                "held 9→6 (it would violate within_bounds)",
            ),
            (
                Step::Cooldown { from: 6, to: 4, left: Duration::from_millis(119_001) },
                "cooldown 6→4 (120 s left)",
            ),
            (
                Step::Cost { from: 6, to: 5, cost_per_hour: 0.5, max_cost_per_hour: 0.5 },
                "cost 6→5 (0.50/h of 0.50/h)",
            ),
            (
                Step::Budget {
                    from: 9,
                    to: 6,
                    total: Total { pods: 24, cost_per_hour: 2.4 },
                    budget: GroupBudget { max_pods: Some(24), max_cost_per_hour: Some(3.0) },
                },
                "budget 9→6 (24 of 24 pods, 2.40/h of 3.00/h)",
            ),
            (Step::Bounds { from: 12, to: 10 }, "bounds 12→10 (10 at most)"),
            (Step::Bounds { from: 0, to: 2 }, "bounds 0→2 (2 at least)"),
            (Step::Paused { from: 7, to: 4, pause: Pause::Everything }, "paused 7→4 (scaling is paused)"),
            (
                Step::Paused { from: 3, to: 3, pause: Pause::At(3) },
                "paused 3 (scaling is paused at 3 replicas)",
            ),
            (Step::Paused { from: 2, to: 4, pause: Pause::ScaleIn }, "paused 2→4 (scale-in is paused)"),
            (Step::NoScaleIn { from: 2, to: 5 }, "no scale-in 2→5 (metric unavailable)"),
            (
                Step::Forecast {
                    from: 4,
                    to: 7,
                    metric: "requests".to_owned(),
                    expected: Expected {
                        now: 390.0,
                        load: 700.0,
                        at: Time::from_seconds(75),
                        model: ForecastModel::Seasonal,
                        error: 0.041,
                    },
                    ahead: Duration::from_secs(75),
                },
                "forecast 4→7 (requests 700 in 75 s by season and trend, recent error 4.1 %)",
            ),
            (
                Step::NoForecast { metric: "requests".to_owned(), why: NoForecast::TooWrong { error: 0.4 } },
                "no forecast requests (its recent error is too large: 40 % of the load)",
            ),
            (Step::Absent(absent), "absent users (no response in 5 s)"),
            (
                Step::Stabilization { from: 2, to: 5, window: Duration::from_secs(300) },
                "stabilization 2→5 (300 s window)",
            ),
        ];
        for (step, text) in cases {
            assert_eq!(step.to_string(), text);
        }
    }
}
