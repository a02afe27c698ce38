//! The present state of every object, as its last poll left it: what people look at.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::{Reading, Time};
use resources::{Outcome, Poll, Verdict};
use serde::Serialize;

use crate::ObjectKey;

/// One object after its last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectState {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace; empty for a cluster-scoped kind.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was last looked at.
    pub at: Time,
    /// Whether all is well.
    pub ready: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Its metrics.
    pub metrics: Vec<MetricState>,
    /// Its targets.
    pub targets: Vec<TargetState>,
}

/// One metric after the last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricState {
    /// Its name.
    pub name: String,
    /// Its value; none where it is absent.
    pub value: Option<f64>,
}

/// One target after the last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetState {
    /// The target as `Kind namespace/name`.
    pub target: String,
    /// Replicas that are ready, where the target's kind tells.
    pub ready: Option<u32>,
    /// Replicas that the target asks for.
    pub current: u32,
    /// What the policy wished, before anything held it back.
    pub wish: Option<u32>,
    /// What the decision came to.
    pub desired: u32,
    /// The decision's steps in one line.
    pub decision: String,
}

/// The present state of every object.
#[derive(Default)]
pub struct Board(Mutex<BTreeMap<ObjectKey, ObjectState>>);

impl Board {
    /// Every object, in the order of kind, namespace and name.
    pub fn objects(&self) -> Vec<ObjectState> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome) {
        let Some(ready) = outcome.conditions().into_iter().next() else { return };
        let (metrics, targets) = match &outcome.verdict {
            Verdict::Polled(poll) => (metrics(poll), targets(poll)),
            Verdict::Invalid(_) | Verdict::Conflict(_) => (Vec::new(), Vec::new()),
        };
        let state = ObjectState {
            kind: key.kind,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            at: outcome.at,
            ready: ready.holds,
            reason: ready.reason.to_string(),
            message: ready.message,
            metrics,
            targets,
        };
        self.lock().insert(key.clone(), state);
    }

    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// Forgets every object: a replica that does not lead sees nothing.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, ObjectState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn metrics(poll: &Poll) -> Vec<MetricState> {
    let named = poll.plan.metrics.iter().zip(&poll.readings);
    named
        .map(|(metric, reading)| MetricState {
            name: metric.name.clone(),
            value: match reading {
                Reading::Value { value, .. } => Some(value.get()),
                Reading::Absent(_) => None,
            },
        })
        .collect()
}

fn targets(poll: &Poll) -> Vec<TargetState> {
    let decided = poll.decision.members.iter();
    decided
        .map(|decided| {
            let member = &poll.members[decided.member];
            let written = matches!(member.write, Some(Ok(())));
            TargetState {
                target: poll.plan.members[decided.member].target.to_string(),
                ready: member.seen.as_ref().ok().and_then(|scale| scale.ready),
                current: if written { decided.to } else { decided.from },
                wish: decided.wish,
                desired: decided.to,
                decision: decided.explanation(),
            }
        })
        .collect()
}
