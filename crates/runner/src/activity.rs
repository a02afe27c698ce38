//! The last scale operations, newest first: what the activity listener shows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use engine::Time;
use resources::{Outcome, Verdict};
use serde::Serialize;

use crate::ObjectKey;

/// One scale operation that was carried out, refused, or only decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// When.
    pub timestamp: Time,
    /// Kind of the object that asked for it.
    pub kind: &'static str,
    /// Namespace of that object, or of its target where the kind is cluster-scoped.
    pub namespace: String,
    /// Name of that object.
    pub name: String,
    /// The target as `Kind/name`.
    pub target: String,
    /// Replicas before.
    pub from: u32,
    /// Replicas wanted.
    pub to: u32,
    /// Whether it was carried out.
    pub applied: bool,
    /// Why it was not, where a write was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How `from` became `to`.
    pub steps: Vec<String>,
}

/// A ring of actions; the oldest make room.
pub struct Activity {
    most: usize,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    actions: VecDeque<Action>,
    /// What was last decided and not carried out, by object: said once, not at every poll.
    pending: HashMap<ObjectKey, (u32, u32, bool)>,
}

impl Activity {
    /// A ring of at most `most` actions.
    pub fn new(most: usize) -> Self {
        Self { most, ring: Mutex::default() }
    }

    /// The actions, newest first.
    pub fn actions(&self) -> Vec<Action> {
        self.lock().actions.iter().rev().cloned().collect()
    }

    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome) {
        let Verdict::Polled(poll) = &outcome.verdict else { return };
        let mut ring = self.lock();
        if !poll.decision.scales() {
            ring.pending.remove(key);
            return;
        }
        for decided in poll.decision.members.iter().filter(|decided| decided.scales()) {
            let write = poll.members[decided.member].write.as_ref();
            let applied = matches!(write, Some(Ok(())));
            let said = (decided.from, decided.to, write.is_some());
            if applied {
                ring.pending.remove(key);
            } else if ring.pending.insert(key.clone(), said) == Some(said) {
                continue;
            }
            let target = &poll.plan.members[decided.member].target;
            let action = Action {
                timestamp: outcome.at,
                kind: key.kind,
                namespace: if key.namespace.is_empty() { &target.namespace } else { &key.namespace }.clone(),
                name: key.name.clone(),
                target: format!("{}/{}", target.kind, target.name),
                from: decided.from,
                to: decided.to,
                applied,
                error: write.and_then(|write| write.as_ref().err()).map(|failure| failure.message.clone()),
                steps: decided.steps.iter().map(ToString::to_string).collect(),
            };
            if ring.actions.len() >= self.most {
                ring.actions.pop_front();
            }
            ring.actions.push_back(action);
        }
    }

    /// Forgets what is pending for an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().pending.remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
