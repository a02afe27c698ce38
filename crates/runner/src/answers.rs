//! What others are answered who ask for a metric of an object: the values that its last poll published.
//!
//! They are answered from here and not from the source, so an HPA that asks every few seconds costs no query. A value
//! is answered for two polling intervals and 30 seconds after the poll that published it: one poll may fail to come,
//! and a slow one may take its time. After that there is a reason and no number, as whoever scales by an old number
//! scales blindly.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use engine::{Published, Scale, Target, Time};
use resources::Outcome;
use tokio::sync::Notify;

use crate::{Actuator, Clock, ObjectKey};

/// Added to two intervals, it is for how long a value is answered.
const GRACE: Duration = Duration::from_secs(30);

/// How long a question waits for the first poll of an object; less than replicas wait for each other.
const FIRST: Duration = Duration::from_secs(4);

/// The values that each object published last.
#[derive(Debug, Default)]
pub struct Answers {
    leads: AtomicBool,
    objects: Mutex<HashMap<ObjectKey, Box<Noted>>>,
    /// Objects whose poll is still to come: the first one, or that by a new spec.
    expected: Mutex<HashMap<ObjectKey, Expected>>,
    /// Those of them that somebody has asked for.
    asked: Mutex<HashSet<ObjectKey>>,
    someone_asks: Notify,
    pods: Pods,
}

/// Whom to tell when the poll of one object has come; nobody while nobody waits. Each object has its own: told of
/// every poll, thousands that wait would all look at once, thousands of times.
type Expected = Option<Arc<Notify>>;

/// By whom the pods of targets are counted.
#[derive(Default)]
struct Pods(OnceLock<Arc<dyn Actuator>>);

impl fmt::Debug for Pods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pods")
    }
}

/// What one poll published.
#[derive(Debug)]
struct Noted {
    polled: Time,
    interval: Duration,
    values: Vec<Published>,
    /// Whose pods share a fallback.
    target: Option<Box<Target>>,
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
    /// What the pods that are ready share, whoever they are now: see [`Published::for_one_pod`].
    shared: Option<(f64, Target)>,
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
        let Noted { polled, interval, values, target } =
            &**objects.get(key).ok_or(NoAnswer::UnknownObject)?;
        let found = values.iter().find(|value| value.metric.eq_ignore_ascii_case(metric));
        let found = found.ok_or_else(|| NoAnswer::UnknownMetric {
            published: values.iter().map(|value| value.metric.to_string()).collect(),
        })?;
        let (age, limit) = (now.since(*polled), *interval * 2 + GRACE);
        if age > limit {
            return Err(NoAnswer::Stale { age, limit });
        }
        match &found.value {
            Ok(value) => Ok(Answer {
                metric: found.metric.to_string(),
                value: *value,
                at: found.at,
                age: now.since(found.at),
                shared: found.for_one_pod.zip(target.as_deref().cloned()),
            }),
            Err(absence) => Err(NoAnswer::NoValue { message: absence.to_string() }),
        }
    }

    /// The same, after the poll of an object that is still to come, for as long as a question may wait. An HPA asks as soon
    /// as it is made, and who leads anew knows nothing yet: the first answer is then a value, too. A fallback that the pods
    /// share which are ready is shared by those of now, as an HPA multiplies by those.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn awaited(
        &self,
        key: &ObjectKey,
        metric: &str,
        clock: &dyn Clock,
    ) -> Result<Answer, NoAnswer> {
        let answer = self.polled(key, metric, clock).await?;
        let (Some((whole, target)), Some(pods)) = (&answer.shared, self.pods.0.get()) else {
            return Ok(answer);
        };
        let ready = match pods.observe(target).await {
            Ok(Scale { ready: None, .. }) => pods.ready_pods(target).await,
            seen => seen.ok().and_then(|scale| scale.ready),
        };
        let ready = ready.unwrap_or(0);
        let Some(value) = Published::shared_by(*whole, ready) else {
            let message = "it falls back by the pods that are ready, and none is".to_owned();
            return Err(NoAnswer::NoValue { message });
        };
        Ok(Answer { value, ..answer })
    }

    /// Has the pods of targets counted by `actuator`.
    pub(crate) fn count_pods_by(&self, actuator: Arc<dyn Actuator>) {
        let _ = self.pods.0.set(actuator);
    }

    async fn polled(&self, key: &ObjectKey, metric: &str, clock: &dyn Clock) -> Result<Answer, NoAnswer> {
        let found = self.find(key, metric, clock.now());
        let may_come = matches!(found, Err(NoAnswer::UnknownObject | NoAnswer::UnknownMetric { .. }));
        if !may_come || !self.is_expected(key) {
            return found;
        }
        locked(&self.asked).insert(key.clone());
        self.someone_asks.notify_one();
        // Where it does not come in time, that is the answer.
        let _ = tokio::time::timeout(FIRST, self.until_polled(key)).await;
        self.find(key, metric, clock.now())
    }

    async fn until_polled(&self, key: &ObjectKey) {
        let polled = {
            let mut expected = locked(&self.expected);
            let Some(expected) = expected.get_mut(key) else { return };
            // Made before the object leaves the table, it is told when that happens.
            Arc::clone(expected.get_or_insert_default()).notified_owned()
        };
        polled.await;
    }

    /// Waits until somebody has asked for objects whose poll is still to come; gives those.
    pub(crate) async fn asked(&self) -> HashSet<ObjectKey> {
        self.someone_asks.notified().await;
        std::mem::take(&mut *locked(&self.asked))
    }

    /// Notes that a poll of the object `key` is still to come.
    pub(crate) fn expect(&self, key: &ObjectKey) {
        if self.leads.load(Ordering::Relaxed) {
            locked(&self.expected).entry(key.clone()).or_default();
        }
    }

    fn is_expected(&self, key: &ObjectKey) -> bool {
        locked(&self.expected).contains_key(key)
    }

    /// Notes whether this replica leads; what it knows is of before, so it is forgotten.
    pub fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        self.lock().clear();
        for (_, waiting) in locked(&self.expected).drain() {
            tell(waiting);
        }
    }

    /// Replaces what the object `key` published by what its last poll did.
    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome) {
        let Some(poll) = outcome.poll() else { return self.forget(key) };
        let interval = poll.plan.interval_after(&poll.decision);
        let values = &poll.decision.published;
        // For that the pods that are ready are counted.
        let is_shared = values.iter().any(|value| value.for_one_pod.is_some());
        let target =
            poll.plan.members.first().filter(|_| is_shared).map(|member| Box::new(member.target.clone()));
        self.keep(key, Noted { polled: poll.decision.at, interval, values: values.clone(), target });
    }

    /// Replaces what the object `key`, which is polled at this interval, published by `values`, of the poll of that time.
    pub fn publish(&self, key: &ObjectKey, polled: Time, interval: Duration, values: Vec<Published>) {
        self.keep(key, Noted { polled, interval, values, target: None });
    }

    fn keep(&self, key: &ObjectKey, noted: Noted) {
        if noted.values.is_empty() {
            return self.forget(key);
        }
        self.lock().insert(key.clone(), Box::new(noted));
        self.came(key);
    }

    /// The object is gone, or is no longer looked at.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
        self.came(key);
    }

    /// What was still to come has come, or does not come any more.
    fn came(&self, key: &ObjectKey) {
        if let Some(waiting) = locked(&self.expected).remove(key) {
            tell(waiting);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Box<Noted>>> {
        locked(&self.objects)
    }
}

fn tell(waiting: Expected) {
    if let Some(waiting) = waiting {
        waiting.notify_waiters();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
