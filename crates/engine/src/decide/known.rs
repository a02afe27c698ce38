//! What the readings of a poll come to, for all metrics of a plan.

use crate::pod_metric::PodLoad;
use crate::{AbsenceReason, AbsentMetric, Observation, Plan, Time, View};

/// What is known of the metrics of a plan.
pub(crate) struct Known {
    /// The value of each metric, in the plan's order; the lowest that it can be, where two bounds are known.
    pub(crate) values: Vec<Option<f64>>,
    /// The same with the highest that each can be; `None` where all values are exact.
    pub(crate) highest: Option<Vec<Option<f64>>>,
    /// The value of each metric as people are shown it; `None` where that is `values`.
    pub(crate) shown: Option<Vec<Option<f64>>>,
    /// What is known of pods, by the place of the metric.
    pub(crate) loads: Vec<(usize, PodLoad)>,
    /// The metrics without a value that should have one.
    pub(crate) absences: Vec<AbsentMetric>,
}

impl Known {
    /// What `observation` shows of the metrics of `plan`.
    pub(crate) fn of(plan: &Plan, observation: &Observation, now: Time) -> Self {
        let values = Vec::with_capacity(plan.metrics.len());
        let mut known = Self { values, highest: None, shown: None, loads: vec![], absences: vec![] };
        for (index, metric) in plan.metrics.iter().enumerate() {
            let scale = observation.scales.get(metric.member.unwrap_or_default()).copied().flatten();
            let replicas = scale.map_or(0, |scale| scale.replicas);
            match metric.known(observation.readings.get(index), replicas, now) {
                Ok(found) => {
                    if found.low != found.high {
                        known.highest.get_or_insert_with(|| known.values.clone());
                    }
                    if found.load.is_some() {
                        known.shown.get_or_insert_with(|| known.values.clone());
                    }
                    let average = found.load.map(|load| load.average * f64::from(replicas));
                    known.push(Some((found.low, found.high)), average);
                    known.loads.extend(found.load.map(|load| (index, load)));
                }
                Err(absence) => {
                    known.push(None, None);
                    // Where a target is to have no pods, what is measured at them abstains: nothing is missing.
                    let is_asleep = scale.is_some_and(|scale| scale.replicas == 0);
                    if !(is_asleep && absence.reason == AbsenceReason::NoPods) {
                        known.absences.push(AbsentMetric { metric: metric.name.clone(), absence });
                    }
                }
            }
        }
        let view = plan.view(&observation.scales, &known.values, now);
        let view = View { readings: &observation.readings, ..view };
        if let Some(absences) = plan.policy.absences(&view) {
            (known.absences, known.highest) = (absences, None);
            known.loads.clear();
        }
        known
    }

    /// Takes the two values that a metric lies between, and what people are shown of it where that is neither.
    fn push(&mut self, bounds: Option<(f64, f64)>, average: Option<f64>) {
        let lowest = bounds.map(|(low, _)| low);
        self.values.push(lowest);
        if let Some(highest) = &mut self.highest {
            highest.push(bounds.map(|(_, high)| high));
        }
        if let Some(shown) = &mut self.shown {
            shown.push(average.or(lowest));
        }
    }
}
