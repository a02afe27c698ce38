//! What keeps a policy from serving a group, found only where members, metrics and graph come together.
//!
//! Apart from [`Problem`](crate::Problem) because the engine knows places and no paths: the kind knows
//! where each member and each metric stands in the manifest.

use crate::{Fault, FaultKind};

/// One thing that keeps a policy from serving a group. Printed, it is what users read behind the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupProblem {
    /// The policy follows metrics, and the group has none.
    NoMetric,
    /// Demand enters at the member at this place, and the capacity of its replicas is not known.
    NoCapacity {
        /// Place of the member in the plan.
        member: usize,
    },
    /// The metric at this place has no member, and demand could come in at several.
    NoMember {
        /// Place of the metric in the plan.
        metric: usize,
        /// Names of the members at which it could.
        entries: Vec<String>,
    },
    /// The metric at this place has no target.
    NoTarget {
        /// Place of the metric in the plan.
        metric: usize,
    },
}

impl GroupProblem {
    /// What is missing there, and what to do.
    pub fn fault(&self) -> Fault {
        let why = match self {
            Self::NoMetric => "this policy needs at least one metric".to_owned(),
            Self::NoCapacity { .. } => {
                "demand enters here, so the capacity of a replica must be known: set it, or the targetValue \
                 of the member's metric"
                    .to_owned()
            }
            Self::NoMember { entries, .. } => format!(
                "no member calls {}, so the metric must name the one at which it is measured",
                entries.join(", ")
            ),
            Self::NoTarget { .. } => "this policy divides the value by its target".to_owned(),
        };
        Fault::new(FaultKind::Required, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_say_what_to_do() {
        let entries = vec!["webui".to_owned(), "shop".to_owned()];
        let cases = [
            (GroupProblem::NoMetric, "at least one metric"),
            (GroupProblem::NoCapacity { member: 0 }, "set it, or the targetValue of the member's metric"),
            (
                GroupProblem::NoMember { metric: 0, entries },
                "no member calls webui, shop, so the metric must name",
            ),
            (GroupProblem::NoTarget { metric: 0 }, "divides the value by its target"),
        ];
        for (problem, text) in cases {
            let said = problem.fault().to_string();
            assert!(said.starts_with("Required value: ") && said.contains(text), "{said}");
        }
    }
}
