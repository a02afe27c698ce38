//! What a policy sees of a plan and of one poll of it.

use crate::{Advice, Group, Limits, Member, Metric, Reading, Scale, Time};

/// What a policy sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// The plan's members.
    pub members: &'a [Member],
    /// The plan's metrics.
    pub metrics: &'a [Metric],
    /// The present scale of each member, with replicas as near as its bounds allow; `None` where its target was not
    /// found.
    pub scales: &'a [Option<Scale>],
    /// The reading of each of the plan's metrics.
    pub readings: &'a [Reading],
    /// The value of each of the plan's metrics; `None` where it is absent.
    pub values: &'a [Option<f64>],
    /// The instant of the decision.
    pub now: Time,
    /// What holds the members together, where the plan is a group's.
    pub group: Option<&'a Group>,
    /// What limits the plan: its tolerances are the policy's business.
    pub limits: Option<&'a Limits>,
    /// What an adviser outside recommends, where one is asked and has answered.
    pub advice: Option<&'a Advice>,
    /// Whether the poll is one that the policy asked for in between, and not by the plan's interval.
    pub is_between: bool,
}

impl View<'_> {
    /// The present scale of the member at `member`, where its target was found.
    pub fn scale(&self, member: usize) -> Option<Scale> {
        self.scales.get(member).copied().flatten()
    }

    /// Whether someone has set the member at `member` to 0 although it has a minimum: it is left alone.
    pub fn is_disabled(&self, member: usize) -> bool {
        self.scale(member).is_some_and(|scale| scale.replicas == 0)
            && self.members[member].bounds.is_off_at_0()
    }

    /// Whether the member at `member` is left alone, for good or while it is switched off.
    pub fn is_left_alone(&self, member: usize) -> bool {
        self.members[member].role.refusal.is_some() || self.is_disabled(member)
    }

    /// Replicas asked for of the member at `member` at present.
    pub fn replicas(&self, member: usize) -> u32 {
        self.scale(member).map_or(0, |scale| scale.replicas)
    }

    /// Whether the metric at `metric` was measured at the target's pods.
    pub fn is_of_pods(&self, metric: usize) -> bool {
        matches!(self.readings.get(metric), Some(Reading::Pods { .. }))
    }

    /// The value of the metric at `metric`, where it is known.
    pub fn value(&self, metric: usize) -> Option<f64> {
        self.values.get(metric).copied().flatten()
    }
}
