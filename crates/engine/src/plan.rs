//! The plan: what every kind is compiled into, and all that `decide` needs to know of it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::limits::Limits;
use crate::{Actuation, Group, Member, Metric, Policy, Scale, Time, View};

/// One object of any kind, compiled: what to read, how to decide, what to move.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is scaled: one member for a single target, several for a group. Never empty.
    pub members: Vec<Member>,
    /// What is read before each decision.
    pub metrics: Vec<Metric>,
    /// Turns readings into a recommendation for each member.
    pub policy: Arc<dyn Policy>,
    /// How far and how fast replicas follow a recommendation.
    pub limits: Limits,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Time between two polls; at least a second.
    pub interval: Duration,
    /// What holds the members together, where the plan is a group's; `None` for a single target.
    pub group: Option<Group>,
    /// How decisions reach the cluster.
    pub actuation: Actuation,
}

impl Plan {
    /// What a policy sees of the plan at `now`, without readings and without the advice of anyone outside.
    pub fn view<'a>(&'a self, scales: &'a [Option<Scale>], values: &'a [Option<f64>], now: Time) -> View<'a> {
        let (members, metrics, group) = (&self.members, &self.metrics, self.group.as_ref());
        View { members, metrics, scales, readings: &[], values, now, group, advice: None }
    }
}

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decide and write.
    #[default]
    Act,
    /// Decide and record, write nothing.
    Observe,
}
