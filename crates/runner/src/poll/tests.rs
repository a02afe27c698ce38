mod advice;
mod held;

use std::time::Duration;

use engine::{Limits, Metric, Mode, Query, invariants};
use tokio::time::Instant;

use super::*;
use crate::clock::instant_in;
use crate::scripted::{Answer, World, member, plan, polled};

fn key() -> ObjectKey {
    ObjectKey::new("Anything", "default", "web")
}

/// A job for `plan`, and the way to revoke it.
fn job(plan: Plan, memory: Memory, now: Time) -> (Job, watch::Sender<bool>) {
    let (revoke, revoked) = watch::channel(false);
    let key = key();
    let job = Job {
        key,
        kind: &resources::business_scaling::KIND,
        uid: "an uid".to_owned(),
        generation: 3,
        warnings: Arc::default(),
        plan: Arc::new(plan),
        memory,
        workload: None,
        not_before: now,
        is_between: false,
        ask_last_scaled: false,
        written: Vec::new(),
        revoked,
    };
    (job, revoke)
}

/// A world in which `web` exists with so many replicas.
fn world(replicas: u32) -> World {
    let world = World::new();
    world.cluster.set("web", replicas);
    world
}

/// Polls by `plan` to the end, and asks the invariants about it.
async fn polls(world: &World, plan: Plan, memory: Memory) -> Finished {
    let (job, _revoke) = job(plan.clone(), memory.clone(), world.now());
    let now = world.now();
    let finished = poll(world.services.clone(), job).await;
    let poll = polled(finished.outcome.as_ref().unwrap());
    let scales = poll.members.iter().map(|member| member.seen.as_ref().ok().copied()).collect();
    let observation = Observation { scales, readings: poll.readings.clone(), ..Observation::default() };
    let case = invariants::Case {
        plan: &plan,
        memory: &memory,
        observation: &observation,
        now,
        decision: &poll.decision,
    };
    let violations: Vec<_> = invariants::ALL.iter().filter_map(|invariant| invariant(&case)).collect();
    assert!(violations.is_empty(), "{violations:?}");
    finished
}

fn cooling(seconds: u64) -> Plan {
    Plan { limits: Limits::default().with_cooldown(Duration::from_secs(seconds)), ..plan() }
}

/// The first condition, which sums up, as `status reason`.
fn ready(finished: &Finished) -> String {
    let ready = finished.outcome.as_ref().unwrap().health();
    format!("{} {}", ready.ready, ready.reason)
}

#[tokio::test(start_paused = true)]
async fn it_reads_decides_and_scales() {
    let world = world(2);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 6);
    let outcome = finished.outcome.as_ref().unwrap();
    let poll = polled(outcome);
    assert_eq!((outcome.generation, outcome.at), (3, world.now()));
    assert_eq!(poll.members[0].write, Some(Ok(())));
    assert_eq!(poll.decision.members[0].explanation(), "linear 2→6 (3000 in 1000..5000)");
    assert_eq!(finished.memory.last_scale, Some(world.now()));
    assert_eq!(poll.memory, finished.memory);
    assert_eq!(ready(&finished), "true Ready");
    assert!(!finished.ask_last_scaled && !finished.met_conflict());
    assert!(world.services.metrics.render().contains(r#"writes_total{resource="scale",result="done"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn what_is_right_already_is_not_written() {
    let world = world(6);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(finished.memory.last_scale, None);
}

#[tokio::test(start_paused = true)]
async fn an_absent_reading_never_scales_in_but_to_the_maximum() {
    let world = world(9);
    world.sampler.answer("web", Answer::Absent);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(ready(&finished), "false MetricTimeout");

    world.sampler.answer("web", Answer::Value(-1.0));
    assert_eq!(ready(&polls(&world, plan(), Memory::default()).await), "false MetricOutOfRange");
    assert_eq!(world.cluster.writes(), []);

    world.cluster.set("web", 40);
    polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 10, "a bound is an order and no guess");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_set_to_0_is_left_alone() {
    let world = world(0);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(ready(&finished), "false ScalingDisabled");
}

#[tokio::test(start_paused = true)]
async fn without_the_lease_nothing_is_written() {
    let world = world(2);
    world.lease.set(None);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(polled(finished.outcome.as_ref().unwrap()).members[0].write, None);
    assert_eq!(finished.memory.last_scale, None);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_poll_writes_nothing() {
    let world = world(2);
    world.cluster.reads_take(Duration::from_secs(2));
    let (job, revoke) = job(plan(), Memory::default(), world.now());
    let polling = tokio::spawn(poll(world.services.clone(), job));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.sampler.asked("web").len(), 1, "it has read the metric and not yet the target");
    revoke.send_replace(true);
    let finished = polling.await.unwrap();
    assert!(finished.outcome.is_none());
    assert_eq!(world.cluster.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_poll_waits_for_no_source_and_forgets_no_question() {
    let world = world(2);
    world.sampler.answer("web", Answer::Never);
    let (mut job, revoke) = job(plan(), Memory::default(), world.now());
    job.ask_last_scaled = true;
    let polling = tokio::spawn(poll(world.services.clone(), job));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun: Instant = instant_in(Duration::ZERO);
    revoke.send_replace(true);
    let finished = polling.await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(finished.ask_last_scaled, "it never came to ask when the target was last scaled");
}

/// A clock that revokes the poll which looks at it: after it has seen all and before it writes.
struct Interrupting(watch::Sender<bool>);

impl crate::Clock for Interrupting {
    fn now(&self) -> Time {
        self.0.send_replace(true);
        Time::from_seconds(1_700_000_000)
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_revoked_between_seeing_and_writing_writes_nothing() {
    let world = world(2);
    let (job, revoke) = job(plan(), Memory::default(), world.now());
    let services = Services { clock: Arc::new(Interrupting(revoke)), ..world.services.clone() };
    let finished = poll(services, job).await;
    let outcome = finished.outcome.unwrap();
    assert_eq!((polled(&outcome).decision.members[0].to, &polled(&outcome).members[0].write), (6, &None));
    assert_eq!(world.cluster.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn observing_decides_and_writes_nothing() {
    let world = world(2);
    let finished = polls(&world, Plan { mode: Mode::Observe, ..plan() }, Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    let poll = polled(finished.outcome.as_ref().unwrap());
    assert_eq!((poll.decision.members[0].to, &poll.members[0].write), (6, &None));
    assert_eq!(ready(&finished), "true Observing");
    assert_eq!(finished.memory.last_scale, None, "what was not done starts no cooldown");
}

#[tokio::test(start_paused = true)]
async fn a_missing_target_is_named() {
    let world = World::new();
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(ready(&finished), "false TargetNotFound");
    assert_eq!(polled(finished.outcome.as_ref().unwrap()).decision.members, []);
    assert_eq!(world.cluster.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_change_by_someone_else_is_not_overwritten() {
    let world = world(2);
    world.cluster.meddle("web", 4);
    let finished = polls(&world, plan(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 4);
    assert_eq!(ready(&finished), "false ScaleConflict");
    assert!(finished.met_conflict());
    assert_eq!(finished.memory.last_scale, None, "what was refused starts no cooldown");
}

#[tokio::test(start_paused = true)]
async fn after_a_write_without_a_sure_answer_the_target_is_asked() {
    for reason in [Reason::ScaleTimedOut, Reason::FailedUpdateScale] {
        let world = world(2);
        world.cluster.fail("web", reason);
        let finished = polls(&world, plan(), Memory::default()).await;
        assert!(finished.ask_last_scaled && !finished.met_conflict(), "{reason}");
        assert_eq!(ready(&finished), format!("false {reason}"));
        assert_eq!(finished.memory.last_scale, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_remembers_a_later_scale_keeps_the_cooldown() {
    let world = world(2);
    let ago = |seconds| world.now().minus(Duration::from_secs(seconds));
    world.cluster.scaled_by_another("web", 2, ago(10));
    let memory = Memory { last_scale: Some(ago(1000)), ..Memory::default() };
    let (mut asking, _revoke) = job(cooling(60), memory.clone(), world.now());
    asking.ask_last_scaled = true;
    let finished = poll(world.services.clone(), asking).await;
    assert_eq!(finished.memory.last_scale, Some(ago(10)));
    assert!(!finished.ask_last_scaled, "the response is known now");
    assert_eq!(world.cluster.writes(), []);

    let newer = Memory { last_scale: Some(ago(5)), ..Memory::default() };
    let (mut asking, _revoke) = job(cooling(60), newer.clone(), world.now());
    asking.ask_last_scaled = true;
    let finished = poll(world.services.clone(), asking).await;
    assert_eq!(finished.memory.last_scale, newer.last_scale, "the later of the two counts");

    let (unasked, _revoke) = job(cooling(60), memory, world.now());
    poll(world.services.clone(), unasked).await;
    assert_eq!(world.cluster.replicas("web"), 6, "without the question its own memory counts");
}

#[tokio::test(start_paused = true)]
async fn a_scale_in_the_future_of_another_clock_counts_as_now() {
    let world = world(2);
    world.cluster.scaled_by_another("web", 2, world.now().plus(Duration::from_secs(3600)));
    let (mut asking, _revoke) = job(cooling(60), Memory::default(), world.now());
    asking.ask_last_scaled = true;
    let finished = poll(world.services.clone(), asking).await;
    assert_eq!(finished.memory.last_scale, Some(world.now()));
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_nobody_recorded_counts_as_now_and_a_recorded_one_does_not() {
    let world = world(2);
    world.cluster.scaled_by_another("web", 4, world.now().minus(Duration::from_secs(10)));
    world.cluster.forget_when();
    let target = &plan().members[0].target;
    let mut memory =
        Memory { last_scale: Some(world.now().minus(Duration::from_secs(500))), ..Memory::default() };
    memory.replicas.insert(target, 2);
    let (mut asking, _revoke) = job(cooling(60), memory.clone(), world.now());
    asking.ask_last_scaled = true;
    let finished = poll(world.services.clone(), asking).await;
    assert_eq!(finished.memory.last_scale, Some(world.now()), "the leader died before it could record 2→4");
    assert_eq!(world.cluster.writes(), []);

    memory.replicas.insert(target, 4);
    let (mut asking, _revoke) = job(cooling(60), memory, world.now());
    asking.ask_last_scaled = true;
    let finished = poll(world.services.clone(), asking).await;
    assert_eq!(world.cluster.replicas("web"), 6, "what is recorded needs no guess");
    assert_eq!(finished.memory.replicas.get(target), Some(&6));
}

/// Three targets, all moved by one metric.
fn group() -> Plan {
    Plan { members: ["web", "api", "job"].map(member).to_vec(), ..plan() }
}

#[tokio::test(start_paused = true)]
async fn members_are_written_at_once_and_one_that_fails_stops_no_other() {
    let world = world(2);
    world.cluster.set("api", 3);
    world.cluster.set("job", 6);
    world.cluster.fail("web", Reason::TargetForbidden);
    world.cluster.writes_take(Duration::from_secs(3));
    let begun = world.now();
    let finished = polls(&world, group(), Memory::default()).await;
    let written: Vec<_> =
        world.cluster.writes().iter().map(|write| (write.begun, write.from, write.to)).collect();
    assert_eq!(written, [(begun, 2, 6), (begun, 3, 6)], "all at once, and none for who has 6 already");
    assert_eq!((world.cluster.replicas("web"), world.cluster.replicas("api")), (2, 6));
    assert_eq!(world.now().since(begun), Duration::from_secs(3));
    assert_eq!(ready(&finished), "false TargetForbidden");
    assert_eq!(finished.memory.last_scale, Some(world.now()), "one was scaled, so the cooldown runs");
}

#[tokio::test(start_paused = true)]
async fn a_missing_member_stops_no_other_and_moves_no_place() {
    let world = World::new();
    world.cluster.set("job", 2);
    let finished = polls(&world, group(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("job"), 6);
    let poll = polled(finished.outcome.as_ref().unwrap());
    let written: Vec<_> = poll.members.iter().map(|member| member.write.clone()).collect();
    assert_eq!(written, [None, None, Some(Ok(()))]);
    assert_eq!(ready(&finished), "false TargetNotFound");
}

#[tokio::test(start_paused = true)]
async fn every_metric_is_read_at_once_and_none_older_than_asked() {
    let world = world(2);
    let mut plan = plan();
    for who in ["a", "b"] {
        let query = Query::new("http", &format!("http://load/{who}"), ());
        plan.metrics.push(Metric { name: who.to_owned(), query, minimum: None, target: None, member: None });
        world.sampler.answer(who, Answer::Slow(Duration::from_secs(2), 1.0));
    }
    let begun = world.now();
    let (mut job, _revoke) = job(plan, Memory::default(), begun);
    job.not_before = begun.minus(Duration::from_secs(7));
    poll(world.services.clone(), job).await;
    assert_eq!(world.now().since(begun), Duration::from_secs(2));
    assert_eq!(world.sampler.asked("b")[0].not_before, begun.minus(Duration::from_secs(7)));
}
