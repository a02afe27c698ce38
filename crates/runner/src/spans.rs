//! The spans of a poll: one trace a poll, for whoever follows one decision through its steps.
//!
//! Only `poll` calls it. The runner knows nothing of OpenTelemetry: these are `tracing` spans,
//! whose field names are those of the attributes that an exporter makes of them. While nobody
//! listens to [`TRACE_TARGET`] they are never made and nothing of them is computed.

use engine::{Absence, Advice, Adviser, Decision, MemberDecision, Metric, Mode, Plan, Scale, Target, Time};
use resources::{Outcome, Poll, TargetFailure};
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::attempt::Act;
use crate::label::came_to;
use crate::{ObjectKey, Sampled};

/// The `tracing` target of these spans, by which an exporter picks them and a log leaves them out.
pub const TRACE_TARGET: &str = "polyscaler::trace";

/// The whole poll, the root of a trace.
pub(crate) fn poll(key: &ObjectKey, plan: &Plan) -> Span {
    let span = info_span!(
        target: TRACE_TARGET,
        parent: None,
        "poll",
        k8s.namespace.name = Empty,
        polyscaler.kind = key.kind,
        polyscaler.name = key.name,
        polyscaler.target = Empty,
        polyscaler.mode = match plan.mode {
            Mode::Act => "act",
            Mode::Observe => "observe",
        },
        polyscaler.outcome = Empty,
        polyscaler.from = Empty,
        polyscaler.to = Empty,
        polyscaler.applied = Empty,
        polyscaler.explanation = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    );
    if !span.is_disabled() {
        let targets: Vec<String> = plan.members.iter().map(|member| member.target.short_name()).collect();
        span.record("polyscaler.target", targets.join(", "));
        let of_target = plan.members.first().map(|member| &member.target.namespace);
        let namespace = if key.namespace.is_empty() { of_target } else { Some(&key.namespace) };
        span.record("k8s.namespace.name", namespace.map(String::as_str));
    }
    span
}

/// What the poll came to; `None` where it was revoked before it had seen everything.
pub(crate) fn polled(span: &Span, outcome: Option<&Outcome>) {
    if span.is_disabled() {
        return;
    }
    let Some(outcome) = outcome else {
        span.record("polyscaler.outcome", "revoked");
        return;
    };
    if let Some(poll) = outcome.poll() {
        span.record("polyscaler.outcome", came_to(poll));
        span.record("polyscaler.applied", poll.wrote());
        span.record("polyscaler.explanation", explanation(poll));
        replicas(span, &poll.decision);
    }
    if let Some(ready) = Some(outcome.health()).filter(|health| !health.ready) {
        failed(span, ready.reason.as_str(), &ready.message);
    }
}

/// One round in which failed writes of a group are tried again, the root of a trace of its own.
pub(crate) fn retry(key: &ObjectKey, plan: &Plan, members: &[usize]) -> Span {
    let span = info_span!(
        target: TRACE_TARGET,
        parent: None,
        "retry",
        k8s.namespace.name = key.namespace,
        polyscaler.kind = key.kind,
        polyscaler.name = key.name,
        polyscaler.target = Empty,
    );
    if !span.is_disabled() {
        let targets: Vec<String> =
            members.iter().map(|&member| plan.members[member].target.short_name()).collect();
        span.record("polyscaler.target", targets.join(", "));
    }
    span
}

/// The reading of one metric.
pub(crate) fn sample(metric: &Metric) -> Span {
    info_span!(
        target: TRACE_TARGET,
        "sample",
        polyscaler.metric = metric.name,
        polyscaler.source = metric.query.source(),
        polyscaler.result = Empty,
        polyscaler.value = Empty,
        polyscaler.age_ms = Empty,
        polyscaler.shared = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// What was read.
pub(crate) fn sampled(span: &Span, sampled: &Sampled, now: Time) {
    if span.is_disabled() {
        return;
    }
    span.record("polyscaler.shared", sampled.shared);
    if let Some(absence) = sampled.reading.absence() {
        span.record("polyscaler.result", absence.reason.as_str());
        return failed(span, absence.reason.as_str(), &absence.message);
    }
    span.record("polyscaler.result", "ok");
    if let Some(value) = sampled.reading.value() {
        span.record("polyscaler.value", value);
    }
    if let Some(at) = sampled.reading.at() {
        span.record("polyscaler.age_ms", i64::try_from(now.since(at).as_millis()).unwrap_or(i64::MAX));
    }
}

/// The look at one target.
pub(crate) fn observe(target: &Target) -> Span {
    info_span!(
        target: TRACE_TARGET,
        "observe",
        polyscaler.target = target.short_name(),
        polyscaler.replicas = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// What was seen of the target.
pub(crate) fn observed(span: &Span, seen: &Result<Scale, TargetFailure>) {
    match seen {
        Ok(scale) => {
            span.record("polyscaler.replicas", i64::from(scale.replicas));
        }
        Err(failure) => failed(span, failure.reason.as_str(), &failure.message),
    }
}

/// The question to an adviser.
pub(crate) fn advise(adviser: &Adviser) -> Span {
    info_span!(
        target: TRACE_TARGET,
        "advise",
        polyscaler.adviser = adviser.address,
        polyscaler.result = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// What the adviser said.
pub(crate) fn advised(span: &Span, advice: &Result<Advice, Absence>) {
    match advice {
        Ok(_) => {
            span.record("polyscaler.result", "ok");
        }
        Err(absence) => {
            span.record("polyscaler.result", absence.reason.as_str());
            failed(span, absence.reason.as_str(), &absence.message);
        }
    }
}

/// The decision for all targets.
pub(crate) fn decide() -> Span {
    info_span!(
        target: TRACE_TARGET,
        "decide",
        polyscaler.from = Empty,
        polyscaler.recommended = Empty,
        polyscaler.to = Empty,
        polyscaler.steps = Empty,
    )
}

/// What was decided.
pub(crate) fn decided(span: &Span, decision: &Decision) {
    if span.is_disabled() {
        return;
    }
    replicas(span, decision);
    let recommended: Option<i64> =
        decision.members.iter().map(|decided| decided.recommended.map(i64::from)).sum();
    span.record("polyscaler.recommended", recommended);
    let steps: Vec<String> = decision.members.iter().map(MemberDecision::explanation).collect();
    span.record("polyscaler.steps", steps.join("; "));
}

/// What is done about one target.
pub(crate) fn act(target: &Target, decided: &MemberDecision) -> Span {
    info_span!(
        target: TRACE_TARGET,
        "act",
        polyscaler.target = target.short_name(),
        polyscaler.from = i64::from(decided.from),
        polyscaler.to = i64::from(decided.to),
        polyscaler.result = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// What was done.
pub(crate) fn acted(span: &Span, act: &Act) {
    let result = match act {
        Act::Unchanged => "unchanged",
        Act::Observed => "observed",
        Act::Revoked => "revoked",
        Act::NotLeading => "not_leading",
        Act::TooLate => "too_late",
        Act::Wrote(Ok(())) => "done",
        Act::Wrote(Err(failure)) => {
            failed(span, failure.reason.as_str(), &failure.message);
            failure.reason.as_str()
        }
    };
    span.record("polyscaler.result", result);
}

/// The replicas before and after, summed over the targets.
fn replicas(span: &Span, decision: &Decision) {
    let sum = |count: fn(&MemberDecision) -> u32| -> i64 {
        decision.members.iter().map(|decided| i64::from(count(decided))).sum()
    };
    span.record("polyscaler.from", sum(|decided| decided.from));
    span.record("polyscaler.to", sum(|decided| decided.to));
}

fn explanation(poll: &Poll) -> String {
    let several = poll.decision.members.len() > 1;
    let one = |decided: &MemberDecision| {
        let target = &poll.plan.members[decided.member].target;
        let steps = decided.explanation();
        if several { format!("{}: {steps}", target.short_name()) } else { steps }
    };
    poll.decision.members.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn failed(span: &Span, reason: &str, why: &str) {
    span.record("error.type", reason);
    span.record("otel.status_code", "error");
    span.record("otel.status_description", why);
}

#[cfg(test)]
mod tests;
