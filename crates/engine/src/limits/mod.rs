//! What limits how far and how fast replicas follow a recommendation: the plan's choice, as data.

mod events;
mod rate;

use std::time::Duration;

use crate::hpa::Tolerance;

pub use events::ScaleEvents;
pub use rate::{Amount, Rate, RatePolicies, RatePolicy, SelectPolicy};

/// The window that holds scale-in back where an HPA does not say
/// (`--horizontal-pod-autoscaler-downscale-stabilization`).
pub(crate) const DOWN_WINDOW: Duration = Duration::from_secs(300);

/// The limits of both directions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Of scaling out.
    pub up: Limit,
    /// Of scaling in.
    pub down: Limit,
}

/// The limits of one direction, in the order in which they apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limit {
    /// How far from 1 the ratio of a metric to its target may be in this direction before replicas change; not
    /// negative. `None`: as the policy has it.
    pub tolerance: Option<f64>,
    /// Scale-out follows the smallest recommendation of this window, scale-in the largest. Zero: at once.
    pub window: Duration,
    /// How fast replicas may change.
    pub rate: Rate,
    /// No change within this time of the last one, whatever direction that had. Zero: at once.
    pub cooldown: Duration,
}

impl Limits {
    /// What an HPA without `behavior` keeps to, apart from its rate: its tolerance in both directions, and its window for
    /// scaling in. So a metric that is noisy around its target makes no scale at nearly every poll.
    pub fn of_hpa() -> Self {
        let tolerance = Some(Tolerance::DEFAULT);
        let up = Limit { tolerance, ..Limit::default() };
        Self { up, down: Limit { tolerance, window: DOWN_WINDOW, ..Limit::default() } }
    }

    /// With these tolerances where none are set.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        for limit in [&mut self.up, &mut self.down] {
            limit.tolerance.get_or_insert(tolerance);
        }
        self
    }

    /// Whether any stabilization window is set.
    pub fn stabilize(&self) -> bool {
        !self.up.window.is_zero() || !self.down.window.is_zero()
    }

    /// Whether any rate looks at past scale events.
    pub fn look_back(&self) -> bool {
        self.up.rate.looks_back() || self.down.rate.looks_back()
    }

    /// The limits of the direction from `current` to `to`.
    pub fn between(&self, current: u32, to: u32) -> &Limit {
        if to > current { &self.up } else { &self.down }
    }

    /// With the same cooldown in both directions.
    pub fn with_cooldown(self, cooldown: Duration) -> Self {
        self.with_cooldowns(cooldown, cooldown)
    }

    /// With these cooldowns.
    pub fn with_cooldowns(mut self, up: Duration, down: Duration) -> Self {
        (self.up.cooldown, self.down.cooldown) = (up, down);
        self
    }

    /// With these stabilization windows.
    pub fn with_windows(mut self, up: Duration, down: Duration) -> Self {
        (self.up.window, self.down.window) = (up, down);
        self
    }

    /// With so many pods that one operation may add and remove; `None` for any number.
    pub fn with_pods_per_operation(mut self, up: Option<u32>, down: Option<u32>) -> Self {
        let rate = |pods: Option<u32>| pods.map_or(Rate::Unlimited, Rate::PodsPerOperation);
        (self.up.rate, self.down.rate) = (rate(up), rate(down));
        self
    }
}
