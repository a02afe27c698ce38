//! What the operator counts of itself, in the names that Prometheus users expect.
//!
//! No label holds an object's name or an error's text: both are unbounded.

mod groups;
mod keda;
mod keda_build;
mod keda_registered;
mod keda_reviews;
mod neighbours;

use std::sync::Mutex;
use std::time::Duration;

use engine::AbsenceReason;
use engine::invariants::{self, Violation};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use resources::{Kind, Outcome, Reason, Reference, Verdict, WriteFailure};
use serde_json::Value;

use crate::ObjectKey;
use crate::label::came_to;
use crate::standing::{Standing, Standings};
use groups::GroupSeries;
use keda::KedaSeries;
use keda_registered::KedaRegistered;
use keda_reviews::KedaReviews;
use neighbours::Neighbours;

/// The last line of the OpenMetrics text format.
pub const END: &str = "# EOF\n";

/// Every metric of the process.
pub struct Metrics {
    /// Ours, and those under KEDA's names, without a prefix of ours. Together they are the text.
    registries: Vec<Mutex<Registry>>,
    keda: KedaSeries,
    keda_registered: KedaRegistered,
    keda_reviews: KedaReviews,
    objects: Family<KindLabel, Gauge>,
    standings: Standings,
    decisions: Family<DecisionLabels, Counter>,
    readings: Family<ReadingLabels, Counter>,
    reading_seconds: Family<SourceLabel, Histogram, fn() -> Histogram>,
    lateness_seconds: Histogram,
    advices: Family<ResultLabel, Counter>,
    writes: Family<WriteLabels, Counter>,
    groups: GroupSeries,
    violations: Family<InvariantLabel, Counter>,
    leading: Gauge,
    neighbours: Neighbours,
    reviews: Family<ReviewLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadingLabels {
    source: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    resource: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InvariantLabel {
    invariant: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    kind: &'static str,
    allowed: &'static str,
}

const READING_BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
const LATENESS_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero, in a registry of their own.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("polyscaler");
        let metrics = Self {
            registries: Vec::new(),
            keda: KedaSeries::default(),
            keda_registered: KedaRegistered::default(),
            keda_reviews: KedaReviews::default(),
            objects: Family::default(),
            standings: Standings::default(),
            decisions: Family::default(),
            readings: Family::default(),
            reading_seconds: Family::new_with_constructor(|| Histogram::new(READING_BUCKETS)),
            lateness_seconds: Histogram::new(LATENESS_BUCKETS),
            advices: Family::default(),
            writes: Family::default(),
            groups: GroupSeries::default(),
            violations: Family::default(),
            leading: Gauge::default(),
            neighbours: Neighbours::default(),
            reviews: Family::default(),
        };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        for invariant in invariants::NAMES {
            metrics.violations.get_or_create(&InvariantLabel { invariant }).inc_by(0);
        }
        registry.register("build", "The running version", build);
        registry.register("objects", "Objects, by kind", metrics.objects.clone());
        metrics.standings.register(&mut registry);
        registry.register("decisions", "Polls, by kind and outcome", metrics.decisions.clone());
        registry.register("readings", "Readings of metric sources, by result", metrics.readings.clone());
        registry.register(
            "reading_duration_seconds",
            "Time that a metric source took to answer",
            metrics.reading_seconds.clone(),
        );
        registry.register(
            "poll_lateness_seconds",
            "Time between the instant at which a poll was due and its start",
            metrics.lateness_seconds.clone(),
        );
        registry.register(
            "advices",
            "Calls to the services of external policies, by result",
            metrics.advices.clone(),
        );
        registry.register(
            "writes",
            "Writes to the API server, by resource and by result: done, refused (conflict or forbidden), \
             failed, timed_out",
            metrics.writes.clone(),
        );
        metrics.groups.register(&mut registry);
        registry.register(
            "invariant_violations",
            "Decisions held because they would have violated an invariant: a bug, please report it",
            metrics.violations.clone(),
        );
        registry.register("leader", "1 while this replica leads and may write", metrics.leading.clone());
        metrics.neighbours.register(&mut registry);
        registry.register(
            "admission_reviews",
            "Objects validated for the API server, by kind and whether they were allowed",
            metrics.reviews.clone(),
        );
        let mut keda_registry = Registry::default();
        metrics.keda_registered.register(&mut keda_registry);
        metrics.keda_reviews.register(&mut keda_registry);
        keda_build::register(&mut keda_registry);
        let registries = [registry, keda_registry].into_iter().chain(metrics.keda.registries());
        Self { registries: registries.map(Mutex::new).collect(), ..metrics }
    }

    /// Everything in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let parts: String = (0..self.parts()).map(|part| self.render_part(part)).collect();
        parts + END
    }

    /// Of how many parts the text is made.
    pub fn parts(&self) -> usize {
        self.registries.len()
    }

    /// One part of the text, whose last is followed by [`END`]. With thousands of objects the whole is large, and whoever
    /// sends it needs but one part at a time.
    pub fn render_part(&self, part: usize) -> String {
        let mut text = String::new();
        if let Some(registry) = self.registries.get(part) {
            let registry = registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Writing into a String cannot fail.
            let _ = encode_registry(&mut text, &registry);
        }
        text
    }

    /// Counts a reading taken of a source.
    pub fn read(&self, source: &str, absence: Option<AbsenceReason>, latency: Duration) {
        let result = absence.map_or("ok", AbsenceReason::as_str);
        self.readings.get_or_create(&ReadingLabels { source: source.to_owned(), result }).inc();
        self.reading_seconds
            .get_or_create(&SourceLabel { source: source.to_owned() })
            .observe(latency.as_secs_f64());
    }

    /// Counts a question to an adviser; `absence` is why it brought no advice.
    pub fn advised(&self, absence: Option<AbsenceReason>) {
        let result = absence.map_or("ok", AbsenceReason::as_str);
        self.advices.get_or_create(&ResultLabel { result }).inc();
    }

    /// Counts a write of the resource called `resource`.
    pub fn wrote(&self, resource: &'static str, result: &Result<(), WriteFailure>) {
        self.write_result(resource, name_of(result));
    }

    /// Counts a write by the name of its result: `done`, `refused`, `failed` or `timed_out`.
    pub fn write_result(&self, resource: &'static str, result: &'static str) {
        self.writes.get_or_create(&WriteLabels { resource, result }).inc();
    }

    /// Counts a write of a group that was tried again.
    pub(crate) fn retried(&self, result: &Result<(), WriteFailure>) {
        self.groups.retried(name_of(result));
    }

    /// Counts an action of a group whose writes are all done, so long after the decision.
    pub(crate) fn group_written(&self, kind: &'static str, after: Duration) {
        self.groups.written(kind, after);
    }

    /// Counts an action of a group whose members are all ready, so long after the decision.
    pub(crate) fn group_ready(&self, kind: &'static str, after: Duration) {
        self.groups.ready(kind, after);
    }

    /// Counts invariants that a decision would have violated.
    pub(crate) fn violated(&self, violations: &[Violation]) {
        for Violation { invariant, .. } in violations {
            self.violations.get_or_create(&InvariantLabel { invariant }).inc();
        }
    }

    /// Counts an object of `kind` that was judged for the API server.
    pub fn reviewed(&self, kind: &'static str, allowed: bool) {
        let allowed = if allowed { "true" } else { "false" };
        self.reviews.get_or_create(&ReviewLabels { kind, allowed }).inc();
    }

    /// Counts, as KEDA does, an object in `namespace` that was judged for the API server before it does `action`, and once
    /// for each of `reasons` that it was refused.
    pub fn validated(&self, namespace: &str, action: &'static str, reasons: &[&'static str]) {
        self.keda_reviews.validated(namespace, action, reasons);
    }

    /// Notes whether this replica leads.
    pub fn leads(&self, leads: bool) {
        if !leads {
            self.keda.forget_all();
        }
        self.leading.set(i64::from(leads));
    }

    pub(crate) fn objects(&self, kind: &'static str, change: i64) {
        self.objects.get_or_create(&KindLabel { kind }).inc_by(change);
    }

    /// Counts an object of `kind` where it stands now; `standing` is where it was counted before.
    pub(crate) fn stands(&self, kind: &'static str, standing: &mut Standing, now: Standing) {
        self.standings.count(kind, standing, now);
    }

    /// An object is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.keda.forget(key);
    }

    /// Counts how long after it was due a poll of `key`, which is of `kind`, began.
    pub(crate) fn late(&self, kind: &Kind, key: &ObjectKey, lateness: Duration) {
        self.lateness_seconds.observe(lateness.as_secs_f64());
        if kind.counting().is_some() {
            self.keda.late(key, lateness);
        }
    }

    /// Notes how long the readings of the metrics of `key`, which is of `kind`, took, in the plan's order.
    pub(crate) fn took(&self, kind: &Kind, key: &ObjectKey, latencies: Vec<Duration>) {
        if kind.counting().is_some() {
            self.keda.took(key, latencies);
        }
    }

    /// Notes an object of `kind`; `None` where it is gone.
    pub(crate) fn registered(&self, kind: &Kind, key: &ObjectKey, object: Option<&Value>) {
        if let Some(counting) = kind.counting() {
            let triggers = object.map(counting.triggers);
            self.keda_registered.note(counting.registered, (&key.namespace, &key.name), triggers);
        }
    }

    /// Notes a supporting object, or that it is gone.
    pub(crate) fn supporting(&self, reference: &Reference, is_there: bool) {
        if let Some(type_) = reference.counted_as() {
            let triggers = is_there.then(Vec::new);
            self.keda_registered.note(type_, (&reference.namespace, &reference.name), triggers);
        }
    }

    /// Notes whether this replica tells how many objects there are.
    pub(crate) fn tells_registered(&self, leads: bool) {
        self.keda_registered.lead(leads);
    }

    pub(crate) fn looked(&self, key: &ObjectKey, outcome: &Outcome) {
        self.keda.looked(key, outcome);
        let kind = key.kind;
        let outcome = match &outcome.verdict {
            Verdict::Invalid(_) => "invalid",
            Verdict::Unresolved(_) => "unresolved",
            Verdict::Conflict(_) => "conflict",
            Verdict::Polled(poll) => came_to(poll),
        };
        self.decisions.get_or_create(&DecisionLabels { kind, outcome }).inc();
    }
}

/// The name of a write's result.
fn name_of(result: &Result<(), WriteFailure>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(failure) => match failure.reason {
            Reason::ScaleConflict
            | Reason::TargetForbidden
            | Reason::AdmissionDenied
            | Reason::TargetNotFound
            | Reason::HpaConflict => "refused",
            Reason::ScaleTimedOut => "timed_out",
            _ => "failed",
        },
    }
}

#[cfg(test)]
mod tests;
