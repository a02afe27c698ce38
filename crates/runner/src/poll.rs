//! One poll, from reading to writing: the way of every decision.

mod finished;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use engine::cycle::NextDecision;
use engine::episode::State;
use engine::{
    Absence, Advice, LastScaled, Member, Memory, Metric, Observation, Plan, Reading, Scale, Target, Time,
    Warning, cycle,
};
use futures::future::{Either, MaybeDone, join, join_all, maybe_done, select};
use resources::{
    HpaChange, Kind, MemberPoll, Outcome, Poll, Reason, TargetFailure, Verdict, WriteFailure,
    expired_override,
};
use tokio::sync::watch;
use tracing::Instrument as _;

pub(crate) use finished::{Changed, Finished, Round};

use crate::act::{act, remember};
use crate::attempt::Tried;
use crate::keep::{Keeps, Wanted, done_by_controller, keep, said_of_hpa, wanted};
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

/// A poll of one object, as one trace.
pub(crate) async fn traced_poll(services: Services, job: Job) -> Finished {
    let span = spans::poll(&job.key, &job.plan);
    let finished = poll(services, job).instrument(span.clone()).await;
    spans::polled(&span, finished.outcome.as_ref());
    finished
}

/// Takes one object from reading to writing. What it came to is reported by the loop, which
/// alone knows at that instant whether the object is still there.
pub(crate) async fn poll(services: Services, mut job: Job) -> Finished {
    let mut memory = std::mem::take(&mut job.memory);
    let Some(done) = carry_out(&services, &job, &mut memory).await else {
        return Finished { ask_last_scaled: job.ask_last_scaled, ..Finished::without_outcome(memory) };
    };
    let Done { seen, readings, latencies, of_workload, changed, next, tried, at, hpa } = done;
    let NextDecision { decision, violations } = next;
    let Job { kind, uid, generation, warnings, plan, .. } = job;
    // A write that failed or was not answered may have been carried out all the same.
    let unsure = tried.iter().flatten().any(|tried| tried.result.is_err());
    let places = (0..tried.len()).filter(|&member| tried[member].is_some()).collect();

    let writes = tried.into_iter().map(|tried| tried.map(|tried| tried.result));
    let hpa_scaling = said_of_hpa(&services, &plan);
    let members = seen.into_iter().zip(writes).map(|(seen, write)| MemberPoll { seen, write });
    let of_api = services.metrics_api.warning(&plan, &decision);
    let of_moment =
        expired_override(&plan, decision.at).into_iter().chain(of_api).chain(of_workload.warnings());
    let warnings = with(warnings, of_moment);
    let mut poll = Poll {
        members: members.collect(),
        readings,
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

/// What a poll has seen, decided and done.
struct Done {
    seen: Vec<Result<Scale, TargetFailure>>,
    readings: Vec<Reading>,
    latencies: Vec<Duration>,
    of_workload: workload::Looked,
    changed: Vec<Changed>,
    next: NextDecision,
    tried: Vec<Option<Tried>>,
    /// When replicas had been written.
    at: Time,
    /// What became of the HPA.
    hpa: Result<Vec<HpaChange>, WriteFailure>,
}

/// Looks, decides and writes, and keeps the HPA beside that; `None` where the right to write was lost before all was seen.
async fn carry_out(services: &Services, job: &Job, memory: &mut Memory) -> Option<Done> {
    let Job { key, kind, uid, plan, revoked, .. } = job;
    let mut until = revoked.clone();
    let keeps = Keeps { key, kind, uid, plan, revoked };
    let wanted = wanted(services, plan, memory);
    let mut keeping = pin!(maybe_done(keep(services, keeps, &wanted)));
    let looks = async {
        let looks = join(
            look(services, key, plan, job.not_before, job.ask_last_scaled),
            look_at_workload(services, plan, job.workload.as_deref()),
        );
        match wanted {
            // It goes before anything is written: it would undo that.
            Wanted::None => join(looks, keeping.as_mut()).await.0,
            Wanted::Any | Wanted::One(_) => beside(looks, keeping.as_mut()).await,
        }
    };
    let (looked, of_workload) = tokio::select! {
        biased;
        // A poll that may write nothing any more must not hold up the next one for a slow source.
        () = until_revoked(&mut until) => return None,
        looks = looks => looks,
    };
    let Looked { mut observation, seen, last_scaled, latencies } = looked;
    observation.is_between = job.is_between;

    let changed = beside(who_changed(services, plan, &job.written, &seen), keeping.as_mut()).await;
    let next = decide(services, plan, memory, &observation, &last_scaled);
    // An HPA that should be gone and is not scales the same target.
    let is_rivalled = matches!((&wanted, keeping.as_mut().output_mut()), (Wanted::None, Some(Err(_))));
    let tried = if is_rivalled {
        plan.members.iter().map(|_| None).collect()
    } else {
        beside(act(services, plan, &next.decision, revoked), keeping.as_mut()).await
    };
    let at = services.clock.now();
    remember(memory, plan, &next.decision, &tried);
    tokio::select! {
        biased;
        () = until_revoked(&mut until) => {}
        () = keeping.as_mut() => {}
    }
    let hpa = keeping.take_output().unwrap_or_else(|| Ok(Vec::new()));
    let readings = observation.readings;
    Some(Done { seen, readings, latencies, of_workload, changed, next, tried, at, hpa })
}

fn decide(
    services: &Services,
    plan: &Plan,
    memory: &mut Memory,
    observation: &Observation,
    last_scaled: &[LastScaled],
) -> NextDecision {
    let now = services.clock.now();
    let span = spans::decide();
    let next = span.in_scope(|| cycle::next_decision(plan, memory, observation, last_scaled, now));
    spans::decided(&span, &next.decision);
    services.metrics.violated(&next.violations);
    next
}

/// What `first` comes to, while what is kept beside the replicas is carried on: neither waits for the other. An HPA that the
/// API server is slow to write must not delay replicas, and a source that hangs must not delay an HPA.
async fn beside<T, F: Future>(first: impl Future<Output = T>, keeping: Pin<&mut MaybeDone<F>>) -> T {
    match select(pin!(first), keeping).await {
        Either::Left((came, _)) => came,
        Either::Right(((), first)) => first.await,
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

/// Has the pods counted that are ready, where the policy goes by them and the kind of a target does not report them.
async fn count_ready_pods(
    services: &Services,
    plan: &Plan,
    readings: &[Reading],
    seen: &mut [Result<Scale, TargetFailure>],
) {
    let fails = readings.iter().any(|reading| matches!(reading, Reading::Absent(_)));
    if !plan.policy.counts_ready_pods(fails) {
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
