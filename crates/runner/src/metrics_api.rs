//! Whose the cluster's external metrics API is: without it an HPA cannot read what an object publishes.

use std::sync::{PoisonError, RwLock};

use engine::{Actuation, Decision, Plan, Warning, WarningKind};
use resources::scaled_object::METRICS_API_FIELD;

/// Whose the API is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MetricsApiOwner {
    /// It is not served here.
    #[default]
    NotServed,
    /// Nobody's so far.
    Nobody,
    /// Ours.
    This,
    /// Someone else's, by what people know it.
    Other(String),
    /// It cannot be looked at, for a reason in a sentence.
    NotKnown(String),
}

/// See the module. Kept by whoever registers the API, read by polls.
#[derive(Debug, Default)]
pub struct MetricsApi(RwLock<MetricsApiOwner>);

impl MetricsApi {
    /// Whose it is.
    pub fn owner(&self) -> MetricsApiOwner {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes whose it is. Each change is said once.
    pub fn note(&self, owner: MetricsApiOwner) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *known == owner {
            return;
        }
        match &owner {
            MetricsApiOwner::Other(other) => tracing::error!(
                owner = other,
                "the external metrics API of the cluster belongs to something else and is left as it is, so HPAs do not read what is published here: uninstall the other, or set the annotation polyscaler.dev/actuation: direct"
            ),
            MetricsApiOwner::This => tracing::info!("the external metrics API of the cluster is served here"),
            _ => {}
        }
        *known = owner;
    }

    /// That the HPA of a plan cannot read what was published, where that is so.
    pub(crate) fn warning(&self, plan: &Plan, decision: &Decision) -> Option<Warning> {
        if !matches!(plan.actuation, Actuation::Hpa(_)) || decision.published.is_empty() {
            return None;
        }
        let why = match self.owner() {
            MetricsApiOwner::This | MetricsApiOwner::Nobody | MetricsApiOwner::NotKnown(_) => return None,
            MetricsApiOwner::Other(other) => {
                format!("the external metrics API of the cluster belongs to {other}: uninstall that")
            }
            MetricsApiOwner::NotServed => {
                "the operator does not serve the external metrics API: set --external-metrics-address"
                    .to_owned()
            }
        };
        let what_to_do = "or set the annotation polyscaler.dev/actuation: direct";
        let message = format!("the HPA cannot read the metrics, as {why}, {what_to_do}");
        Some(Warning::new(METRICS_API_FIELD, message).about(WarningKind::MetricsApi))
    }

    /// Whether a warning is one of these: it is the same for all objects, so the log has it once and not for each.
    pub(crate) fn is_about(warning: &Warning) -> bool {
        warning.kind == WarningKind::MetricsApi
    }
}
