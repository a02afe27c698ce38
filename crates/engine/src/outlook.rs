//! What is expected of a metric a little later, and what a decision makes of it.
//!
//! Who forecasts stands outside of this crate: an [`Outlook`] for each metric comes with the observation. A decision
//! scales out because of it, and never in: it asks the policy a second time, with the values that are expected, and
//! takes the larger of both recommendations.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::number::Number;
use crate::{Metric, Reading, Scale, TargetType, Time};

/// Whether a plan goes by forecasts, and how far ahead they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Foresight {
    /// How far ahead: as long as replicas take to be ready, and one poll more. Above 0.
    pub horizon: Duration,
}

/// What is expected of the load that one metric shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// A load at a later time.
    Expected(Expected),
    /// No forecast that can be relied on.
    Unknown(NoForecast),
}

/// A load at a later time. The load is what [`Metric::load`] makes of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The load when the forecast was made.
    pub now: f64,
    /// The load expected; not negative.
    pub load: f64,
    /// When.
    pub at: Time,
    /// Which model says so.
    pub model: ForecastModel,
    /// How wrong that model was recently, as a share of the load.
    pub error: f64,
}

impl Outlook {
    /// What is expected, where anything is.
    pub fn expected(&self) -> Option<&Expected> {
        match self {
            Self::Expected(expected) => Some(expected),
            Self::Unknown(_) => None,
        }
    }
}

impl Expected {
    /// The value of the metric that goes with the load expected, where it is `value` now.
    pub fn value(&self, value: f64) -> f64 {
        if self.now > 0.0 { value * (self.load / self.now) } else { value.max(self.load) }
    }
}

/// A model, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForecastModel {
    /// Nothing changes: what a rule without a forecast goes by.
    Same,
    /// The trend of the last minutes.
    Trend,
    /// The same time one season earlier.
    Earlier,
    /// Seasons and trend.
    Seasonal,
}

impl fmt::Display for ForecastModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "no change",
            Self::Trend => "trend",
            Self::Earlier => "one season earlier",
            Self::Seasonal => "season and trend",
        })
    }
}

/// Why there is no forecast that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoForecast {
    /// The load has not been read for long enough.
    TooShort,
    /// No model is better than "nothing changes".
    NoBetter {
        /// The recent error of the best model, as a share of the load.
        error: f64,
        /// The recent error of "nothing changes", as a share of the load.
        same: f64,
    },
    /// The recent error of the best model is too large.
    TooWrong {
        /// That error, as a share of the load.
        error: f64,
    },
}

impl NoForecast {
    /// Why, without numbers that change from poll to poll.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooShort => "the load has not been read for long enough",
            Self::NoBetter { .. } => "no model is better than taking the load to stay as it is",
            Self::TooWrong { .. } => "its recent error is too large",
        }
    }
}

impl fmt::Display for NoForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())?;
        match *self {
            Self::TooShort => Ok(()),
            Self::NoBetter { error, same } => write!(f, ": {} against {}", Percent(error), Percent(same)),
            Self::TooWrong { error } => write!(f, ": {} of the load", Percent(error)),
        }
    }
}

/// A share, printed in per cent.
pub(crate) struct Percent(pub(crate) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Number((1000.0 * self.0).round() / 10.0))
    }
}

impl Metric {
    /// Whether its value is measured at the replicas, so that it changes when their number does.
    pub fn depends_on_replicas(&self, reading: &Reading) -> bool {
        let is_ratio = self.target.is_some_and(|target| target.type_() == TargetType::Value);
        is_ratio || matches!(reading, Reading::Pods { .. })
    }

    /// The load that a reading of this metric shows: what stays the same when replicas are added. `value` is what people
    /// are shown of the reading. `None` where it depends on replicas and none of them serves.
    pub fn load(&self, reading: &Reading, value: f64, scale: Option<Scale>) -> Option<f64> {
        if !self.depends_on_replicas(reading) {
            return Some(value);
        }
        let scale = scale.filter(|scale| scale.serving() > 0 && scale.replicas > 0)?;
        // What pods use is shown as if all replicas that are asked for did.
        let shown = if matches!(reading, Reading::Pods { .. }) { f64::from(scale.replicas) } else { 1.0 };
        Some(value / shown * f64::from(scale.serving()))
    }
}

/// The values that are expected, where any is larger than it is now; others stay.
pub(crate) fn raised(values: &[Option<f64>], outlooks: &[Outlook]) -> Option<Vec<Option<f64>>> {
    let mut raised = Cow::Borrowed(values);
    for (index, outlook) in outlooks.iter().enumerate().take(values.len()) {
        if let (Some(expected), Some(value)) = (outlook.expected(), values[index]) {
            let later = expected.value(value);
            if later.is_finite() && later > value {
                raised.to_mut()[index] = Some(later);
            }
        }
    }
    match raised {
        Cow::Borrowed(_) => None,
        Cow::Owned(raised) => Some(raised),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(now: f64, load: f64) -> Outlook {
        let (at, model) = (Time::from_seconds(60), ForecastModel::Seasonal);
        Outlook::Expected(Expected { now, load, at, model, error: 0.04 })
    }

    #[test]
    fn values_are_raised_and_never_lowered() {
        let values = [Some(10.0), Some(10.0), None, Some(0.0), Some(10.0)];
        let outlooks = [
            expected(100.0, 150.0),
            expected(100.0, 50.0),
            expected(1.0, 2.0),
            expected(0.0, 7.0),
            Outlook::Unknown(NoForecast::TooShort),
        ];
        let wanted = vec![Some(15.0), Some(10.0), None, Some(7.0), Some(10.0)];
        assert_eq!(raised(&values, &outlooks), Some(wanted));
        assert_eq!(raised(&values, &outlooks[1..2]), None);
        assert_eq!(raised(&values, &[]), None);
        assert_eq!(raised(&values[..1], &[expected(f64::MIN_POSITIVE, f64::MAX)]), None, "no infinite value");
    }

    #[test]
    fn what_keeps_a_forecast_from_being_used_is_a_sentence() {
        let cases = [
            (NoForecast::TooShort, "the load has not been read for long enough"),
            (
                NoForecast::NoBetter { error: 0.1234, same: 0.11 },
                "no model is better than taking the load to stay as it is: 12.3 % against 11 %",
            ),
            (NoForecast::TooWrong { error: 0.4 }, "its recent error is too large: 40 % of the load"),
        ];
        for (why, text) in cases {
            assert_eq!(why.to_string(), text);
        }
    }
}
