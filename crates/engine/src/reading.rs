//! What a metric source answered: numbers or pods with their time, or a named absence.
//!
//! An absence is never a number. A source that is down, a missing key or a NaN
//! must not look like a load of zero, which would shrink a fleet in an outage.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::pod_metric::PodMeasure;
use crate::{Number, PodSample, Time};

/// A metric value: any finite `f64`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct MetricValue(f64);

impl MetricValue {
    /// The value, or `None` for NaN and the infinities.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// One answer of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The source answered with a number.
    Value {
        /// The number.
        value: MetricValue,
        /// When it was true at the source; when it was read where the source does not say.
        at: Time,
        /// Where most of it comes from, where the number is made of several.
        largest: Option<Arc<Contributor>>,
    },
    /// The source answered with several numbers, which nobody has aggregated; never empty.
    Values {
        /// The numbers, each with its labels.
        values: Arc<[LabeledValue]>,
        /// When the oldest of them was true.
        at: Time,
    },
    /// The source answered with the pods of a target.
    Pods {
        /// What was measured of them.
        measure: PodMeasure,
        /// All of them, in the order of their names.
        pods: Arc<[PodSample]>,
        /// When the oldest measurement among them was taken; when the pods were read where there is none.
        at: Time,
    },
    /// The source has judged by itself whether there is work, and has named its metrics and what to aim for in them, as
    /// an external scaler does.
    Scaler {
        /// Whether there is work.
        active: bool,
        /// Its metrics, each name once.
        metrics: Arc<[ScalerMetric]>,
        /// When that was true.
        at: Time,
    },
    /// There is no answer, and this is why.
    Absent(Absence),
}

/// A metric that an external scaler has named by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalerMetric {
    /// The scaler's name for it, without the trigger's place.
    pub name: String,
    /// What to aim for; only a number above 0 can be.
    pub target: f64,
    /// Its value; where the scaler has several for the name, their sum.
    pub value: MetricValue,
}

/// A part of a number, for people who wonder about the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributor {
    /// What it comes from, for example `consumer "old" of stream "ORDERS"`.
    pub name: String,
    /// How much of the number it is.
    pub value: MetricValue,
}

impl fmt::Display for Contributor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", Number(self.value.get()), self.name)
    }
}

/// One of several numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LabeledValue {
    /// What distinguishes it from the others, by name; empty where the source does not say.
    pub labels: BTreeMap<String, String>,
    /// The number.
    pub value: MetricValue,
}

impl Reading {
    /// A reading of `value` at `at`; NaN and the infinities become an absence.
    pub fn of(value: f64, at: Time) -> Self {
        match MetricValue::new(value) {
            Some(value) => Self::Value { value, at, largest: None },
            None => Self::absent(AbsenceReason::NotFinite, format!("the source returned {value}")),
        }
    }

    /// What a source answered at `at`: a number as by [`Self::of`], or its absence.
    pub fn answered(answer: Result<f64, Absence>, at: Time) -> Self {
        match answer {
            Ok(value) => Self::of(value, at),
            Err(absence) => Self::Absent(absence),
        }
    }

    /// The same, where most of its number comes from `name`: `value` of it.
    #[must_use]
    pub fn with_largest(mut self, name: String, value: f64) -> Self {
        if let Self::Value { largest, .. } = &mut self {
            *largest = MetricValue::new(value).map(|value| Arc::new(Contributor { name, value }));
        }
        self
    }

    /// Where most of the number comes from; `None` where that is not known, or it comes from one place.
    pub fn largest(&self) -> Option<&Contributor> {
        match self {
            Self::Value { largest, .. } => largest.as_deref(),
            Self::Values { .. } | Self::Pods { .. } | Self::Scaler { .. } | Self::Absent(_) => None,
        }
    }

    /// The one number; `None` for several, for pods and for an absence.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value { value, .. } => Some(value.get()),
            Self::Scaler { metrics, .. } => match metrics.as_ref() {
                [metric] => Some(metric.value.get()),
                _ => None,
            },
            Self::Values { .. } | Self::Pods { .. } | Self::Absent(_) => None,
        }
    }

    /// When the answer was true; `None` for an absence.
    pub fn at(&self) -> Option<Time> {
        match self {
            Self::Value { at, .. }
            | Self::Values { at, .. }
            | Self::Pods { at, .. }
            | Self::Scaler { at, .. } => Some(*at),
            Self::Absent(_) => None,
        }
    }

    /// Why there is no answer; `None` where there is one.
    pub fn absence(&self) -> Option<&Absence> {
        match self {
            Self::Absent(absence) => Some(absence),
            Self::Value { .. } | Self::Values { .. } | Self::Pods { .. } | Self::Scaler { .. } => None,
        }
    }

    /// An absence with its reason and what a person needs to know about it.
    pub fn absent(reason: AbsenceReason, message: impl Into<String>) -> Self {
        Self::Absent(Absence { reason, message: message.into() })
    }
}

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Absence {
    /// The class of the failure, for conditions and metric labels.
    pub reason: AbsenceReason,
    /// What happened and where, in one sentence without secrets.
    pub message: String,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The closed list of reasons for which a reading can be absent.
///
/// The names appear in conditions and metric labels, so they are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AbsenceReason {
    /// The address could not be resolved or connected to, or the connection was lost.
    ConnectionFailed,
    /// The source did not answer in time.
    Timeout,
    /// The address, or one it redirected to, must not be called from a cluster.
    AddressRefused,
    /// The source redirected too often or in a circle.
    TooManyRedirects,
    /// The source answered with an error status.
    BadStatus,
    /// The source does not let the query in: a user, password or permission is wrong or missing.
    Unauthorized,
    /// The answer is larger than what is read.
    TooLarge,
    /// The answer is not in the format that the source speaks.
    Malformed,
    /// The answer does not have the value that was asked for.
    ValueMissing,
    /// The answer has several values where one was asked for.
    ValueAmbiguous,
    /// The source says that its answer may lack something.
    Partial,
    /// The value is there and is no number.
    NotANumber,
    /// The value is NaN, infinite or beyond what a 64-bit float holds.
    NotFinite,
    /// The value is below what the metric can be, for example a negative count.
    OutOfRange,
    /// The newest value is older than the query allows.
    Stale,
    /// The target has no pods, so that the metric, which is measured at them, has nothing to say. It abstains:
    /// other metrics decide as if this one were not there.
    NoPods,
    /// A secret that the query needs is missing or cannot be read.
    SecretUnavailable,
}

impl AbsenceReason {
    /// Every reason, for documentation and tests.
    pub const ALL: &[AbsenceReason] = &[
        Self::ConnectionFailed,
        Self::Timeout,
        Self::AddressRefused,
        Self::TooManyRedirects,
        Self::BadStatus,
        Self::Unauthorized,
        Self::TooLarge,
        Self::Malformed,
        Self::ValueMissing,
        Self::ValueAmbiguous,
        Self::Partial,
        Self::NotANumber,
        Self::NotFinite,
        Self::OutOfRange,
        Self::Stale,
        Self::NoPods,
        Self::SecretUnavailable,
    ];

    /// The reason as conditions and metric labels print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionFailed => "MetricConnectionFailed",
            Self::Timeout => "MetricTimeout",
            Self::AddressRefused => "MetricAddressRefused",
            Self::TooManyRedirects => "MetricTooManyRedirects",
            Self::BadStatus => "MetricBadStatus",
            Self::Unauthorized => "MetricUnauthorized",
            Self::TooLarge => "MetricTooLarge",
            Self::Malformed => "MetricMalformed",
            Self::ValueMissing => "MetricValueMissing",
            Self::ValueAmbiguous => "MetricValueAmbiguous",
            Self::Partial => "MetricPartial",
            Self::NotANumber => "MetricNotANumber",
            Self::NotFinite => "MetricNotFinite",
            Self::OutOfRange => "MetricOutOfRange",
            Self::Stale => "MetricStale",
            Self::NoPods => "MetricNoPods",
            Self::SecretUnavailable => "SecretUnavailable",
        }
    }
}

impl fmt::Display for AbsenceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AbsenceReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A metric without a usable reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AbsentMetric {
    /// The metric's name in the plan.
    pub metric: String,
    /// Why.
    #[serde(flatten)]
    pub absence: Absence,
}
