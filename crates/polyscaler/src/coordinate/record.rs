//! The record of a coordinator. There is no object whose status could keep it: a group's actions
//! are summed up in the log, and each member's are Events of its Deployment. The loop logs
//! each member's action itself, with its explanation.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use cluster::{TargetEvent, TargetEvents};
use engine::{MemberDecision, Time};
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
    /// For each group its last decision, and the members that were failed to have failed since.
    failed: Mutex<HashMap<ObjectKey, (Time, BTreeSet<usize>)>>,
}

impl GroupJournal {
    /// A journal, and what it has to publish.
    pub(super) fn new(app: App) -> (Arc<Self>, mpsc::Receiver<TargetEvent>) {
        let (events, waiting) = mpsc::channel(WAITING);
        (Arc::new(Self { app, events, failed: Mutex::default() }), waiting)
    }

    /// The members whose write failed, as far as that is news: a decision is failed of again whenever
    /// something has come of it.
    fn newly_failed(&self, group: &ObjectKey, poll: &Poll) -> BTreeSet<usize> {
        let failed = poll.members.iter().enumerate();
        let failed = failed.filter(|(_, member)| matches!(member.write, Some(Err(_))));
        let failed: BTreeSet<usize> = failed.map(|(index, _)| index).collect();
        let mut reported = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, before) = reported.entry(group.clone()).or_default();
        if *at != poll.decision.at {
            (*at, *before) = (poll.decision.at, BTreeSet::new());
        }
        let new = failed.difference(before).copied().collect();
        before.extend(failed);
        new
    }
}

impl Journal for GroupJournal {
    fn record(&self, record: runner::Record) {
        let Verdict::Polled(poll) = &record.outcome.verdict else { return };
        let scaled: BTreeSet<usize> = record.scaled().collect();
        let failed = self.newly_failed(&record.key, poll);
        sum_up(&record.key, poll, &scaled, &failed);
        for decided in &poll.decision.members {
            if !scaled.contains(&decided.member) && !failed.contains(&decided.member) {
                continue;
            }
            if let Some(event) = event(&self.app, &record.key, &record.outcome, poll, decided) {
                // Nothing rests on an Event.
                let _ = self.events.try_send(event);
            }
        }
    }
}

/// One line about all members, where any was written.
fn sum_up(group: &ObjectKey, poll: &Poll, scaled: &BTreeSet<usize>, failed: &BTreeSet<usize>) {
    if scaled.is_empty() && failed.is_empty() {
        return;
    }
    let name = |decided: &MemberDecision| &poll.plan.members[decided.member].role.name;
    let moved = |members: &BTreeSet<usize>| {
        let of_members = poll.decision.members.iter().filter(|decided| members.contains(&decided.member));
        let moves = of_members.map(|decided| format!("{} {}→{}", name(decided), decided.from, decided.to));
        moves.collect::<Vec<_>>().join(", ")
    };
    let stays = poll.decision.members.iter().filter(|decided| !decided.scales());
    let unchanged: Vec<String> = stays.map(|decided| format!("{} {}", name(decided), decided.from)).collect();
    let (policy, unchanged) = (poll.plan.policy.name(), unchanged.join(", "));
    let (moved_now, failing) = (moved(scaled), moved(failed));
    if failed.is_empty() {
        tracing::info!(%group, policy, scaled = moved_now, unchanged, "group scaled");
    } else {
        tracing::warn!(%group, policy, scaled = moved_now, failed = failing, unchanged,
            "group scaled partially, retrying the rest");
    }
}

/// The result for a member, for `kubectl describe` of its Deployment.
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
        action: "Scale",
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
