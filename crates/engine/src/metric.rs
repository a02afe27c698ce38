//! One metric of a plan: what is asked, and what a policy aims for in it.

use serde::{Deserialize, Serialize};

use crate::number::Number;
use crate::pod_metric::{PodLoad, Startup};
use crate::{Absence, AbsenceReason, Query, Reading, Time};

/// One metric of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name for people: `activeUsers`, or the source's name.
    pub name: String,
    /// What is asked.
    pub query: Query,
    /// The lowest value that makes sense, for example 0 for a count. A reading below it is an absence.
    pub minimum: Option<f64>,
    /// What the policy aims for, where it aims for a value of the metric.
    pub target: Option<MetricTarget>,
    /// Place in the plan of the member that it is measured at; `None` where it is of the whole.
    pub member: Option<usize>,
}

impl Metric {
    /// What its `reading` at `now` comes to, for a target of so many `replicas`.
    ///
    /// # Errors
    /// Why there is nothing that can be used: it is absent, was never taken, or is below what the metric can be.
    pub fn known(&self, reading: Option<&Reading>, replicas: u32, now: Time) -> Result<Known, Absence> {
        let absence = |reason, message| Err(Absence { reason, message });
        match reading {
            Some(Reading::Value { value, .. }) => self.number(value.get()),
            Some(Reading::Values { values, .. }) => {
                let message = format!("the source returned {} values, not one", values.len());
                absence(AbsenceReason::ValueAmbiguous, message)
            }
            Some(Reading::Pods { measure, pods, .. }) => {
                let average = self.target.filter(|target| target.type_ == TargetType::AverageValue);
                let aim = average.map(MetricTarget::value);
                let load = PodLoad::new(measure, pods, replicas, aim, Startup::default(), now)?;
                Ok(Known { low: load.low, high: load.high, load: Some(load) })
            }
            Some(Reading::Scaler { metrics, .. }) => match metrics.as_ref() {
                [metric] => self.number(metric.value.get()),
                metrics => {
                    let message = format!("the scaler named {} metrics, not one", metrics.len());
                    absence(AbsenceReason::ValueAmbiguous, message)
                }
            },
            Some(Reading::Absent(absence)) => Err(absence.clone()),
            None => absence(AbsenceReason::ValueMissing, "it has not been read yet".to_owned()),
        }
    }

    fn number(&self, value: f64) -> Result<Known, Absence> {
        match self.minimum.filter(|minimum| value < *minimum) {
            None => Ok(Known { low: value, high: value, load: None }),
            Some(minimum) => {
                let (value, minimum) = (Number(value), Number(minimum));
                let message = format!("the value {value} is below the minimum, {minimum}");
                Err(Absence { reason: AbsenceReason::OutOfRange, message })
            }
        }
    }
}

/// What is known of a metric's value: one number, or two that it lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The lowest that it can be.
    pub low: f64,
    /// The highest that it can be.
    pub high: f64,
    /// What the target's pods use, where it is measured at them.
    pub load: Option<PodLoad>,
}

/// What a policy aims for in one metric, in the terms of the HPA's `MetricTarget`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricTarget {
    type_: TargetType,
    value: f64,
}

/// How a metric's value compares with its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetType {
    /// The value is shared among the replicas, and the target is the share of one.
    #[default]
    AverageValue,
    /// The value is one figure, such as a latency, that moves in proportion to the load of each replica.
    Value,
}

impl MetricTarget {
    /// A target of `value`; `None` unless it is finite and above 0.
    pub fn new(type_: TargetType, value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self { type_, value })
    }

    /// How the metric's value compares with it.
    pub fn type_(self) -> TargetType {
        self.type_
    }

    /// The value aimed for; finite and above 0.
    pub fn value(self) -> f64 {
        self.value
    }
}
