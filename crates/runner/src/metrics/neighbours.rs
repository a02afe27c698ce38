//! What else acts in the cluster, as far as it is counted.

use engine::Finding;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Metrics, ResultLabel};

/// The gauges.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    rivals: Gauge,
    standing_back: Gauge,
    keda: Gauge,
    metrics_api_taken: Gauge,
    compared: Family<ResultLabel, Counter>,
}

impl Neighbours {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rival_installations",
            "Other installations that act on the same objects, by their Leases; the younger of two does not act",
            self.rivals.clone(),
        );
        registry.register(
            "standing_back",
            "1 while this replica does nothing because an older installation acts on the same objects",
            self.standing_back.clone(),
        );
        registry.register(
            "keda_active",
            "1 while an operator of KEDA holds its Lease, so that objects of its kinds are left to it",
            self.keda.clone(),
        );
        registry.register(
            "external_metrics_api_taken",
            "1 while the external metrics API of the cluster belongs to something else, so that HPAs do not read what is published here",
            self.metrics_api_taken.clone(),
        );
        registry.register(
            "hpa_comparisons",
            "Decisions made beside the HPA controller, by how its count compares: agrees, new, or why it differs",
            self.compared.clone(),
        );
    }
}

impl Metrics {
    /// Notes how many other installations act on the same objects.
    pub fn rivals(&self, count: usize) {
        self.neighbours.rivals.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a decision that was compared with the HPA controller's.
    pub(crate) fn compared(&self, finding: &Finding) {
        self.neighbours.compared.get_or_create(&ResultLabel { result: finding.name() }).inc();
    }

    /// Notes whether this replica does nothing because an older installation acts on the same objects.
    pub fn stands_back(&self, stands_back: bool) {
        self.neighbours.standing_back.set(i64::from(stands_back));
    }

    /// Notes whether objects of KEDA's kinds are left to KEDA.
    pub fn leaves_to_keda(&self, leaves: bool) {
        self.neighbours.keda.set(i64::from(leaves));
    }

    /// Notes whether the external metrics API of the cluster belongs to something else.
    pub fn metrics_api_taken(&self, taken: bool) {
        self.neighbours.metrics_api_taken.set(i64::from(taken));
    }
}
