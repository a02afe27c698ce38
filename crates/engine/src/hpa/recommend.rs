//! What all metrics of an HPA recommend together.

use super::metric::{Circumstances, HpaMetric, Proposal};
use crate::{AbsentMetric, Reading};

/// What the metrics of one sync come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommended {
    /// The proposal that wins; `None` where nothing may be recommended: all metrics fail, or some do and the others
    /// would scale in.
    pub winner: Option<Proposal>,
    /// The metrics that fail.
    pub failed: Vec<AbsentMetric>,
}

/// The largest proposal of all `metrics`, whose readings are in the same order; the first of equals.
pub fn recommend(metrics: &[HpaMetric], readings: &[Reading], about: Circumstances) -> Recommended {
    let (mut winner, mut failed) = (None::<Proposal>, Vec::new());
    for (index, metric) in metrics.iter().enumerate() {
        match metric.propose(readings.get(index), about) {
            Ok(proposal) => {
                if winner.as_ref().is_none_or(|most| proposal.replicas > most.replicas) {
                    winner = Some(proposal);
                }
            }
            Err(absence) => failed.push(AbsentMetric { metric: metric.name.clone(), absence }),
        }
    }
    let is_blind = !failed.is_empty();
    let winner = winner.filter(|proposal| !is_blind || proposal.replicas >= about.scale.replicas);
    Recommended { winner, failed }
}
