//! What limits a recommendation: the same chain for every policy, each link one pure function.
//!
//! Each link takes what is wanted so far and returns the step that changed it, or `None`
//! where it has nothing to say. `decide` calls them in a fixed order.

use crate::limits::{Limits, Rate, ScaleEvents, SelectPolicy};
use crate::recommendations::Recommendations;
use crate::{Bounds, Budget, Pause, RateLimit, Step, Time};

/// Scale-out follows the smallest recommendation of its window, scale-in the largest of its own.
///
/// The rule is that of the HPA controller (`stabilizeRecommendationWithBehaviors`, and without `behavior`
/// `stabilizeRecommendation`).
pub(super) fn stabilize(
    wanted: u32,
    current: u32,
    recommendations: &mut Recommendations,
    limits: &Limits,
    now: Time,
) -> Option<Step> {
    let (up, down) = (limits.up.window, limits.down.window);
    let longest = up.max(down);
    let smallest = recommendations.after(now.minus(up)).fold(wanted, u32::min);
    let largest = recommendations.after(now.minus(down)).fold(wanted, u32::max);
    recommendations.add(wanted, now, longest);
    let to = if limits.up.rate == Rate::HpaDefault {
        // Without `behavior` the controller has no window for scaling out, and takes the largest recommendation of the
        // other one, be it above the present count: what the rate held back is caught up after the load has gone.
        largest
    } else if current < smallest {
        smallest
    } else if current > largest {
        largest
    } else {
        current
    };
    let window = if wanted > to { up } else { down };
    (to != wanted).then_some(Step::Stabilization { from: wanted, to, window })
}

/// No more than the budget pays for, and never less than the minimum.
pub(super) fn afford(wanted: u32, budget: Budget, bounds: Bounds) -> Option<Step> {
    let to = wanted.min(budget.affordable().max(bounds.min()));
    (to != wanted).then(|| Step::Cost {
        from: wanted,
        to,
        cost_per_hour: budget.cost_per_hour(to),
        max_cost_per_hour: budget.max_cost_per_hour(),
    })
}

/// Within the bounds.
pub(super) fn bound(wanted: u32, bounds: Bounds) -> Option<Step> {
    let to = bounds.clamp(wanted);
    (to != wanted).then_some(Step::Bounds { from: wanted, to })
}

/// Not in a direction that is paused.
pub(super) fn pause(wanted: u32, current: u32, pause: Pause) -> Option<Step> {
    let to = pause.allows(current, wanted);
    (to != wanted).then_some(Step::Paused { from: wanted, to, pause })
}

/// No scale-in unless every metric has a reading.
pub(super) fn forbid_blind_scale_in(wanted: u32, current: u32, all_known: bool) -> Option<Step> {
    (wanted < current && !all_known).then_some(Step::NoScaleIn { from: wanted, to: current })
}

/// As fast as the plan's rate of the direction allows.
pub(super) fn rate(
    wanted: u32,
    current: u32,
    limits: &Limits,
    events: Option<&ScaleEvents>,
    now: Time,
) -> Option<Step> {
    if wanted == current {
        return None;
    }
    let none = ScaleEvents::default();
    let (rate, events) = (&limits.between(current, wanted).rate, events.unwrap_or(&none));
    let to = if wanted > current {
        wanted.min(rate.up_limit(current, events, now))
    } else {
        wanted.max(rate.down_limit(current, events, now))
    };
    let limit = match rate {
        Rate::Unlimited => return None,
        Rate::PodsPerOperation(pods) => RateLimit::Pods(*pods),
        Rate::HpaDefault => RateLimit::HpaDefault,
        Rate::Behavior(rules) if rules.select == SelectPolicy::Disabled => RateLimit::Disabled,
        Rate::Behavior(_) => RateLimit::Behavior,
    };
    (to != wanted).then_some(Step::Rate { from: wanted, to, limit })
}

/// No second scale within the cooldown of the last one.
pub(super) fn cool_down(
    wanted: u32,
    current: u32,
    last_scale: Option<Time>,
    limits: &Limits,
    now: Time,
) -> Option<Step> {
    let cooldown = limits.between(current, wanted).cooldown;
    let left = cooldown.checked_sub(now.since(last_scale?)).filter(|left| !left.is_zero())?;
    (wanted != current).then_some(Step::Cooldown { from: wanted, to: current, left })
}
