//! One poll, from reading to writing: the way of every decision.

use std::sync::Arc;
use std::time::Duration;

use engine::cycle::NextDecision;
use engine::episode::State;
use engine::invariants::Violation;
use engine::{
    Absence, Advice, LastScaled, Member, Memory, Metric, Observation, Plan, Reading, Scale, Target, Time,
    Warning, cycle,
};
use futures::future::{join_all, join3};
use resources::{
    Kind, MemberPoll, Outcome, Poll, Reason, TargetFailure, Verdict, WriteFailure, expired_override,
};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::act::{act, remember};
use crate::keep::{Keeps, done_by_controller, keep, said_of_hpa};
use crate::workload::{self, WorkloadCheck};
use crate::{ObjectKey, Question, Services, spans};

/// All that one poll needs to know of its object.
pub(crate) struct Job {
    pub(crate) key: ObjectKey,
    pub(crate) kind: &'static Kind,
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) warnings: Arc<[Warning]>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) memory: Memory,
    /// What the object needs of its workload, where it needs anything.
    pub(crate) workload: Option<Arc<WorkloadCheck>>,
    /// A reading that began before this is too old.
    pub(crate) not_before: Time,
    /// Whether it is one that the plan's policy asked for, before its interval has passed.
    pub(crate) is_between: bool,
    /// Whether the targets may have been scaled without the memory knowing.
    pub(crate) ask_last_scaled: bool,
    /// The replicas that were last written to each target, where nobody has been seen to change them since.
    pub(crate) written: Vec<Option<u32>>,
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
    /// Places of the members that were written, or tried to.
    pub(crate) tried: Vec<usize>,
    /// Targets whose replicas someone has changed since they were written.
    pub(crate) changed: Vec<Changed>,
    /// Whether it was the first to write by its decision.
    pub(crate) round: Round,
    /// Invariants that the decision would have violated, so that it was held.
    pub(crate) violations: Vec<Violation>,
    /// How long the reading of each metric took.
    pub(crate) latencies: Vec<Duration>,
}

/// A target whose replicas someone has changed since they were written.
pub(crate) struct Changed {
    /// Place of the member.
    pub(crate) member: usize,
    /// The replicas that there are now.
    pub(crate) replicas: u32,
    /// The field manager that set them, where that is known and is not us.
    pub(crate) manager: Option<String>,
}

/// Which writes by one decision these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// The decision was made by the same poll.
    First,
    /// Those that failed were tried again.
    Again {
        /// Whether any of them fares otherwise than before.
        news: bool,
    },
}

impl Finished {
    /// A poll that was revoked before it had seen everything.
    pub(crate) fn without_outcome(memory: Memory) -> Self {
        let (tried, changed, violations, latencies) = Default::default();
        let (ask_last_scaled, outcome, round) = (false, None, Round::First);
        Self { memory, ask_last_scaled, outcome, tried, changed, round, violations, latencies }
    }

    /// The poll with what came of it, where it came that far.
    pub(crate) fn poll(&mut self) -> Option<&mut Poll> {
        match &mut self.outcome {
            Some(Outcome { verdict: Verdict::Polled(poll), .. }) => Some(poll),
            _ => None,
        }
    }

    /// Whether someone else changed a target between read and write, so that it is looked at again
    /// at once. A group writes such a member again by the same decision.
    pub(crate) fn met_conflict(&self) -> bool {
        let Some(Outcome { verdict: Verdict::Polled(poll), .. }) = &self.outcome else { return false };
        if poll.plan.group.is_some() {
            return false;
        }
        let mut writes = poll.members.iter().filter_map(|member| member.write.as_ref());
        writes.any(|write| matches!(write, Err(WriteFailure { reason: Reason::ScaleConflict, .. })))
    }
}

/// A poll of one object, as one trace.
pub(crate) async fn traced_poll(services: Services, job: Job) -> Finished {
    let span = spans::poll(&job.key, &job.plan);
    let finished = poll(services, job).instrument(span.clone()).await;
    spans::polled(&span, finished.outcome.as_ref());
    finished
}

/// Takes one object from reading to writing. What it came to is reported by the loop, which
/// alone knows at that instant whether the object is still there.
pub(crate) async fn poll(services: Services, job: Job) -> Finished {
    let Job {
        key,
        kind,
        uid,
        generation,
        warnings,
        plan,
        mut memory,
        workload,
        not_before,
        is_between,
        ask_last_scaled,
        written,
        mut revoked,
    } = job;
    let may_write = revoked.clone();
    let keeps = Keeps { key: &key, kind, uid: &uid, plan: &plan, revoked: &may_write };
    let looked = tokio::select! {
        biased;
        // A poll that may write nothing any more must not hold up the next one for a slow source.
        () = until_revoked(&mut revoked) => None,
        // What is kept beside the replicas waits for no reading either.
        looked = join3(
            look(&services, &key, &plan, not_before, ask_last_scaled),
            keep(&services, keeps, &memory),
            look_at_workload(&services, &plan, workload.as_deref()),
        ) => Some(looked),
    };
    let Some((Looked { mut observation, seen, last_scaled, latencies }, hpa, of_workload)) = looked else {
        return Finished { ask_last_scaled, ..Finished::without_outcome(memory) };
    };
    observation.is_between = is_between;

    let changed = who_changed(&services, &plan, &written, &seen).await;
    let now = services.clock.now();
    let span = spans::decide();
    let next = span.in_scope(|| cycle::next_decision(&plan, &mut memory, &observation, &last_scaled, now));
    let NextDecision { decision, violations } = next;
    spans::decided(&span, &decision);
    drop(span);
    services.metrics.violated(&violations);
    let tried = act(&services, &plan, &decision, &revoked).await;
    let at = services.clock.now();
    remember(&mut memory, &plan, &decision, &tried);
    // A write that failed or was not answered may have been carried out all the same.
    let unsure = tried.iter().flatten().any(|tried| tried.result.is_err());
    let places = (0..tried.len()).filter(|&member| tried[member].is_some()).collect();

    let writes = tried.into_iter().map(|tried| tried.map(|tried| tried.result));
    let hpa_scaling = said_of_hpa(&services, &plan);
    let members = seen.into_iter().zip(writes).map(|(seen, write)| MemberPoll { seen, write });
    let of_api = services.metrics_api.warning(&plan, &decision);
    let of_moment = expired_override(&plan, now).into_iter().chain(of_api).chain(of_workload.warnings());
    let warnings = with(warnings, of_moment);
    let mut poll = Poll {
        members: members.collect(),
        readings: observation.readings,
        decision,
        memory,
        plan,
        hpa,
        hpa_scaling,
        lacking: of_workload.lacks,
        reversals: Vec::new(),
    };
    poll.memory.told = kind.told(&poll);
    let memory = poll.memory.clone();
    let outcome = Outcome { uid, generation, at, verdict: Verdict::Polled(Box::new(poll)), warnings };
    Finished {
        memory,
        ask_last_scaled: unsure,
        outcome: Some(outcome),
        tried: places,
        changed,
        round: Round::First,
        violations,
        latencies,
    }
}

/// The warnings about the spec, and those of this moment.
fn with(warnings: Arc<[Warning]>, more: impl Iterator<Item = Warning>) -> Arc<[Warning]> {
    let mut more = more.peekable();
    if more.peek().is_none() {
        return warnings;
    }
    warnings.iter().cloned().chain(more).collect()
}

async fn until_revoked(revoked: &mut watch::Receiver<bool>) {
    // A loop that is gone has revoked everything.
    let _ = revoked.wait_for(|revoked| *revoked).await;
}

/// What is to be known before deciding.
struct Looked {
    observation: Observation,
    seen: Vec<Result<Scale, TargetFailure>>,
    /// For each target; empty where it was not asked.
    last_scaled: Vec<LastScaled>,
    /// How long the reading of each metric took.
    latencies: Vec<Duration>,
}

/// Reads all metrics, and then all targets: a slow source must not make their replicas old. Who gives
/// advice is asked last, as it sees all of that.
async fn look(
    services: &Services,
    key: &ObjectKey,
    plan: &Plan,
    not_before: Time,
    ask_last_scaled: bool,
) -> Looked {
    let timed = join_all(plan.metrics.iter().map(|metric| sample(services, metric, not_before))).await;
    let (readings, latencies): (Vec<Reading>, Vec<Duration>) = timed.into_iter().unzip();
    let mut seen = join_all(plan.members.iter().map(|member| observe_member(services, member))).await;
    count_ready_pods(services, plan, &readings, &mut seen).await;
    let last_scaled = if ask_last_scaled {
        join_all(plan.members.iter().map(|member| ask_when_scaled(services, member))).await
    } else {
        Vec::new()
    };
    let scales = seen.iter().map(|seen| seen.as_ref().ok().copied()).collect();
    let controller = done_by_controller(services, plan);
    let mut observation = Observation { scales, readings, controller, ..Observation::default() };
    let (forecasts, now) = (&services.forecasts, services.clock.now());
    forecasts.look(key, plan, &mut observation, &services.sampler, now);
    observation.advice = advise(services, key, plan, &observation).await;
    Looked { observation, seen, last_scaled, latencies }
}

/// What is known of the workload, looked at where that is due.
async fn look_at_workload(
    services: &Services,
    plan: &Plan,
    check: Option<&WorkloadCheck>,
) -> workload::Looked {
    match check {
        Some(check) => check.look(services, plan, said_of_hpa(services, plan).as_ref()).await,
        None => workload::Looked::default(),
    }
}

/// What the policy's adviser says, where it has one.
async fn advise(
    services: &Services,
    object: &ObjectKey,
    plan: &Plan,
    observation: &Observation,
) -> Option<Result<Advice, Absence>> {
    let adviser = plan.policy.adviser()?;
    let span = spans::advise(adviser);
    let state = State::of(plan, observation, services.clock.now());
    let question = Question { adviser, object, state: &state };
    let advice = services.advisers.ask(question).instrument(span.clone()).await;
    spans::advised(&span, &advice);
    services.metrics.advised(advice.as_ref().err().map(|absence| absence.reason));
    Some(advice)
}

/// Who has changed the targets that are not as they were written.
async fn who_changed(
    services: &Services,
    plan: &Plan,
    written: &[Option<u32>],
    seen: &[Result<Scale, TargetFailure>],
) -> Vec<Changed> {
    let members = plan.members.iter().zip(written).zip(seen).enumerate();
    let changed = members.filter_map(|(index, ((member, written), seen))| {
        let replicas = seen.as_ref().ok()?.replicas;
        let is_changed = written.is_some_and(|written| written != replicas);
        is_changed.then_some(async move {
            let manager = services.actuator.changed_by(&member.target).await;
            Changed { member: index, replicas, manager }
        })
    });
    join_all(changed).await
}

/// What is seen of a member; one that must be left alone is not even looked at.
async fn observe_member(services: &Services, member: &Member) -> Result<Scale, TargetFailure> {
    match &member.role.refusal {
        Some(why) => Err(TargetFailure { reason: Reason::CrossNamespace, message: why.clone() }),
        None => observe(services, &member.target).await,
    }
}

/// Has the pods counted that are ready, where a fallback may be shared by them and the kind of a target does not report it.
async fn count_ready_pods(
    services: &Services,
    plan: &Plan,
    readings: &[Reading],
    seen: &mut [Result<Scale, TargetFailure>],
) {
    let fails = readings.iter().any(|reading| matches!(reading, Reading::Absent(_)));
    if !fails || !plan.policy.shares_by_ready_pods() {
        return;
    }
    for (member, seen) in plan.members.iter().zip(seen) {
        if let Ok(scale @ Scale { ready: None, .. }) = seen {
            scale.ready = services.actuator.ready_pods(&member.target).await;
        }
    }
}

async fn ask_when_scaled(services: &Services, member: &Member) -> LastScaled {
    match member.role.refusal {
        Some(_) => LastScaled::NotByUs,
        None => services.actuator.last_scaled(&member.target).await,
    }
}

/// The reading of a metric, and how long it took.
async fn sample(services: &Services, metric: &Metric, not_before: Time) -> (Reading, Duration) {
    let (span, began) = (spans::sample(metric), services.clock.now());
    let sampled = services.sampler.sample(&metric.query, not_before).instrument(span.clone()).await;
    let ended = services.clock.now();
    spans::sampled(&span, &sampled, ended);
    (sampled.reading, ended.since(began))
}

pub(crate) async fn observe(services: &Services, target: &Target) -> Result<Scale, TargetFailure> {
    let span = spans::observe(target);
    let seen = services.actuator.observe(target).instrument(span.clone()).await;
    spans::observed(&span, &seen);
    seen
}

#[cfg(test)]
mod tests;
