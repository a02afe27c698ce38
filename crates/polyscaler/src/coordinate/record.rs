//! The record of a coordinator. There is no object whose status could keep it: a group's actions
//! are summed up in the log, and each member's are Events of its Deployment. The loop logs
//! each member's action itself, with its explanation.

use std::sync::Arc;

use cluster::{TargetEvent, TargetEvents};
use engine::MemberDecision;
use resources::{Outcome, Poll, Verdict};
use runner::{Journal, ObjectKey};
use tokio::sync::{mpsc, watch};

use super::app::App;

/// Events that may wait for the API server; beyond it they are let go.
const WAITING: usize = 1024;

/// Takes records.
pub(super) struct GroupJournal {
    app: App,
    events: mpsc::Sender<TargetEvent>,
}

impl GroupJournal {
    /// A journal, and what it has to publish.
    pub(super) fn new(app: App) -> (Arc<Self>, mpsc::Receiver<TargetEvent>) {
        let (events, waiting) = mpsc::channel(WAITING);
        (Arc::new(Self { app, events }), waiting)
    }
}

impl Journal for GroupJournal {
    fn record(&self, record: runner::Record) {
        let Verdict::Polled(poll) = &record.outcome.verdict else { return };
        sum_up(&record.key, poll, &record.tried);
        for decided in record.tried.iter().filter_map(|&member| poll.decided(member)) {
            if let Some(event) = event(&self.app, &record.key, &record.outcome, poll, decided) {
                // Nothing rests on an Event.
                let _ = self.events.try_send(event);
            }
        }
    }
}

/// One line about all members, where any was written. Those that were written before are not told again.
fn sum_up(group: &ObjectKey, poll: &Poll, tried: &[usize]) {
    if tried.is_empty() {
        return;
    }
    let (mut scaled, mut failed, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for decided in &poll.decision.members {
        let name = &poll.plan.members[decided.member].role.name;
        let (from, to) = (decided.from, decided.to);
        match &poll.members[decided.member].write {
            Some(Ok(())) if tried.contains(&decided.member) => scaled.push(format!("{name} {from}→{to}")),
            Some(Ok(())) => unchanged.push(format!("{name} {to}")),
            Some(Err(_)) => failed.push(format!("{name} {from}→{to}")),
            None => unchanged.push(format!("{name} {from}")),
        }
    }
    let (scaled, unchanged) = (scaled.join(", "), unchanged.join(", "));
    let policy = poll.plan.policy.name();
    if failed.is_empty() {
        tracing::info!(%group, policy, scaled, unchanged, "group scaled");
    } else {
        let failed = failed.join(", ");
        tracing::warn!(%group, policy, scaled, failed, unchanged, "group scaled in part");
    }
}

/// What became of a member, for `kubectl describe` of its Deployment.
fn event(
    app: &App,
    group: &ObjectKey,
    outcome: &Outcome,
    poll: &Poll,
    decided: &MemberDecision,
) -> Option<TargetEvent> {
    let target = &poll.plan.members[decided.member].target;
    let (from, to, why) = (decided.from, decided.to, decided.explanation());
    let (reason, note) = match poll.members[decided.member].write.as_ref()? {
        Ok(()) => ("SuccessfulRescale", format!("{} scaled from {from} to {to}: {why}", group.name)),
        Err(failure) => (
            "FailedRescale",
            format!("{} could not scale from {from} to {to}: {}", group.name, failure.message),
        ),
    };
    Some(TargetEvent {
        target: target.clone(),
        uid: app.uid(&target.name)?,
        at: outcome.at,
        is_warning: reason == "FailedRescale",
        reason: reason.to_owned(),
        note,
    })
}

/// Publishes what waits until `stop` turns true, and then what still waits.
pub(super) async fn publish(
    mut waiting: mpsc::Receiver<TargetEvent>,
    publisher: TargetEvents,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let event = tokio::select! {
            Some(event) = waiting.recv() => event,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        publisher.publish(event).await;
    }
    while let Ok(event) = waiting.try_recv() {
        publisher.publish(event).await;
    }
}
