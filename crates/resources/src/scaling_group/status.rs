//! The status of a ScalingGroup: every member, their totals, and the last scaling.

use engine::{MemberDecision, Scale, Step, coordination};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::ActionStatus;
use super::totals::{PodsStatus, totals};
use crate::common::condition::whole_seconds;
use crate::common::cost::CostStatus;
use crate::common::fields::{as_number, date_time};
use crate::common::metric_status::{MetricStatus, metric_status};
use crate::common::status::ObservedStatus;
use crate::kept_status::Status;
use crate::{Outcome, Poll};

/// The one-line texts of a large group end here: the rest is in the members.
const LONGEST_LINE: usize = 1000;

/// Observed state of a ScalingGroup.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingGroupStatus {
    /// What all kinds report.
    #[serde(flatten)]
    pub observed: ObservedStatus,
    /// Replicas of every member in one line: `webui 4, auth 2→3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_summary: Option<String>,
    /// Observed state of every member.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub members: Vec<GroupMemberStatus>,
    /// Member with the highest load; absent while no load is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<String>,
    /// Last value of each metric.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub metrics: Vec<GroupMetricStatus>,
    /// Replicas of all members together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsStatus>,
    /// Cost of the replicas of all members together, where a cost is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostStatus>,
    /// The last scaling of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_action: Option<ActionStatus>,
    /// Last decision: the steps of every member, changing members first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// When the group was last scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_scale_time: Option<String>,
}

/// Observed state of a member.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupMemberStatus {
    /// Name of the member.
    pub name: String,
    /// The target as `Kind/name`.
    pub target: String,
    /// Desired replicas in the target's spec, as last observed or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<u32>,
    /// Number of ready replicas, where the kind of the target reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<u32>,
    /// Replicas that the last decision asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<u32>,
    /// Load on the member, in the unit of its metric or in calls of its callers; absent while unknown.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub demand: Option<f64>,
    /// Load relative to what the ready replicas can handle: 1 is full. Absent while unknown.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub load: Option<f64>,
    /// Steps of the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// Steps of the decision that last scaled the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_reason: Option<String>,
    /// Why the target could not be read or scaled, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why the target could not be read or scaled, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Last value of a metric of the group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupMetricStatus {
    /// What every metric reports. An average is over the replicas of its member.
    #[serde(flatten)]
    pub metric: MetricStatus,
    /// Member at which the metric is measured; absent for the group as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

impl Status for ScalingGroupStatus {
    fn update(&mut self, outcome: &Outcome) {
        self.observed.update(outcome);
        if let Some(poll) = outcome.poll() {
            self.polled(outcome, poll);
        }
    }

    fn clear_volatile(&mut self) {
        self.observed.clear_volatile();
        for member in &mut self.members {
            (member.demand, member.load, member.ready_replicas, member.last_decision) = Default::default();
        }
        // A write that fails again and again is reported at once and then counted now and then.
        for member in self.last_action.iter_mut().flat_map(|action| &mut action.members) {
            (member.attempts, member.message) = Default::default();
        }
        self.metrics.clear();
        (self.bottleneck, self.last_decision, self.pods, self.cost) = Default::default();
    }

    fn metric_values(&self) -> Vec<Option<f64>> {
        self.metrics.iter().map(|metric| metric.metric.value).collect()
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Some(&self.observed)
    }
}

impl ScalingGroupStatus {
    /// Takes over what `poll` says.
    fn polled(&mut self, outcome: &Outcome, poll: &Poll) {
        let (scales, values) = seen(poll);
        let view = poll.plan.view(&scales, &values, outcome.at);
        let (demands, loads) = (coordination::demands(&view), coordination::loads(&view));
        let bottleneck = coordination::bottleneck(&view);
        self.bottleneck = bottleneck.map(|member| poll.plan.members[member].role.name.clone());
        let before = std::mem::take(&mut self.members);
        let members = (0..poll.plan.members.len()).map(|member| GroupMemberStatus {
            demand: demands[member].map(|demand| rounded(demand, 1e6)),
            load: loads[member].map(|load| rounded(load, 1e3)),
            ..member_status(poll, member, &before)
        });
        self.members = members.collect();
        let metrics = (0..poll.plan.metrics.len()).map(|metric| group_metric(outcome, poll, metric));
        self.metrics = metrics.collect();
        self.member_summary = Some(line(self.members.iter().map(GroupMemberStatus::summary), ", "));
        self.last_decision = Some(last_decision(poll));
        let (pods, cost) = totals(poll);
        (self.pods, self.cost) = (Some(pods), cost);
        self.last_scale_time = poll.memory.last_scale.map(whole_seconds);
        self.last_action = poll.memory.last_action.as_ref().map(ActionStatus::from);
    }
}

/// The scale of each member and the value of each metric, as decisions see them.
fn seen(poll: &Poll) -> (Vec<Option<Scale>>, Vec<Option<f64>>) {
    let scales = poll.members.iter().map(|member| member.seen.as_ref().ok().copied());
    let values = (0..poll.plan.metrics.len()).map(|index| poll.value(index));
    (scales.collect(), values.collect())
}

fn rounded(value: f64, parts: f64) -> f64 {
    let rounded = (value * parts).round() / parts;
    if rounded.is_finite() { rounded } else { value }
}

fn member_status(poll: &Poll, index: usize, before: &[GroupMemberStatus]) -> GroupMemberStatus {
    let (member, polled, decided) = (&poll.plan.members[index], &poll.members[index], poll.decided(index));
    let (name, failure) = (&member.role.name, poll.failure(index));
    let last_scale_reason = match (decided, &polled.write) {
        (Some(decided), Some(Ok(()))) => Some(explanation(decided)),
        _ => before
            .iter()
            .find(|before| before.name == *name)
            .and_then(|before| before.last_scale_reason.clone()),
    };
    GroupMemberStatus {
        name: name.clone(),
        target: member.target.short_name(),
        current_replicas: poll.current(index),
        ready_replicas: polled.seen.as_ref().ok().and_then(|scale| scale.ready),
        desired_replicas: decided.map(|decided| decided.to),
        demand: None,
        load: None,
        last_decision: decided.map(explanation),
        last_scale_reason,
        reason: failure.map(|(reason, _)| reason.to_string()),
        message: failure.map(|(_, message)| message.to_owned()),
    }
}

fn group_metric(outcome: &Outcome, poll: &Poll, index: usize) -> GroupMetricStatus {
    let member = poll.plan.metrics[index].member;
    let replicas = member.and_then(|member| poll.decided(member)).map(|decided| decided.from);
    GroupMetricStatus {
        metric: metric_status(poll, index, replicas, outcome.at),
        member: member.map(|member| poll.plan.members[member].role.name.clone()),
    }
}

/// The steps in one line. Absent readings, which all members share, stand with the metrics.
fn explanation(decided: &MemberDecision) -> String {
    let steps = decided
        .steps
        .iter()
        .filter(|step| !matches!(step, Step::Absent(_) | Step::Pods { .. } | Step::NoForecast { .. }));
    steps.map(Step::to_string).collect::<Vec<_>>().join(", ")
}

fn last_decision(poll: &Poll) -> String {
    let (changing, steady): (Vec<_>, Vec<_>) =
        poll.decision.members.iter().partition(|decided| decided.scales());
    let shown = changing.into_iter().chain(steady).map(|decided| {
        let name = &poll.plan.members[decided.member].role.name;
        match explanation(decided) {
            steps if steps.is_empty() => format!("{name}: {} as before", decided.to),
            steps => format!("{name}: {steps}"),
        }
    });
    line(shown, "; ")
}

/// `parts` in one line; those beyond [`LONGEST_LINE`] are counted only.
fn line(parts: impl Iterator<Item = String>, separator: &str) -> String {
    let mut line = String::new();
    let mut more = 0;
    for part in parts {
        let fits = line.is_empty() || line.len() + separator.len() + part.len() <= LONGEST_LINE;
        if more > 0 || !fits {
            more += 1;
            continue;
        }
        if !line.is_empty() {
            line.push_str(separator);
        }
        line.push_str(&part);
    }
    if more > 0 { format!("{line}{separator}and {more} more") } else { line }
}

impl GroupMemberStatus {
    /// `webui 4`, `webui 4→6` where replicas and decision differ, `webui ?` where it could not be read.
    fn summary(&self) -> String {
        match (self.current_replicas, self.desired_replicas) {
            (Some(current), Some(desired)) if current != desired => {
                format!("{} {current}→{desired}", self.name)
            }
            (Some(current), _) => format!("{} {current}", self.name),
            (None, _) => format!("{} ?", self.name),
        }
    }
}

#[cfg(test)]
mod tests;
