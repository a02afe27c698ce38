//! Reports the observed state of an object: to metrics, board, activity, log and journal.
//!
//! Only the loop calls it, so nothing is reported of an object after its deletion, and nothing
//! of an earlier plan after a later one.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use engine::invariants::Violation;
use engine::{BoundsOverride, Comparison, MemberDecision, Mode, Pause, Step, Warning};
use resources::{Health, Outcome, Poll, Reason, Verdict};

use crate::outages::Failing;
use crate::standing::Standing;
use crate::{AuditEntry, Cause, MetricsApi, ObjectKey, Record, ScaleOperation, Services};

/// What was last said of an object, so that only news is said aloud: a source that is down
/// for an hour is one line, not one per poll.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    /// What becomes of decisions.
    mode: Option<Mode>,
    /// What is paused.
    pause: Pause,
    /// The override of the bounds that counts.
    over: Option<BoundsOverride>,
    /// What is doubtful about the spec.
    warnings: Arc<[Warning]>,
    /// What was decided and not carried out, by member.
    pending: BTreeMap<usize, Pending>,
    /// Whether the HPA controller decides otherwise beside it.
    differs: bool,
    /// Invariants whose violation has been reported.
    violated: BTreeSet<&'static str>,
    /// The outage among whose objects it is.
    pub(crate) cause: Option<Cause>,
    /// Where the object is counted.
    pub(crate) standing: Standing,
    /// The namespace in which the object acts.
    pub(crate) namespace: Arc<str>,
}

impl Reported {
    /// Whatever is said next is news. What is counted stays counted.
    pub(crate) fn forget(&mut self) {
        let (mode, pause, over, cause) = (self.mode, self.pause, self.over.take(), self.cause.take());
        let (violated, standing) = (mem::take(&mut self.violated), mem::take(&mut self.standing));
        let namespace = Arc::clone(&self.namespace);
        *self = Self { mode, pause, over, violated, cause, standing, namespace, ..Self::default() };
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pending {
    from: u32,
    to: u32,
    /// Why not, where a write was tried.
    failure: Option<Reason>,
}

/// Reports invariants that a decision would have violated, each once for an object: whoever fixes the fault needs
/// the numbers, and not a line per poll.
pub(crate) fn violated(key: &ObjectKey, reported: &mut Reported, violations: &[Violation]) {
    for Violation { invariant, detail } in violations {
        if reported.violated.insert(invariant) {
            tracing::error!(object = %key, invariant, detail, "decision held because it would violate an \
                 invariant; please report this");
        }
    }
}

/// Reports the observed state of an object.
pub(crate) fn record(
    services: &Services,
    key: &ObjectKey,
    outcome: Outcome,
    reported: &mut Reported,
) -> Arc<Outcome> {
    services.metrics.looked(key, &outcome);
    services.answers.note(key, &outcome);
    report_controller(services, key, &outcome, reported);
    let members = outcome.poll().map_or(0, |poll| poll.members.len());
    let all: Vec<usize> = (0..members).collect();
    again(services, key, outcome, reported, &all)
}

/// Reports how the object is, and what was decided and done about `members`. Of a group it is called again
/// when something has happened since: some were written again, or, where none is named, all became ready.
pub(crate) fn again(
    services: &Services,
    key: &ObjectKey,
    outcome: Outcome,
    reported: &mut Reported,
    members: &[usize],
) -> Arc<Outcome> {
    let health = outcome.health();
    let standing = Standing::of(&reported.namespace, &outcome, &health);
    services.metrics.stands(key.kind, &mut reported.standing, standing);
    let cause = Cause::of(&reported.namespace, &outcome, &health);
    services.board.note(key, &outcome, &health, cause.as_ref());
    if let Some(episodes) = &services.episodes {
        episodes.note(key, &outcome);
    }
    mark_reversals(services, &outcome);
    report_warnings(key, &outcome, reported);
    report_mode(key, &outcome, reported);
    report_brakes(key, &outcome, reported);
    report_readiness(services, key, &outcome, &health, cause, reported);
    let mut tried = Vec::new();
    if let Verdict::Polled(poll) = &outcome.verdict {
        for &member in members {
            let before = reported.pending.remove(&member);
            let Some(decided) = poll.decided(member) else { continue };
            let pending = pending(poll, decided);
            let is_news = pending.is_none() || before != pending;
            reported.pending.extend(pending.map(|pending| (member, pending)));
            report_decision(services, key, &outcome, poll, decided, is_news);
            if poll.members[member].write.is_some() {
                tried.push(member);
            }
        }
    }
    let outcome = Arc::new(outcome);
    services.journal.record(Record { key: key.clone(), outcome: Arc::clone(&outcome), tried });
    outcome
}

/// Marks the scale operations that someone has undone.
fn mark_reversals(services: &Services, outcome: &Outcome) {
    let Some(poll) = outcome.poll() else { return };
    for reversal in poll.reversals.iter().filter(|reversal| reversal.is_new) {
        let target = poll.plan.members[reversal.member].target.short_name();
        services.activity.reverted(&outcome.uid, &target, &reversal.manager);
    }
}

/// Reports what was written, at the members `tried`, by a poll that lost its right only while it wrote. Its
/// object is gone or has changed, so there is no status to keep it in; but the replicas did move.
pub(crate) fn mention(services: &Services, key: &ObjectKey, outcome: &Outcome, tried: &[usize]) {
    let Verdict::Polled(poll) = &outcome.verdict else { return };
    for decided in tried.iter().filter_map(|&member| poll.decided(member)) {
        report_decision(services, key, outcome, poll, decided, true);
    }
}

/// The decision for a member, where it would scale and was not carried out.
fn pending(poll: &Poll, decided: &MemberDecision) -> Option<Pending> {
    let failure = match &poll.members[decided.member].write {
        Some(Ok(())) => return None,
        Some(Err(failure)) => Some(failure.reason),
        None => None,
    };
    decided.scales().then_some(Pending { from: decided.from, to: decided.to, failure })
}

/// Each state of a spec is warned of once.
fn report_warnings(key: &ObjectKey, outcome: &Outcome, reported: &mut Reported) {
    if reported.warnings == outcome.warnings {
        return;
    }
    for warning in outcome.warnings.iter().filter(|warning| !MetricsApi::is_about(warning)) {
        tracing::warn!(object = %key, field = warning.path, warning = warning.message, "questionable spec");
    }
    reported.warnings = Arc::clone(&outcome.warnings);
}

/// Observing begins and ends in one line each.
fn report_mode(key: &ObjectKey, outcome: &Outcome, reported: &mut Reported) {
    let Some(mode) = outcome.poll().map(|poll| poll.decision.mode) else { return };
    match (reported.mode.replace(mode), mode) {
        (before, now) if before == Some(now) => {}
        (_, Mode::Observe) => {
            tracing::info!(object = %key, "observing: decisions are recorded but not applied");
        }
        (Some(_), Mode::Act) => tracing::info!(object = %key, "decisions are applied from now on"),
        (None, Mode::Act) => {}
    }
}

/// A pause and an override begin and end in one line each.
fn report_brakes(key: &ObjectKey, outcome: &Outcome, reported: &mut Reported) {
    let Some(poll) = outcome.poll() else { return };
    let brakes = &poll.plan.brakes;
    if mem::replace(&mut reported.pause, brakes.pause) != brakes.pause {
        match brakes.pause {
            Pause::Nothing => tracing::info!(object = %key, "scaling is no longer paused"),
            pause => tracing::info!(object = %key, "{pause}"),
        }
    }
    let over = brakes.override_at(poll.decision.at);
    if reported.over.as_ref() != over {
        match over {
            Some(over) => tracing::info!(object = %key, %over, "bounds overridden"),
            None => tracing::info!(object = %key, "bounds are those of the spec again"),
        }
        reported.over = over.cloned();
    }
}

/// That the HPA controller decides otherwise begins and ends in one line each.
fn report_controller(services: &Services, key: &ObjectKey, outcome: &Outcome, reported: &mut Reported) {
    let Some(decided) = outcome.poll().and_then(|poll| poll.decided(0)) else { return };
    let comparison = decided.steps.iter().find_map(|step| match step {
        Step::Controller(comparison) => Some(comparison),
        _ => None,
    });
    let Some(controller @ Comparison { finding, since, .. }) = comparison else { return };
    services.metrics.compared(finding);
    let differs = since.is_some();
    if mem::replace(&mut reported.differs, differs) == differs {
        return;
    }
    let steps = decided.explanation();
    match differs {
        true => tracing::warn!(object = %key, %controller, decided = decided.to, steps,
            "the HPA controller decides otherwise"),
        false => tracing::info!(object = %key, %controller, decided = decided.to,
            "the HPA controller decides as here again"),
    }
}

/// What fails is reported by its cause, not by object.
fn report_readiness(
    services: &Services,
    key: &ObjectKey,
    outcome: &Outcome,
    health: &Health,
    cause: Option<Cause>,
    reported: &mut Reported,
) {
    let Health { ready, reason, message, .. } = health;
    tracing::debug!(object = %key, ready, %reason, why = message, "looked at");
    let interval = outcome.poll().map(|poll| poll.plan.interval_after(&poll.decision));
    let failing = cause.map(|cause| Failing { cause, why: message, interval });
    services.outages.note(key, &mut reported.cause, failing, outcome.at);
}

fn report_decision(
    services: &Services,
    key: &ObjectKey,
    outcome: &Outcome,
    poll: &Poll,
    decided: &MemberDecision,
    is_news: bool,
) {
    if let Some(audit) = &services.audit {
        audit.note(&AuditEntry::of(key, outcome, poll, decided));
    }
    if is_news && decided.scales() {
        services.activity.note(ScaleOperation::of(key, outcome, poll, decided));
    }
    let (target, written) = (&poll.plan.members[decided.member].target, &poll.members[decided.member].write);
    let (from, to, steps) = (decided.from, decided.to, decided.explanation());
    match written {
        Some(Ok(())) => tracing::info!(object = %key, scaled = %target, from, to, steps, "scaled"),
        // Why not is reason enough not to be ready, and is said by its cause.
        Some(Err(failure)) if is_news => {
            tracing::debug!(object = %key, not_scaled = %target, from, to, steps,
            reason = %failure.reason, why = failure.message, "not scaled")
        }
        None if is_news && decided.scales() && poll.decision.mode == Mode::Observe => {
            tracing::info!(object = %key, observed = %target, from, to, steps, "would scale");
        }
        _ => tracing::debug!(object = %key, decided = %target, from, to, steps, "decided"),
    }
}
