//! The world that a rule is replayed in: every number that a replay needs, with no default left open.

use std::time::Duration;

use engine::Bounds;
use serde::Serialize;
use serde_json::{Value, json};

use super::queueing::{Station, latency};
use super::spec::ContenderSpec;
use super::startup::Startup;

/// More replicas than this are never needed; what asks for them has no end.
const MOST_NEEDED: u32 = 1_000_000;

/// A world that a rule can be replayed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// What the load counts.
    pub unit: String,
    /// Seconds in which a value of the load was counted.
    pub per: f64,
    /// The service level objective.
    pub slo: Slo,
    /// `(ca² + cs²)/2` of arrivals and service.
    pub variability: f64,
    /// One service a member of the plan, in its order.
    pub members: Vec<Service>,
    /// Places of the members, callers first.
    pub order: Vec<usize>,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Replicas at the begin, where the file says so.
    pub initial_replicas: Option<u32>,
    /// Settings of the HPA and KEDA that are compared with.
    pub contenders: ContenderSpec,
}

/// The service level objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Slo {
    /// The share of what replicas bear that is in use at most.
    Utilization(f64),
    /// Seconds that a share of the requests take at most.
    Latency {
        /// Seconds.
        seconds: f64,
        /// The share, below 1.
        percentile: f64,
    },
    /// Seconds that the youngest message of a queue waits at most.
    BacklogAge(f64),
}

/// What one member of the plan is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Load that a replica bears, in the load's unit.
    pub capacity: f64,
    /// Requests that a replica serves at once.
    pub concurrency: f64,
    /// Mean seconds that a request takes.
    pub service_time: f64,
    /// From being asked for to being ready.
    pub startup: Startup,
    /// How long a removed replica is paid for.
    pub graceful_stop: Duration,
    /// Whether what cannot be served fails at once.
    pub drops: bool,
    /// The longest queue.
    pub queue_limit: f64,
    /// What a replica costs in an hour.
    pub cost_per_pod_hour: f64,
    /// The manifest's bounds.
    pub bounds: Bounds,
    /// Demand from outside.
    pub inflow: Vec<Inflow>,
    /// Demand from other members: their places, and calls for each call that they serve.
    pub calls: Vec<(usize, f64)>,
}

/// Demand from a column of the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inflow {
    /// The column's place among those that are read.
    pub column: usize,
    /// What each value is multiplied by.
    pub scale: f64,
    /// How a value becomes demand.
    pub kind: InflowKind,
}

/// How a value becomes demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflowKind {
    /// It is demand.
    Rate,
    /// It is the utilisation of as many replicas as the column at this place says.
    Utilization(usize),
    /// It is the latency of as many replicas as the column at this place says.
    Latency(usize),
}

/// Where a metric's value comes from in a replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// What it is.
    pub kind: SignalKind,
    /// What its value is multiplied by.
    pub scale: f64,
}

/// What a metric is in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// The column at this place.
    Column(usize),
    /// The queue of the member at this place.
    Queue(usize),
    /// The utilisation of the member at this place, in per cent.
    Utilization(usize),
    /// The latency of the member at this place, in seconds.
    Latency(usize),
    /// The demand that reaches the member at this place.
    Arrivals(usize),
}

impl Service {
    /// What serves requests while so many replicas are ready.
    pub(crate) fn station(&self, ready: u32, variability: f64) -> Station {
        let servers = f64::from(ready) * self.concurrency;
        Station { servers, service_time: self.service_time, variability }
    }
}

impl Workload {
    /// The smallest number of replicas of the member at `member` that keeps the SLO while the load is `load` for long; 0 for none.
    pub fn needed(&self, member: usize, load: f64) -> u32 {
        let service = &self.members[member];
        if load <= 0.0 {
            return 0;
        }
        match self.slo {
            Slo::Utilization(share) => ceil(load / (service.capacity * share)),
            Slo::BacklogAge(_) => ceil(load / service.capacity),
            Slo::Latency { seconds, percentile } => {
                let keeps = |count: u32| {
                    latency(service.station(count, self.variability), load / self.per, percentile) <= seconds
                };
                // Too few to bear the load at all.
                let mut short = ceil(load / service.capacity).saturating_sub(1);
                let (mut enough, mut step) = (short + 1, 1);
                while !keeps(enough) && enough < MOST_NEEDED {
                    short = enough;
                    enough += step;
                    step *= 2;
                }
                while enough - short > 1 {
                    let middle = short + (enough - short) / 2;
                    if keeps(middle) { enough = middle } else { short = middle }
                }
                enough
            }
        }
    }

    /// The demand from outside at the member at `member`, by what is known of each column.
    pub fn demand(&self, member: usize, values: &[f64]) -> f64 {
        let service = &self.members[member];
        let of = |inflow: &Inflow| {
            let value = values[inflow.column] * inflow.scale;
            match inflow.kind {
                InflowKind::Rate => value,
                InflowKind::Utilization(replicas) => value * values[replicas] * service.capacity,
                InflowKind::Latency(replicas) => self.load_at_latency(service, value, values[replicas]),
            }
        };
        service.inflow.iter().map(of).sum()
    }

    /// The load at which so many replicas have this latency: the queueing formula, backwards.
    fn load_at_latency(&self, service: &Service, seconds: f64, replicas: f64) -> f64 {
        let percentile = if let Slo::Latency { percentile, .. } = self.slo { percentile } else { 0.95 };
        let ready = replicas.max(0.0) as u32;
        let station = service.station(ready, self.variability);
        let most = f64::from(ready) * service.capacity;
        let (mut low, mut high) = (0.0, most);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if latency(station, middle / self.per, percentile) <= seconds {
                low = middle
            } else {
                high = middle
            }
        }
        low
    }

    /// The longest that starting takes for 19 of 20 replicas of any member.
    pub fn usual_startup(&self) -> Duration {
        self.members.iter().map(|service| service.startup.usual()).max().unwrap_or_default()
    }

    /// What was used, for the report: no default stays hidden.
    pub fn summary(&self) -> Value {
        let members: Vec<Value> = self
            .members
            .iter()
            .map(|service| {
                json!({
                    "name": service.name,
                    "capacity": service.capacity,
                    "concurrency": service.concurrency,
                    "serviceTimeSeconds": service.service_time,
                    "startupSeconds": service.startup.usual().as_secs_f64(),
                    "startupIsFixed": service.startup.fixed().is_some(),
                    "gracefulStopSeconds": service.graceful_stop.as_secs_f64(),
                    "overload": if service.drops { "drop" } else { "queue" },
                    "costPerPodHour": service.cost_per_pod_hour,
                    "minReplicas": service.bounds.min(),
                    "maxReplicas": service.bounds.max(),
                })
            })
            .collect();
        json!({ "unit": self.unit, "perSeconds": self.per, "slo": self.slo, "seed": self.seed, "members": members })
    }
}

fn ceil(quotient: f64) -> u32 {
    let nearest = quotient.round();
    // 2.1 over 0.7 is 3, and not a little more.
    let whole = if (quotient - nearest).abs() <= 1e-9 * quotient.abs() { nearest } else { quotient.ceil() };
    whole.min(f64::from(MOST_NEEDED)) as u32
}
