//! The loop: it owns every object's plan and memory, wakes them in time, and takes one
//! poll from reading to record.
//!
//! ```text
//!  Event ─▶ Runner ──── due ────▶ poll:  sample ─▶ observe ─▶ decide ─▶ guard ─▶ act
//!  (watches, lease)                      Sampler   Actuator   engine    Guard   Actuator
//!              │ ◀─ memory, outcome ──────────────────────────────────────────────┘
//!              └─▶ record: metrics, board, activity, log, Journal
//! ```
//!
//! One task runs the loop; a poll is a task of its own only while it lasts, and an object
//! never has two. Only the loop reports what a poll came to, as it alone knows what has become
//! of the object meanwhile. What touches the outside world stands behind the traits of
//! `ports`, each with one real implementation in another crate and one scripted in the tests here.

mod act;
mod activity;
mod acts_in;
mod answers;
mod attempt;
mod audit;
mod await_ready;
mod board;
mod clock;
mod defaults;
mod entry;
mod episodes;
mod event;
mod forecasts;
mod hpas_of_target;
mod keep;
mod label;
mod leadership;
mod metrics;
mod metrics_api;
mod namespaces;
mod outages;
mod owners;
mod ownership;
mod pace;
mod poll;
mod ports;
mod preview;
mod pursuit;
mod readiness;
mod references;
mod reporting;
mod retry;
mod reuse;
mod reversal;
mod run;
mod schedule;
#[cfg(test)]
mod scripted;
mod services;
mod shared;
mod spans;
mod standing;
mod workload;

pub use activity::{Activity, ScaleCount, ScaleOperation, Scaled};
pub use acts_in::ActsIn;
pub use answers::{Answer, Answers, NoAnswer};
pub use audit::{Audit, AuditEntry, AuditedMetric};
pub use board::{
    Board, DecisionResult, Detail, FailingMember, History, MetricForecast, MetricReading, ObjectCondition,
    ObjectState, PastDecision, PastEvent, Point, TargetState,
};
pub use clock::SystemClock;
pub use defaults::SharedDefaults;
pub use episodes::{Episode, EpisodeLog, Episodes};
pub use event::{Event, ObjectKey, ObjectName};
pub use forecasts::Forecasts;
pub use leadership::{Leader, Leadership};
pub use metrics::{END as METRICS_END, Metrics};
pub use metrics_api::{MetricsApi, MetricsApiOwner};
pub use namespaces::{NamespaceNames, Namespaces, Selection};
pub use outages::{Cause, Outages};
pub use owners::{Owners, Wanted};
pub use ports::{
    Actuator, Advisers, Clock, Gone, Guard, Journal, KeepHpa, PastSpan, Question, Reconciler, Record,
    Sampled, Sampler, Workloads,
};
pub use preview::{Eyes, Previewed};
pub use readiness::Readiness;
pub use run::{Runner, Terms};
pub use services::Services;
pub use shared::Shared;
pub use spans::TRACE_TARGET;
pub use workload::lacking;
