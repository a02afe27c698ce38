//! One step of a decision's reasoning, with its numbers.

mod shown;

use std::time::Duration;

use crate::activation::StandIn;
use crate::pod_metric::PodLoad;
use crate::safeguards::{Failing, HeldDrop};
use crate::{
    AbsentMetric, Basis, BoundsOverride, Comparison, Expected, GroupBudget, NoForecast, Pause, Total,
};

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
    /// The policy switches the target on or off by its activity, or leaves it as it is. Windows, rates and cooldowns do
    /// not hold that back; they count from there.
    Switch {
        /// The policy's name.
        policy: &'static str,
        /// Replicas before.
        from: u32,
        /// Replicas that it is switched to.
        to: u32,
        /// Why.
        basis: Basis,
    },
    /// A metric has no usable reading.
    Absent(AbsentMetric),
    /// A fallback stands in for a metric that fails, which then holds no scale-in back.
    StandIn(StandIn),
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
    /// What the HPA controller asks for beside it, and how that compares.
    Controller(Comparison),
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
            Self::Policy { policy, .. } | Self::Switch { policy, .. } => policy,
            Self::Absent(_) => "absent",
            Self::Pods { .. } => "pods",
            Self::Forecast { .. } => "forecast",
            Self::NoForecast { .. } => "no forecast",
            Self::Stabilization { .. } => "stabilization",
            Self::Cost { .. } => "cost",
            Self::Budget { .. } => "budget",
            Self::Bounds { .. } => "bounds",
            Self::Fallback { .. } | Self::StandIn(_) => "fallback",
            Self::SuspiciousDrop { .. } => "suspicious drop",
            Self::Override(_) => "override",
            Self::Paused { .. } => "paused",
            Self::NoScaleIn { .. } => "no scale-in",
            Self::Rate { .. } => "rate",
            Self::Cooldown { .. } => "cooldown",
            Self::Controller(_) => "controller",
            Self::Disabled { .. } => "disabled",
            Self::Held { .. } => "held",
        }
    }

    /// What is wanted before and after the step; `None` for a step that only states a fact.
    pub fn change(&self) -> Option<(u32, u32)> {
        match *self {
            Self::Policy { from, to, .. }
            | Self::Switch { from, to, .. }
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
            Self::Absent(_)
            | Self::StandIn(_)
            | Self::Pods { .. }
            | Self::NoForecast { .. }
            | Self::Controller(_)
            | Self::Override(_) => None,
        }
    }
}
