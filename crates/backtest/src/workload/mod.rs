//! What a replica bears, how soon it starts, and which SLO it has: the world that a rule acts on.
//!
//! ```text
//!  workload.yaml ─▶ WorkloadSpec ─┐
//!  manifest ─▶ Plan ──────────────┼─▶ Workload: one Service a member, and where each metric comes from
//!  columns of the load ───────────┘
//! ```

mod bind;
mod queueing;
mod span;
mod spec;
mod startup;
#[cfg(test)]
pub(crate) mod tests;
mod world;

pub use bind::{Bound, bind, signals};
pub use queueing::{Station, latency};
pub use span::Span;
pub use spec::{
    ContenderSpec, LoadKind, LoadSpec, MemberSpec, MetricSource, Overload, SignalSpec, SloSpec, Variability,
    WorkloadSpec,
};
pub use startup::{Startup, StartupSpec};
pub use world::{Inflow, InflowKind, Service, Signal, SignalKind, Slo, Workload};
