//! One poll, from reading to writing: the way of every decision.

use std::sync::Arc;

use engine::{Decision, Memory, Mode, Observation, Plan, Reading, Scale, Time, decide};
use futures::future::join_all;
use resources::{MemberPoll, Outcome, Poll, Reason, TargetFailure, Verdict, WriteFailure};
use tokio::sync::watch;

use crate::{LastScaled, Services};

/// All that one poll needs to know of its object.
pub(crate) struct Job {
    pub(crate) generation: i64,
    pub(crate) plan: Arc<Plan>,
    pub(crate) memory: Memory,
    /// A reading that began before this is too old.
    pub(crate) not_before: Time,
    /// Whether the targets may have been scaled without the memory knowing.
    pub(crate) ask_last_scaled: bool,
    /// Turns true when the object is deleted, changed or no longer ours to scale.
    pub(crate) revoked: watch::Receiver<bool>,
}

/// What the loop gets back.
pub(crate) struct Finished {
    pub(crate) memory: Memory,
    /// Whether the targets may, still or again, have been scaled without the memory knowing.
    pub(crate) ask_last_scaled: bool,
    /// What the poll came to; `None` where it was revoked before it had seen everything.
    pub(crate) outcome: Option<Outcome>,
}

impl Finished {
    /// Whether someone else changed a target between read and write.
    pub(crate) fn met_conflict(&self) -> bool {
        let Some(Outcome { verdict: Verdict::Polled(poll), .. }) = &self.outcome else { return false };
        let mut writes = poll.members.iter().filter_map(|member| member.write.as_ref());
        writes.any(|write| matches!(write, Err(WriteFailure { reason: Reason::ScaleConflict, .. })))
    }
}

/// Takes one object from reading to writing. What it came to is told by the loop, which
/// alone knows at that instant whether the object is still there.
pub(crate) async fn poll(services: Services, job: Job) -> Finished {
    let Job { generation, plan, mut memory, not_before, ask_last_scaled, mut revoked } = job;
    let looked = tokio::select! {
        biased;
        // A poll that may write nothing any more must not hold up the next one for a slow source.
        () = until_revoked(&mut revoked) => None,
        looked = look(&services, &plan, not_before, ask_last_scaled) => Some(looked),
    };
    let Some(Looked { readings, seen, last_scaled }) = looked else {
        return Finished { memory, ask_last_scaled, outcome: None };
    };

    let now = services.clock.now();
    let unrecorded = unrecorded_scale(&plan, &memory, &seen, &last_scaled, now);
    memory.last_scale = memory.last_scale.max(unrecorded);
    let scales = seen.iter().map(|seen| seen.as_ref().ok().copied()).collect();
    let observation = Observation { scales, readings };
    let decision = decide(&plan, &mut memory, &observation, now);
    let writes = act(&services, &plan, &decision, &revoked).await;
    let at = services.clock.now();
    if writes.iter().any(|write| matches!(write, Some(Ok(())))) {
        memory.applied(&decision, at);
    }
    for decided in &decision.members {
        if matches!(writes[decided.member], Some(Ok(()))) {
            memory.scaled_to(&plan.members[decided.member].target, decided.to);
        }
    }
    // A write that failed or was not answered may have been carried out all the same.
    let unsure = writes.iter().any(|write| matches!(write, Some(Err(_))));

    let members = seen.into_iter().zip(writes).map(|(seen, write)| MemberPoll { seen, write });
    let poll = Poll {
        members: members.collect(),
        readings: observation.readings,
        decision,
        memory: memory.clone(),
        plan,
    };
    let outcome = Outcome { generation, at, verdict: Verdict::Polled(Box::new(poll)) };
    Finished { memory, ask_last_scaled: unsure, outcome: Some(outcome) }
}

async fn until_revoked(revoked: &mut watch::Receiver<bool>) {
    // A loop that is gone has revoked everything.
    let _ = revoked.wait_for(|revoked| *revoked).await;
}

/// What is to be known before deciding.
struct Looked {
    readings: Vec<Reading>,
    seen: Vec<Result<Scale, TargetFailure>>,
    /// For each target; empty where it was not asked.
    last_scaled: Vec<LastScaled>,
}

/// When this plan last scaled a target, as far as its targets tell more than its memory.
fn unrecorded_scale(
    plan: &Plan,
    memory: &Memory,
    seen: &[Result<Scale, TargetFailure>],
    last_scaled: &[LastScaled],
    now: Time,
) -> Option<Time> {
    let targets = plan.members.iter().zip(seen).zip(last_scaled);
    let scales = targets.filter_map(|((member, seen), last_scaled)| match last_scaled {
        LastScaled::NotByUs => None,
        // An instant in the future comes from another machine's clock.
        LastScaled::At(at) => Some((*at).min(now)),
        LastScaled::AtUnknownTime => {
            let recorded = memory.replicas.get(&member.target.to_string()).copied();
            let is_recorded = recorded == seen.as_ref().ok().map(|scale| scale.replicas);
            (!is_recorded).then_some(now)
        }
    });
    scales.max()
}

/// Reads all metrics, and then all targets: a slow source must not make their replicas old.
async fn look(services: &Services, plan: &Plan, not_before: Time, ask_last_scaled: bool) -> Looked {
    let readings =
        join_all(plan.metrics.iter().map(|metric| services.sampler.sample(&metric.query, not_before))).await;
    let targets = || plan.members.iter().map(|member| &member.target);
    let seen = join_all(targets().map(|target| services.actuator.observe(target))).await;
    let last_scaled = if ask_last_scaled {
        join_all(targets().map(|target| services.actuator.last_scaled(target))).await
    } else {
        Vec::new()
    };
    Looked { readings, seen, last_scaled }
}

/// Writes what was decided, all members at once; `None` for a member without a write.
async fn act(
    services: &Services,
    plan: &Plan,
    decision: &Decision,
    revoked: &watch::Receiver<bool>,
) -> Vec<Option<Result<(), WriteFailure>>> {
    let writes = plan.members.iter().enumerate().map(|(index, member)| async move {
        let decided = decision.members.iter().find(|decided| decided.member == index)?;
        if !decided.scales() || decision.mode == Mode::Observe || *revoked.borrow() {
            return None;
        }
        let time_left = services.guard.time_left()?;
        let result = services.actuator.scale(&member.target, decided.from, decided.to, time_left).await;
        services.metrics.wrote("scale", &result);
        Some(result)
    });
    join_all(writes).await
}

#[cfg(test)]
mod tests;
