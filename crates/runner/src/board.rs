//! The present state of every object, as its last poll left it: what people look at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Cost, MemberDecision, Metric, Mode, Time, Warning, without_noise};
use resources::{Health, Outcome, Poll, Verdict};
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
    /// Since when it is as `reason` says.
    pub since: Time,
    /// Whether all is well.
    pub ready: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Whether it only decides and writes nothing.
    pub observe: bool,
    /// What its spec may have and hardly means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Its metrics.
    pub metrics: Vec<MetricReading>,
    /// Its targets, as far as they could be read.
    pub targets: Vec<TargetState>,
    /// The members of a group that could not be read or scaled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingMember>,
    /// Its first metric and the replicas of all its targets over the last hour, oldest first.
    #[serde(skip)]
    pub history: VecDeque<Point>,
}

impl ObjectState {
    /// The namespace in which it acts: its own, or that of its target where its kind is cluster-scoped.
    pub fn acts_in(&self) -> &str {
        match (self.namespace.as_str(), self.targets.first()) {
            ("", Some(target)) => &target.namespace,
            (namespace, _) => namespace,
        }
    }
}

impl ObjectState {
    /// Adds this moment to the history, in place of the last one where that is recent.
    fn remember(&mut self, at: Time) {
        if self.targets.is_empty() {
            return;
        }
        let replicas = self.targets.iter().map(|target| target.current).fold(0, u32::saturating_add);
        let value = self.metrics.first().and_then(|metric| metric.value);
        let point = Point { at, value, replicas };
        match self.history.back_mut() {
            Some(last) if slot(last.at, FINE) == slot(at, FINE) => {
                *last = point;
                return;
            }
            _ => self.history.push_back(point),
        }
        self.history.retain(|point| at.since(point.at) <= KEPT);
        let mut coarse = None;
        self.history.retain(|point| {
            let first_of_its_slot = coarse.replace(slot(point.at, COARSE)) != Some(slot(point.at, COARSE));
            first_of_its_slot || at.since(point.at) < FINE_FOR
        });
    }
}

fn slot(at: Time, size: Duration) -> i64 {
    at.as_millis() / size.as_millis() as i64
}

/// One moment of an object's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Time,
    /// The metric's value; none where it was absent.
    pub value: Option<f64>,
    /// Replicas that the targets asked for.
    pub replicas: u32,
}

/// The past that is kept. The last minutes are kept in fine points, what is older in coarse ones.
const KEPT: Duration = Duration::from_secs(3600);
const FINE_FOR: Duration = Duration::from_secs(240);
const FINE: Duration = Duration::from_secs(5);
const COARSE: Duration = Duration::from_secs(60);

/// One metric after the last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricReading {
    /// Its name.
    pub name: String,
    /// Its value; none where it is absent.
    pub value: Option<f64>,
}

/// One target after the last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetState {
    /// Its name in its group; none for a single target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The target as `Kind namespace/name`.
    pub target: String,
    /// Its namespace.
    pub namespace: String,
    /// Replicas that are ready, where the target's kind reports it.
    pub ready: Option<u32>,
    /// Replicas that the target asks for.
    pub current: u32,
    /// What the policy recommended, before anything limited it.
    pub recommended: Option<u32>,
    /// What the decision came to.
    pub desired: u32,
    /// What that costs, where the policy has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The decision's steps in one line.
    pub decision: String,
}

/// A member of a group that could not be read or scaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailingMember {
    /// Its name in its group.
    pub member: String,
    /// The target as `Kind namespace/name`.
    pub target: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// The present state of every object.
#[derive(Default)]
pub struct Board {
    leads: AtomicBool,
    objects: Mutex<BTreeMap<ObjectKey, ObjectState>>,
}

impl Board {
    /// Every object, in the order of kind, namespace and name.
    pub fn objects(&self) -> Vec<ObjectState> {
        self.lock().values().cloned().collect()
    }

    /// Looks at every object, in the order of kind, namespace and name, without copying any.
    pub fn read<R>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &ObjectState>) -> R) -> R {
        look(&mut self.lock().values())
    }

    /// Whether this replica leads. One that does not sees nothing, and its board is empty.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }

    /// Notes whether this replica leads; where it does not, every object is forgotten.
    pub fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        if !leads {
            self.lock().clear();
        }
    }

    /// Shows this state of an object in place of the one before.
    pub fn show(&self, state: ObjectState) {
        let (kind, namespace, name) = (state.kind, state.namespace.clone(), state.name.clone());
        self.lock().insert(ObjectKey { kind, namespace, name }, state);
    }

    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome, health: &Health) {
        let (metrics, targets, failing) = match &outcome.verdict {
            Verdict::Polled(poll) => (metrics(poll), targets(poll), failing(poll)),
            Verdict::Invalid(_) | Verdict::Unresolved(_) | Verdict::Conflict(_) => {
                (Vec::new(), Vec::new(), Vec::new())
            }
        };
        let observe =
            matches!(&outcome.verdict, Verdict::Polled(poll) if poll.decision.mode == Mode::Observe);
        let mut objects = self.lock();
        let before = objects.remove(key);
        let same = before.as_ref().filter(|before| before.reason == health.reason.as_str());
        let since = same.map_or(outcome.at, |before| before.since);
        let mut state = ObjectState {
            kind: key.kind,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            at: outcome.at,
            since,
            ready: health.ready,
            reason: health.reason.to_string(),
            message: health.message.clone(),
            warnings: outcome.warnings.to_vec(),
            observe,
            metrics,
            targets,
            failing,
            history: before.map(|before| before.history).unwrap_or_default(),
        };
        state.remember(outcome.at);
        objects.insert(key.clone(), state);
    }

    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, ObjectState>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn metrics(poll: &Poll) -> Vec<MetricReading> {
    let state = |(index, metric): (usize, &Metric)| MetricReading {
        name: metric.name.clone(),
        value: poll.value(index).map(without_noise),
    };
    poll.plan.metrics.iter().enumerate().map(state).collect()
}

fn targets(poll: &Poll) -> Vec<TargetState> {
    let state = |decided: &MemberDecision| {
        let member = &poll.plan.members[decided.member];
        TargetState {
            member: poll.is_of_group().then(|| member.role.name.clone()),
            target: member.target.to_string(),
            namespace: member.target.namespace.clone(),
            ready: poll.members[decided.member].seen.as_ref().ok().and_then(|scale| scale.ready),
            current: poll.current(decided.member).unwrap_or(decided.from),
            recommended: decided.recommended,
            desired: decided.to,
            cost: decided.cost,
            decision: decided.explanation(),
        }
    };
    poll.decision.members.iter().map(state).collect()
}

fn failing(poll: &Poll) -> Vec<FailingMember> {
    if !poll.is_of_group() {
        return Vec::new();
    }
    let members = poll.plan.members.iter().enumerate();
    let failing = members.filter_map(|(index, member)| {
        let (reason, message) = poll.failure(index)?;
        let (reason, message) = (reason.to_string(), message.to_owned());
        Some(FailingMember {
            member: member.role.name.clone(),
            target: member.target.to_string(),
            reason,
            message,
        })
    });
    failing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_an_hour_and_finer_towards_its_end() {
        let target = TargetState {
            member: None,
            target: "Deployment default/web".to_owned(),
            namespace: "default".to_owned(),
            ready: None,
            current: 2,
            recommended: None,
            desired: 2,
            cost: None,
            decision: String::new(),
        };
        let mut state = ObjectState {
            kind: "BusinessScaling",
            namespace: String::new(),
            name: "a".to_owned(),
            at: Time::default(),
            since: Time::default(),
            ready: true,
            reason: String::new(),
            message: String::new(),
            observe: false,
            warnings: Vec::new(),
            metrics: Vec::new(),
            targets: vec![target],
            failing: Vec::new(),
            history: VecDeque::new(),
        };
        assert_eq!(state.acts_in(), "default");
        for second in 1_000_000..1_008_000 {
            state.remember(Time::from_seconds(second));
        }
        let ages: Vec<u64> = state
            .history
            .iter()
            .map(|point| Time::from_seconds(1_007_999).since(point.at).as_secs())
            .collect();
        assert!((3500..=3600).contains(&ages[0]) && ages.last() == Some(&0), "{ages:?}");
        let gaps: Vec<u64> = ages.windows(2).map(|pair| pair[0] - pair[1]).collect();
        assert!(gaps[..50].iter().all(|&gap| (55..=65).contains(&gap)), "{gaps:?}");
        assert!(gaps[gaps.len() - 40..].iter().all(|&gap| gap <= 5), "{gaps:?}");
    }
}
