//! The Events of a ScaledObject: KEDA's reasons and notes, each published when what it speaks of begins or ends.

use engine::{Told, TriggerActivity, Warning, WarningKind};

use super::ScaledObjectStatus;
use super::conditions::{
    CHECK_FAILED, FALLBACK, PAUSED, PAUSED_MESSAGE, READY, UNPAUSED_MESSAGE, WRONG_TARGET, target_sentence,
};
use crate::scaled_object::marks::is_whole;
use crate::{Announcement, Change, Deletion, HpaAction, MemberPoll, Poll};

/// That something about the triggers is doubtful.
const SCALER_INFO: &str = "KEDAScalerInfo";

/// The Events that a change of a ScaledObject is worth.
pub(in crate::scaled_object) fn events(change: &Change<'_>) -> Vec<Announcement> {
    let typed =
        |status: &crate::KeptStatus| status.typed::<ScaledObjectStatus>().cloned().unwrap_or_default();
    let (before, next) = (typed(change.before), typed(change.next));
    let (untold, mut events) = (Told::default(), Vec::new());
    let poll = change.outcome.poll();
    events.extend(poll.into_iter().flat_map(|poll| watched(poll, &before, &next)));
    let readiness = readiness(poll, &before, &next);
    let is_failing = readiness.iter().any(|event| event.is_warning);
    events.extend(readiness);
    if let Some(poll) = poll {
        if !is_failing {
            events.extend(began_to_fail(poll, &before, &next));
        }
        let told = change.before.memory().told.as_deref().unwrap_or(&untold);
        events.extend(scaled(change, poll, &before, told));
        if before.condition(READY).is_none() {
            // Whose the metrics API is has nothing to do with the object, and what is lacking is told as that.
            let is_own =
                |warning: &&Warning| !matches!(warning.kind, WarningKind::MetricsApi | WarningKind::Lacking);
            let doubts = change.outcome.warnings.iter().filter(is_own);
            events.extend(doubts.map(|warning| normal("Poll", SCALER_INFO, warning.to_string())));
        }
        events.extend(began_to_lack(poll, told));
    }
    events.extend(paused(&before, &next));
    events.extend(fallback(&before, &next));
    events
}

fn normal(action: &'static str, reason: &str, note: impl Into<String>) -> Announcement {
    Announcement { is_warning: false, action, reason: reason.to_owned(), note: note.into() }
}

fn warning(action: &'static str, reason: &str, note: impl Into<String>) -> Announcement {
    Announcement { is_warning: true, ..normal(action, reason, note) }
}

/// The Events of an object that is deleted.
pub(in crate::scaled_object) fn farewell(deletion: &Deletion) -> Vec<Announcement> {
    let stopped = deletion.was_polled.then(stopped);
    let deleted = warning("Delete", "ScaledObjectDeleted", "ScaledObject was deleted");
    stopped.into_iter().chain([deleted]).collect()
}

/// That the status cannot be written.
pub(in crate::scaled_object) fn unwritten(why: &str) -> Option<Announcement> {
    Some(warning("Poll", "ScaledObjectUpdateFailed", why))
}

fn stopped() -> Announcement {
    normal("ScalersWatchStopped", "KEDAScalersStopped", "Stopped scalers watch")
}

/// That triggers begin or cease to be asked. As with KEDA they do so with the HPA: whoever is paused has none, and one that
/// is made anew or under another name begins again.
fn watched(poll: &Poll, before: &ScaledObjectStatus, next: &ScaledObjectStatus) -> Vec<Announcement> {
    let is_idle = is_whole(poll.plan.brakes.pause) || target_sentence(poll).is_some();
    let changes = poll.hpa.as_ref().map(Vec::as_slice).unwrap_or_default();
    let did = |action| changes.iter().any(|change| change.action == action);
    let is_new = before.condition(READY).is_none();
    let mut events = Vec::new();
    if did(HpaAction::Deleted) {
        events.push(stopped());
    }
    if !is_idle && (is_new || did(HpaAction::Created)) {
        events.extend(started(next));
    }
    events
}

/// The triggers that begin to fail while others or a fallback keep the object going; what keeps it from going is what
/// `Ready` says.
fn began_to_fail(poll: &Poll, before: &ScaledObjectStatus, next: &ScaledObjectStatus) -> Vec<Announcement> {
    let reason = failure_reason(next);
    let fails = |status: &ScaledObjectStatus, trigger: &TriggerActivity| {
        status.health.get(&*trigger.metric).is_some_and(|health| health.status == "Failing")
    };
    let triggers = poll.decision.activity.iter().flat_map(|activity| &activity.triggers);
    let began = triggers.filter(|trigger| fails(next, trigger) && !fails(before, trigger));
    let note = |trigger: &TriggerActivity| Some(format!("{}: {}", trigger.metric, trigger.failure.as_ref()?));
    began.filter_map(note).map(|note| warning("Poll", reason, note)).collect()
}

/// What is found to be missing in the workload and was not `told` before.
fn began_to_lack(poll: &Poll, told: &Told) -> Vec<Announcement> {
    let news = poll.lacking.iter().filter(|problem| !told.lacking.contains(&problem.path));
    news.map(|problem| warning("Poll", SCALER_INFO, problem.to_string())).collect()
}

/// With which reason a trigger fails: those of a formula are its sources.
fn failure_reason(status: &ScaledObjectStatus) -> &'static str {
    if status.facts.has_formula { "KEDAMetricSourceFailed" } else { "KEDAScalerFailed" }
}

/// That the triggers of an object are asked from now on.
fn started(next: &ScaledObjectStatus) -> Vec<Announcement> {
    let types = next.facts.trigger_types.split(',').filter(|type_| !type_.is_empty());
    let mut events: Vec<Announcement> =
        types.map(|type_| normal("Poll", "KEDAScalersStarted", format!("Scaler {type_} is built"))).collect();
    events.push(normal("ScalersWatchStarted", "KEDAScalersStarted", "Started scalers watch"));
    events
}

/// That `Ready` changed. Of a target that is not there KEDA says two things, one after the other.
fn readiness(
    poll: Option<&Poll>,
    before: &ScaledObjectStatus,
    next: &ScaledObjectStatus,
) -> Vec<Announcement> {
    let (was, Some(is)) = (before.condition(READY), next.condition(READY)) else { return Vec::new() };
    if was.is_some_and(|was| (&was.status, &was.reason) == (&is.status, &is.reason)) {
        return Vec::new();
    }
    let check_failed = |note: &str| warning("Poll", CHECK_FAILED, note);
    match is.status.as_str() {
        "True" if was.is_some_and(|was| was.status == "True") => Vec::new(),
        "True" => vec![normal("Poll", "ScaledObjectReady", "ScaledObject is ready for scaling")],
        "False" if is.reason == CHECK_FAILED => match poll.and_then(target_sentence) {
            Some(sentence) => vec![check_failed(sentence), check_failed(WRONG_TARGET)],
            None => vec![check_failed(&is.message)],
        },
        _ => vec![warning("Poll", failure_reason(next), &is.message)],
    }
}

/// How a condition changed: it began to hold, or ceased to; nothing where it does not hold from the start.
fn switched(before: &ScaledObjectStatus, next: &ScaledObjectStatus, type_: &str) -> Option<bool> {
    let holds = |status: &ScaledObjectStatus| status.condition(type_).is_some_and(|is| is.status == "True");
    let (was, is) = (holds(before), holds(next));
    (was != is).then_some(is)
}

/// That a pause began or ended.
fn paused(before: &ScaledObjectStatus, next: &ScaledObjectStatus) -> Option<Announcement> {
    Some(if switched(before, next, PAUSED)? {
        normal("Pause", "ScaledObjectPaused", PAUSED_MESSAGE)
    } else {
        normal("Pause", "ScaledObjectUnpaused", UNPAUSED_MESSAGE)
    })
}

/// That a fallback began or ended.
fn fallback(before: &ScaledObjectStatus, next: &ScaledObjectStatus) -> Option<Announcement> {
    let begins = switched(before, next, FALLBACK)?;
    let reason = if begins { "ScaledObjectFallbackActivated" } else { "ScaledObjectFallbackDeactivated" };
    Some(normal("Fallback", reason, &next.condition(FALLBACK)?.message))
}

/// That the target was scaled, or that it could not be.
fn scaled(
    change: &Change<'_>,
    poll: &Poll,
    before: &ScaledObjectStatus,
    told: &Told,
) -> Option<Announcement> {
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
        let is_known = told.not_scaled.as_deref() == Some(failure.reason.as_str());
        return (!is_known).then(|| warning("Scale", reason, note));
    }
    if change.scaled.is_empty() {
        return None;
    }
    let steps = decided.explanation();
    Some(match activity {
        Some(activity) if is_active && from < to && !poll.plan.brakes.pause.is_on() => {
            let by = if activity.is_forced {
                "caused by forced activation annotation".to_owned()
            } else {
                format!("triggered by {}", before.active_metrics(activity).join(";"))
            };
            normal("Scale", "KEDAScaleTargetActivated", format!("Scaled {what} from {from} to {to}, {by}"))
        }
        Some(_) if !is_active && from > to && !poll.plan.brakes.pause.is_on() => {
            let note = format!("Deactivated {what} from {from} to {to}");
            normal("Scale", "KEDAScaleTargetDeactivated", note)
        }
        _ => normal("Scale", "SuccessfulRescale", format!("scaled {what} from {from} to {to}: {steps}")),
    })
}
