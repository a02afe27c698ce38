//! The audit trail: every decision of every poll, carried out or not, as one entry each.
//!
//! The activity ring keeps only what would scale, and only so much of it; this is for whoever must
//! show afterwards what was decided on which grounds.

use engine::{Cost, MemberDecision, Mode, Pause};
use resources::{Outcome, Poll};
use serde::Serialize;

use crate::{ObjectKey, ScaleOperation};

/// Takes the trail.
pub trait Audit: Send + Sync {
    /// Takes one entry; must not block.
    fn note(&self, entry: &AuditEntry);
}

/// One decision for one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// When, for what, from how many to how many replicas, whether it was carried out, and why.
    #[serde(flatten)]
    pub action: ScaleOperation,
    /// Whether the object asks for its decisions to be carried out.
    pub mode: Mode,
    /// What people have paused, in a few words, where they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// What the policy recommended, before anything limited it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended: Option<u32>,
    /// What was read.
    pub metrics: Vec<AuditedMetric>,
    /// What the replicas cost, where the policy has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// One metric as it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditedMetric {
    /// Its name.
    pub name: String,
    /// Its value, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
}

impl AuditEntry {
    /// What the `poll` in `outcome` of the object `key` came to for one target.
    pub(crate) fn of(key: &ObjectKey, outcome: &Outcome, poll: &Poll, decided: &MemberDecision) -> Self {
        let named = poll.plan.metrics.iter().enumerate();
        let metrics = named.map(|(index, metric)| {
            let absences = &poll.decision.absences;
            let absent = absences.iter().find(|absent| absent.metric == metric.name);
            AuditedMetric {
                name: metric.name.clone(),
                value: poll.value(index),
                absent: absent.map(|absent| absent.absence.to_string()),
            }
        });
        Self {
            action: ScaleOperation::of(key, outcome, poll, decided),
            mode: poll.decision.mode,
            paused: Some(poll.plan.brakes.pause).filter(|pause| pause.is_on()).as_ref().map(Pause::to_string),
            recommended: decided.recommended,
            metrics: metrics.collect(),
            cost: decided.cost,
        }
    }
}
