//! The budget of a group: what all members together may come to, in pods and in money.

use crate::Member;
use crate::cost::Money;
use crate::number::exceeds;

/// What all members of a group together may come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GroupBudget {
    /// The most replicas. `None`: any.
    pub max_pods: Option<u32>,
    /// The most that they cost in an hour; finite and not negative. `None`: any.
    pub max_cost_per_hour: Option<f64>,
}

/// What members of a group together come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Replicas.
    pub pods: u64,
    /// What they cost in an hour.
    pub cost_per_hour: f64,
}

impl Total {
    /// What these of `members`, by their places and each with so many replicas, come to.
    pub fn new(members: &[Member], replicas: impl IntoIterator<Item = (usize, u32)>) -> Self {
        replicas.into_iter().fold(Self::default(), |total, (member, replicas)| {
            let Member { role, .. } = &members[member];
            Self {
                pods: total.pods + u64::from(replicas),
                cost_per_hour: total.cost_per_hour + f64::from(replicas) * role.cost_per_pod_hour,
            }
        })
    }

    /// It beside what it may be: `24 of 24 pods, 2.40/h of 3.00/h`.
    pub fn of(self, budget: GroupBudget) -> String {
        let pods = budget.max_pods.map(|most| format!("{} of {most} pods", self.pods));
        let money = |most| format!("{}/h of {}/h", Money(self.cost_per_hour), Money(most));
        let cost = budget.max_cost_per_hour.map(money);
        pods.into_iter().chain(cost).collect::<Vec<_>>().join(", ")
    }
}

impl GroupBudget {
    /// Whether `total` is within it.
    pub fn allows(self, total: Total) -> bool {
        let pods_fit = self.max_pods.is_none_or(|most| total.pods <= u64::from(most));
        pods_fit && self.max_cost_per_hour.is_none_or(|most| !exceeds(total.cost_per_hour, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maximum_holds_and_shows() {
        let cases = [
            (Some(24), None, true, "24 of 24 pods"),
            (Some(23), None, false, "24 of 23 pods"),
            (None, Some(2.4), true, "2.40/h of 2.40/h"),
            (None, Some(2.39), false, "2.40/h of 2.39/h"),
            (Some(24), Some(3.0), true, "24 of 24 pods, 2.40/h of 3.00/h"),
            (Some(24), Some(1.0), false, "24 of 24 pods, 2.40/h of 1.00/h"),
            (Some(9), Some(3.0), false, "24 of 9 pods, 2.40/h of 3.00/h"),
        ];
        let total = Total { pods: 24, cost_per_hour: 24.0 * 0.1 };
        for (max_pods, max_cost_per_hour, is_allowed, text) in cases {
            let budget = GroupBudget { max_pods, max_cost_per_hour };
            assert_eq!((budget.allows(total), total.of(budget).as_str()), (is_allowed, text));
        }
        assert!(GroupBudget::default().allows(total));
    }
}
