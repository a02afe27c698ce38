//! What holds a wish back: the same chain for every policy, each link one pure function.
//!
//! Each link takes the wish so far and returns the step that changed it, or `None`
//! where it has nothing to say. `decide` calls them in a fixed order.

use std::time::Duration;

use crate::memory::Wishes;
use crate::{Bounds, Budget, Safety, Step, Time};

/// Scale-out follows the least wish of its window, scale-in the greatest of its own.
///
/// The rule is that of the HPA controller (`stabilizeRecommendation`): the first
/// sight of a target counts its current replicas as a wish, so that a fresh start
/// does not scale in at once.
pub(crate) fn stabilize(
    wish: u32,
    current: u32,
    wishes: &mut Wishes,
    safety: &Safety,
    now: Time,
) -> Option<Step> {
    let (up, down) = (safety.scale_up_stabilization, safety.scale_down_stabilization);
    let longest = up.max(down);
    if wishes.is_empty() {
        wishes.note(current, now, longest);
    }
    let least = wishes.after(now.minus(up)).fold(wish, u32::min);
    let greatest = wishes.after(now.minus(down)).fold(wish, u32::max);
    wishes.note(wish, now, longest);
    let to = if current < least {
        least
    } else if current > greatest {
        greatest
    } else {
        current
    };
    let window = if wish > to { up } else { down };
    (to != wish).then_some(Step::Stabilization { from: wish, to, window })
}

/// No more than the budget pays for, and never less than the least replicas.
pub(crate) fn afford(wish: u32, budget: Budget, bounds: Bounds) -> Option<Step> {
    let to = wish.min(budget.affordable().max(bounds.min()));
    (to != wish).then(|| Step::Cost {
        from: wish,
        to,
        cost_per_hour: budget.cost_per_hour(to),
        max_cost_per_hour: budget.max_cost_per_hour(),
    })
}

/// Within the bounds.
pub(crate) fn bound(wish: u32, bounds: Bounds) -> Option<Step> {
    let to = bounds.clamp(wish);
    (to != wish).then_some(Step::Bounds { from: wish, to })
}

/// No scale-in unless every metric has a reading.
pub(crate) fn forbid_blind_scale_in(wish: u32, current: u32, all_known: bool) -> Option<Step> {
    (wish < current && !all_known).then_some(Step::NoScaleIn { from: wish, to: current })
}

/// At most so many pods in one operation.
pub(crate) fn rate(wish: u32, current: u32, safety: &Safety) -> Option<Step> {
    let limit = if wish > current { safety.max_scale_up } else { safety.max_scale_down }?;
    let to = wish.clamp(current.saturating_sub(limit), current.saturating_add(limit));
    (to != wish).then_some(Step::Rate { from: wish, to, limit })
}

/// No second scale within the cooldown of the last one.
pub(crate) fn cool_down(
    wish: u32,
    current: u32,
    last_scale: Option<Time>,
    cooldown: Duration,
    now: Time,
) -> Option<Step> {
    let left = cooldown.checked_sub(now.since(last_scale?)).filter(|left| !left.is_zero())?;
    (wish != current).then_some(Step::Cooldown { from: wish, to: current, left })
}
