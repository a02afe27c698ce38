//! Everything outside that polls and the loop use, behind the traits of `ports`.

use std::sync::Arc;

use crate::{
    Activity, Actuator, Advisers, Answers, Audit, Board, Clock, Episodes, Forecasts, Guard, Journal, Metrics,
    MetricsApi, Outages, Reconciler, Sampler, Workloads,
};

/// What polls use; cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Reads metrics.
    pub sampler: Arc<dyn Sampler>,
    /// Reads and moves targets.
    pub actuator: Arc<dyn Actuator>,
    /// Returns the time.
    pub clock: Arc<dyn Clock>,
    /// Returns whether this replica may write.
    pub guard: Arc<dyn Guard>,
    /// Keeps HPAs.
    pub reconciler: Arc<dyn Reconciler>,
    /// Keeps the record.
    pub journal: Arc<dyn Journal>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Whose the cluster's external metrics API is.
    pub metrics_api: Arc<MetricsApi>,
    /// Remembers the last scale operations.
    pub activity: Arc<Activity>,
    /// Shows the present state of every object.
    pub board: Arc<Board>,
    /// The values that objects published last, for those who ask for them.
    pub answers: Arc<Answers>,
    /// Gathers what fails for one cause, for the log.
    pub outages: Arc<Outages>,
    /// Takes every decision, where someone wants them all.
    pub audit: Option<Arc<dyn Audit>>,
    /// Asks the advisers that policies name.
    pub advisers: Arc<dyn Advisers>,
    /// Takes what a policy can learn from, where someone wants that.
    pub episodes: Option<Arc<Episodes>>,
    /// Reads workloads, where someone looks at what they lack.
    pub workloads: Option<Arc<dyn Workloads>>,
    /// What is expected of the loads of objects that go by forecasts.
    pub forecasts: Forecasts,
}
