//! The budget of a group, across its members: the two looks that no member can take alone.
//!
//! The first cuts recommendations back where all together are too much. Everyone keeps the same part of its
//! own, as far as minimum and whole pods allow, because that keeps the ratios of the call graph: a
//! caller that keeps more than those it calls would only shift the bottleneck. The second comes after bounds and
//! rates: where others cannot scale in as fast as was recommended, scale-outs wait for them.

use super::chain::Chain;
use crate::apportion::{Share, counts, level};
use crate::{GroupBudget, Pause, Plan, Step, Total};

/// Cuts recommendations that together are beyond the group's budget. Members that were not found count nothing.
pub(super) fn cut_recommendations(plan: &Plan, chains: &mut [Chain]) {
    keep_budget(plan, chains, |chain| {
        let bounds = plan.members[chain.member].bounds;
        // What is not known in full is not scaled in, and what cannot be written is not either, so it takes its
        // part of the budget anyway.
        let stays = chain.is_blind || chain.is_stuck || plan.brakes.pause == Pause::ScaleIn;
        let least = if stays { chain.current } else { bounds.min() };
        let wanted = bounds.clamp(chain.to).max(least);
        Share { weight: f64::from(wanted), least, most: wanted }
    });
}

/// Trims scale-outs that together with all else are beyond the group's budget.
pub(super) fn trim_scale_outs(plan: &Plan, chains: &mut [Chain]) {
    keep_budget(plan, chains, |chain| {
        // Whoever could not be written is there until it is.
        let most = if chain.is_stuck { chain.to.max(chain.from) } else { chain.to };
        // Nothing that is there already or must be is taken, and a scale-in is as it is.
        let least = chain.current.min(most);
        Share { weight: f64::from(most), least, most }
    });
}

/// Gives everyone the same part of what `share` says it may get at most, where that is too much for all together.
fn keep_budget(plan: &Plan, chains: &mut [Chain], share: impl Fn(&Chain) -> Share) {
    let Some(budget) = plan.group.as_ref().and_then(|group| group.budget) else { return };
    if plan.brakes.pause.is_complete() {
        return;
    }
    let shares: Vec<Share> = chains.iter().map(share).collect();
    let total = |counts: &[u32]| {
        Total::new(&plan.members, chains.iter().zip(counts).map(|(chain, count)| (chain.member, *count)))
    };
    let wanted: Vec<u32> = shares.iter().map(|share| share.most).collect();
    if budget.allows(total(&wanted)) {
        return;
    }
    let level = common_level(plan, chains, &shares, budget);
    let counts = counts(&shares, level, |counts| budget.allows(total(counts)));
    let total = total(&counts);
    for (chain, to) in chains.iter_mut().zip(counts) {
        let from = chain.to;
        chain.push((to < from).then_some(Step::Budget { from, to, total, budget }));
    }
}

/// The level that keeps both maxima.
fn common_level(plan: &Plan, chains: &[Chain], shares: &[Share], budget: GroupBudget) -> f64 {
    let cost = |place: usize| plan.members[chains[place].member].role.cost_per_pod_hour;
    let by_pods = budget.max_pods.map(|most| level(shares, f64::from(most), |_| 1.0));
    let by_cost = budget.max_cost_per_hour.map(|most| level(shares, most, cost));
    by_pods.unwrap_or(f64::INFINITY).min(by_cost.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests;
