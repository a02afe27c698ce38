//! One poll, from reading to record: the way of every decision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Decision, Memory, Mode, Observation, Plan, Time, decide};
use futures::future::join_all;
use resources::{MemberPoll, Outcome, Poll, Reason, Verdict, WriteFailure};

use crate::{ObjectKey, Record, Services};

/// All that one poll needs to know of its object.
pub(crate) struct Job {
    pub(crate) key: ObjectKey,
    pub(crate) generation: i64,
    pub(crate) plan: Arc<Plan>,
    pub(crate) memory: Memory,
    /// A reading that began before this is too old.
    pub(crate) not_before: Time,
    /// Whether this replica polls the object for the first time since it leads.
    pub(crate) takeover: bool,
    /// Set when the object is deleted, changed or no longer ours to scale while the poll runs.
    pub(crate) revoked: Arc<AtomicBool>,
    /// What was last told of the object.
    pub(crate) told: Option<Told>,
}

/// The reason and message of `Ready` that were last logged.
pub(crate) type Told = (Reason, String);

/// What the loop gets back.
pub(crate) struct Finished {
    pub(crate) memory: Memory,
    /// Whether someone else changed a target in between, so that another look is due soon.
    pub(crate) look_again: bool,
    pub(crate) told: Option<Told>,
}

/// Takes one object from reading to record.
pub(crate) async fn poll(services: Services, job: Job) -> Finished {
    let Job { key, generation, plan, mut memory, not_before, takeover, revoked, mut told } = job;
    let readings =
        join_all(plan.metrics.iter().map(|metric| services.sampler.sample(&metric.query, not_before))).await;
    let seen = join_all(plan.members.iter().map(|member| services.actuator.observe(&member.target))).await;
    if takeover {
        let last = join_all(plan.members.iter().map(|member| services.actuator.last_scaled(&member.target))).await;
        memory.last_scale = memory.last_scale.max(last.into_iter().flatten().max());
    }

    let observation = Observation {
        scales: seen.iter().map(|seen| seen.as_ref().ok().copied()).collect(),
        readings,
    };
    let decision = decide(&plan, &mut memory, &observation, services.clock.now());
    let writes = act(&services, &plan, &decision, &revoked).await;
    let at = services.clock.now();
    if writes.iter().any(|write| matches!(write, Some(Ok(())))) {
        memory.applied(&decision, at);
    }
    let look_again = writes
        .iter()
        .any(|write| matches!(write, Some(Err(WriteFailure { reason: Reason::ScaleConflict, .. }))));

    // Without the lease, or for an object that is gone, there is nothing to tell.
    if services.guard.time_left().is_some() && !revoked.load(Ordering::Acquire) {
        let members = seen.into_iter().zip(writes).map(|(seen, write)| MemberPoll { seen, write });
        let poll = Poll {
            members: members.collect(),
            readings: observation.readings,
            decision,
            memory: memory.clone(),
            plan,
        };
        let outcome = Outcome { generation, at, verdict: Verdict::Polled(Box::new(poll)) };
        record(&services, &key, outcome, &mut told);
    }
    Finished { memory, look_again, told }
}

/// Writes what was decided, all members at once; `None` for a member without a write.
async fn act(
    services: &Services,
    plan: &Plan,
    decision: &Decision,
    revoked: &AtomicBool,
) -> Vec<Option<Result<(), WriteFailure>>> {
    let writes = plan.members.iter().enumerate().map(|(index, member)| async move {
        let decided = decision.members.iter().find(|decided| decided.member == index)?;
        if !decided.scales() || decision.mode == Mode::Observe || revoked.load(Ordering::Acquire) {
            return None;
        }
        let time_left = services.guard.time_left()?;
        let result = services.actuator.scale(&member.target, decided.from, decided.to, time_left).await;
        services.metrics.wrote("scale", &result);
        Some(result)
    });
    join_all(writes).await
}

/// Tells metrics, activity, log and journal what became of an object.
pub(crate) fn record(services: &Services, key: &ObjectKey, outcome: Outcome, told: &mut Option<Told>) {
    services.metrics.looked(key.kind, &outcome);
    services.activity.note(key, &outcome);
    services.board.note(key, &outcome);
    log_readiness(key, &outcome, told);
    if let Verdict::Polled(poll) = &outcome.verdict {
        log_decisions(key, poll);
    }
    services.journal.record(Record { key: key.clone(), outcome: Arc::new(outcome) });
}

/// Logs aloud only what changed: a source that is down for an hour is one line, not one a poll.
fn log_readiness(key: &ObjectKey, outcome: &Outcome, told: &mut Option<Told>) {
    let Some(ready) = outcome.conditions().into_iter().next() else { return };
    let (reason, message) = (ready.reason, ready.message);
    if told.as_ref().is_some_and(|(before, _)| *before == reason) {
        tracing::debug!(object = %key, %reason, message, "as before");
        return;
    }
    match (ready.holds, told.is_some()) {
        (false, _) => tracing::warn!(object = %key, %reason, message, "not ready"),
        (true, true) => tracing::info!(object = %key, %reason, message, "ready again"),
        (true, false) => tracing::debug!(object = %key, %reason, message, "ready"),
    }
    *told = Some((reason, message));
}

fn log_decisions(key: &ObjectKey, poll: &Poll) {
    for decided in &poll.decision.members {
        let (target, written) = (&poll.plan.members[decided.member].target, &poll.members[decided.member].write);
        let (from, to, steps) = (decided.from, decided.to, decided.explanation());
        match written {
            Some(Ok(())) => tracing::info!(object = %key, scaled = %target, from, to, steps, "scaled"),
            Some(Err(failure)) => tracing::warn!(object = %key, not_scaled = %target, from, to, steps,
                reason = %failure.reason, message = failure.message, "not scaled"),
            None if decided.scales() && poll.decision.mode == Mode::Observe => {
                tracing::info!(object = %key, observed = %target, from, to, steps, "would scale");
            }
            None => tracing::debug!(object = %key, decided = %target, from, to, steps, "decided"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
