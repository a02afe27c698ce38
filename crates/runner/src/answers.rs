//! What others are answered who ask for a metric of an object: the values that its last poll published.
//!
//! They are answered from here and not from the source, so an HPA that asks every few seconds costs no query. A value
//! is answered for two polling intervals and 30 seconds after the poll that published it: one poll may fail to come,
//! and a slow one may take its time. After that there is a reason and no number, as whoever scales by an old number
//! scales blindly.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Published, Time};
use resources::Outcome;

use crate::ObjectKey;

/// Added to two intervals, it is for how long a value is answered.
const GRACE: Duration = Duration::from_secs(30);

/// The values that each object published last.
#[derive(Debug, Default)]
pub struct Answers {
    leads: AtomicBool,
    objects: Mutex<HashMap<ObjectKey, Noted>>,
}

/// What one poll published.
#[derive(Debug)]
struct Noted {
    polled: Time,
    interval: Duration,
    values: Vec<Published>,
}

/// A value that may be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The metric's name, as it was published.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// When it was true.
    pub at: Time,
    /// How long ago that is.
    pub age: Duration,
}

/// Why there is no value to answer.
#[derive(Clone, Debug, PartialEq)]
pub enum NoAnswer {
    /// This replica does not lead, and so polls nothing.
    NotLeading,
    /// The object publishes nothing, or is not there.
    UnknownObject,
    /// The object publishes other metrics.
    UnknownMetric {
        /// Those that it publishes.
        published: Vec<String>,
    },
    /// The last poll had no value.
    NoValue {
        /// Why, in a sentence.
        message: String,
    },
    /// The last poll is too long ago.
    Stale {
        /// How long.
        age: Duration,
        /// How long it may be.
        limit: Duration,
    },
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeading => f.write_str("this replica does not lead"),
            Self::UnknownObject => f.write_str("nothing has been published for it"),
            Self::UnknownMetric { published } => write!(f, "it publishes {}", published.join(", ")),
            Self::NoValue { message } => f.write_str(message),
            Self::Stale { age, limit } => write!(
                f,
                "its last poll was {} s ago, and a value is used for {} s at most",
                age.as_secs(),
                limit.as_secs()
            ),
        }
    }
}

impl Answers {
    /// The value of `metric` that the object `key` published last; the case of the name does not count.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(&self, key: &ObjectKey, metric: &str, now: Time) -> Result<Answer, NoAnswer> {
        if !self.leads.load(Ordering::Relaxed) {
            return Err(NoAnswer::NotLeading);
        }
        let objects = self.lock();
        let Noted { polled, interval, values } = objects.get(key).ok_or(NoAnswer::UnknownObject)?;
        let found = values.iter().find(|value| value.metric.eq_ignore_ascii_case(metric));
        let found = found.ok_or_else(|| NoAnswer::UnknownMetric {
            published: values.iter().map(|value| value.metric.clone()).collect(),
        })?;
        let (age, limit) = (now.since(*polled), *interval * 2 + GRACE);
        if age > limit {
            return Err(NoAnswer::Stale { age, limit });
        }
        match &found.value {
            Ok(value) => Ok(Answer {
                metric: found.metric.clone(),
                value: *value,
                at: found.at,
                age: now.since(found.at),
            }),
            Err(absence) => Err(NoAnswer::NoValue { message: absence.to_string() }),
        }
    }

    /// Notes whether this replica leads; what it knows is of before, so it is forgotten.
    pub fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        self.lock().clear();
    }

    /// Replaces what the object `key` published by what its last poll did.
    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome) {
        let Some(poll) = outcome.poll() else { return self.forget(key) };
        let interval = poll.plan.interval_after(&poll.decision);
        self.publish(key, poll.decision.at, interval, poll.decision.published.clone());
    }

    /// Replaces what the object `key`, which is polled at this interval, published by `values`, of the poll of that time.
    pub fn publish(&self, key: &ObjectKey, polled: Time, interval: Duration, values: Vec<Published>) {
        if values.is_empty() {
            return self.forget(key);
        }
        self.lock().insert(key.clone(), Noted { polled, interval, values });
    }

    /// The object is gone, or is no longer looked at.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Noted>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
