//! One metric of an HPA: what it is measured at and what is aimed for, and the count that it proposes.

use std::fmt;
use std::sync::Arc;

use super::pods::{PodAim, PodAnswer, PodQuestion};
use super::{Tolerance, milli, proposal};
use crate::number::Number;
use crate::pod_metric::{PodAmount, PodMeasure, PodsUnknown, Startup};
use crate::{Absence, AbsenceReason, Reading, Scale, Time};

/// One metric of an HPA.
#[derive(Clone, Debug, PartialEq)]
pub struct HpaMetric {
    /// Name for people: `cpu`, or that of the metric.
    pub name: Arc<str>,
    /// What is aimed for.
    pub aim: MetricAim,
}

/// What is aimed for in a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricAim {
    /// A share of each replica, in milli-units, above 0.
    AverageValue(i64),
    /// The value itself, in milli-units, above 0.
    Value(i64),
    /// What pods use, on average.
    Pods(PodMeasure, PodAim),
}

/// The count that one metric proposes, with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Name of the metric.
    pub metric: Arc<str>,
    /// Replicas.
    pub replicas: u32,
    /// What the count rests on.
    pub seen: Seen,
}

/// What a proposal rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A number.
    Number {
        /// In milli-units.
        value: i64,
        /// In milli-units.
        target: i64,
        /// The replicas that the count was made with; `None` where the value alone makes it.
        by: Option<u32>,
    },
    /// Pods.
    Pods {
        /// What they ask for.
        answer: PodAnswer,
        /// What is aimed for.
        aim: PodAim,
    },
}

/// What holds for all metrics of one sync.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The target's scale.
    pub scale: Scale,
    /// How far from their targets metrics may be.
    pub tolerance: Tolerance,
    /// How long pods may take to start.
    pub startup: Startup,
    /// The instant.
    pub now: Time,
}

impl MetricAim {
    /// The count that `reading` comes to, and what it rests on.
    ///
    /// # Errors
    /// Why it comes to none.
    pub fn count(&self, reading: Option<&Reading>, about: Circumstances) -> Result<(u32, Seen), Absence> {
        let Circumstances { scale, tolerance, .. } = about;
        match *self {
            Self::AverageValue(target) => {
                let value = number(reading)?;
                let replicas = proposal::average_value(value, target, scale, tolerance);
                Ok((replicas, Seen::Number { value, target, by: None }))
            }
            Self::Value(target) => {
                let value = number(reading)?;
                let replicas = proposal::value(value, target, scale, tolerance).ok_or(PodsUnknown::NoPods)?;
                Ok((replicas, Seen::Number { value, target, by: Some(scale.serving()) }))
            }
            Self::Pods(ref measure, aim) => {
                let (tolerance, startup) = (about.tolerance, about.startup);
                let question = PodQuestion { measure, aim, tolerance, startup };
                let answer = match reading {
                    Some(Reading::Pods { measure: read, pods, .. }) if measure.is_answered_by(read) => {
                        question.ask(pods, scale.replicas, about.now)?
                    }
                    Some(Reading::Pods { measure: read, .. }) => return Err(unfit_measure(read)),
                    other => return Err(unfit(other, "pods")),
                };
                Ok((answer.replicas, Seen::Pods { answer, aim }))
            }
        }
    }
}

/// The reading in milli-units; of several values, their sum.
fn number(reading: Option<&Reading>) -> Result<i64, Absence> {
    match reading {
        Some(Reading::Value { value, .. }) => Ok(milli(value.get())),
        Some(Reading::Values { values, .. }) => {
            Ok(values.iter().map(|labeled| milli(labeled.value.get())).fold(0, i64::saturating_add))
        }
        other => Err(unfit(other, "a number")),
    }
}

/// The controller fails, too, where the metrics API measures nothing of a resource.
fn unfit_measure(read: &PodMeasure) -> Absence {
    let of =
        read.container.as_ref().map(|container| format!(" of container {container}")).unwrap_or_default();
    let message =
        format!("{}{of} was measured at pods, which is not what is aimed for", read.resource.name());
    Absence { reason: AbsenceReason::ValueMissing, message }
}

fn unfit(reading: Option<&Reading>, wanted: &str) -> Absence {
    let absence = |reason, message| Absence { reason, message };
    match reading {
        Some(Reading::Absent(absence)) => absence.clone(),
        Some(_) => absence(AbsenceReason::Malformed, format!("the source did not return {wanted}")),
        None => absence(AbsenceReason::ValueMissing, "it has not been read yet".to_owned()),
    }
}

impl fmt::Display for Proposal {
    /// `queue 700/100`, `latency 1.5/1 × 4 ready`, `cpu 120%/80% × 4 pods, 2 more taken as idle`,
    /// `cpu 70%/80% × 20 pods, 10 of them beyond spec.replicas`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.metric)?;
        match &self.seen {
            Seen::Number { value, target, by } => {
                write!(f, "{}/{}", Number(*value as f64 / 1e3), Number(*target as f64 / 1e3))?;
                by.map_or(Ok(()), |ready| write!(f, " × {ready} ready"))
            }
            Seen::Pods { answer, aim } => {
                match aim {
                    PodAim::Percent(target) => write!(f, "{}%/{target}%", answer.average)?,
                    PodAim::Milli(target) => {
                        let (average, target) = (answer.average as f64 / 1e3, *target as f64 / 1e3);
                        write!(f, "{}/{}", Number(average), Number(target))?;
                    }
                }
                write!(f, " × {} pods", answer.measured)?;
                match answer.assumed {
                    0 => {}
                    assumed if answer.is_above(*aim) => write!(f, ", {assumed} more taken as idle")?,
                    assumed => write!(f, ", {assumed} more taken as busy")?,
                }
                // What the better form does otherwise.
                if answer.surge > 0 {
                    write!(f, ", {} of them beyond spec.replicas", answer.surge)?;
                }
                match answer.left_out {
                    0 => Ok(()),
                    starting => write!(f, ", {starting} starting left out"),
                }
            }
        }
    }
}

impl MetricAim {
    /// What is measured at pods, where that is so.
    pub fn measure(&self) -> Option<&PodMeasure> {
        match self {
            Self::Pods(measure, _) => Some(measure),
            Self::AverageValue(_) | Self::Value(_) => None,
        }
    }

    /// Whether replicas are brought back from 0 by it: a metric of pods has nothing to say without them.
    pub fn wakes(&self) -> bool {
        self.measure().is_none()
    }
}

impl PodAim {
    /// What is aimed for in percent, or in the resource's own unit.
    pub fn in_unit(self) -> f64 {
        match self {
            Self::Percent(percent) => f64::from(percent),
            Self::Milli(milli) => milli as f64 / 1e3,
        }
    }

    /// The unit that goes with it.
    pub fn amount(self) -> PodAmount {
        match self {
            Self::Percent(_) => PodAmount::Utilization,
            Self::Milli(_) => PodAmount::Usage,
        }
    }
}

#[cfg(test)]
mod tests;
