//! Where a metric is known only as lying between two values, the policy is asked for both.

use crate::policy::Recommendation;
use crate::{Basis, View};

/// What both sides agree on, for each member: more replicas only where the lowest values ask for more, fewer only where
/// the highest still ask for fewer.
pub(super) fn agreed(
    view: &View<'_>,
    least: Vec<Option<Recommendation>>,
    most: Vec<Option<Recommendation>>,
) -> Vec<Option<Recommendation>> {
    let agree = |(member, (least, most))| agreed_for(view.replicas(member), least, most);
    least.into_iter().zip(most).enumerate().map(agree).collect()
}

fn agreed_for(
    current: u32,
    least: Option<Recommendation>,
    most: Option<Recommendation>,
) -> Option<Recommendation> {
    let (least, most) = (least?, most?);
    if least == most || least.replicas > current {
        return Some(least);
    }
    if most.replicas < current {
        return Some(most);
    }
    let basis = Basis::Between { least: Box::new(least.basis), most: Box::new(most.basis) };
    Some(Recommendation { replicas: current, basis, ..least })
}

#[cfg(test)]
mod tests;
