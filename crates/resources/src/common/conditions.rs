//! What the conditions of a polled object say. A single target is "the target"; of a group, every member
//! in question is named.

use engine::{AbsentMetric, MemberDecision, Mode, Step};

use super::condition::{ConditionStatus, ConditionType, Reason};
use super::status::Poll;

/// All conditions; `Ready`, the summary, comes first.
pub(super) fn of(poll: &Poll) -> Vec<ConditionStatus> {
    let parts = [able_to_scale(poll), scaling_active(poll)];
    let mut conditions = vec![ready(poll, &parts)];
    conditions.extend(parts);
    conditions.push(scaling_limited(poll));
    conditions
}

pub(super) fn condition(
    type_: ConditionType,
    holds: bool,
    reason: Reason,
    message: impl Into<String>,
) -> ConditionStatus {
    ConditionStatus { type_, holds, reason, message: message.into() }
}

fn ready(poll: &Poll, parts: &[ConditionStatus]) -> ConditionStatus {
    let type_ = ConditionType::Ready;
    let failing = parts.iter().find(|part| !part.holds);
    match failing {
        Some(part) => condition(type_, false, part.reason, part.message.clone()),
        None if poll.decision.mode == Mode::Observe => condition(
            type_,
            true,
            Reason::Observing,
            "decisions are recorded and not carried out, as the annotation polyscaler.dev/mode asks for",
        ),
        None if poll.is_of_group() => {
            condition(type_, true, Reason::Ready, "metrics are read and every member is scaled")
        }
        None => condition(type_, true, Reason::Ready, "metrics are read and the target is scaled"),
    }
}

fn able_to_scale(poll: &Poll) -> ConditionStatus {
    let type_ = ConditionType::AbleToScale;
    let failing: Vec<(usize, Reason, &str)> = (0..poll.members.len())
        .filter_map(|member| poll.failure(member).map(|(reason, message)| (member, reason, message)))
        .collect();
    if let (Err(failure), true) = (&poll.hpa, failing.is_empty()) {
        return condition(type_, false, failure.reason, failure.message.clone());
    }
    if let (Some(message), true) = (reverted(poll), failing.is_empty()) {
        return condition(type_, false, Reason::ReplicasReverted, message);
    }
    match failing.first() {
        None if poll.is_of_group() => {
            condition(type_, true, Reason::ReadyForNewScale, "every member can be scaled")
        }
        None => condition(type_, true, Reason::ReadyForNewScale, "the target can be scaled"),
        Some((_, reason, _)) if poll.is_of_group() => {
            condition(type_, false, *reason, failing_members(poll, &failing))
        }
        Some((_, reason, message)) => condition(type_, false, *reason, *message),
    }
}

/// Whose replicas are set back again and again, and what to do about it.
fn reverted(poll: &Poll) -> Option<String> {
    let reported = poll.reversals.iter().filter(|reversal| reversal.is_reported);
    let said: Vec<String> = reported
        .map(|reversal| reversal.message(&poll.plan.members[reversal.member].target.to_string()))
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// So many members are told of in full; of the others, no more than the name and the reason.
const IN_FULL: usize = 5;

fn failing_members(poll: &Poll, failing: &[(usize, Reason, &str)]) -> String {
    let told = failing.iter().enumerate().map(|(place, (member, reason, message))| {
        let name = &poll.plan.members[*member].role.name;
        if place < IN_FULL { format!("{name}: {reason} ({message})") } else { format!("{name}: {reason}") }
    });
    let told = told.collect::<Vec<_>>().join("; ");
    match (failing.len(), poll.members.len()) {
        (failing, all) if failing == all => format!("no member can be scaled: {told}"),
        (failing, all) => format!("{failing} of {all} members cannot be scaled: {told}; the others go on"),
    }
}

fn scaling_active(poll: &Poll) -> ConditionStatus {
    let type_ = ConditionType::ScalingActive;
    let absences = &poll.decision.absences;
    match absences.first() {
        None if poll.is_of_group() && poll.plan.metrics.is_empty() => condition(
            type_,
            true,
            Reason::ValidMetricFound,
            "the policy works, and there is no metric to read",
        ),
        None => condition(type_, true, Reason::ValidMetricFound, "every metric has a reading"),
        Some(first) => {
            // Of a single target it is enough to know the first: they mostly have one cause.
            let told = if poll.is_of_group() { &absences[..] } else { &absences[..1] };
            let message = told.iter().map(|absent| absence(poll, absent)).collect::<Vec<_>>().join("; ");
            condition(type_, false, Reason::Metric(first.absence.reason), message)
        }
    }
}

fn absence(poll: &Poll, absent: &AbsentMetric) -> String {
    let is_metric = poll.plan.metrics.iter().any(|metric| metric.name == absent.metric);
    // Else it is the advice that the policy rests on.
    let what = if is_metric { "metric" } else { "policy" };
    format!("{what} {}: {}", absent.metric, absent.absence)
}

fn scaling_limited(poll: &Poll) -> ConditionStatus {
    let type_ = ConditionType::ScalingLimited;
    let decisions = poll.decision.members.iter();
    let mut limits: Vec<(&MemberDecision, Reason, &Step)> = decisions
        .filter_map(|decided| limit(decided).map(|(reason, step)| (decided, reason, step)))
        .collect();
    // Of several members, the one that a person can do most about gives the reason.
    limits.sort_by_key(|(_, reason, _)| rank(*reason));
    match limits.first() {
        None => condition(type_, false, Reason::DesiredWithinRange, "nothing holds the wish back"),
        Some((_, reason, _)) if poll.is_of_group() => {
            condition(type_, true, *reason, limited_members(poll, &limits))
        }
        Some((_, reason @ Reason::TooManyReplicas, step)) => {
            condition(type_, true, *reason, format!("{step}{}", largest(poll)))
        }
        Some((_, reason, step)) => condition(type_, true, *reason, step.to_string()),
    }
}

/// Where the most of a metric comes from, where its source says so: something left behind may hold the target at
/// its maximum. Without numbers, which would make another message of each poll.
fn largest(poll: &Poll) -> String {
    let mut metrics = poll.plan.metrics.iter().zip(&poll.readings);
    let found = metrics.find_map(|(metric, reading)| Some((&metric.name, &reading.largest()?.name)));
    found.map_or_else(String::new, |(metric, name)| format!("; most of {metric} comes from {name}"))
}

/// The last limit of a decision: the one that stands between the wish and the replicas.
fn limit(decided: &MemberDecision) -> Option<(Reason, &Step)> {
    decided.steps.iter().rev().find_map(|step| {
        let reason = match step {
            Step::Policy { .. } | Step::Absent(_) | Step::Pods { .. } => return None,
            Step::Stabilization { .. } => Reason::Stabilized,
            Step::Cost { .. } | Step::Budget { .. } => Reason::BudgetReached,
            Step::Bounds { from, to } if from > to => Reason::TooManyReplicas,
            Step::Bounds { .. } => Reason::TooFewReplicas,
            Step::NoScaleIn { .. } => Reason::ReadingMissing,
            Step::Rate { .. } => Reason::RateLimited,
            Step::Cooldown { .. } => Reason::CoolingDown,
            Step::Held { .. } => Reason::DecisionHeld,
        };
        Some((reason, step))
    })
}

/// What needs a person comes first, what passes by itself last.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::DecisionHeld => 0,
        Reason::TooManyReplicas => 1,
        Reason::BudgetReached => 2,
        Reason::ReadingMissing => 3,
        Reason::RateLimited => 4,
        Reason::CoolingDown => 5,
        Reason::Stabilized => 6,
        _ => 7,
    }
}

fn limited_members(poll: &Poll, limits: &[(&MemberDecision, Reason, &Step)]) -> String {
    let name = |decided: &MemberDecision| poll.plan.members[decided.member].role.name.clone();
    let told = limits.iter().take(IN_FULL).map(|(decided, _, step)| format!("{}: {step}", name(decided)));
    let mut told = told.collect::<Vec<_>>().join("; ");
    if let Some(others) = limits.get(IN_FULL..).filter(|others| !others.is_empty()) {
        let names: Vec<String> = others.iter().map(|(decided, _, _)| name(decided)).collect();
        told.push_str(&format!("; and {} more: {}", others.len(), names.join(", ")));
    }
    told
}
