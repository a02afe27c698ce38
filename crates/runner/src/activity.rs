//! The last scale operations, newest first: what the activity listener shows.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::{MemberDecision, Time};
use resources::{Outcome, Poll};
use serde::Serialize;

use crate::ObjectKey;

/// One scale operation that was carried out, refused, or only decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScaleOperation {
    /// When.
    pub timestamp: Time,
    /// Kind of the object that asked for it.
    pub kind: &'static str,
    /// Namespace of that object, or of its target where the kind is cluster-scoped.
    pub namespace: String,
    /// Name of that object.
    pub name: String,
    /// Its uid: one that is recreated under the same name has another.
    pub uid: String,
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
    /// The field manager that has set the replicas back since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverted_by: Option<String>,
}

impl ScaleOperation {
    /// What the `poll` in `outcome` of the object `key` decided for one member, and whether it was
    /// carried out.
    pub(crate) fn of(key: &ObjectKey, outcome: &Outcome, poll: &Poll, decided: &MemberDecision) -> Self {
        let target = &poll.plan.members[decided.member].target;
        let write = poll.members[decided.member].write.as_ref();
        Self {
            timestamp: outcome.at,
            kind: key.kind,
            namespace: if key.namespace.is_empty() { &target.namespace } else { &key.namespace }.clone(),
            name: key.name.clone(),
            uid: outcome.uid.clone(),
            target: target.short_name(),
            from: decided.from,
            to: decided.to,
            applied: matches!(write, Some(Ok(()))),
            error: write.and_then(|write| write.as_ref().err()).map(|failure| failure.message.clone()),
            steps: decided.steps.iter().map(ToString::to_string).collect(),
            reverted_by: None,
        }
    }
}

/// A ring of scale operations; the oldest make room.
pub struct Activity {
    most: usize,
    actions: Mutex<VecDeque<ScaleOperation>>,
}

impl Activity {
    /// A ring of at most `most` operations.
    pub fn new(most: usize) -> Self {
        Self { most, actions: Mutex::default() }
    }

    /// The operations, newest first.
    pub fn actions(&self) -> Vec<ScaleOperation> {
        self.lock().iter().rev().cloned().collect()
    }

    /// Remembers an operation as the newest.
    pub fn note(&self, action: ScaleOperation) {
        let mut actions = self.lock();
        actions.push_back(action);
        if actions.len() > self.most {
            actions.pop_front();
        }
    }

    /// Marks the last operation that was carried out on `target` for the object of this uid: `manager` has set its
    /// replicas back.
    pub fn reverted(&self, uid: &str, target: &str, manager: &str) {
        let mut actions = self.lock();
        let mut newest = actions.iter_mut().rev();
        let last = newest.find(|action| action.uid == uid && action.target == target && action.applied);
        if let Some(last) = last {
            last.reverted_by = Some(manager.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ScaleOperation>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
