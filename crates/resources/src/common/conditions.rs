//! The conditions that kinds of ours have, in the words of the HPA. A single target is "the target"; of a
//! group, every member in question is named.

use engine::{AbsentMetric, MemberDecision, Mode, Outlook, Pause, Problem, Step};

use super::annotations::{
    PAUSED_ANNOTATION, PAUSED_REPLICAS_ANNOTATION, PAUSED_SCALE_IN_ANNOTATION, PAUSED_SCALE_OUT_ANNOTATION,
};
use super::condition::ConditionStatus;
use crate::{Outcome, Poll, Reason, Verdict};

/// The summary: the object does what its spec asks for.
pub(crate) const READY: &str = "Ready";
/// The metrics are available.
const SCALING_ACTIVE: &str = "ScalingActive";
/// The target can be read and scaled.
const ABLE_TO_SCALE: &str = "AbleToScale";
/// The desired count is not the recommended one.
const SCALING_LIMITED: &str = "ScalingLimited";

/// Scaling, or one direction of it, is paused.
pub(crate) const PAUSED: &str = "Paused";

/// The field of an origin that says by what an object is paused, where that is none of our annotations.
pub(crate) const PAUSE_FIELD: &str = "pause";

/// A fallback stands in place of a metric that fails.
const FALLBACK: &str = "Fallback";

/// A condition with its typed reason.
struct Said {
    type_: &'static str,
    holds: bool,
    reason: Reason,
    message: String,
}

impl From<Said> for ConditionStatus {
    fn from(said: Said) -> Self {
        let Said { type_, holds, reason, message } = said;
        Self { type_, state: holds.into(), reason: reason.as_str(), message }
    }
}

/// How an object is, whatever its kind's conditions are: what logs, metrics and pages go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it does what its spec asks for.
    pub ready: bool,
    /// Why, in one word.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
    /// Why the desired count is not the recommended one, where it is not.
    pub limited: Option<Reason>,
}

impl Outcome {
    /// What the conditions that kinds of ours have say of the object, `Ready` first.
    pub fn conditions(&self) -> Vec<ConditionStatus> {
        of(self)
    }

    /// How the object is.
    pub fn health(&self) -> Health {
        let all = said(self);
        let limited = all.iter().find(|said| said.type_ == SCALING_LIMITED && said.holds);
        let limited = limited.map(|said| said.reason);
        match all.into_iter().next() {
            Some(Said { holds, reason, message, .. }) => Health { ready: holds, reason, message, limited },
            None => unreachable!("Ready is always among them"),
        }
    }
}

/// All conditions; `Ready`, the summary, comes first.
pub(crate) fn of(outcome: &Outcome) -> Vec<ConditionStatus> {
    said(outcome).into_iter().map(ConditionStatus::from).collect()
}

fn said(outcome: &Outcome) -> Vec<Said> {
    match &outcome.verdict {
        Verdict::Invalid(problems) => vec![not_compiled(Reason::InvalidSpec, problems)],
        Verdict::Unresolved(problems) => vec![not_compiled(Reason::ReferenceNotFound, problems)],
        Verdict::Conflict(conflict) => {
            vec![condition(READY, false, Reason::TargetConflict, conflict.message.clone())]
        }
        Verdict::Polled(poll) => {
            let parts = [able_to_scale(poll), scaling_active(poll)];
            let mut conditions = vec![ready(poll, &parts)];
            conditions.extend(parts);
            conditions.push(scaling_limited(poll));
            conditions.push(paused(poll));
            conditions.extend(fallback(poll));
            conditions
        }
    }
}

fn not_compiled(reason: Reason, problems: &[Problem]) -> Said {
    let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
    condition(READY, false, reason, all.join("; "))
}

fn condition(type_: &'static str, holds: bool, reason: Reason, message: impl Into<String>) -> Said {
    Said { type_, holds, reason, message: message.into() }
}

fn ready(poll: &Poll, parts: &[Said]) -> Said {
    let type_ = READY;
    let failing = parts.iter().find(|part| !part.holds);
    match failing {
        Some(part) => condition(type_, false, part.reason, part.message.clone()),
        None if poll.decision.mode == Mode::Observe => condition(
            type_,
            true,
            Reason::Observing,
            "decisions are recorded but not applied: the annotation polyscaler.dev/mode is observe",
        ),
        None if poll.plan.brakes.pause.is_on() => {
            let pause = poll.plan.brakes.pause;
            condition(type_, true, pause.into(), how_to_resume(poll, pause))
        }
        None if poll.is_of_group() => {
            condition(type_, true, Reason::Ready, "the metrics are available and every member can be scaled")
        }
        None => {
            condition(type_, true, Reason::Ready, "the metrics are available and the target can be scaled")
        }
    }
}

/// Whether a fallback counts; nothing for an object that has none.
fn fallback(poll: &Poll) -> Option<Said> {
    if !poll.plan.safeguards.has_fallback() {
        return None;
    }
    let steps = poll.decision.members.iter().flat_map(|decided| &decided.steps);
    let active = steps.filter(|step| matches!(step, Step::Fallback { .. })).map(Step::to_string).next();
    Some(match active {
        Some(step) => condition(FALLBACK, true, Reason::FallbackActive, step),
        None => condition(FALLBACK, false, Reason::FallbackInactive, "no metric has failed for long enough"),
    })
}

fn paused(poll: &Poll) -> Said {
    let pause = poll.plan.brakes.pause;
    let message = if pause.is_on() { how_to_resume(poll, pause) } else { pause.to_string() };
    condition(PAUSED, pause.is_on(), pause.into(), message)
}

/// What is paused, and by which annotation.
fn how_to_resume(poll: &Poll, pause: Pause) -> String {
    if let Some(origin) = poll.plan.origins.iter().find(|origin| origin.field == PAUSE_FIELD) {
        return format!("{pause} by the {}; remove it to resume", origin.from);
    }
    let by = match pause {
        Pause::BothDirections => {
            return format!(
                "{pause} by the annotations {PAUSED_SCALE_IN_ANNOTATION} and {PAUSED_SCALE_OUT_ANNOTATION}; remove them to \
                 resume"
            );
        }
        Pause::Nothing | Pause::Everything => PAUSED_ANNOTATION,
        Pause::At(_) => PAUSED_REPLICAS_ANNOTATION,
        Pause::ScaleIn => PAUSED_SCALE_IN_ANNOTATION,
        Pause::ScaleOut => PAUSED_SCALE_OUT_ANNOTATION,
    };
    format!("{pause} by the annotation {by}; remove it to resume")
}

fn able_to_scale(poll: &Poll) -> Said {
    let type_ = ABLE_TO_SCALE;
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

/// So many members are described in full; of the others, no more than the name and the reason.
const IN_FULL: usize = 5;

fn failing_members(poll: &Poll, failing: &[(usize, Reason, &str)]) -> String {
    let listed = failing.iter().enumerate().map(|(place, (member, reason, message))| {
        let name = &poll.plan.members[*member].role.name;
        if place < IN_FULL { format!("{name}: {reason} ({message})") } else { format!("{name}: {reason}") }
    });
    let listed = listed.collect::<Vec<_>>().join("; ");
    match (failing.len(), poll.members.len()) {
        (failing, all) if failing == all => format!("no member can be scaled: {listed}"),
        (failing, all) => {
            format!("{failing} of {all} members cannot be scaled: {listed}; the others are scaled")
        }
    }
}

fn scaling_active(poll: &Poll) -> Said {
    let type_ = SCALING_ACTIVE;
    let absences = &poll.decision.absences;
    let disabled = disabled(poll);
    if !disabled.is_empty() && (absences.is_empty() || disabled.len() == poll.decision.members.len()) {
        let whose = if poll.is_of_group() { disabled.join(", ") } else { "the target".to_owned() };
        let message = format!(
            "scaling is disabled since the replica count of {whose} is zero; raise it to resume scaling"
        );
        return condition(type_, false, Reason::ScalingDisabled, message);
    }
    match absences.first() {
        None if poll.is_of_group() && poll.plan.metrics.is_empty() => {
            condition(type_, true, Reason::ValidMetricFound, "the policy needs no metrics")
        }
        None => {
            let message = format!("all metrics are available{}", without_forecast(poll));
            condition(type_, true, Reason::ValidMetricFound, message)
        }
        Some(first) => {
            // For a single target the first is enough: they mostly have one cause.
            let shown = if poll.is_of_group() { &absences[..] } else { &absences[..1] };
            let message = shown.iter().map(|absent| absence(poll, absent)).collect::<Vec<_>>().join("; ");
            condition(type_, false, Reason::Metric(first.absence.reason), message)
        }
    }
}

/// Which metrics no forecast is relied on for, and why; without numbers, which would make another message of each poll.
fn without_forecast(poll: &Poll) -> String {
    let metrics = poll.plan.metrics.iter().zip(&poll.decision.outlooks);
    let unknown = metrics.filter_map(|(metric, outlook)| match outlook {
        Outlook::Unknown(why) => Some(format!("; no forecast of {} is used: {}", metric.name, why.reason())),
        Outlook::Expected(_) => None,
    });
    unknown.collect()
}

/// Names of the members that someone set to 0.
fn disabled(poll: &Poll) -> Vec<&str> {
    let is_disabled =
        |decided: &&MemberDecision| decided.steps.iter().any(|step| matches!(step, Step::Disabled { .. }));
    let disabled = poll.decision.members.iter().filter(is_disabled);
    disabled.map(|decided| poll.plan.members[decided.member].role.name.as_str()).collect()
}

fn absence(poll: &Poll, absent: &AbsentMetric) -> String {
    let is_metric = poll.plan.metrics.iter().any(|metric| metric.name == absent.metric);
    // Else it is the advice that the policy rests on.
    let what = if is_metric { "metric" } else { "policy" };
    format!("{what} {}: {}", absent.metric, absent.absence)
}

fn scaling_limited(poll: &Poll) -> Said {
    let type_ = SCALING_LIMITED;
    let decisions = poll.decision.members.iter();
    let mut limits: Vec<(&MemberDecision, Reason, &Step)> = decisions
        .filter_map(|decided| limit(decided).map(|(reason, step)| (decided, reason, step)))
        .collect();
    // Of several members, the one that a person can do most about gives the reason.
    limits.sort_by_key(|(_, reason, _)| rank(*reason));
    match limits.first() {
        None => condition(
            type_,
            false,
            Reason::DesiredWithinRange,
            "the desired count is within the acceptable range",
        ),
        Some((_, reason, _)) if poll.is_of_group() => {
            condition(type_, true, *reason, limited_members(poll, &limits))
        }
        Some((_, reason @ Reason::TooManyReplicas, step)) => {
            condition(type_, true, *reason, format!("{step}{}", largest(poll)))
        }
        Some((_, reason, step)) => condition(type_, true, *reason, step.to_string()),
    }
}

/// Where most of a metric comes from, if its source reports it: something left behind may hold the target at
/// its maximum. Without numbers, which would make another message of each poll.
fn largest(poll: &Poll) -> String {
    let mut metrics = poll.plan.metrics.iter().zip(&poll.readings);
    let found = metrics.find_map(|(metric, reading)| Some((&metric.name, &reading.largest()?.name)));
    found.map_or_else(String::new, |(metric, name)| format!("; most of {metric} comes from {name}"))
}

/// The last limit of a decision: the one that stands between the recommendation and the desired count.
fn limit(decided: &MemberDecision) -> Option<(Reason, &Step)> {
    decided.steps.iter().rev().find_map(|step| {
        let reason = match step {
            Step::Policy { .. }
            | Step::Switch { .. }
            | Step::Absent(_)
            | Step::StandIn(_)
            | Step::Pods { .. }
            | Step::Forecast { .. }
            | Step::NoForecast { .. }
            | Step::Override(_)
            | Step::Controller(_)
            | Step::Fallback { .. }
            | Step::Disabled { .. } => return None,
            Step::Paused { from, to, pause } => return (from != to).then_some(((*pause).into(), step)),
            Step::Stabilization { .. } => Reason::Stabilized,
            Step::Cost { .. } | Step::Budget { .. } => Reason::BudgetReached,
            Step::Bounds { from, to } if from > to => Reason::TooManyReplicas,
            Step::Bounds { .. } => Reason::TooFewReplicas,
            Step::NoScaleIn { .. } => Reason::ReadingMissing,
            Step::SuspiciousDrop { .. } => Reason::SuspiciousDrop,
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
        Reason::Paused | Reason::PausedAtReplicas | Reason::ScaleInPaused | Reason::ScaleOutPaused => 1,
        Reason::TooManyReplicas => 2,
        Reason::BudgetReached => 3,
        Reason::ReadingMissing => 4,
        Reason::SuspiciousDrop | Reason::RateLimited => 5,
        Reason::CoolingDown => 6,
        Reason::Stabilized => 7,
        _ => 8,
    }
}

fn limited_members(poll: &Poll, limits: &[(&MemberDecision, Reason, &Step)]) -> String {
    let name = |decided: &MemberDecision| poll.plan.members[decided.member].role.name.clone();
    let listed = limits.iter().take(IN_FULL).map(|(decided, _, step)| format!("{}: {step}", name(decided)));
    let mut listed = listed.collect::<Vec<_>>().join("; ");
    if let Some(others) = limits.get(IN_FULL..).filter(|others| !others.is_empty()) {
        let names: Vec<String> = others.iter().map(|(decided, _, _)| name(decided)).collect();
        listed.push_str(&format!("; and {} more: {}", others.len(), names.join(", ")));
    }
    listed
}
