//! What KEDA's operator counts of ScaledObjects, by its names and labels, so that dashboards and alerts stay.
//!
//! These series name objects, as KEDA's do; those of an object go when it goes, and all of them when another replica
//! leads. They stand in one table by object, and each family of series is made of it when it is asked for: a table for each
//! family took a dozen allocations for each object.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::activation::Composite;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use resources::{Outcome, Poll};

use crate::ObjectKey;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct KedaSeries(Arc<Table>);

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<ObjectKey, Box<Series>>>);

/// What is counted of one object.
#[derive(Debug, Default)]
struct Series {
    /// Its triggers, and last the formula over them, where there is one.
    triggers: Box<[TriggerSeries]>,
    /// How long the readings of the poll took that is looked at next.
    latencies: Vec<Duration>,
    lateness: Option<Duration>,
    /// Polls in which any trigger failed, and whether it is paused; `None` before the first poll.
    polled: Option<(u64, bool)>,
}

/// What is counted of one trigger.
#[derive(Clone, Debug)]
struct TriggerSeries {
    metric: Arc<str>,
    scaler: Arc<str>,
    is_active: bool,
    value: Option<f64>,
    latency: Option<Duration>,
    /// Polls in which it failed, from the first poll on, so that their rate can be alerted on; a formula has none.
    errors: Option<u64>,
}

impl TriggerSeries {
    fn new(metric: &Arc<str>, scaler: &Arc<str>) -> Self {
        let (metric, scaler) = (Arc::clone(metric), Arc::clone(scaler));
        Self { metric, scaler, is_active: false, value: None, latency: None, errors: None }
    }

    /// Place of the trigger in the object.
    fn index(&self) -> &str {
        if *self.metric == *Composite::METRIC {
            return "0";
        }
        let place = self.metric.strip_prefix('s').and_then(|rest| rest.split('-').next());
        place.unwrap_or_default()
    }
}

const TYPE: &str = "scaledobject";

/// The labels of a trigger.
struct TriggerLabels<'a>(&'a ObjectKey, &'a TriggerSeries);

impl EncodeLabelSet for TriggerLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(object, trigger) = self;
        [
            ("namespace", object.namespace.as_str()),
            ("metric", &trigger.metric),
            ("scaledObject", &object.name),
            ("scaler", &trigger.scaler),
            ("triggerIndex", trigger.index()),
            ("type", TYPE),
        ]
        .encode(encoder)
    }
}

/// The labels of an object.
struct ObjectLabels<'a>(&'a ObjectKey);

impl EncodeLabelSet for ObjectLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        [("namespace", self.0.namespace.as_str()), ("scaledObject", &self.0.name)].encode(encoder)
    }
}

/// The labels of an object's loop.
struct LoopLabels<'a>(&'a ObjectKey);

impl EncodeLabelSet for LoopLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        [("namespace", self.0.namespace.as_str()), ("type", TYPE), ("resource", &self.0.name)].encode(encoder)
    }
}

/// One family of series.
#[derive(Clone, Copy, Debug)]
enum Family {
    Active,
    Value,
    TriggerErrors,
    Errors,
    Paused,
    Latency,
    Lateness,
}

impl Family {
    const ALL: [(Self, &'static str, &'static str, MetricType); 7] = [
        (Self::Active, "keda_scaler_active", "Whether a trigger is active", MetricType::Gauge),
        (Self::Value, "keda_scaler_metrics_value", "Last value of a trigger's metric", MetricType::Gauge),
        (
            Self::TriggerErrors,
            "keda_scaler_detail_errors",
            "Polls in which a trigger failed",
            MetricType::Counter,
        ),
        (Self::Errors, "keda_scaled_object_errors", "Polls in which any trigger failed", MetricType::Counter),
        (Self::Paused, "keda_scaled_object_paused", "Whether a ScaledObject is paused", MetricType::Gauge),
        (
            Self::Latency,
            "keda_scaler_metrics_latency_seconds",
            "Time that the last reading of a trigger's metric took",
            MetricType::Gauge,
        ),
        (
            Self::Lateness,
            "keda_internal_scale_loop_latency_seconds",
            "Time between the instant at which the last poll was due and its start",
            MetricType::Gauge,
        ),
    ];

    /// Whether the object has any of its series.
    fn has_any(self, series: &Series) -> bool {
        match self {
            Self::Active => !series.triggers.is_empty(),
            Self::Value => series.triggers.iter().any(|trigger| trigger.value.is_some()),
            Self::TriggerErrors => series.triggers.iter().any(|trigger| trigger.errors.is_some()),
            Self::Latency => series.triggers.iter().any(|trigger| trigger.latency.is_some()),
            Self::Errors | Self::Paused => series.polled.is_some(),
            Self::Lateness => series.lateness.is_some(),
        }
    }

    /// Writes its series of the object `key`.
    fn write(self, key: &ObjectKey, series: &Series, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Active | Self::Value | Self::TriggerErrors | Self::Latency => series
                .triggers
                .iter()
                .try_for_each(|trigger| self.write_trigger(&TriggerLabels(key, trigger), trigger, encoder)),
            Self::Errors => match series.polled {
                Some((errors, _)) => counter(encoder, &ObjectLabels(key), errors),
                None => Ok(()),
            },
            Self::Paused => match series.polled {
                Some((_, is_paused)) => gauge(encoder, &ObjectLabels(key), i64::from(is_paused)),
                None => Ok(()),
            },
            Self::Lateness => match series.lateness {
                Some(lateness) => {
                    encoder.encode_family(&LoopLabels(key))?.encode_gauge(&lateness.as_secs_f64())
                }
                None => Ok(()),
            },
        }
    }

    fn write_trigger(
        self,
        labels: &TriggerLabels<'_>,
        trigger: &TriggerSeries,
        encoder: &mut MetricEncoder<'_>,
    ) -> fmt::Result {
        let number = match self {
            Self::TriggerErrors => {
                return trigger.errors.map_or(Ok(()), |errors| counter(encoder, labels, errors));
            }
            Self::Active => return gauge(encoder, labels, i64::from(trigger.is_active)),
            Self::Value => trigger.value,
            _ => trigger.latency.map(|latency| latency.as_secs_f64()),
        };
        number.map_or(Ok(()), |number| encoder.encode_family(labels)?.encode_gauge(&number))
    }
}

fn gauge(encoder: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: i64) -> fmt::Result {
    encoder.encode_family(labels)?.encode_gauge(&value)
}

fn counter(encoder: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
    encoder.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// A family as the registry asks for it.
#[derive(Debug)]
struct Told {
    table: Arc<Table>,
    family: Family,
    name: &'static str,
    help: &'static str,
    type_: MetricType,
}

impl Collector for Told {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let objects = self.table.lock();
        if !objects.values().any(|series| self.family.has_any(series)) {
            return Ok(());
        }
        let mut encoder = encoder.encode_descriptor(self.name, self.help, None, self.type_)?;
        objects.iter().try_for_each(|(key, series)| self.family.write(key, series, &mut encoder))
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Box<Series>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KedaSeries {
    /// A registry for each family of series: together they are seven lines for each object, and so nobody has to hold the
    /// text of all at once.
    pub(super) fn registries(&self) -> Vec<Registry> {
        let registry = |(family, name, help, type_)| {
            let mut registry = Registry::default();
            let table = Arc::clone(&self.0);
            registry.register_collector(Box::new(Told { table, family, name, help, type_ }));
            registry
        };
        Family::ALL.into_iter().map(registry).collect()
    }

    /// Takes over what a poll came to.
    pub(super) fn looked(&self, key: &ObjectKey, outcome: &Outcome) {
        // What is not polled, as its spec is invalid now, has no values either.
        let Some(poll) = outcome.poll() else { return self.forget(key) };
        let Some(activity) = &poll.decision.activity else { return };
        let composed = published(poll, Composite::METRIC);
        let mut objects = self.0.lock();
        let series = objects.entry(key.clone()).or_default();
        series.keep(poll);
        let latencies = mem::take(&mut series.latencies);
        // A source that names its metrics itself may have several, of which nobody knows how long each took.
        let are_all_known = latencies.len() >= activity.triggers.len();
        for (place, (told, trigger)) in series.triggers.iter_mut().zip(&activity.triggers).enumerate() {
            told.is_active = trigger.is_active;
            told.value = published(poll, &trigger.metric);
            told.errors = Some(told.errors.unwrap_or(0) + u64::from(trigger.failure.is_some()));
            if are_all_known {
                told.latency = latencies.get(place).copied();
            }
        }
        if let (Some(value), Some(told)) = (composed, series.triggers.last_mut()) {
            (told.value, told.is_active) = (Some(value), activity.is_active);
        }
        let (errors, _) = series.polled.unwrap_or_default();
        let fails = activity.triggers.iter().any(|trigger| trigger.failure.is_some());
        series.polled = Some((errors + u64::from(fails), poll.plan.brakes.pause.is_on()));
    }

    /// Notes how late the poll that begins is.
    pub(super) fn late(&self, key: &ObjectKey, lateness: Duration) {
        self.0.lock().entry(key.clone()).or_default().lateness = Some(lateness);
    }

    /// Notes how long the readings of a poll took, which is looked at next.
    pub(super) fn took(&self, key: &ObjectKey, latencies: Vec<Duration>) {
        self.0.lock().entry(key.clone()).or_default().latencies = latencies;
    }

    /// The object is gone.
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.0.lock().remove(key);
    }

    /// Another replica leads.
    pub(super) fn forget_all(&self) {
        self.0.lock().clear();
    }
}

impl Series {
    /// Keeps the triggers that `poll` knows, and what was counted of them.
    fn keep(&mut self, poll: &Poll) {
        let triggers = poll.decision.activity.iter().flat_map(|activity| &activity.triggers);
        let composed: Option<Arc<str>> =
            published(poll, Composite::METRIC).map(|_| Arc::from(Composite::METRIC));
        let named = triggers
            .map(|trigger| (&trigger.metric, &trigger.scaler))
            .chain(composed.iter().map(|composed| (composed, composed)));
        let is_same = |(told, (metric, scaler)): (&TriggerSeries, (&Arc<str>, &Arc<str>))| {
            told.metric == *metric && told.scaler == *scaler
        };
        if named.clone().count() == self.triggers.len()
            && self.triggers.iter().zip(named.clone()).all(is_same)
        {
            return;
        }
        let told = |(metric, scaler)| {
            let before = self.triggers.iter().find(|told| is_same((told, (metric, scaler))));
            before.cloned().unwrap_or_else(|| TriggerSeries::new(metric, scaler))
        };
        self.triggers = named.map(told).collect();
    }
}

/// What the HPA is given for a metric; nothing where it fails and has no fallback.
fn published(poll: &Poll, metric: &str) -> Option<f64> {
    let published = poll.decision.published.iter().find(|published| *published.metric == *metric);
    published.and_then(|published| published.value.as_ref().ok().copied())
}
