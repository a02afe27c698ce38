//! What all metrics of an HPA recommend together.

use std::sync::Arc;

use super::metric::{Circumstances, HpaMetric, MetricAim, Proposal};
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
    let mut proposals = Proposals::new(about);
    for (index, metric) in metrics.iter().enumerate() {
        proposals.ask(&metric.name, &metric.aim, readings.get(index));
    }
    proposals.recommended()
}

/// The proposals of metrics that are asked one after the other.
pub(crate) struct Proposals {
    about: Circumstances,
    largest: Option<Proposal>,
    failed: Vec<AbsentMetric>,
}

impl Proposals {
    /// None yet.
    pub(crate) fn new(about: Circumstances) -> Self {
        Self { about, largest: None, failed: Vec::new() }
    }

    /// Asks the metric called `name`, in which `aim` is aimed for.
    pub(crate) fn ask(&mut self, name: &Arc<str>, aim: &MetricAim, reading: Option<&Reading>) {
        match aim.count(reading, self.about) {
            Ok((replicas, seen)) => {
                if self.largest.as_ref().is_none_or(|most| replicas > most.replicas) {
                    self.largest = Some(Proposal { metric: Arc::clone(name), replicas, seen });
                }
            }
            Err(absence) => {
                self.failed.push(AbsentMetric { metric: name.to_string(), absence });
            }
        }
    }

    /// What they come to.
    pub(crate) fn recommended(self) -> Recommended {
        let Self { about, largest, failed } = self;
        let is_blind = !failed.is_empty();
        let winner = largest.filter(|proposal| !is_blind || proposal.replicas >= about.scale.replicas);
        Recommended { winner, failed }
    }
}
