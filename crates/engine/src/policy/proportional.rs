//! `proportional`: one count of pods for the whole group, spread over its members by their weights.
//!
//! For members that share one load, such as the same service on several kinds of machines. The metric
//! with the highest recommendation decides, as in `slo`. A member whose target was not found keeps its share, so that the
//! others do not jump while it is replaced; one that must be left alone, or that someone set to 0, has none.

use std::sync::Arc;

use serde_json::Value;

use super::{Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, View, setting};
use crate::apportion::{Share, spread};
use crate::number::ceil_of_quotient;
use crate::{Basis, Group, GroupProblem, Member, Metric};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "proportional",
    summary: "The replicas that the whole group needs for the metric furthest from its target, divided \
              among the members by weight.",
    serves: Serves::Group,
    settings: &[],
    compile: |config: &Value, path| {
        let problems = setting::problems(ENTRY.settings, config, path);
        if problems.is_empty() { Ok(Arc::new(Proportional) as Arc<dyn Policy>) } else { Err(problems) }
    },
};

/// One count for the group, spread by weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proportional;

/// What one metric asks for, for the whole group.
struct Ask<'a> {
    metric: &'a Metric,
    value: f64,
    target: f64,
    pods: u32,
}

/// The most that a metric with a target and a reading asks for; the first of equals.
fn most<'a>(view: &View<'a>) -> Option<Ask<'a>> {
    let asked = view.metrics.iter().enumerate().filter_map(|(index, metric)| {
        let (value, target) = (view.value(index)?, metric.target?.value());
        Some(Ask { metric, value, target, pods: ceil_of_quotient(value, target) })
    });
    asked.reduce(|most, next| if next.pods > most.pods { next } else { most })
}

impl Policy for Proportional {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        self.recommend_all(view, memory).into_iter().nth(member).flatten()
    }

    fn recommend_all(&self, view: &View<'_>, _: &mut PolicyMemories) -> Vec<Option<Recommendation>> {
        let mut recommended = vec![None; view.members.len()];
        let Some(Ask { metric, value, target, pods }) = most(view) else { return recommended };
        let is_part = |&place: &usize| !view.is_left_alone(place);
        let parts: Vec<usize> = (0..view.members.len()).filter(is_part).collect();
        let share = |&place: &usize| {
            let Member { bounds, role, .. } = &view.members[place];
            Share { weight: role.weight, least: bounds.min(), most: bounds.max() }
        };
        let shares: Vec<Share> = parts.iter().map(share).collect();
        let weights = shares.iter().map(|share| share.weight).sum();
        for ((&place, share), replicas) in parts.iter().zip(&shares).zip(spread(&shares, pods)) {
            let metric = (view.metrics.len() > 1).then(|| metric.name.clone());
            let basis = Basis::Spread { pods, metric, value, target, weight: share.weight, weights };
            recommended[place] = Some(Recommendation { policy: ENTRY.name, replicas, basis });
        }
        recommended
    }

    fn problems(&self, _: &[Member], metrics: &[Metric], _: &Group) -> Vec<GroupProblem> {
        if metrics.is_empty() {
            return vec![GroupProblem::NoMetric];
        }
        let without = (0..metrics.len()).filter(|&metric| metrics[metric].target.is_none());
        without.map(|metric| GroupProblem::NoTarget { metric }).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::Shop;

    fn pool() -> Shop {
        let pool = Shop::default().member("large", None).weight(2.0).member("small", None);
        pool.member("spot", None).weight(2.0).bounds(0, 3)
    }

    fn none() -> PolicyMemories {
        PolicyMemories::default()
    }

    fn reported(shop: &Shop) -> Vec<Option<(u32, String)>> {
        let recommended = Proportional.recommend_all(&shop.view(), &mut none()).into_iter();
        recommended.map(|one| one.map(|one| (one.replicas, one.basis.to_string()))).collect()
    }

    fn counts(shop: &Shop) -> Vec<Option<u32>> {
        reported(shop).into_iter().map(|one| one.map(|(count, _)| count)).collect()
    }

    #[test]
    fn one_count_is_spread_by_weight_within_the_bounds() {
        let at = |value| pool().metric("requests", None, Some(100.0), Some(value));
        let nine = "9 pods for 900/100, weight 2 of 5".to_owned();
        assert_eq!(reported(&at(900.0))[0], Some((4, nine)));
        assert_eq!(counts(&at(900.0)), [4, 2, 3].map(Some));
        assert_eq!(counts(&at(1200.0)), [6, 3, 3].map(Some), "spot is at its most");
        assert_eq!(counts(&at(1201.0)), [7, 3, 3].map(Some));
        assert_eq!(counts(&at(0.0)), [1, 1, 0].map(Some));
        for member in 0..3 {
            assert_eq!(
                Proportional.recommend(&at(900.0).view(), member, &mut none()).map(|one| one.replicas),
                counts(&at(900.0))[member]
            );
        }
        assert_eq!(Proportional.recommend(&at(900.0).view(), 3, &mut none()), None);
    }

    #[test]
    fn the_metric_that_asks_for_the_most_decides() {
        let shop = |calls, queue| {
            let shop = pool().metric("calls", None, Some(100.0), calls).metric("bare", None, None, Some(9e9));
            shop.metric("queue", Some("small"), Some(5.0), queue)
        };
        let text = |shop: Shop| reported(&shop).swap_remove(1).map(|(_, text)| text);
        let queue = "5 pods for queue 25/5, weight 1 of 5".to_owned();
        assert_eq!(text(shop(Some(400.0), Some(25.0))), Some(queue.clone()));
        assert_eq!(text(shop(None, Some(25.0))), Some(queue), "an absent one asks for nothing");
        let calls = "5 pods for calls 500/100, weight 1 of 5".to_owned();
        assert_eq!(text(shop(Some(500.0), Some(25.0))), Some(calls), "the first of equals");
        assert_eq!(counts(&shop(None, None)), [None; 3]);
    }

    #[test]
    fn who_is_missing_keeps_its_share_and_who_is_refused_has_none() {
        let missing = Shop::default().member("one", None).missing().member("other", None);
        assert_eq!(counts(&missing.metric("a", None, Some(1.0), Some(8.0))), [Some(4), Some(4)]);
        let refused = Shop::default().member("one", None).refused().member("other", None);
        let alone = [None, Some((8, "8 pods for 8/1, weight 1 of 1".to_owned()))];
        assert_eq!(reported(&refused.metric("a", None, Some(1.0), Some(8.0))), alone);
        let off = Shop::default().member("one", None).replicas(0).member("other", None);
        assert_eq!(reported(&off.metric("a", None, Some(1.0), Some(8.0))), alone, "set to 0 by somebody");
    }

    #[test]
    fn it_needs_metrics_with_targets_and_has_no_settings() {
        let problems = |shop: &Shop| Proportional.problems(&shop.members, &shop.metrics, &shop.group);
        assert_eq!(problems(&pool()), [GroupProblem::NoMetric]);
        let mixed = pool().metric("a", None, Some(1.0), None).metric("b", None, None, None);
        assert_eq!(problems(&mixed), [GroupProblem::NoTarget { metric: 1 }]);
        let compile = |config| crate::POLICIES.compile("proportional", &config, "c");
        assert_eq!(compile(json!({})).unwrap().name(), "proportional");
        let said = compile(json!({"share": 1})).unwrap_err();
        assert_eq!(said[0].to_string(), "c.share: unknown field; this policy has no settings");
    }
}
