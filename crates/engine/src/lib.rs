//! The decision engine of polyscaler: how many replicas, and why.
//!
//! ```text
//!  Plan ────────┐
//!  Memory ──────┤
//!  Observation ─┼─▶ cycle::next_decision ─▶ Decision { from, to, steps } ─▶ cycle::record_writes ─▶ Memory
//!  now ─────────┘        decide                                            cycle::next_poll ─▶ Time
//! ```
//!
//! [`cycle`] is the whole pure part of a poll, which the operator and a replay of recorded load share; [`decide`]
//! is its heart. It starts within the bounds: a target outside of `minReplicas` to `maxReplicas` is brought inside by
//! every decision, without a reading and whatever else holds; a target that someone set to 0 although it has a minimum is
//! left alone. [`Brakes`], which people set for a time, win over the bounds. From there it asks the plan's [`Policy`] for a recommendation from the readings and lets the
//! recommendation pass, in this order:
//!
//! 0. **forecast**: what a load that is expected asks for, where that is more; see [`Outlook`],
//! 1. **stabilization**: the smallest or largest recommendation of a window,
//! 2. **cost**: what the policy's budget pays for, if it has one,
//! 3. **budget** of a group: recommendations that are too much together are cut back, all in proportion,
//! 4. **bounds** again, of what is recommended, then **paused**: what people have paused,
//! 5. **no scale-in** while any reading is absent, or has fallen suspiciously fast,
//! 6. **rate**: pods that an operation or a period of time may add or remove,
//! 7. **cooldown**: time since the last scale,
//! 8. **budget** of a group again: scale-outs wait where others cannot scale in as fast as was recommended.
//!
//! A policy that goes by the activity of triggers ([`activation`]) switches a target on and off before all of these: that is
//! held back by bounds, pauses and missing readings alone, and the other limits count from there.
//!
//! What holds for windows, rates and cooldowns is the plan's choice, as data: see [`limits`].
//!
//! A group's members go through the chain side by side, so that one decision moves them all. What demand each of
//! them has is worked out in [`coordination`]; what a learned policy sees, does and earns stands in [`episode`].
//!
//! Every link that changes what is wanted leaves a [`Step`] with its numbers; the steps are
//! the explanation that all surfaces print.
//!
//! The crate knows no clock, no I/O, no async and no Kubernetes: time is an argument,
//! so the operator and a replay of recorded load run the very same code.
//!
//! To add a policy, write one file in `policy/` with an `ENTRY` and name it in `POLICIES`, or add the entry to the
//! [`PolicyTable`] from another crate. What must hold for every decision stands in [`invariants`].

pub mod action;
pub mod activation;
mod actuation;
mod apportion;
mod basis;
mod brakes;
mod by_target;
mod catalog;
mod controller;
pub mod coordination;
mod cost;
mod credential;
pub mod cycle;
mod decide;
mod decision;
mod difference;
pub mod episode;
#[cfg(test)]
mod fixture;
mod group;
mod group_budget;
mod group_problem;
pub mod hpa;
pub mod invariants;
mod level;
pub mod limits;
mod member;
mod memory;
mod metric;
mod number;
mod observation;
mod origin;
mod outlook;
mod past_scales;
mod plan;
mod pod;
pub mod pod_metric;
pub mod policy;
mod policy_memory;
mod problem;
mod query;
mod reading;
mod recommendations;
pub mod safeguards;
mod scale;
mod target;
mod time;
mod told;
mod turning;
mod view;
mod words;

pub use action::{Action, ActionMember};
pub use activation::{Activity, Published, TriggerActivity};
pub use actuation::{Actuation, KeptHpa, PackedHpa};
pub use basis::{Basis, DemandShare, Proportion};
pub use brakes::{BoundsOverride, Brakes, Pause};
pub use by_target::ByTarget;
pub use catalog::{Asked, AskedTarget, ConfigPath, Prepared, SourceCatalog};
pub use controller::{Beside, Comparison, ControllerSeen, Finding};
pub use cost::{Budget, Cost, without_noise};
pub use credential::{Credential, Holder, Otherwise, Sought};
pub use decide::decide;
pub use decision::{Decision, MemberDecision, RateLimit, Step};
pub use difference::Difference;
pub use group::{CallGraph, Edge, Group};
pub use group_budget::{GroupBudget, Total};
pub use group_problem::GroupProblem;
pub use level::Level;
pub use limits::Limits;
pub use member::{Member, Role};
pub use memory::Memory;
pub use metric::{Metric, MetricTarget, TargetType};
pub use number::Number;
pub use observation::{Advice, LastScaled, Observation};
pub use origin::Origin;
pub use outlook::{Expected, ForecastModel, Foresight, NoForecast, Outlook};
pub use past_scales::{PastScale, PastScales};
pub use plan::{Mode, Plan};
pub use pod::{ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness};
pub use policy::{Adviser, POLICIES, Policy, PolicyTable};
pub use policy_memory::{PolicyMemory, Remember};
pub use problem::{Fault, FaultKind, Problem, Warning, WarningKind};
pub use query::Query;
pub use reading::{
    Absence, AbsenceReason, AbsentMetric, Contributor, LabeledValue, MetricValue, Reading, ScalerMetric,
};
pub use recommendations::Recommendations;
pub use safeguards::{Fallback, FallbackReplicas, Safeguards, SuspiciousDrop};
pub use scale::Scale;
pub use target::{Bounds, Target, TargetId};
pub use time::Time;
pub use told::Told;
pub use turning::{TurningPoint, TurningPoints, turning_points};
pub use view::View;
pub use words::one_line;
