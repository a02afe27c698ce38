//! Forecasts of the objects that ask for them: what is known of each load, fitted beside the loop.
//!
//! A poll listens and asks in microseconds. Finding seasons takes up to a second of a core, so it is done on a thread for
//! such work, one at a time however many objects there are, and what came of it counts from the next poll on. What is
//! known is lost when this replica stops, and read again from the source where it keeps a past, as Prometheus does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{Metric, Observation, Plan, TargetType, Time};
use forecast::{FitJob, Lookout};
use tokio::sync::Semaphore;

use crate::ObjectKey;
use crate::ports::{PastSpan, Sampler};

/// What is known of the loads of all objects that go by forecasts.
#[derive(Clone)]
pub struct Forecasts {
    known: Arc<Mutex<HashMap<ObjectKey, Lookout>>>,
    /// Whose turn it is to fit, or to read a past.
    turn: Arc<Semaphore>,
}

impl Default for Forecasts {
    fn default() -> Self {
        Self { known: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Forecasts {
    /// Takes in what a poll of `key` saw at `now`, and puts into `observation` what is expected. Must be called within a
    /// tokio runtime.
    pub(crate) fn look(
        &self,
        key: &ObjectKey,
        plan: &Plan,
        observation: &mut Observation,
        sampler: &Arc<dyn Sampler>,
        now: Time,
    ) {
        if plan.foresight.is_none() {
            self.forget(key);
            return;
        }
        let mut known = self.lock();
        let is_new = !known.get(key).is_some_and(|lookout| lookout.fits(plan));
        if is_new {
            let before = known.remove(key);
            known.extend(Lookout::of(plan, before).map(|lookout| (key.clone(), lookout)));
        }
        let Some(lookout) = known.get_mut(key) else { return };
        lookout.look(plan, observation, now);
        let (due, past) = (lookout.fits_due(now), lookout.past());
        drop(known);
        for (query, job) in due {
            self.fit(key.clone(), query, job);
        }
        if is_new {
            let (length, step) = past;
            let span = PastSpan { from: now.minus(length), to: now, step };
            for metric in plan.metrics.iter().filter(|metric| has_past(metric)) {
                self.remember(key.clone(), metric.clone(), span, Arc::clone(sampler));
            }
        }
    }

    /// The object is gone, or goes by what is read alone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// Someone else leads, or did: nothing is listened to meanwhile.
    pub(crate) fn forget_all(&self) {
        self.lock().clear();
    }

    fn fit(&self, key: ObjectKey, query: u64, job: FitJob) {
        let all = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = all.turn.acquire().await else { return };
            match tokio::task::spawn_blocking(move || job.run()).await {
                Ok(fitted) => {
                    if let Some(lookout) = all.lock().get_mut(&key) {
                        lookout.adopt(query, &fitted);
                    }
                }
                // A load that the library cannot take: the forecast goes on without seasons.
                Err(error) => tracing::warn!(object = %key, %error, "a forecast could not be fitted"),
            }
        });
    }

    /// Reads what the metric's source knows of the time before this replica listened.
    fn remember(&self, key: ObjectKey, metric: Metric, span: PastSpan, sampler: Arc<dyn Sampler>) {
        let all = self.clone();
        tokio::spawn(async move {
            let past = {
                let Ok(_turn) = all.turn.acquire().await else { return };
                sampler.past(&metric.query, span).await
            };
            let Some(past) = past.filter(|past| !past.is_empty()) else { return };
            tracing::debug!(object = %key, metric = metric.name, values = past.len(), "the past of a metric is known");
            if let Some(lookout) = all.lock().get_mut(&key) {
                lookout.learn_past(metric.query.digest(), &past);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Lookout>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a past of its values says what the load was: not where they depend on the replicas of their day.
fn has_past(metric: &Metric) -> bool {
    metric.target.is_none_or(|target| target.type_() == TargetType::AverageValue)
}

#[cfg(test)]
mod tests;
