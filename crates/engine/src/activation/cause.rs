//! Why a target is switched on or off, or stays, in the words of steps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::number::Number;

/// Why a target is switched on or off, or stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// It is active because that is forced.
    Forced,
    /// It is active because all of its triggers are measured at its pods.
    Always,
    /// A value is above what makes it active.
    Above {
        /// Name under which the value is published.
        metric: Arc<str>,
        /// The value.
        value: f64,
        /// What it is above.
        activation: f64,
        /// Further triggers that are active.
        more: usize,
    },
    /// Its source says so.
    Reported {
        /// Name under which its metric is published.
        metric: Arc<str>,
        /// Further triggers that are active.
        more: usize,
    },
    /// A fallback stands in for a metric that fails, and asks for replicas.
    FallsBack {
        /// Name under which it is published.
        metric: Arc<str>,
        /// Further triggers that are active.
        more: usize,
    },
    /// It is inactive, and is left as it is.
    Inactive,
    /// It is inactive and has fewer replicas than the minimum.
    Minimum(u32),
    /// It is inactive, and is left as it is until the polling interval has passed.
    UntilPoll,
    /// It has been inactive for long enough.
    Since(Duration),
    /// It has never been active, for long enough.
    Never,
    /// It is inactive, and not for long enough.
    Waits {
        /// Whether it was ever active.
        was_active: bool,
        /// Time until it is switched off.
        left: Duration,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let and_more = |f: &mut fmt::Formatter<'_>, more: &usize| match more {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        };
        match self {
            Self::Forced => f.write_str("forced"),
            Self::Always => f.write_str("always active"),
            Self::Above { metric, value, activation, more } => {
                write!(f, "{metric} {} > {}", Number(*value), Number(*activation))?;
                and_more(f, more)
            }
            Self::Reported { metric, more } => {
                write!(f, "{metric} by its scaler")?;
                and_more(f, more)
            }
            Self::FallsBack { metric, more } => {
                write!(f, "{metric} falls back")?;
                and_more(f, more)
            }
            Self::Inactive => f.write_str("inactive"),
            Self::UntilPoll => f.write_str("inactive, decided when the polling interval has passed"),
            Self::Minimum(min) => write!(f, "inactive, {min} at least"),
            Self::Since(span) => write!(f, "inactive for {} s", span.as_secs()),
            Self::Never => f.write_str("never active"),
            Self::Waits { was_active, left } => {
                let state = if *was_active { "inactive" } else { "never active" };
                write!(f, "{state}, cooldown {} s left", left.as_millis().div_ceil(1000))
            }
        }
    }
}
