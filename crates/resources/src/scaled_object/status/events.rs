//! The Events of a ScaledObject: KEDA's reasons and notes, each published when what it speaks of begins or ends.

use engine::Warning;

use super::ScaledObjectStatus;
use super::conditions::{CHECK_FAILED, FALLBACK, PAUSED, READY};
use crate::{Announcement, Change, MemberPoll, Poll};

/// The Events that a change of a ScaledObject is worth.
pub(in crate::scaled_object) fn events(change: &Change<'_>) -> Vec<Announcement> {
    let typed =
        |status: &crate::KeptStatus| status.typed::<ScaledObjectStatus>().cloned().unwrap_or_default();
    let (before, next) = (typed(change.before), typed(change.next));
    let mut events = Vec::new();
    if let Some(poll) = change.outcome.poll() {
        events.extend(scaled(change, poll, &before));
        if before.condition(READY).is_none() {
            events.extend(started(&next, &change.outcome.warnings));
        }
    }
    events.extend(readiness(&before, &next));
    events.extend(switched(&before, &next, PAUSED, ["ScaledObjectPaused", "ScaledObjectUnpaused"], "Pause"));
    let fallback = ["ScaledObjectFallbackActivated", "ScaledObjectFallbackDeactivated"];
    events.extend(switched(&before, &next, FALLBACK, fallback, "Fallback"));
    events
}

fn normal(action: &'static str, reason: &str, note: impl Into<String>) -> Announcement {
    Announcement { is_warning: false, action, reason: reason.to_owned(), note: note.into() }
}

fn warning(action: &'static str, reason: &str, note: impl Into<String>) -> Announcement {
    Announcement { is_warning: true, ..normal(action, reason, note) }
}

/// That an object is polled for the first time, and what is doubtful about it.
fn started(next: &ScaledObjectStatus, warnings: &[Warning]) -> Vec<Announcement> {
    let types = next.facts.trigger_types.split(',').filter(|type_| !type_.is_empty());
    let mut events: Vec<Announcement> =
        types.map(|type_| normal("Poll", "KEDAScalersStarted", format!("Scaler {type_} is built"))).collect();
    events.push(normal("ScalersWatchStarted", "KEDAScalersStarted", "Started scalers watch"));
    events.extend(warnings.iter().map(|warning| normal("Poll", "KEDAScalerInfo", warning.to_string())));
    events
}

/// That `Ready` changed.
fn readiness(before: &ScaledObjectStatus, next: &ScaledObjectStatus) -> Option<Announcement> {
    let (was, is) = (before.condition(READY), next.condition(READY)?);
    if was.is_some_and(|was| (&was.status, &was.reason) == (&is.status, &is.reason)) {
        return None;
    }
    Some(match is.status.as_str() {
        "True" if was.is_some_and(|was| was.status == "True") => return None,
        "True" => normal("Poll", "ScaledObjectReady", "ScaledObject is ready for scaling"),
        "False" if is.reason == CHECK_FAILED => warning("Poll", CHECK_FAILED, &is.message),
        _ => warning("Poll", "KEDAScalerFailed", &is.message),
    })
}

/// That a condition began or ceased to hold; nothing where it does not from the start.
fn switched(
    before: &ScaledObjectStatus,
    next: &ScaledObjectStatus,
    type_: &str,
    [begins, ends]: [&str; 2],
    action: &'static str,
) -> Option<Announcement> {
    let holds = |status: &ScaledObjectStatus| status.condition(type_).is_some_and(|is| is.status == "True");
    let is = next.condition(type_)?;
    match (holds(before), holds(next)) {
        (false, true) => Some(normal(action, begins, &is.message)),
        (true, false) => Some(normal(action, ends, &is.message)),
        _ => None,
    }
}

/// That the target was scaled, or that it could not be.
fn scaled(change: &Change<'_>, poll: &Poll, before: &ScaledObjectStatus) -> Option<Announcement> {
    let decided = poll.decided(0)?;
    let member = poll.plan.members.first()?;
    let target = &member.target;
    let activity = poll.decision.activity.as_ref();
    let is_active = activity.is_some_and(|activity| activity.is_active);
    let what = format!("{}.{} {}/{}", target.api_version, target.kind, target.namespace, target.name);
    let (from, to) = (decided.from, decided.to);
    if let Some(MemberPoll { write: Some(Err(failure)), .. }) = poll.members.first() {
        let reason =
            if is_active { "KEDAScaleTargetActivationFailed" } else { "KEDAScaleTargetDeactivationFailed" };
        let note = format!("Failed to scale {what} from {from} to {to}: {}", failure.message);
        let is_known = before.condition(READY).is_some_and(|ready| ready.message.contains(&failure.message));
        return (!is_known).then(|| warning("Scale", reason, note));
    }
    if change.scaled.is_empty() {
        return None;
    }
    let steps = decided.explanation();
    Some(match activity {
        Some(activity) if is_active && from < to && !poll.plan.brakes.pause.is_on() => {
            let names: Vec<&str> =
                activity.triggers.iter().filter(|one| one.is_active).map(|one| one.metric.as_str()).collect();
            let by = if activity.is_forced {
                "caused by forced activation annotation".to_owned()
            } else {
                format!("triggered by {}", names.join(";"))
            };
            normal(
                "Scale",
                "KEDAScaleTargetActivated",
                format!("Scaled {what} from {from} to {to}, {by} ({steps})"),
            )
        }
        Some(_) if !is_active && from > to && !poll.plan.brakes.pause.is_on() => {
            let note = format!("Deactivated {what} from {from} to {to} ({steps})");
            normal("Scale", "KEDAScaleTargetDeactivated", note)
        }
        _ => normal("Scale", "SuccessfulRescale", format!("scaled {what} from {from} to {to}: {steps}")),
    })
}
