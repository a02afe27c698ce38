//! The present state of every object, as its last poll left it: what people look at.

mod detail;
mod history;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{Cost, Level, MemberDecision, Metric, Mode, Time, Warning, without_noise};
use resources::{ConditionStatus, Health, Outcome, Poll};
use serde::{Serialize, Serializer};

pub use detail::{DecisionResult, Detail, ObjectCondition, PastDecision, PastEvent};
pub use history::{History, Point};

use crate::{Cause, ObjectKey, Shared};
use detail::KeptDetail;

/// One object after its last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectState {
    /// Which it is.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// When it was last looked at.
    pub at: Time,
    /// Since when it is as `reason` says.
    pub since: Time,
    /// Whether all is well.
    pub ready: bool,
    /// Why, in one word.
    #[serde(serialize_with = "text")]
    pub reason: Arc<str>,
    /// Why, in a sentence.
    #[serde(serialize_with = "text")]
    pub message: Arc<str>,
    /// Where the fault is, while it is not ready: objects with equal `reason` and `place` fail for one cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether it only decides and writes nothing.
    pub observe: bool,
    /// What people have paused, in a few words, where they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
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
    /// Its first metric and the replicas of all its targets over the last hours, oldest first.
    #[serde(skip)]
    pub history: History,
}

impl ObjectState {
    /// The namespace in which it acts: its own, or that of its target where its kind is cluster-scoped.
    pub fn acts_in(&self) -> &str {
        match (self.key.namespace.as_str(), self.targets.first()) {
            ("", Some(target)) => &target.namespace,
            (namespace, _) => namespace,
        }
    }
}

/// One metric after the last poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricReading {
    /// Its name.
    #[serde(serialize_with = "text")]
    pub name: Arc<str>,
    /// Its value; none where it is absent.
    pub value: Option<f64>,
    /// What it is compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// What is expected of it; none where no forecast is made, or none can be relied on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Box<MetricForecast>>,
}

/// What is expected of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricForecast {
    /// The value expected.
    pub value: f64,
    /// When.
    pub at: Time,
    /// The model that says so.
    pub model: String,
    /// How wrong that model was recently, as a share of the load.
    pub error: f64,
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
    #[serde(serialize_with = "text")]
    pub namespace: Arc<str>,
    /// Replicas that are ready, where the target's kind reports it.
    pub ready: Option<u32>,
    /// Replicas that the target asks for.
    pub current: u32,
    /// What the policy recommended, before anything limited it.
    pub recommended: Option<u32>,
    /// What the decision came to.
    pub desired: u32,
    /// The least replicas that the spec allows.
    pub min: u32,
    /// The most replicas that the spec allows.
    pub max: u32,
    /// What that costs, where the policy has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The decision's steps in one line.
    #[serde(serialize_with = "text")]
    pub decision: Arc<str>,
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

fn text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The present state of every object.
#[derive(Default)]
pub struct Board {
    leads: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Boxed, as nodes of a tree have room for more than there is.
    objects: BTreeMap<ObjectKey, Box<Kept>>,
    /// What the conditions of objects say.
    conditions: Shared<[ConditionStatus]>,
    /// What else is the same of many.
    texts: Shared<str>,
}

/// One object: what lists show of it, and what only its own page does.
struct Kept {
    state: ObjectState,
    detail: KeptDetail,
}

impl Board {
    /// Every object, in the order of kind, namespace and name.
    pub fn objects(&self) -> Vec<ObjectState> {
        self.lock().objects.values().map(|kept| kept.state.clone()).collect()
    }

    /// Looks at every object, in the order of kind, namespace and name, without copying any.
    pub fn read<R>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &ObjectState>) -> R) -> R {
        look(&mut self.lock().objects.values().map(|kept| &kept.state))
    }

    /// One object, with all that is known of it.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<(ObjectState, Detail)> {
        let known = self.lock();
        let found = known
            .objects
            .iter()
            .find(|(key, _)| key.kind == kind && key.namespace == namespace && key.name == name);
        found.map(|(_, kept)| (kept.state.clone(), kept.detail.detail()))
    }

    /// Whether this replica leads. One that does not sees nothing, and its board is empty.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }

    /// Notes whether this replica leads; where it does not, every object is forgotten.
    pub fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        if !leads {
            self.lock().objects.clear();
        }
    }

    /// Shows this state of an object in place of the one before.
    pub fn show(&self, state: ObjectState) {
        self.show_in_detail(state, Detail::default());
    }

    /// The same with what its own page shows.
    pub fn show_in_detail(&self, state: ObjectState, detail: Detail) {
        let key = state.key.clone();
        self.lock().objects.insert(key, Box::new(Kept { state, detail: detail.into() }));
    }

    /// Notes an Event that was published of an object.
    pub fn published(&self, key: &ObjectKey, event: PastEvent) {
        let Known { objects, texts, .. } = &mut *self.lock();
        if let Some(kept) = objects.get_mut(key) {
            let (reason, note) = (texts.one(event.reason), texts.one(event.note));
            kept.detail.published(PastEvent { reason, note, ..event });
        }
    }

    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome, health: &Health, cause: Option<&Cause>) {
        let Known { objects, conditions, texts } = &mut *self.lock();
        let before = objects.remove(key);
        let (before, detail) = before.map(|kept| (kept.state, kept.detail)).unzip();
        let mut detail: KeptDetail = detail.unwrap_or_default();
        let lines: Vec<Arc<str>> = outcome.poll().map_or_else(Vec::new, lines);
        detail.note(outcome, &lines, conditions);
        let seen = Seen { outcome, health, cause, lines };
        let state = state(key, seen, before, texts);
        objects.insert(key.clone(), Box::new(Kept { state, detail }));
    }

    /// Shows that an object is left to `who`.
    pub(crate) fn leave(&self, key: &ObjectKey, who: &str, now: Time) {
        const REASON: &str = "StandingBack";
        let before = self.lock().objects.get(key).map(|kept| (kept.state.reason.clone(), kept.state.since));
        let since = before.filter(|(reason, _)| **reason == *REASON).map_or(now, |(_, since)| since);
        self.show(ObjectState {
            key: key.clone(),
            at: now,
            since,
            ready: false,
            reason: REASON.into(),
            message: format!("{who} is active, so this object is left to it").into(),
            place: Some(who.to_owned()),
            observe: false,
            paused: None,
            warnings: Vec::new(),
            metrics: Vec::new(),
            targets: Vec::new(),
            failing: Vec::new(),
            history: History::default(),
        });
    }

    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().objects.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at an object came to.
struct Seen<'a> {
    outcome: &'a Outcome,
    health: &'a Health,
    cause: Option<&'a Cause>,
    /// The steps of each member's decision.
    lines: Vec<Arc<str>>,
}

/// The state of the object `key` as it is seen; `before` is the one before. What it has in common with others are `texts`.
fn state(
    key: &ObjectKey,
    Seen { outcome, health, cause, lines }: Seen<'_>,
    before: Option<ObjectState>,
    texts: &mut Shared<str>,
) -> ObjectState {
    let poll = outcome.poll();
    let same = before.as_ref().filter(|before| *before.reason == *health.reason.as_str());
    let since = same.map_or(outcome.at, |before| before.since);
    let mut history = before.map(|before| before.history).unwrap_or_default();
    if let Some(poll) = poll {
        history.remember(Point::of(poll, outcome.at));
    }
    let pause = poll.map(|poll| poll.plan.brakes.pause).filter(|pause| pause.is_on());
    ObjectState {
        key: key.clone(),
        at: outcome.at,
        since,
        ready: health.ready,
        reason: texts.one(health.reason.as_str()),
        message: texts.one(health.message.as_str()),
        place: cause.map(|cause| cause.place.clone()),
        warnings: outcome.warnings.to_vec(),
        observe: poll.is_some_and(|poll| poll.decision.mode == Mode::Observe),
        paused: pause.map(|pause| pause.to_string()),
        metrics: poll.map_or_else(Vec::new, |poll| metrics(poll, texts)),
        targets: poll.map_or_else(Vec::new, |poll| targets(poll, lines, texts)),
        failing: poll.map_or_else(Vec::new, failing),
        history,
    }
}

/// The steps of each decision in one line.
fn lines(poll: &Poll) -> Vec<Arc<str>> {
    poll.decision.members.iter().map(|decided| decided.explanation().into()).collect()
}

fn metrics(poll: &Poll, texts: &mut Shared<str>) -> Vec<MetricReading> {
    let state = |(index, metric): (usize, &Metric)| MetricReading {
        name: texts.one(metric.name.as_str()),
        value: poll.value(index).map(without_noise),
        levels: poll.plan.levels(index),
        forecast: forecast(poll, index).map(Box::new),
    };
    poll.plan.metrics.iter().enumerate().map(state).collect()
}

fn forecast(poll: &Poll, index: usize) -> Option<MetricForecast> {
    let expected = poll.decision.outlooks.get(index)?.expected()?;
    let value = expected.value(poll.value(index)?);
    let model = expected.model.to_string();
    Some(MetricForecast {
        value: without_noise(value),
        at: expected.at,
        model,
        error: without_noise(expected.error),
    })
}

fn targets(poll: &Poll, lines: Vec<Arc<str>>, texts: &mut Shared<str>) -> Vec<TargetState> {
    let state = |(decided, decision): (&MemberDecision, Arc<str>)| {
        let member = &poll.plan.members[decided.member];
        TargetState {
            member: poll.is_of_group().then(|| member.role.name.clone()),
            target: member.target.to_string(),
            namespace: texts.one(member.target.namespace.as_str()),
            ready: poll.members[decided.member].seen.as_ref().ok().and_then(|scale| scale.ready),
            current: poll.current(decided.member).unwrap_or(decided.from),
            recommended: decided.recommended,
            desired: decided.to,
            min: member.bounds.min(),
            max: member.bounds.max(),
            cost: decided.cost,
            decision,
        }
    };
    poll.decision.members.iter().zip(lines).map(state).collect()
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
