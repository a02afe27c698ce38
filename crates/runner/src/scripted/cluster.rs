//! Targets in memory, with the failures that the test orders.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{LastScaled, Scale, Target, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::{Reason, TargetFailure, WriteFailure};

use super::{Busy, Lease, PausedClock};
use crate::{Actuator, Clock as _, Guard as _};

pub(crate) struct Cluster {
    clock: Arc<PausedClock>,
    lease: Arc<Lease>,
    busy: Arc<Busy>,
    /// Writes by target.
    writing: Arc<Busy>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By name; all are in one namespace.
    targets: HashMap<String, Deployment>,
    writes: Vec<Write>,
    /// How often each target was looked at, by its full name.
    looks: HashMap<String, usize>,
    reads_take: Duration,
    writes_take: Duration,
    forgets_last_scaled: bool,
    forgets_when: bool,
}

#[derive(Default)]
struct Deployment {
    replicas: u32,
    last_scaled: Option<Time>,
    failures: VecDeque<Reason>,
    /// Who last set the replicas, where that is someone else.
    manager: Option<String>,
    /// What someone else sets between the next read and write.
    meddling: Option<u32>,
    /// The pods that are ready, where they are counted one by one.
    counted: Option<u32>,
    /// How long new replicas take to become ready; `None` where the kind does not report it.
    readiness: Readiness,
    /// When a write of ours last landed, and the replicas before.
    grown: Option<(Time, u32)>,
}

impl State {
    /// Someone else sets the replicas of `name`: as by managed fields, they are no longer ours, unless nothing changes.
    fn taken(&mut self, name: &str, replicas: u32) {
        let target = self.targets.entry(name.to_owned()).or_default();
        if replicas == target.replicas {
            return;
        }
        (target.replicas, target.last_scaled) = (replicas, None);
        for write in self.writes.iter_mut().filter(|write| write.target.name == name) {
            write.is_overwritten = true;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Readiness {
    After(Duration),
    NotTold,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::After(Duration::ZERO)
    }
}

impl Deployment {
    fn scale(&self, now: Time) -> Scale {
        let replicas = self.replicas;
        let ready = match (self.readiness, self.grown) {
            (Readiness::NotTold, _) => None,
            (Readiness::After(span), Some((at, before))) if now.since(at) < span => {
                Some(replicas.min(before))
            }
            _ => Some(replicas),
        };
        Scale { replicas, status_replicas: replicas, ready }
    }
}

/// A write that was begun.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Write {
    pub(crate) target: Target,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) begun: Time,
    /// Whether the lease was held when it began.
    pub(crate) leased: bool,
    /// When the replicas moved, where they did.
    pub(crate) landed: Option<Time>,
    /// Whether someone else has set the replicas since, so that the target no longer shows who wrote.
    pub(crate) is_overwritten: bool,
}

impl Cluster {
    pub(super) fn new(clock: Arc<PausedClock>, lease: Arc<Lease>, busy: Arc<Busy>) -> Self {
        Self { clock, lease, busy, writing: Arc::default(), state: Mutex::default() }
    }

    /// Someone else sets the replicas of `name`, or creates it.
    pub(crate) fn set(&self, name: &str, replicas: u32) {
        self.lock().taken(name, replicas);
    }

    /// The field manager `manager` sets the replicas of `name`.
    pub(crate) fn set_by(&self, manager: &str, name: &str, replicas: u32) {
        let mut state = self.lock();
        state.taken(name, replicas);
        state.targets.entry(name.to_owned()).or_default().manager = Some(manager.to_owned());
    }

    /// From now on new replicas of `name` take so long to become ready.
    pub(crate) fn ready_after(&self, name: &str, span: Duration) {
        self.lock().targets.entry(name.to_owned()).or_default().readiness = Readiness::After(span);
    }

    /// From now on `name` does not report how many of its replicas are ready.
    pub(crate) fn tell_no_readiness(&self, name: &str) {
        self.lock().targets.entry(name.to_owned()).or_default().readiness = Readiness::NotTold;
    }

    /// From now on that many of the pods of `name` are found to be ready, where they are counted one by one.
    pub(crate) fn count_ready_pods(&self, name: &str, ready: u32) {
        self.lock().targets.entry(name.to_owned()).or_default().counted = Some(ready);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.lock().targets.remove(name);
    }

    /// No failure that is still ordered will happen.
    pub(crate) fn calm(&self) {
        let mut state = self.lock();
        for target in state.targets.values_mut() {
            target.failures.clear();
            target.meddling = None;
        }
        (state.reads_take, state.writes_take) = (Duration::ZERO, Duration::ZERO);
    }

    pub(crate) fn replicas(&self, name: &str) -> u32 {
        self.lock().targets[name].replicas
    }

    /// Another replica of polyscaler scaled `name` at `at`.
    pub(crate) fn scaled_by_another(&self, name: &str, replicas: u32, at: Time) {
        let mut state = self.lock();
        let target = state.targets.entry(name.to_owned()).or_default();
        (target.replicas, target.last_scaled) = (replicas, Some(at));
    }

    /// The next write of `name` that is not yet ordered to fail fails so. A write that
    /// times out is carried out all the same.
    pub(crate) fn fail(&self, name: &str, reason: Reason) {
        self.lock().targets.entry(name.to_owned()).or_default().failures.push_back(reason);
    }

    /// Someone else sets the replicas of `name` between the next read and write.
    pub(crate) fn meddle(&self, name: &str, replicas: u32) {
        self.lock().targets.entry(name.to_owned()).or_default().meddling = Some(replicas);
    }

    pub(crate) fn reads_take(&self, span: Duration) {
        self.lock().reads_take = span;
    }

    pub(crate) fn writes_take(&self, span: Duration) {
        self.lock().writes_take = span;
    }

    /// From now on it does not report when it was last scaled, as if nothing had noted it.
    /// The API server reports from now on who scaled, and not when.
    pub(crate) fn forget_when(&self) {
        self.lock().forgets_when = true;
    }

    pub(crate) fn forget_last_scaled(&self) {
        self.lock().forgets_last_scaled = true;
    }

    /// How often a target was looked at, by its full name.
    pub(crate) fn looks(&self, target: &str) -> usize {
        self.lock().looks.get(target).copied().unwrap_or_default()
    }

    /// The most writes that were ever under way for one target.
    pub(crate) fn most_writes_at_once(&self) -> usize {
        self.writing.most()
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.lock().writes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// On whose behalf `target` is asked for: tests give each object a version of its own,
    /// which makes no other target. A group asks for its members at once, so each counts by itself.
    fn asker(target: &Target) -> String {
        format!("{} for {}", target.api_version, target.name)
    }

    fn begin(&self, target: &Target, from: u32, to: u32) -> usize {
        let (begun, leased) = (self.clock.now(), self.lease.time_left().is_some());
        let mut state = self.lock();
        let write =
            Write { target: target.clone(), from, to, begun, leased, landed: None, is_overwritten: false };
        state.writes.push(write);
        if let Some(replicas) = state.targets.get_mut(&target.name).and_then(|target| target.meddling.take())
        {
            state.taken(&target.name, replicas);
        }
        state.writes.len() - 1
    }

    fn land(&self, write: usize) -> Result<(), Reason> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let write = &mut state.writes[write];
        let target = state.targets.get_mut(&write.target.name).ok_or(Reason::TargetNotFound)?;
        if target.replicas != write.from {
            return Err(Reason::ScaleConflict);
        }
        let failure = target.failures.pop_front();
        if matches!(failure, None | Some(Reason::ScaleTimedOut)) {
            target.grown = Some((now, target.replicas));
            (target.replicas, target.last_scaled, target.manager) = (write.to, Some(now), None);
            write.landed = Some(now);
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Sleeps, and does not even yield for no time: the timer would make a millisecond of it.
async fn pass(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

impl Actuator for Cluster {
    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>> {
        async move {
            *self.lock().looks.entry(target.to_string()).or_default() += 1;
            let span = self.lock().reads_take;
            pass(span).await;
            let now = self.clock.now();
            match self.lock().targets.get(&target.name) {
                Some(deployment) => Ok(deployment.scale(now)),
                None => Err(TargetFailure {
                    reason: Reason::TargetNotFound,
                    message: format!("{target} does not exist"),
                }),
            }
        }
        .boxed()
    }

    fn ready_pods<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<u32>> {
        async move { self.lock().targets.get(&target.name)?.counted }.boxed()
    }

    fn last_scaled<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, LastScaled> {
        async move {
            let state = self.lock();
            let scaled = state.targets.get(&target.name).and_then(|target| target.last_scaled);
            match scaled {
                None => LastScaled::NotByUs,
                Some(_) if state.forgets_last_scaled => LastScaled::NotByUs,
                Some(_) if state.forgets_when => LastScaled::AtUnknownTime,
                Some(at) => LastScaled::At(at),
            }
        }
        .boxed()
    }

    fn changed_by<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<String>> {
        async move { self.lock().targets.get(&target.name)?.manager.clone() }.boxed()
    }

    fn scale<'a>(
        &'a self,
        target: &'a Target,
        from: u32,
        to: u32,
        time_left: Duration,
    ) -> BoxFuture<'a, Result<(), WriteFailure>> {
        async move {
            assert!(!time_left.is_zero(), "a write without time");
            let _doing = self.busy.with(&Self::asker(target));
            let _writing = self.writing.with(&target.name);
            let write = self.begin(target, from, to);
            let span = self.lock().writes_take;
            pass(span).await;
            self.land(write).map_err(|reason| WriteFailure { reason, message: format!("{target}: {reason}") })
        }
        .boxed()
    }
}
