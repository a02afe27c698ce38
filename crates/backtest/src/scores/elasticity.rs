//! Elasticity as the SPEC Research Group measures it: N. Herbst et al., "Ready for Rain? A View from SPEC Research on
//! the Future of Cloud Metrics" (SPEC RG-2016-01) and "Quantifying Cloud Performance and Dependability" (2018).
//!
//! Demand and supply are sampled at equal distances. With d and s the demand and supply of T samples, R the maximum
//! resources there may be and ε = 1:
//!
//! ```text
//!  a_U  = 1/(T·R) Σ max(d−s, 0)        a_O  = 1/(T·R) Σ max(s−d, 0)
//!  a_U' = 1/T Σ max(d−s, 0)/max(d, ε)  a_O' = 1/T Σ max(s−d, 0)/max(d, ε)
//!  t_U  = share of samples with d > s  t_O  = share of samples with s > d
//!  k    = share of the T−1 moves with sgn Δs > sgn Δd,  k' = with sgn Δs < sgn Δd,  υ = k + k'
//!  jitter = (E_S − E_D)/T, with E the moves that change supply and demand
//! ```

/// Samples of demand and supply, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Elasticity {
    samples: u64,
    under: f64,
    over: f64,
    under_norm: f64,
    over_norm: f64,
    under_samples: u64,
    over_samples: u64,
    previous: Option<(u64, u64)>,
    faster: u64,
    slower: u64,
    supply_changes: u64,
    demand_changes: u64,
}

/// Smaller demands count as this one where a share of demand is taken.
const EPSILON: f64 = 1.0;

impl Elasticity {
    /// Adds a sample of one resource.
    pub fn push(&mut self, demand: u32, supply: u32) {
        self.push_all(std::iter::once((demand, supply)));
    }

    /// Adds a sample of several resources: what one has too many does not make up for what another lacks.
    pub(crate) fn push_all(&mut self, samples: impl Iterator<Item = (u32, u32)>) {
        let (mut demand, mut supply, mut under, mut over) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (needed, ready) in samples {
            demand += u64::from(needed);
            supply += u64::from(ready);
            under += u64::from(needed.saturating_sub(ready));
            over += u64::from(ready.saturating_sub(needed));
        }
        self.samples += 1;
        let relative_to = (demand as f64).max(EPSILON);
        self.under += under as f64;
        self.over += over as f64;
        self.under_norm += under as f64 / relative_to;
        self.over_norm += over as f64 / relative_to;
        self.under_samples += u64::from(under > 0);
        self.over_samples += u64::from(over > 0);
        if let Some((demand_before, supply_before)) = self.previous.replace((demand, supply)) {
            let (moved, asked) = (supply.cmp(&supply_before), demand.cmp(&demand_before));
            self.faster += u64::from(moved > asked);
            self.slower += u64::from(moved < asked);
            self.supply_changes += u64::from(moved.is_ne());
            self.demand_changes += u64::from(asked.is_ne());
        }
    }

    fn share(self, amount: f64) -> f64 {
        if self.samples == 0 { 0.0 } else { amount / self.samples as f64 }
    }

    fn share_of_moves(self, count: u64) -> f64 {
        if self.samples < 2 { 0.0 } else { count as f64 / (self.samples - 1) as f64 }
    }

    /// `a_U` and `a_O`, where there may be at most so many resources.
    pub fn accuracy(self, most: f64) -> (f64, f64) {
        let most = most.max(EPSILON);
        (self.share(self.under) / most, self.share(self.over) / most)
    }

    /// `a_U'` and `a_O'`.
    pub fn normalized_accuracy(self) -> (f64, f64) {
        (self.share(self.under_norm), self.share(self.over_norm))
    }

    /// `t_U` and `t_O`.
    pub fn timeshare(self) -> (f64, f64) {
        (self.share(self.under_samples as f64), self.share(self.over_samples as f64))
    }

    /// `k` and `k'`.
    pub fn instability(self) -> (f64, f64) {
        (self.share_of_moves(self.faster), self.share_of_moves(self.slower))
    }

    /// `E_S` and `E_D`.
    pub fn changes(self) -> (u64, u64) {
        (self.supply_changes, self.demand_changes)
    }

    /// `(E_S − E_D)/T`.
    pub fn jitter(self) -> f64 {
        self.share(self.supply_changes as f64 - self.demand_changes as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: (f64, f64), expected: (f64, f64)) {
        let is_near = |found: f64, expected: f64| (found - expected).abs() < 5e-8;
        assert!(
            is_near(found.0, expected.0) && is_near(found.1, expected.1),
            "{found:?}, expected {expected:?}"
        );
    }

    #[test]
    fn the_worked_example_comes_out() {
        let mut elasticity = Elasticity::default();
        for (demand, supply) in [2, 2, 4, 6, 6, 4, 2, 2].into_iter().zip([2, 2, 2, 4, 6, 6, 6, 3]) {
            elasticity.push(demand, supply);
        }
        near(elasticity.accuracy(10.0), (0.05, 0.0875));
        near(elasticity.normalized_accuracy(), (0.104_166_7, 0.375));
        near(elasticity.timeshare(), (0.25, 0.375));
        near(elasticity.instability(), (0.428_571_4, 0.285_714_3));
        assert_eq!(elasticity.changes(), (3, 4));
        assert_eq!(elasticity.jitter(), -0.125);
    }

    #[test]
    fn perfect_supply_scores_zero() {
        let mut elasticity = Elasticity::default();
        for count in [0, 1, 5, 5, 2] {
            elasticity.push(count, count);
        }
        for pair in [
            elasticity.accuracy(5.0),
            elasticity.normalized_accuracy(),
            elasticity.timeshare(),
            elasticity.instability(),
        ] {
            assert_eq!(pair, (0.0, 0.0));
        }
        assert_eq!(elasticity.jitter(), 0.0);
        assert_eq!(Elasticity::default().accuracy(0.0), (0.0, 0.0), "nothing is no fault");
    }

    #[test]
    fn one_member_does_not_make_up_for_another() {
        let mut elasticity = Elasticity::default();
        elasticity.push_all([(4, 2), (2, 4)].into_iter());
        assert_eq!(elasticity.accuracy(8.0), (0.25, 0.25));
        assert_eq!(elasticity.timeshare(), (1.0, 1.0));
    }
}
