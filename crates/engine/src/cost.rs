//! Money: what replicas cost in an hour, and how many a budget pays for.
//!
//! Amounts have no currency of their own; both sides of a comparison come from one manifest.

use std::fmt;

use serde::Serialize;

use crate::number::{Number, floor_of_quotient};

/// A budget for one target: what a pod costs, and what all of them together may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    cost_per_pod_hour: f64,
    max_cost_per_hour: f64,
}

impl Budget {
    /// `None` unless both are finite, a pod costs more than nothing and the budget is not negative.
    pub fn new(cost_per_pod_hour: f64, max_cost_per_hour: f64) -> Option<Self> {
        let sound = cost_per_pod_hour.is_finite() && cost_per_pod_hour > 0.0;
        let sound = sound && max_cost_per_hour.is_finite() && max_cost_per_hour >= 0.0;
        sound.then_some(Self { cost_per_pod_hour, max_cost_per_hour })
    }

    /// The most replicas that the budget pays for: `floor(maxCostPerHour / costPerPodHour)`.
    pub fn affordable(self) -> u32 {
        floor_of_quotient(self.max_cost_per_hour, self.cost_per_pod_hour)
    }

    /// What `replicas` cost in an hour; always finite.
    pub fn cost_per_hour(self, replicas: u32) -> f64 {
        // An infinity could not be reported: JSON has none.
        (f64::from(replicas) * self.cost_per_pod_hour).min(f64::MAX)
    }

    /// Maximum cost of all replicas per hour.
    pub fn max_cost_per_hour(self) -> f64 {
        self.max_cost_per_hour
    }
}

/// What a decision means in money, for one hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Of the replicas asked for before the decision.
    pub now: f64,
    /// Of what the policy recommended; `None` where it could not recommend anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended: Option<f64>,
    /// Of what was decided.
    pub decided: f64,
    /// The budget.
    pub budget: f64,
}

impl Cost {
    pub(crate) fn of(budget: Budget, from: u32, recommended: Option<u32>, to: u32) -> Self {
        let cost = |replicas| without_noise(budget.cost_per_hour(replicas));
        Self {
            now: cost(from),
            recommended: recommended.map(cost),
            decided: cost(to),
            budget: budget.max_cost_per_hour,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/h", Money(self.now))?;
        if let Some(recommended) = self.recommended {
            write!(f, ", recommended {}/h", Money(recommended))?;
        }
        write!(f, ", budget {}/h", Money(self.budget))
    }
}

/// The amount without what binary fractions add to it: 0.3 and not 0.30000000000000004.
pub fn without_noise(amount: f64) -> f64 {
    if is_small(amount) {
        // Six decimals would make nothing of it.
        return format!("{amount:.9e}").parse().unwrap_or(amount);
    }
    let rounded = (amount * 1e6).round() / 1e6;
    // So large an amount has no fraction.
    if rounded.is_finite() { rounded } else { amount }
}

/// Amounts from here up are reported by their size, and so are those that [`is_small`].
const LARGE: f64 = 1e15;

fn is_small(amount: f64) -> bool {
    amount > 0.0 && amount < 1e-4
}

/// An amount with two decimals, and up to six where it has that many.
pub(crate) struct Money(pub(crate) f64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= LARGE || is_small(self.0) {
            return Number(self.0).fmt(f);
        }
        let exact = format!("{:.6}", self.0);
        let (whole, decimals) = exact.split_once('.').unwrap_or((&exact, ""));
        write!(f, "{whole}.{:0<2}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_pays_for_whole_pods_only() {
        let cases = [
            (0.5, 0.1, 5),
            (0.3, 0.1, 3),
            (0.59, 0.1, 5),
            (0.0, 0.1, 0),
            (1e12, 1e-3, u32::MAX),
            (7.0, 2.5, 2),
        ];
        for (most, each, replicas) in cases {
            let budget = Budget::new(each, most).unwrap();
            assert_eq!(budget.affordable(), replicas, "{most} at {each}");
        }
        for (each, most) in [(0.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert_eq!(Budget::new(each, most), None);
        }
    }

    #[test]
    fn money_has_at_least_two_decimals() {
        let cases = [
            (0.5, "0.50"),
            (12.0, "12.00"),
            (0.0125, "0.0125"),
            (0.1 + 0.2, "0.30"),
            (1234.5, "1234.50"),
            (0.0, "0.00"),
            (0.0001, "0.0001"),
            (3e-9 + 6e-9, "9.000e-9"),
            (1.7e308, "1.700e308"),
        ];
        for (amount, text) in cases {
            assert_eq!(Money(amount).to_string(), text);
        }
    }

    #[test]
    fn what_a_decision_costs_can_be_reported() {
        let budget = Budget::new(0.1, 0.5).unwrap();
        let cost = Cost { now: 0.3, recommended: Some(0.7), decided: 0.5, budget: 0.5 };
        assert_eq!(Cost::of(budget, 3, Some(7), 5), cost);
        let small = Cost::of(Budget::new(1e-9, 5e-9).unwrap(), 3, Some(7), 5);
        assert_eq!(small, Cost { now: 3e-9, recommended: Some(7e-9), decided: 5e-9, budget: 5e-9 });
        let large = Cost::of(Budget::new(1e308, 1.7e308).unwrap(), 1, Some(u32::MAX), 1);
        assert_eq!((large.now, large.recommended, large.budget), (1e308, Some(f64::MAX), 1.7e308));
    }
}
