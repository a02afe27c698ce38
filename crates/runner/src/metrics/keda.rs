//! What KEDA's operator counts of ScaledObjects, by its names and labels, so that dashboards and alerts stay.
//!
//! These series name objects, as KEDA's do; those of an object go when it goes, and all of them when another replica
//! leads.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::TriggerActivity;
use engine::activation::Composite;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use resources::{Outcome, Poll};

use crate::ObjectKey;

/// See the module.
#[derive(Default)]
pub(super) struct KedaSeries {
    active: Family<Shared, Gauge>,
    values: Family<Shared, Gauge<f64, AtomicU64>>,
    latencies: Family<Shared, Gauge<f64, AtomicU64>>,
    lateness: Family<LoopLabels, Gauge<f64, AtomicU64>>,
    trigger_errors: Family<Shared, Counter>,
    errors: Family<ObjectLabels, Counter>,
    paused: Family<ObjectLabels, Gauge>,
    objects: Mutex<HashMap<ObjectKey, Series>>,
}

/// What is known of one object.
#[derive(Debug, Default)]
struct Series {
    /// Those of its triggers.
    triggers: Box<[Shared]>,
    /// How long the readings of its last poll took.
    latencies: Vec<Duration>,
}

/// The labels of a trigger, which several series have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shared(Arc<TriggerLabels>);

impl Shared {
    fn of(object: &ObjectKey, trigger: &TriggerActivity) -> Self {
        let (metric, scaler) = (trigger.metric.clone(), trigger.scaler.clone());
        Self(Arc::new(TriggerLabels { object: object.clone(), metric, scaler }))
    }

    /// Of the value that a formula makes of all triggers.
    fn of_composite(object: &ObjectKey) -> Self {
        let (metric, scaler) = (Composite::METRIC.to_owned(), Composite::METRIC.to_owned());
        Self(Arc::new(TriggerLabels { object: object.clone(), metric, scaler }))
    }
}

impl EncodeLabelSet for Shared {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// What KEDA says of each object.
const TYPE: &str = "scaledobject";

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TriggerLabels {
    object: ObjectKey,
    metric: String,
    scaler: String,
}

impl TriggerLabels {
    /// The place among all triggers. Names are `s`, the place, a hyphen and the rest; a formula stands at the first.
    fn index(&self) -> &str {
        if self.metric == Composite::METRIC {
            return "0";
        }
        let place = self.metric.strip_prefix('s').and_then(|rest| rest.split('-').next());
        place.unwrap_or_default()
    }
}

impl EncodeLabelSet for TriggerLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        [
            ("namespace", self.object.namespace.as_str()),
            ("metric", &self.metric),
            ("scaledObject", &self.object.name),
            ("scaler", &self.scaler),
            ("triggerIndex", self.index()),
            ("type", TYPE),
        ]
        .encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ObjectLabels(ObjectKey);

impl EncodeLabelSet for ObjectLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        [("namespace", self.0.namespace.as_str()), ("scaledObject", &self.0.name)].encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LoopLabels(ObjectKey);

impl EncodeLabelSet for LoopLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        [("namespace", self.0.namespace.as_str()), ("type", TYPE), ("resource", &self.0.name)].encode(encoder)
    }
}

impl KedaSeries {
    /// Registers them, under KEDA's own names: each in a registry of its own, as each has a line for every object.
    pub(super) fn registries(&self) -> Vec<Registry> {
        vec![
            alone("keda_scaler_active", "Whether a trigger is active", self.active.clone()),
            alone("keda_scaler_metrics_value", "Last value of a trigger's metric", self.values.clone()),
            alone(
                "keda_scaler_detail_errors",
                "Polls in which a trigger failed",
                self.trigger_errors.clone(),
            ),
            alone("keda_scaled_object_errors", "Polls in which any trigger failed", self.errors.clone()),
            alone("keda_scaled_object_paused", "Whether a ScaledObject is paused", self.paused.clone()),
            alone(
                "keda_scaler_metrics_latency_seconds",
                "Time that the last reading of a trigger's metric took",
                self.latencies.clone(),
            ),
            alone(
                "keda_internal_scale_loop_latency_seconds",
                "Time between the instant at which the last poll was due and its start",
                self.lateness.clone(),
            ),
        ]
    }

    /// Takes over what a poll of `key` came to, where that goes by triggers.
    pub(super) fn looked(&self, key: &ObjectKey, outcome: &Outcome) {
        // What is not polled, as its spec is invalid now, has no values either.
        let Some(poll) = outcome.poll() else { return self.forget(key) };
        let Some(activity) = &poll.decision.activity else { return };
        let triggers = &activity.triggers;
        let composed = published(poll, Composite::METRIC);
        let all = triggers.iter().map(|trigger| Shared::of(key, trigger));
        let all = all.chain(composed.map(|_| Shared::of_composite(key)));
        let (labels, latencies) = self.keep(key, all.collect());
        // A source that names its metrics itself may have several, of which nobody knows how long each took.
        let are_all_known = latencies.len() >= triggers.len();
        for ((labels, latency), _) in labels.iter().zip(&latencies).zip(triggers).filter(|_| are_all_known) {
            self.latencies.get_or_create(labels).set(latency.as_secs_f64());
        }
        if let (Some(value), Some(labels)) = (composed, labels.last()) {
            self.values.get_or_create(labels).set(value);
            self.active.get_or_create(labels).set(activity.is_active.into());
        }
        for (labels, trigger) in labels.iter().zip(&activity.triggers) {
            self.active.get_or_create(labels).set(trigger.is_active.into());
            // Also before the first failure, so that its rate can be alerted on.
            let errors = self.trigger_errors.get_or_create(labels);
            if trigger.failure.is_some() {
                errors.inc();
            }
            match published(poll, &trigger.metric) {
                Some(value) => drop(self.values.get_or_create(labels).set(value)),
                None => drop(self.values.remove(labels)),
            }
        }
        let of_object = ObjectLabels(key.clone());
        let errors = self.errors.get_or_create(&of_object);
        if activity.triggers.iter().any(|trigger| trigger.failure.is_some()) {
            errors.inc();
        }
        self.paused.get_or_create(&of_object).set(poll.plan.brakes.pause.is_on().into());
    }

    /// A poll of `key` began so long after it was due.
    pub(super) fn late(&self, key: &ObjectKey, lateness: Duration) {
        self.lateness.get_or_create(&LoopLabels(key.clone())).set(lateness.as_secs_f64());
    }

    /// The readings of a poll of `key` took so long.
    pub(super) fn took(&self, key: &ObjectKey, latencies: Vec<Duration>) {
        self.lock().entry(key.clone()).or_default().latencies = latencies;
    }

    /// The object is gone, or is not ours to poll any more.
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.lateness.remove(&LoopLabels(key.clone()));
        let Some(series) = self.lock().remove(key) else { return };
        series.triggers.iter().for_each(|labels| self.remove(labels));
        let of_object = ObjectLabels(key.clone());
        self.errors.remove(&of_object);
        self.paused.remove(&of_object);
    }

    /// Another replica leads, and knows better.
    pub(super) fn forget_all(&self) {
        let known: Vec<ObjectKey> = self.lock().keys().cloned().collect();
        known.iter().for_each(|key| self.forget(key));
    }

    /// Keeps these series of an object, and no others. Returns them as they are kept, and how long the readings of its last
    /// poll took.
    fn keep(&self, key: &ObjectKey, triggers: Box<[Shared]>) -> (Box<[Shared]>, Vec<Duration>) {
        let mut objects = self.lock();
        let known = objects.entry(key.clone()).or_default();
        if known.triggers != triggers {
            let gone = known.triggers.iter().filter(|labels| !triggers.contains(labels));
            gone.for_each(|labels| self.remove(labels));
            known.triggers = triggers;
        }
        (known.triggers.clone(), known.latencies.clone())
    }

    fn remove(&self, labels: &Shared) {
        self.active.remove(labels);
        self.values.remove(labels);
        self.latencies.remove(labels);
        self.trigger_errors.remove(labels);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Series>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn alone(name: &str, help: &str, metric: impl Metric) -> Registry {
    let mut registry = Registry::default();
    registry.register(name, help, metric);
    registry
}

/// What the HPA is given for a metric; nothing where it fails and has no fallback.
fn published(poll: &Poll, metric: &str) -> Option<f64> {
    let published = poll.decision.published.iter().find(|published| published.metric == metric);
    published.and_then(|published| published.value.as_ref().ok().copied())
}
