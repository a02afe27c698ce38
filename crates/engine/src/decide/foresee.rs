//! What is asked for because of a load that is expected: a second recommendation, never smaller than the first.

use crate::outlook::raised;
use crate::policy::{PolicyMemories, Recommendation};
use crate::{Expected, Outlook, Plan, View};

/// What the loads expected ask for.
pub(super) struct Foreseen {
    /// The recommendation for each member.
    recommended: Vec<Option<Recommendation>>,
    /// Place of the metric that is expected to grow by the largest share.
    metric: usize,
    expected: Expected,
}

impl Foreseen {
    /// `None` where no metric is expected to be larger than it is. `memory` is that from before the first recommendation,
    /// so that a policy that draws draws the same.
    pub(super) fn of(
        plan: &Plan,
        view: &View<'_>,
        outlooks: &[Outlook],
        memory: &mut PolicyMemories,
    ) -> Option<Self> {
        let values = raised(view.values, outlooks)?;
        let growth = |index: usize| {
            let (now, later) = (view.values[index]?, values[index]?);
            (later > now).then(|| if now > 0.0 { later / now } else { f64::INFINITY })
        };
        let growing = (0..values.len()).filter_map(|index| Some((index, growth(index)?)));
        let (metric, _) = growing.reduce(|most, next| if next.1 > most.1 { next } else { most })?;
        let expected = *outlooks[metric].expected()?;
        let view = View { values: &values, ..*view };
        Some(Self { recommended: plan.policy.recommend_all(&view, memory), metric, expected })
    }

    /// What it asks for of the member at `member`, by which metric, and what is expected of that.
    pub(super) fn asks(&self, member: usize) -> Option<(u32, usize, Expected)> {
        let recommended = self.recommended.get(member)?.as_ref()?;
        Some((recommended.replicas, self.metric, self.expected))
    }
}
