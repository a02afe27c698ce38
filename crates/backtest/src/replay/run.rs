//! One contender's way through the load.

use std::time::Duration;

use engine::{AbsentMetric, Time};
use serde::Serialize;

use super::timeline::{Row, Timeline};
use crate::contender::{Contender, Order, Seen};
use crate::scores::{Segment, Tally};
use crate::workload::Workload;
use crate::world::{Block, Member};

/// Decisions that a report keeps of each contender; later ones are counted.
const MOST_DECISIONS: usize = 5_000;

/// A change of replicas, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    /// When.
    pub at: Time,
    /// Place of the member.
    pub member: usize,
    /// Replicas before.
    pub from: u32,
    /// Replicas asked for.
    pub to: u32,
    /// How one became the other.
    pub steps: Vec<String>,
}

/// What is written down of a run beside its scores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) timeline: Timeline,
    pub(crate) decisions: Vec<Decided>,
    pub(crate) left_out: u64,
}

/// What all runs of a replay share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) workload: &'a Workload,
    /// From one cell to the next.
    pub(crate) step: Duration,
    /// From one sample of the scores to the next.
    pub(crate) tick: Duration,
    /// Where the scores begin again: the parts of the history.
    pub(crate) splits: &'a [Time],
}

/// One contender in its world.
pub(crate) struct Run {
    contender: Box<dyn Contender>,
    members: Vec<Member>,
    /// Scores of each part of the history.
    pub(crate) tallies: Vec<Tally>,
    pub(crate) record: Option<Record>,
    next_tick: Time,
    orders: Vec<Order>,
    /// What all members together have ready at each tick of the last block.
    pub(crate) ready: Vec<u64>,
}

impl Run {
    /// A run that begins at `start` with these replicas, all ready.
    pub(crate) fn new(contender: Box<dyn Contender>, replicas: &[u32], start: Time) -> Self {
        Self {
            contender,
            members: replicas.iter().map(|count| Member::new(*count)).collect(),
            tallies: vec![Tally::default()],
            record: None,
            next_tick: start,
            orders: Vec::new(),
            ready: Vec::new(),
        }
    }

    /// The same, which writes down what happens.
    pub(crate) fn recorded(mut self, start: Time, tick: Duration) -> Self {
        self.record =
            Some(Record { timeline: Timeline::new(start, tick), decisions: Vec::new(), left_out: 0 });
        self
    }

    /// The metrics that its contender never had a value of.
    pub(crate) fn never_read(&self) -> Vec<AbsentMetric> {
        self.contender.never_read()
    }

    /// Goes through a block; `oracle` is what perfect knowledge has ready at each of its ticks.
    pub(crate) fn pass(&mut self, stage: Stage<'_>, block: &Block, oracle: Option<&[u64]>) {
        self.ready.clear();
        for cell in 0..block.len() {
            let begin = block.at(cell);
            while stage.splits.get(self.tallies.len() - 1).is_some_and(|split| *split <= begin) {
                self.tallies.push(Tally::default());
            }
            self.pass_cell(stage, block, cell, oracle);
        }
    }

    fn pass_cell(&mut self, stage: Stage<'_>, block: &Block, cell: usize, oracle: Option<&[u64]>) {
        let mut now = block.at(cell);
        let end = now.plus(stage.step);
        while now < end {
            for member in &mut self.members {
                member.pods.settle(now);
            }
            if self.contender.due() <= now {
                self.look(stage, block, cell, now);
            }
            if self.next_tick <= now {
                self.sample(block, cell, oracle);
                self.next_tick = now.plus(stage.tick);
            }
            let mut next = end.min(self.contender.due()).min(self.next_tick);
            for member in &self.members {
                next = member.pods.next_event().map_or(next, |event| next.min(event));
            }
            self.advance(stage.workload, block, cell, next.since(now));
            now = next;
        }
    }

    /// Lets the contender look and carries out what it asks for.
    fn look(&mut self, stage: Stage<'_>, block: &Block, cell: usize, now: Time) {
        let mut orders = std::mem::take(&mut self.orders);
        orders.clear();
        let seen = Seen::new(now, block.seen(cell), &self.members, self.record.is_some());
        self.contender.look(&seen, &mut orders);
        for order in orders.drain(..) {
            self.carry_out(stage.workload, order, now);
        }
        self.orders = orders;
    }

    fn carry_out(&mut self, workload: &Workload, order: Order, now: Time) {
        let Order { member: place, to, steps } = order;
        let member = &mut self.members[place];
        let from = std::mem::replace(&mut member.wanted, to);
        if from == to {
            return;
        }
        member.pods.scale(to, now, &workload.members[place]);
        let is_out = to > from;
        let reverses = member.last_was_out.replace(is_out).is_some_and(|before| before != is_out);
        if let Some(tally) = self.tallies.last_mut() {
            tally.action(reverses);
        }
        let Some(record) = &mut self.record else { return };
        if record.decisions.len() < MOST_DECISIONS {
            record.decisions.push(Decided { at: now, member: place, from, to, steps });
        } else {
            record.left_out += 1;
        }
    }

    /// Samples needed and ready replicas.
    fn sample(&mut self, block: &Block, cell: usize, oracle: Option<&[u64]>) {
        let needed = block.needed(cell);
        let members = needed.iter().zip(&self.members).map(|(needed, member)| (*needed, member.pods.ready()));
        let tick = self.ready.len();
        let ready: u64 = members.clone().map(|(_, ready)| u64::from(ready)).sum();
        self.ready.push(ready);
        let oracle = oracle.and_then(|oracle| oracle.get(tick).copied());
        if let Some(tally) = self.tallies.last_mut() {
            tally.sample(members, oracle);
        }
        if let Some(record) = &mut self.record {
            record.timeline.push(Row {
                load: block.load(cell),
                needed: needed.iter().map(|count| u64::from(*count)).sum(),
                wanted: self.members.iter().map(|member| u64::from(member.wanted)).sum(),
                ready,
                violated: false,
            });
        }
    }

    /// Lets time go by in which nothing changes.
    fn advance(&mut self, workload: &Workload, block: &Block, cell: usize, span: Duration) {
        let seconds = span.as_secs_f64();
        let demand = block.demand(cell);
        let needed = block.needed(cell);
        let mut segment = Segment { millis: span.as_millis() as i64, ..Segment::default() };
        for &place in &workload.order {
            let service = &workload.members[place];
            let sent = service.calls.iter().map(|(caller, calls)| self.members[*caller].served * calls);
            let arrivals = demand[place] + sent.sum::<f64>();
            let member = &mut self.members[place];
            member.pass(service, workload, arrivals, seconds);
            segment.requests += demand[place] * seconds / workload.per;
            segment.violated |= member.measured.is_some_and(|measured| measured.violated);
            segment.pods += member.pods.paid();
            segment.cost_per_hour += member.pods.paid() as f64 * service.cost_per_pod_hour;
            segment.shortfall += u64::from(needed[place].saturating_sub(member.pods.ready()));
        }
        if let Some(tally) = self.tallies.last_mut() {
            tally.segment(segment);
        }
        if let Some(record) = self.record.as_mut().filter(|_| segment.violated) {
            record.timeline.mark_violated();
        }
    }
}
