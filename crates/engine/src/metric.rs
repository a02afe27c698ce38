//! One metric of a plan: what is asked, and what a policy aims for in it.

use serde::{Deserialize, Serialize};

use crate::number::Number;
use crate::{Absence, AbsenceReason, Query, Reading};

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
    /// The value of its reading.
    ///
    /// # Errors
    /// Why there is none that can be used: it is absent, was never taken, or is below what the metric can be.
    pub fn value(&self, reading: Option<&Reading>) -> Result<f64, Absence> {
        let absence = |reason, message| Err(Absence { reason, message });
        match reading {
            Some(Reading::Value { value, .. }) => match self.minimum.filter(|minimum| value.get() < *minimum)
            {
                None => Ok(value.get()),
                Some(minimum) => {
                    let (value, minimum) = (Number(value.get()), Number(minimum));
                    let message = format!("the value {value} is below {minimum}, the least it can be");
                    absence(AbsenceReason::OutOfRange, message)
                }
            },
            Some(Reading::Values { values, .. }) => {
                let message = format!("the source answered {} values, not one", values.len());
                absence(AbsenceReason::ValueAmbiguous, message)
            }
            Some(Reading::Pods { .. }) => {
                absence(AbsenceReason::NotANumber, "the source answered pods, not a number".to_owned())
            }
            Some(Reading::Absent(absence)) => Err(absence.clone()),
            None => absence(AbsenceReason::ValueMissing, "it has not been read yet".to_owned()),
        }
    }
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
