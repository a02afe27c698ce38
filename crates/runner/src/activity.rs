//! The last scale operations, newest first: what the activity listener shows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{MemberDecision, Memory, PastScale, Plan, Time};
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

    /// What the `memory` of the object `key`, which follows `plan`, holds of what was carried out.
    pub(crate) fn remembered<'a>(
        key: &'a ObjectKey,
        uid: &'a str,
        plan: &'a Plan,
        memory: &'a Memory,
    ) -> impl Iterator<Item = Self> + 'a {
        plan.members.iter().flat_map(move |member| {
            let target = &member.target;
            let past = memory.scales.get(target).into_iter().flat_map(|past| past.iter());
            past.map(move |PastScale { at, from, to, steps }| Self {
                timestamp: *at,
                kind: key.kind,
                namespace: if key.namespace.is_empty() { &target.namespace } else { &key.namespace }.clone(),
                name: key.name.clone(),
                uid: uid.to_owned(),
                target: target.short_name(),
                from: *from,
                to: *to,
                applied: true,
                error: None,
                steps: steps.clone(),
                reverted_by: None,
            })
        })
    }
}

/// A ring of scale operations; the oldest make room. What was carried out is counted beyond it.
pub struct Activity {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    actions: VecDeque<ScaleOperation>,
    /// When each object was scaled within the last hour, oldest first.
    scaled: HashMap<Scaled, VecDeque<Time>>,
    /// Before this, what was scaled is not known in full.
    complete_since: Option<Time>,
}

/// What was scaled by whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scaled {
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace, or that of its target.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The target as `Kind/name`.
    pub target: String,
}

/// How many scale operations were carried out in the last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScaleCount {
    /// So many are known.
    pub known: usize,
    /// Whether there may have been more, under an earlier leader.
    pub is_minimum: bool,
}

/// The time in which scale operations are counted.
const COUNTED: Duration = Duration::from_secs(3600);

impl Activity {
    /// A ring of at most `most` operations.
    pub fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// The operations, newest first.
    pub fn actions(&self) -> Vec<ScaleOperation> {
        self.lock().actions.iter().rev().cloned().collect()
    }

    /// How many operations were carried out in the hour before `now`, of those that `takes` takes.
    pub fn scaled_within_an_hour(&self, now: Time, takes: impl Fn(&Scaled) -> bool) -> ScaleCount {
        let mut state = self.lock();
        state.scaled.retain(|_, times| {
            forget_old(times, now);
            !times.is_empty()
        });
        let taken = state.scaled.iter().filter(|(scaled, _)| takes(scaled));
        let is_minimum = state.complete_since.is_some_and(|since| now.since(since) < COUNTED);
        ScaleCount { known: taken.map(|(_, times)| times.len()).sum(), is_minimum }
    }

    /// Remembers an operation as the newest.
    pub fn note(&self, action: ScaleOperation) {
        let mut state = self.lock();
        if action.applied {
            state.count(&action);
        }
        state.actions.push_back(action);
        if state.actions.len() > self.most {
            state.actions.pop_front();
        }
    }

    /// Puts `past`, what earlier leaders have carried out, in place of what is remembered. What was scaled before
    /// `complete_since` is not known in full.
    pub(crate) fn restore(&self, mut past: Vec<ScaleOperation>, complete_since: Option<Time>) {
        past.sort_by_key(|action| action.timestamp);
        let mut state = self.lock();
        *state = State { complete_since, ..State::default() };
        past.iter().for_each(|action| state.count(action));
        let beyond = past.len().saturating_sub(self.most);
        state.actions = past.split_off(beyond).into();
    }

    /// Marks the last operation that was carried out on `target` for the object of this uid: `manager` has set its
    /// replicas back.
    pub fn reverted(&self, uid: &str, target: &str, manager: &str) {
        let mut state = self.lock();
        let mut newest = state.actions.iter_mut().rev();
        let last = newest.find(|action| action.uid == uid && action.target == target && action.applied);
        if let Some(last) = last {
            last.reverted_by = Some(manager.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, action: &ScaleOperation) {
        let ScaleOperation { kind, namespace, name, target, timestamp, .. } = action;
        let (namespace, name, target) = (namespace.clone(), name.clone(), target.clone());
        let times = self.scaled.entry(Scaled { kind, namespace, name, target }).or_default();
        times.push_back(*timestamp);
        forget_old(times, *timestamp);
    }
}

/// Forgets the times that count no more at `now`.
fn forget_old(times: &mut VecDeque<Time>, now: Time) {
    while times.front().is_some_and(|at| now.since(*at) >= COUNTED) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests;
