//! The decision engine of polyscaler: how many replicas, and why.
//!
//! ```text
//!  Plan ────────┐
//!  Memory ──────┤
//!  Observation ─┼─▶ decide ─▶ Decision { from, to, steps }
//!  now ─────────┘      │
//!                      └─▶ Memory (wishes); Memory::applied (last scale)
//! ```
//!
//! [`decide`] is the heart. It asks the plan's [`Policy`] for a wish from the readings
//! and then lets the wish pass, in this order:
//!
//! 1. **stabilization**: the least or greatest wish of a window,
//! 2. **cost**: what the policy's budget pays for, if it has one,
//! 3. **budget** of a group: wishes that are too much together are cut back, all in proportion,
//! 4. **bounds**: `minReplicas` to `maxReplicas`,
//! 5. **no scale-in** while any reading is absent,
//! 6. **rate**: pods a single operation may add or remove,
//! 7. **budget** of a group again: scale-outs wait where others cannot scale in as fast as was wished,
//! 8. **cooldown**: time since the last scale.
//!
//! A group's members go through the chain side by side, so that one decision moves them all. What demand each of
//! them has is worked out in [`coordination`]; what a learned policy sees, does and earns stands in [`episode`].
//!
//! Every link that changes the wish leaves a [`Step`] with its numbers; the steps are
//! the explanation that all surfaces print.
//!
//! The crate knows no clock, no I/O, no async and no Kubernetes: time is an argument,
//! so the operator and a replay of recorded load run the very same code.
//!
//! To add a policy, write one file in `policy/` with an `ENTRY` and name it in
//! [`policy::POLICIES`]. What must hold for every decision stands in [`invariants`].

mod apportion;
mod basis;
pub mod coordination;
mod cost;
mod decide;
mod decision;
pub mod episode;
#[cfg(test)]
mod fixture;
mod group;
mod group_budget;
mod group_problem;
pub mod invariants;
mod limit;
mod memory;
mod number;
mod plan;
mod pod;
pub mod policy;
mod problem;
mod reading;
mod time;
mod words;

pub use basis::{Basis, DemandShare, Proportion};
pub use cost::{Budget, Cost, without_noise};
pub use decide::{Advice, Observation, Scale, decide};
pub use decision::{AbsentMetric, Decision, MemberDecision, Step};
pub use group::{CallGraph, Edge, Group, Role};
pub use group_budget::{GroupBudget, Total};
pub use group_problem::GroupProblem;
pub use memory::{Action, ActionMember, Memory, Wishes};
pub use number::Number;
pub use plan::{Bounds, Member, Metric, MetricTarget, Mode, Plan, Safety, Target, TargetType};
pub use pod::{ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness};
pub use policy::{Adviser, Policy};
pub use problem::{ConfigPath, Fault, FaultKind, Problem, SourceCatalog, Warning};
pub use reading::{Absence, AbsenceReason, LabeledValue, MetricValue, Query, Reading};
pub use time::Time;
pub use words::one_line;
