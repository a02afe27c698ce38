//! What KEDA's admission webhook counts of ScaledObjects, by its names and labels.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// See the module.
#[derive(Default)]
pub(super) struct KedaReviews {
    validations: Family<ValidationLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ValidationLabels {
    namespace: String,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    namespace: String,
    action: &'static str,
    reason: &'static str,
}

impl KedaReviews {
    /// Registers them, under KEDA's own names.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "keda_webhook_scaled_object_validations",
            "ScaledObjects that were validated for the API server",
            self.validations.clone(),
        );
        registry.register(
            "keda_webhook_scaled_object_validation_errors",
            "ScaledObjects that were refused, by reason",
            self.errors.clone(),
        );
    }

    /// Counts an object that was validated, and once for each distinct one of `reasons` that it was refused.
    pub(super) fn validated(&self, namespace: &str, action: &'static str, reasons: &[&'static str]) {
        let namespace = namespace.to_owned();
        self.validations.get_or_create(&ValidationLabels { namespace: namespace.clone(), action }).inc();
        let mut distinct = reasons.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        for reason in distinct {
            self.errors.get_or_create(&ErrorLabels { namespace: namespace.clone(), action, reason }).inc();
        }
    }
}
