//! The plan: what every kind is compiled into, and all that `decide` needs to know of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::number::Number;
use crate::{Absence, AbsenceReason, Group, Policy, Query, Reading, Role};

/// One object of any kind, compiled: what to read, how to decide, what to move.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is scaled: one member for a single target, several for a group. Never empty.
    pub members: Vec<Member>,
    /// What is read before each decision.
    pub metrics: Vec<Metric>,
    /// Turns readings into a wish for each member.
    pub policy: Arc<dyn Policy>,
    /// What holds a wish back.
    pub safety: Safety,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Time between two polls; at least a second.
    pub interval: Duration,
    /// What holds the members together, where the plan is a group's; `None` for a single target.
    pub group: Option<Group>,
}

impl Plan {
    /// The value of each metric by its reading, in the plan's order; `None` where it has none that can be used.
    pub fn values(&self, readings: &[Reading]) -> Vec<Option<f64>> {
        let metrics = self.metrics.iter().enumerate();
        metrics.map(|(index, metric)| metric.value(readings.get(index)).ok()).collect()
    }
}

/// One scaled target within a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What is scaled.
    pub target: Target,
    /// How far.
    pub bounds: Bounds,
    /// What it is in its group; of no meaning for a single target.
    pub role: Role,
}

impl Member {
    /// The only target of a plan.
    pub fn single(target: Target, bounds: Bounds) -> Self {
        let role = Role::of(&target.name);
        Self { target, bounds, role }
    }
}

/// An object with a scale subresource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Group and version, for example `apps/v1`.
    pub api_version: String,
    /// Kind, for example `Deployment`.
    pub kind: String,
    /// Namespace of the target.
    pub namespace: String,
    /// Name of the target.
    pub name: String,
}

impl Target {
    /// `Kind/name`, where the namespace is plain from elsewhere.
    pub fn short_name(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// The least and the most replicas of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: u32,
    max: u32,
}

impl Bounds {
    /// Bounds from `min` to `max`, both included; `None` where `min > max`.
    pub fn new(min: u32, max: u32) -> Option<Self> {
        (min <= max).then_some(Self { min, max })
    }

    /// The least replicas.
    pub fn min(self) -> u32 {
        self.min
    }

    /// The most replicas.
    pub fn max(self) -> u32 {
        self.max
    }

    /// The nearest count within the bounds.
    pub fn clamp(self, replicas: u32) -> u32 {
        replicas.clamp(self.min, self.max)
    }

    /// How many replicas `replicas` lies outside the bounds; 0 within.
    pub fn distance(self, replicas: u32) -> u32 {
        replicas.abs_diff(self.clamp(replicas))
    }
}

/// One metric of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name for people: `activeUsers`, or the source's name.
    pub name: String,
    /// What is asked.
    pub query: Query,
    /// The least value that makes sense, for example 0 for a count. A reading below it is an absence.
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

/// What holds a wish back, in the order in which it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Safety {
    /// Scale-out follows the least wish of this window. Zero: at once.
    pub scale_up_stabilization: Duration,
    /// Scale-in follows the greatest wish of this window. Zero: at once.
    pub scale_down_stabilization: Duration,
    /// The most pods that one scale operation adds. `None`: no limit.
    pub max_scale_up: Option<u32>,
    /// The most pods that one scale operation removes. `None`: no limit.
    pub max_scale_down: Option<u32>,
    /// No second scale within this time of the last one.
    pub cooldown: Duration,
}

impl Safety {
    /// Whether any stabilization window is set.
    pub fn stabilizes(&self) -> bool {
        !self.scale_up_stabilization.is_zero() || !self.scale_down_stabilization.is_zero()
    }
}

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decide and write.
    #[default]
    Act,
    /// Decide and record, write nothing.
    Observe,
}
