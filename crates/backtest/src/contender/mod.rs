//! Who decides in a replay: a manifest by the operator's own engine, the HPA, KEDA, a fixed count, perfect knowledge.
//!
//! A contender looks when it is due, sees what it would see in a cluster, and asks for replicas.

mod fits;
mod fixed;
mod keda;
mod oracle;
mod planned;
mod played;
mod pods;
mod usual;

use engine::{AbsentMetric, Bounds, Reading, Scale, Time};

use crate::Manifest;
use crate::workload::{Signal, SignalKind};
use crate::world::{Member, SeenCell};

pub use fits::Fits;
pub use fixed::Fixed;
pub use keda::Keda;
pub use oracle::Oracle;
pub use planned::Planned;
pub use played::Played;
pub use usual::{Several, hpa, keda};

/// Whoever decides by a manifest: the operator's engine, or, for a ScaledObject, KEDA. `signals` say where its metrics
/// come from; what `fits` has it need not fit again.
pub fn of_manifest(manifest: Manifest, signals: Vec<Signal>, fits: &Fits, start: Time) -> Box<dyn Contender> {
    let Manifest { mut plan, keda, .. } = manifest;
    let Some(keda) = keda else { return Box::new(Planned::new(plan, signals, start).sharing(fits)) };
    // The HPA beside the loop never goes below 1.
    if let Some(bounds) = Bounds::new(keda.bounds.min().max(1), keda.bounds.max()) {
        plan.members[0].bounds = bounds;
    }
    let hpa = Planned::new(plan, signals.clone(), start);
    Box::new(Keda::new(hpa, signals, 0, keda, start))
}

/// Decides over the replicas of a world.
pub trait Contender: Send {
    /// When it looks next.
    fn due(&self) -> Time;

    /// Looks, and puts what it asks for into `orders`. Afterwards it is due later than `seen.now()`.
    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>);

    /// The metrics that it had no use for whenever it looked, and why.
    fn never_read(&self) -> Vec<AbsentMetric> {
        Vec::new()
    }
}

/// Replicas that are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// Place of the member.
    pub member: usize,
    /// Replicas.
    pub to: u32,
    /// Why; empty where nobody asks.
    pub steps: Vec<String>,
}

/// What is to be seen at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    now: Time,
    cell: SeenCell<'a>,
    members: &'a [Member],
    explains: bool,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(now: Time, cell: SeenCell<'a>, members: &'a [Member], explains: bool) -> Self {
        Self { now, cell, members, explains }
    }

    /// The moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Whether reasons are wanted.
    pub fn explains(&self) -> bool {
        self.explains
    }

    /// How many members there are.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// The scale of a member, as the API server has it.
    pub fn scale(&self, member: usize) -> Scale {
        let Member { pods, wanted, .. } = &self.members[member];
        Scale { replicas: *wanted, status_replicas: pods.existing(), ready: Some(pods.ready()) }
    }

    /// The value of a metric; `None` where there is no data.
    pub fn value(&self, signal: Signal) -> Option<f64> {
        let measured = |member: usize| self.members[member].measured;
        let value = match signal.kind {
            SignalKind::Column(column) => self.cell.values[column],
            SignalKind::Queue(member) => Some(self.members[member].backlog),
            SignalKind::Utilization(member) => measured(member).map(|measured| 100.0 * measured.utilization),
            SignalKind::Latency(member) => measured(member).map(|measured| measured.latency),
            SignalKind::Arrivals(member) => measured(member).map(|measured| measured.arrivals),
        };
        value.map(|value| value * signal.scale)
    }

    /// The reading of a metric, as a source would give it that measures pods, or one that answers a number.
    pub fn reading(&self, signal: Signal, of_pods: bool) -> Reading {
        if let (SignalKind::Utilization(member), true) = (signal.kind, of_pods) {
            let Member { pods, measured, .. } = &self.members[member];
            let used = measured.map(|measured| (measured.ready, measured.utilization * signal.scale));
            return pods::reading(pods.ready(), pods.existing(), used, self.now);
        }
        match self.value(signal) {
            Some(value) => Reading::of(value, self.now),
            None => Reading::absent(engine::AbsenceReason::ValueMissing, "the load has no value here"),
        }
    }

    /// The begin of the cell of the load, and what each member needs in it and until replicas that start now are ready.
    pub(crate) fn truth(&self) -> (Time, &'a [u32], &'a [u32]) {
        (self.cell.at, self.cell.needed, self.cell.ahead)
    }
}
