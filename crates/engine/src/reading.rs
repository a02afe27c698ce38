//! What a metric source answered: numbers or pods with their time, or a named absence.
//!
//! An absence is never a number. A source that is down, a missing key or a NaN
//! must not look like a load of zero, which would shrink a fleet in an outage.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::pod_metric::PodMeasure;
use crate::{PodSample, Target, Time};

/// What to ask of which source. Two equal queries are asked once and shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Name of the source in the registry, for example `http`.
    pub source: String,
    /// Namespace in which secrets named by `config` are read.
    pub namespace: String,
    /// The source's own settings, checked by the source when the object was compiled.
    pub config: Value,
    /// What is scaled, for a source that reads the target itself, such as the usage of its pods; else
    /// `None`, so that objects with different targets share a reading.
    pub target: Option<Target>,
}

impl Query {
    /// A text that is equal exactly for queries that may share one reading.
    ///
    /// The namespace is part of it: the same secret name is another secret elsewhere.
    pub fn key(&self) -> String {
        let mut key = format!("{}\u{1f}{}\u{1f}{}", self.source, self.namespace, self.config);
        if let Some(Target { api_version, kind, namespace, name }) = &self.target {
            for part in [api_version, kind, namespace, name] {
                key.push('\u{1f}');
                key.push_str(part);
            }
        }
        key
    }
}

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
    /// There is no answer, and this is why.
    Absent(Absence),
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
            Some(value) => Self::Value { value, at },
            None => Self::absent(AbsenceReason::NotFinite, format!("the source answered {value}")),
        }
    }

    /// What a source answered at `at`: a number as by [`Self::of`], or its absence.
    pub fn answered(answer: Result<f64, Absence>, at: Time) -> Self {
        match answer {
            Ok(value) => Self::of(value, at),
            Err(absence) => Self::Absent(absence),
        }
    }

    /// The one number; `None` for several, for pods and for an absence.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value { value, .. } => Some(value.get()),
            Self::Values { .. } | Self::Pods { .. } | Self::Absent(_) => None,
        }
    }

    /// When the answer was true; `None` for an absence.
    pub fn at(&self) -> Option<Time> {
        match self {
            Self::Value { at, .. } | Self::Values { at, .. } | Self::Pods { at, .. } => Some(*at),
            Self::Absent(_) => None,
        }
    }

    /// Why there is no answer; `None` where there is one.
    pub fn absence(&self) -> Option<&Absence> {
        match self {
            Self::Absent(absence) => Some(absence),
            Self::Value { .. } | Self::Values { .. } | Self::Pods { .. } => None,
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
    /// The address could not be resolved or connected to, or the connection broke.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_about_different_targets_share_nothing() {
        let target = |kind: &str, name: &str| Target {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let key = |target| {
            let (source, namespace) = ("cpu".to_owned(), "shop".to_owned());
            Query { source, namespace, config: Value::Null, target }.key()
        };
        let web = key(Some(target("Deployment", "web")));
        assert_eq!(web, key(Some(target("Deployment", "web"))));
        assert_ne!(web, key(Some(target("StatefulSet", "web"))));
        assert_ne!(web, key(Some(target("Deployment", "api"))));
        assert_ne!(web, key(None));
    }
}
