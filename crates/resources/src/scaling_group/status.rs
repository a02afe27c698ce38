//! What becomes of a ScalingGroup: every member, what they come to together, and the last action.

use engine::{MemberDecision, Memory, Scale, Step, coordination};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::ActionStatus;
use super::totals::{PodsStatus, totals};
use crate::common::condition::whole_seconds;
use crate::common::cost::CostStatus;
use crate::common::fields::{any_object, as_number, date_time};
use crate::common::metric_status::{MetricStatus, metric_status};
use crate::common::status::{ObservedStatus, Outcome, Poll};

/// The one-line texts of a large group end here: its members tell the rest.
const LONGEST_LINE: usize = 1000;

/// What became of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingGroupStatus {
    /// What all kinds tell.
    #[serde(flatten)]
    pub observed: ObservedStatus,
    /// Every member's replicas in one line: `webui 4, auth 2→3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_summary: Option<String>,
    /// Every member.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub members: Vec<GroupMemberStatus>,
    /// The member with the highest load; absent where no load is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<String>,
    /// Each metric, as last read.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub metrics: Vec<GroupMetricStatus>,
    /// Replicas of all members together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsStatus>,
    /// What the replicas of all members cost together, where they have a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostStatus>,
    /// What was last done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_action: Option<ActionStatus>,
    /// The last decision: every member's steps, those that change first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// When the group was last scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_scale_time: Option<String>,
    /// What later decisions must know of earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub memory: Option<Memory>,
}

/// One member.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupMemberStatus {
    /// Its name in the group.
    pub name: String,
    /// The target as `Kind/name`.
    pub target: String,
    /// Replicas asked of the target, as last seen or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<u32>,
    /// Replicas that are ready, where the target's kind tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<u32>,
    /// Replicas that the last decision came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<u32>,
    /// What it has to bear, in the unit of its metric or of its callers' calls; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub demand: Option<f64>,
    /// The demand over what its ready replicas can bear: 1 is full. Absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub load: Option<f64>,
    /// The steps of the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// The steps of the decision that last scaled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_reason: Option<String>,
    /// Why it could not be read or scaled, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it could not be read or scaled, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One metric of a group, as last read.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupMetricStatus {
    /// What every metric tells. An average is taken over the replicas of its member.
    #[serde(flatten)]
    pub metric: MetricStatus,
    /// The member that it is measured at; absent where it is of the group as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

pub(super) fn status(outcome: &Outcome, previous: &Value) -> Value {
    let mut status = ScalingGroupStatus::deserialize(previous).unwrap_or_default();
    status.observed.update(outcome);
    if let Some(poll) = outcome.poll() {
        status.polled(outcome, poll);
    }
    serde_json::to_value(status).unwrap_or_else(|error| unreachable!("plain data: {error}"))
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
        self.memory = (poll.memory != Memory::default()).then(|| poll.memory.clone());
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
    let steps = decided.steps.iter().filter(|step| !matches!(step, Step::Absent(_) | Step::Pods { .. }));
    steps.map(Step::to_string).collect::<Vec<_>>().join(", ")
}

fn last_decision(poll: &Poll) -> String {
    let (changing, steady): (Vec<_>, Vec<_>) =
        poll.decision.members.iter().partition(|decided| decided.scales());
    let told = changing.into_iter().chain(steady).map(|decided| {
        let name = &poll.plan.members[decided.member].role.name;
        match explanation(decided) {
            steps if steps.is_empty() => format!("{name}: {} as before", decided.to),
            steps => format!("{name}: {steps}"),
        }
    });
    line(told, "; ")
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
