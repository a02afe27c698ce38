//! A plan, decided by the very engine that the operator runs: a manifest of any kind, or an HPA.

use std::collections::VecDeque;
use std::time::Duration;

use engine::action::WriteResult;
use engine::cycle::{NextDecision, next_decision, record_writes};
use engine::{AbsentMetric, Memory, Observation, Plan, Reading, Time};
use forecast::Lookout;

use super::{Contender, Fits, Order, Seen};
use crate::manifest::PODS;
use crate::workload::Signal;

/// A plan and its memory.
#[derive(Clone, Debug)]
pub struct Planned {
    plan: Plan,
    /// Where each of its metrics comes from.
    signals: Vec<Signal>,
    /// Place in the world of its first member; the others follow.
    first: usize,
    /// How old readings are when they are seen.
    delay: Duration,
    /// Readings on their way.
    under_way: VecDeque<(Time, Vec<Reading>)>,
    memory: Memory,
    /// What it forecasts by, where it does.
    lookout: Option<Lookout>,
    fits: Fits,
    observation: Observation,
    writes: Vec<Option<WriteResult>>,
    /// The metrics that were absent at every look; `None` before the first.
    never_read: Option<Vec<AbsentMetric>>,
    due: Time,
}

impl Planned {
    /// A plan whose metrics come from `signals`, one a metric, polled from `start` on.
    pub fn new(plan: Plan, signals: Vec<Signal>, start: Time) -> Self {
        Self {
            lookout: Lookout::of(&plan, None),
            fits: Fits::default(),
            plan,
            signals,
            first: 0,
            delay: Duration::ZERO,
            under_way: VecDeque::new(),
            memory: Memory::default(),
            observation: Observation::default(),
            writes: Vec::new(),
            never_read: None,
            due: start,
        }
    }

    /// The same for a plan of one target, which is the member at `member` of the world.
    #[must_use]
    pub fn of_member(mut self, member: usize) -> Self {
        self.first = member;
        self
    }

    /// The same with readings that are so old when they are seen.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same with the fits of others, who listen to the same load: what one has fitted the others need not.
    #[must_use]
    pub fn sharing(mut self, fits: &Fits) -> Self {
        self.fits = fits.clone();
        self
    }

    /// Looks next an interval after `now`, as if nothing was to be decided.
    pub(super) fn skip(&mut self, now: Time) {
        self.due = now.plus(self.plan.interval);
    }

    /// Listens to what was read, and puts what is expected into the observation. Here a fit is ready at once; in production
    /// it counts from the next poll on.
    fn forecast(&mut self, now: Time) {
        let Some(lookout) = &mut self.lookout else { return };
        lookout.look(&self.plan, &mut self.observation, now);
        for (query, job) in lookout.fits_due(now) {
            lookout.adopt(query, &self.fits.run(job));
        }
    }

    /// Keeps of the metrics that were always absent those that are so again.
    fn note(&mut self, absences: &[AbsentMetric]) {
        match &mut self.never_read {
            None => self.never_read = Some(absences.to_vec()),
            Some(never) => never.retain(|one| absences.iter().any(|absent| absent.metric == one.metric)),
        }
    }

    fn observe(&mut self, seen: &Seen<'_>) {
        let members = self.first..self.first + self.plan.members.len();
        self.observation.scales.clear();
        self.observation.scales.extend(members.map(|member| Some(seen.scale(member))));
        self.observation.readings.clear();
        let metrics = self.plan.metrics.iter().map(|metric| PODS.contains(&metric.query.source()));
        let signals = self.signals.iter().zip(metrics);
        self.observation.readings.extend(signals.map(|(signal, of_pods)| seen.reading(*signal, of_pods)));
        if self.delay.is_zero() {
            return;
        }
        let now = seen.now();
        self.under_way.push_back((now, self.observation.readings.clone()));
        while self.under_way.get(1).is_some_and(|(at, _)| now.since(*at) >= self.delay) {
            self.under_way.pop_front();
        }
        if let Some((_, readings)) = self.under_way.front() {
            self.observation.readings.clone_from(readings);
        }
    }
}

impl Contender for Planned {
    fn due(&self) -> Time {
        self.due
    }

    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        let now = seen.now();
        self.observe(seen);
        self.forecast(now);
        let NextDecision { decision, .. } =
            next_decision(&self.plan, &mut self.memory, &self.observation, &[], now);
        self.note(&decision.absences);
        self.writes.clear();
        self.writes.resize_with(self.plan.members.len(), || None);
        for decided in decision.members.iter().filter(|decided| decided.scales()) {
            let explained = || decided.steps.iter().map(ToString::to_string).collect();
            let steps = if seen.explains() { explained() } else { Vec::new() };
            orders.push(Order { member: self.first + decided.member, to: decided.to, steps });
            self.writes[decided.member] = Some(WriteResult { at: now, sent: true, failure: None });
        }
        record_writes(&self.plan, &mut self.memory, &decision, &self.writes);
        self.due = now.plus(self.plan.interval_after(&decision));
    }

    fn never_read(&self) -> Vec<AbsentMetric> {
        self.never_read.clone().unwrap_or_default()
    }
}
