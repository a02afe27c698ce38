//! The conditions of a ScaledObject: KEDA's types, reasons and sentences, and behind those what KEDA leaves to guess.

use engine::{Activity, PastScale, Pause, Problem, TriggerActivity, Warning, WarningKind};

use super::{KedaCondition, ScaledObjectStatus};
use crate::scaled_object::marks::{is_of_paused_replicas, is_whole, is_withheld};
use crate::{HpaScaling, Outcome, Poll, Reason, Verdict};

pub(super) const READY: &str = "Ready";
pub(super) const ACTIVE: &str = "Active";
pub(super) const FALLBACK: &str = "Fallback";
pub(super) const PAUSED: &str = "Paused";
const HPA_ACTIVE: &str = "HPAActive";

/// The field that the operator warns of where the HPA of an object cannot read what the object publishes: an annotation that
/// has it do without.
pub const METRICS_API_FIELD: &str = "metadata.annotations[polyscaler.dev/actuation]";

pub(super) const CHECK_FAILED: &str = "ScaledObjectCheckFailed";
const READY_REASON: &str = "ScaledObjectReady";
const READY_MESSAGE: &str = "ScaledObject is defined correctly and is ready for scaling";
pub(super) const WRONG_TARGET: &str = "ScaledObject doesn't have correct scaleTargetRef specification";
pub(super) const PAUSED_MESSAGE: &str = "ScaledObject is paused";
pub(super) const UNPAUSED_MESSAGE: &str = "pause annotation removed for ScaledObject";
const WRONG_TRIGGERS: &str = "ScaledObject doesn't have correct triggers specification";
const WRONG_SPEC: &str = "ScaledObject doesn't have correct specification";
const WRONG_HPA: &str = "Failed to ensure HPA is correctly created for ScaledObject";

/// The conditions after `outcome`, where those of `before` stood.
pub(super) fn of(outcome: &Outcome, before: &ScaledObjectStatus) -> Vec<KedaCondition> {
    let mut conditions = match &outcome.verdict {
        Verdict::Invalid(problems) | Verdict::Unresolved(problems) => {
            let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
            let message = format!("{}: {}", step(problems), all.join("; "));
            unchecked(message, paused_or_not(None, before), before)
        }
        Verdict::Conflict(conflict) => {
            let message = format!("{WRONG_HPA}: {}", conflict.message);
            unchecked(message, paused_or_not(None, before), before)
        }
        Verdict::Polled(poll) => polled(poll, before, &outcome.warnings),
    };
    conditions.extend(hpa_active(outcome, before));
    conditions
}

fn condition(type_: &str, status: &str, reason: &str, message: impl Into<String>) -> KedaCondition {
    let [type_, status, reason] = [type_, status, reason].map(str::to_owned);
    KedaCondition { type_, status, reason, message: message.into() }
}

/// Which step of KEDA's check would have failed.
fn step(problems: &[Problem]) -> &'static str {
    match problems.first().map_or("", |problem| problem.path.as_str()) {
        path if path.starts_with("spec.triggers") => WRONG_TRIGGERS,
        path if path.starts_with("spec.scaleTargetRef") => WRONG_TARGET,
        _ => WRONG_SPEC,
    }
}

/// That nothing is known, as the object is not polled.
fn unchecked(message: String, paused: KedaCondition, before: &ScaledObjectStatus) -> Vec<KedaCondition> {
    vec![
        condition(READY, "False", CHECK_FAILED, message),
        condition(ACTIVE, "Unknown", "UnknownState", "ScaledObject check failed"),
        kept(FALLBACK, "Unknown", before),
        paused,
    ]
}

/// The condition as it was; at first in this state.
fn kept(type_: &str, first: &str, before: &ScaledObjectStatus) -> KedaCondition {
    before.condition(type_).cloned().unwrap_or_else(|| condition(type_, first, "", ""))
}

fn polled(poll: &Poll, before: &ScaledObjectStatus, warnings: &[Warning]) -> Vec<KedaCondition> {
    let activity = poll.decision.activity.as_ref();
    // A pause at the replicas that there are asks nothing of the target: as with KEDA, it holds whether it is there or not.
    let needs_target = poll.plan.brakes.pause != Pause::Everything;
    if let Some((step, message)) = target_fault(poll).filter(|_| needs_target) {
        return unchecked(format!("{step}: {message}"), paused(poll, before), before);
    }
    if is_whole(poll.plan.brakes.pause) {
        // KEDA asks no trigger meanwhile, and neither do we.
        let fault = unread_target(poll).filter(|_| needs_target).or_else(|| hpa_fault(poll));
        let fault = fault.or_else(|| unreadable_pause(warnings));
        let withheld = warnings.iter().find(|warning| is_withheld(warning)).map(Warning::to_string);
        let ready = fault.unwrap_or_else(|| {
            condition(
                READY,
                "True",
                READY_REASON,
                said(&paused_message(poll), &[withheld.unwrap_or_default()]),
            )
        });
        return vec![
            ready,
            kept(ACTIVE, "Unknown", before),
            kept(FALLBACK, "Unknown", before),
            paused(poll, before),
        ];
    }
    vec![
        ready(poll, activity, before.facts.has_fallback, warnings),
        active(poll, activity, before),
        fallback(activity),
        paused(poll, before),
    ]
}

/// That the target is not there, or cannot be scaled: in KEDA's sentence.
pub(super) fn target_sentence(poll: &Poll) -> Option<&'static str> {
    match poll.members.first()?.seen.as_ref().err()?.reason {
        Reason::TargetNotFound => Some("Target resource doesn't exist"),
        Reason::TargetNotScalable => Some("Target resource doesn't expose /scale subresource"),
        _ => None,
    }
}

/// The same with the step of KEDA's check that fails for it, and with what we know of it.
fn target_fault(poll: &Poll) -> Option<(&'static str, String)> {
    let sentence = target_sentence(poll)?;
    let failure = poll.members.first()?.seen.as_ref().err()?;
    Some((WRONG_TARGET, format!("{sentence}: {}", failure.message)))
}

/// That the replicas of the target could not be read.
fn unread_target(poll: &Poll) -> Option<KedaCondition> {
    let failure = poll.members.first()?.seen.as_ref().err()?;
    let message = format!("Error getting current replicas count for ScaleTarget: {}", failure.message);
    Some(condition(READY, "False", "ErrorGettingCurrentReplicas", message))
}

/// That the HPA is not as it should be.
fn hpa_fault(poll: &Poll) -> Option<KedaCondition> {
    let failure = poll.hpa.as_ref().err()?;
    Some(condition(READY, "False", CHECK_FAILED, format!("{WRONG_HPA}: {}", failure.message)))
}

/// That the replicas to pause at cannot be read: as with KEDA the target is paused at those that it has.
fn unreadable_pause(warnings: &[Warning]) -> Option<KedaCondition> {
    let warning = warnings.iter().find(|warning| is_of_paused_replicas(warning))?;
    let message = format!("the paused replica count cannot be read: {}", warning.message);
    Some(condition(READY, "False", CHECK_FAILED, message))
}

/// The triggers that fail and do not fall back.
pub(super) fn failing(activity: &Activity) -> impl Iterator<Item = &TriggerActivity> {
    let falls_back = activity.formula_falls_back;
    activity
        .triggers
        .iter()
        .filter(move |trigger| trigger.failure.is_some() && !trigger.falls_back && !falls_back)
}

/// What fails, in our words; empty where nothing does.
fn failures(activity: Option<&Activity>) -> String {
    let Some(activity) = activity else { return String::new() };
    let of_trigger = |trigger: &TriggerActivity| {
        trigger.failure.as_ref().map(|failure| format!("{}: {failure}", trigger.metric))
    };
    let mut all: Vec<String> = failing(activity).filter_map(of_trigger).collect();
    if let Some(failure) =
        activity.formula_failure.as_ref().filter(|_| all.is_empty() && !activity.formula_falls_back)
    {
        all.push(format!("the formula: {failure}"));
    }
    all.join("; ")
}

/// That the HPA cannot read what the object publishes, where that is so.
fn of_metrics_api(warnings: &[Warning]) -> String {
    let warning = warnings.iter().find(|warning| warning.kind == WarningKind::MetricsApi);
    warning.map(|warning| warning.message.clone()).unwrap_or_default()
}

fn ready(poll: &Poll, activity: Option<&Activity>, waits: bool, warnings: &[Warning]) -> KedaCondition {
    if let Some(fault) = unread_target(poll).or_else(|| hpa_fault(poll)) {
        return fault;
    }
    let (failures, lacking) = (failures(activity), lacking(poll));
    let is_active = activity.is_some_and(|activity| activity.is_active);
    match (failures.as_str(), is_active) {
        ("", _) => {
            let more = [write_failure(poll), of_metrics_api(warnings), lacking];
            condition(READY, "True", READY_REASON, said(READY_MESSAGE, &more))
        }
        (_, true) => condition(
            READY,
            "Unknown",
            "PartialTriggerError",
            said("Some triggers defined in ScaledObject are not working correctly", &[failures, lacking]),
        ),
        (_, false) if waits => {
            condition(READY, "True", READY_REASON, said(READY_MESSAGE, &[failures, lacking]))
        }
        (_, false) => condition(
            READY,
            "False",
            "TriggerError",
            said("Triggers defined in ScaledObject are not working correctly", &[failures, lacking]),
        ),
    }
}

/// What the workload lacks that triggers need, each in a sentence. KEDA runs such an object, and says so at admission only.
fn lacking(poll: &Poll) -> String {
    let all: Vec<&str> = poll.lacking.iter().map(|problem| problem.fault.detail.as_str()).collect();
    all.join("; ")
}

/// A sentence of KEDA's, and what we add.
fn said(sentence: &str, more: &[String]) -> String {
    let more = more.iter().filter(|text| !text.is_empty()).map(|text| format!("; {text}"));
    [sentence.to_owned()].into_iter().chain(more).collect()
}

/// Why the replicas could not be written, where they could not.
fn write_failure(poll: &Poll) -> String {
    poll.failure(0).map(|(_, message)| message.to_owned()).unwrap_or_default()
}

fn active(poll: &Poll, activity: Option<&Activity>, before: &ScaledObjectStatus) -> KedaCondition {
    let Some(activity) = activity else { return kept(ACTIVE, "Unknown", before) };
    let last = last_scale(poll);
    if activity.is_active {
        let sentence = if activity.is_forced {
            "Scaling is performed because activation is being forced by annotation"
        } else {
            "Scaling is performed because triggers are active"
        };
        let names = before.active_metrics(activity);
        let which = if names.is_empty() { String::new() } else { format!("active: {}", names.join(", ")) };
        return condition(ACTIVE, "True", "ScalerActive", said(sentence, &[which, last]));
    }
    match activity.cooldown_left {
        Some(left) => {
            let until =
                format!("until {}", crate::common::condition::whole_seconds(poll.decision.at.plus(left)));
            let sentence = "Scaler cooling down because triggers are not active";
            condition(ACTIVE, "False", "ScalerCooldown", said(sentence, &[until, last]))
        }
        None => {
            let sentence = "Scaling is not performed because triggers are not active";
            condition(ACTIVE, "False", "ScalerNotActive", said(sentence, &[last]))
        }
    }
}

/// The last scaling, with its reason; the same text until the next one.
fn last_scale(poll: &Poll) -> String {
    let target = poll.plan.members.first().map(|member| &member.target);
    let past = target.and_then(|target| poll.memory.scales.get(target)).and_then(|past| past.iter().last());
    let say = |PastScale { at, from, to, steps }: &PastScale| {
        let why = if steps.is_empty() { String::new() } else { format!(": {}", steps.join(", ")) };
        format!("last scaled from {from} to {to} at {at}{why}")
    };
    past.map(say).unwrap_or_default()
}

fn fallback(activity: Option<&Activity>) -> KedaCondition {
    let falls_back = |activity: &&Activity| {
        activity.formula_falls_back || activity.triggers.iter().any(|trigger| trigger.falls_back)
    };
    match activity.filter(falls_back) {
        Some(activity) => {
            let of_trigger = |trigger: &TriggerActivity| {
                trigger.failure.as_ref().map(|failure| format!("{}: {failure}", trigger.metric))
            };
            let why: Vec<String> = activity.triggers.iter().filter_map(of_trigger).collect();
            let sentence = "At least one trigger is falling back on this scaled object";
            condition(FALLBACK, "True", "FallbackExists", said(sentence, &why))
        }
        None => {
            condition(FALLBACK, "False", "NoFallbackFound", "No fallbacks are active on this scaled object")
        }
    }
}

fn paused_message(poll: &Poll) -> String {
    let by = poll.plan.origins.first().map(|origin| format!(" by the {}", origin.from)).unwrap_or_default();
    said(PAUSED_MESSAGE, &[format!("{}{by}", poll.plan.brakes.pause)])
}

fn paused(poll: &Poll, before: &ScaledObjectStatus) -> KedaCondition {
    let message = poll.plan.brakes.pause.is_on().then(|| paused_message(poll));
    paused_or_not(message, before)
}

/// Whether the object is paused, with a sentence where it is polled as one that is.
fn paused_or_not(message: Option<String>, before: &ScaledObjectStatus) -> KedaCondition {
    let pause = before.facts.pause;
    if let Some(message) =
        message.or_else(|| pause.is_on().then(|| said(PAUSED_MESSAGE, &[pause.to_string()])))
    {
        return condition(PAUSED, "True", "ScaledObjectPaused", message);
    }
    let was = before.condition(PAUSED);
    if was.is_some_and(|was| was.status == "True" || was.reason == "ScaledObjectUnpaused") {
        return condition(PAUSED, "False", "ScaledObjectUnpaused", UNPAUSED_MESSAGE);
    }
    condition(PAUSED, "False", "", "")
}

/// What the controller of the HPA says; as it was where that is not known, and nothing where there never was one.
fn hpa_active(outcome: &Outcome, before: &ScaledObjectStatus) -> Option<KedaCondition> {
    let said = outcome.poll().and_then(|poll| poll.hpa_scaling.as_ref());
    let Some(said) = said else { return before.condition(HPA_ACTIVE).cloned() };
    let HpaScaling { is_active, reason, message } = said;
    Some(match (is_active, reason.as_str()) {
        (true, _) => condition(HPA_ACTIVE, "True", "HPAActive", "HPA is actively scaling"),
        // The target is at 0: nothing is wrong, it is not the HPA's turn.
        (false, "ScalingDisabled") => condition(HPA_ACTIVE, "True", "ScalingDisabled", message.as_str()),
        (false, reason) => {
            let reason = if reason.is_empty() { "HPAMetricsUnavailable" } else { reason };
            condition(HPA_ACTIVE, "False", reason, format!("HPA is not actively scaling: {message}"))
        }
    })
}
