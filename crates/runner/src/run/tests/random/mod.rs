//! What must hold whatever happens, over random sequences of events.

mod truth;

use std::collections::HashSet;
use std::sync::Mutex;

use engine::{Memory, Observation, Reading, Scale, invariants};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::scripted::Write;
use crate::{AuditEntry, Record};
use resources::MemberPoll;
use truth::Truth;

const TARGETS: [&str; 3] = ["red", "blue", "green"];
const OBJECTS: usize = 6;
/// From this one on they are groups. Of objects as old as each other the order of their names counts,
/// and kinds come first, so this is an order of keys as well.
const GROUPS: usize = 3;

#[derive(Clone, Debug)]
enum Happening {
    /// An object is created or changed.
    Apply(usize, Shape),
    /// It is deleted and recreated between two looks of the watch.
    MakeAnew(usize, Shape),
    Delete(usize),
    Lead(bool),
    /// The lease ends or is back without a word to the loop.
    Lease(bool),
    Hpa(Option<usize>),
    /// Someone else sets the replicas of a target.
    Set(usize, u32),
    /// Someone else does so between the next read and write.
    Meddle(usize, u32),
    Fail(usize, Reason),
    Answer(usize, Answer),
    /// Reads and writes take so many milliseconds.
    Slow(u64, u64),
    /// New replicas of a target take so many milliseconds to become ready.
    Readiness(usize, u64),
}

#[derive(Clone, Debug)]
struct Shape {
    /// A single target is scaled by the first.
    targets: Vec<usize>,
    /// Whether a group draws its counts.
    draws: bool,
    mode: &'static str,
    interval: u32,
    cooldown: u32,
    rate: u32,
    created: u32,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let modes = prop_oneof![8 => Just("act"), 2 => Just("observe"), 1 => Just("neither")];
    let targets = proptest::sample::subsequence(vec![0, 1, 2], 1..=3).prop_shuffle();
    (targets, any::<bool>(), modes, 1..12u32, 0..30u32, 1..9u32, 1..4u32).prop_map(
        |(targets, draws, mode, interval, cooldown, rate, created)| Shape {
            targets,
            draws,
            mode,
            interval,
            cooldown,
            rate,
            created,
        },
    )
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => (0.0..7000.0f64).prop_map(Answer::Value),
        1 => Just(Answer::Value(-1.0)),
        2 => Just(Answer::Absent),
        2 => (1..30u64, 0.0..7000.0f64).prop_map(|(seconds, value)| Answer::Slow(Duration::from_secs(seconds), value)),
        1 => Just(Answer::Never),
        1 => Just(Answer::Panic),
    ]
}

fn happenings() -> impl Strategy<Value = Happening> {
    let failures = vec![
        Reason::ScaleConflict,
        Reason::TargetForbidden,
        Reason::FailedUpdateScale,
        Reason::ScaleTimedOut,
    ];
    prop_oneof![
        6 => (0..OBJECTS, shapes()).prop_map(|(object, shape)| Happening::Apply(object, shape)),
        1 => (0..OBJECTS, shapes()).prop_map(|(object, shape)| Happening::MakeAnew(object, shape)),
        2 => (0..OBJECTS).prop_map(Happening::Delete),
        2 => prop::bool::weighted(0.7).prop_map(Happening::Lead),
        1 => prop::bool::weighted(0.7).prop_map(Happening::Lease),
        1 => proptest::option::of(0..3usize).prop_map(Happening::Hpa),
        1 => (0..3usize, 0..20u32).prop_map(|(target, replicas)| Happening::Set(target, replicas)),
        1 => (0..3usize, 0..20u32).prop_map(|(target, replicas)| Happening::Meddle(target, replicas)),
        2 => (0..3usize, select(failures)).prop_map(|(target, reason)| Happening::Fail(target, reason)),
        4 => (0..OBJECTS, answers()).prop_map(|(object, answer)| Happening::Answer(object, answer)),
        2 => (0..3000u64, 0..6000u64).prop_map(|(reads, writes)| Happening::Slow(reads, writes)),
        1 => (0..3usize, 0..30_000u64).prop_map(|(target, millis)| Happening::Readiness(target, millis)),
    ]
}

struct Trial {
    running: Loop,
    truth: Truth,
    /// What was so before the last happening, and when that was.
    before: Truth,
    changed: Time,
    seen_writes: usize,
    seen_records: usize,
    decided: Arc<Decided>,
    /// By whom and when each decision was made that has been judged.
    judged: HashSet<(ObjectKey, Time)>,
}

impl Trial {
    async fn start() -> Self {
        let decided = Arc::new(Decided::default());
        let running = Loop::audited(Some(decided.clone()));
        running.world.cluster.set(TARGETS[0], 3);
        running.send(Event::Synced).await;
        let changed = running.world.now();
        let (truth, before) = (Truth::default(), Truth::default());
        Self {
            running,
            truth,
            before,
            changed,
            seen_writes: 0,
            seen_records: 0,
            decided,
            judged: HashSet::new(),
        }
    }

    async fn happens(&mut self, happening: &Happening) {
        self.before = self.truth.clone();
        self.changed = self.running.world.now();
        let world = &self.running.world;
        match happening {
            Happening::Apply(index, shape) => {
                let event = self.truth.apply(*index, shape);
                self.running.send(event).await;
            }
            Happening::MakeAnew(index, shape) => {
                self.truth.objects[*index] = None;
                let event = self.truth.apply(*index, shape);
                self.running.send(event).await;
            }
            Happening::Delete(index) => {
                if let Some(known) = self.truth.objects[*index].take() {
                    self.running.delete(&known.object).await;
                }
            }
            Happening::Lead(leading) => {
                self.truth.leased = *leading;
                self.running.lead(*leading).await;
            }
            Happening::Lease(leased) => {
                self.truth.leased = *leased;
                world.lease.set(leased.then_some(Duration::from_secs(8)));
            }
            Happening::Hpa(target) => {
                self.truth.hpa = *target;
                self.running.hpa(target.map(|target| deployment(TARGETS[target]))).await;
            }
            Happening::Set(target, replicas) => world.cluster.set(TARGETS[*target], *replicas),
            Happening::Meddle(target, replicas) => world.cluster.meddle(TARGETS[*target], *replicas),
            Happening::Fail(target, reason) => world.cluster.fail(TARGETS[*target], *reason),
            Happening::Answer(index, answer) => {
                if let Some(known) = &self.truth.objects[*index] {
                    world.sampler.answer(&known.who, *answer);
                }
            }
            Happening::Slow(reads, writes) => {
                world.cluster.reads_take(Duration::from_millis(*reads));
                world.cluster.writes_take(Duration::from_millis(*writes));
            }
            Happening::Readiness(target, millis) => {
                world.cluster.ready_after(TARGETS[*target], Duration::from_millis(*millis));
            }
        }
    }

    /// Judges all that was written and recorded since the last look.
    fn judge(&mut self) -> Result<(), TestCaseError> {
        let writes = self.running.world.cluster.writes();
        for write in &writes[self.seen_writes..] {
            prop_assert!(write.leased, "a write without the lease: {write:?}");
            let target = TARGETS.iter().position(|name| *name == write.target.name);
            let owners = [&self.truth, &self.before].map(|truth| truth.owner(target.expect("one of three")));
            // At the very instant of a change both are right.
            let owns = owners[0] == Some(who(write))
                || (write.begun == self.changed && owners[1] == Some(who(write)));
            prop_assert!(owns, "{write:?} by another than {owners:?}");
        }
        for record in self.running.world.book.since(self.seen_records) {
            prop_assert!(
                self.truth.leased || record.outcome.at == self.changed,
                "recorded without the lease"
            );
            // What is reported again of a group was seen later than it was decided.
            let decided = record.outcome.poll().map(|poll| (record.key.clone(), poll.decision.at));
            if decided.is_none_or(|decided| self.judged.insert(decided)) {
                judge_decision(&record, &writes)?;
            }
            judge_action(&record)?;
        }
        (self.seen_writes, self.seen_records) = (writes.len(), self.running.world.book.len());
        prop_assert!(self.running.world.busy.most() <= 1, "two polls of one object at once");
        prop_assert!(
            self.running.world.cluster.most_writes_at_once() <= 1,
            "two writes of one target at once"
        );
        Ok(())
    }

    /// Once all is quiet, every target with an owner comes to what its owner recommends.
    async fn converges(&mut self) -> Result<(), TestCaseError> {
        self.running.world.cluster.calm();
        for target in TARGETS {
            self.running.world.cluster.set(target, 4);
        }
        for known in self.truth.objects.iter().flatten() {
            self.running.world.sampler.answer(&known.who, Answer::Value(4000.0));
        }
        for happening in [Happening::Hpa(None), Happening::Lead(false), Happening::Lead(true)] {
            self.happens(&happening).await;
        }
        pass(300).await;
        self.judge()?;
        for (owner, name) in self.truth.owners().into_iter().zip(TARGETS) {
            match owner {
                Some(owner) if owner.draws => {
                    prop_assert!((2..=10).contains(&self.running.world.cluster.replicas(name)));
                }
                Some(_) => prop_assert_eq!(self.running.world.cluster.replicas(name), 8),
                None => {}
            }
        }
        self.every_write_was_decided()
    }

    /// No count was ever written that no decision wanted. By now every poll has been reported.
    fn every_write_was_decided(&self) -> Result<(), TestCaseError> {
        let decided = self.decided.0.lock().unwrap();
        for write in self.running.world.cluster.writes() {
            let target = format!("{}/{}", write.target.kind, write.target.name);
            prop_assert!(decided.contains(&(target, write.to)), "nobody decided this: {write:?}");
        }
        Ok(())
    }
}

/// Every count that was ever decided for a target.
#[derive(Default)]
struct Decided(Mutex<HashSet<(String, u32)>>);

impl Audit for Decided {
    fn note(&self, entry: &AuditEntry) {
        self.0.lock().unwrap().insert((entry.action.target.clone(), entry.action.to));
    }
}

/// Who asked for a write.
fn who(write: &Write) -> &str {
    write.target.api_version.trim_start_matches("apps/")
}

/// Asks the invariants about a recorded decision. What was last scaled before it is taken from
/// the cluster, not from the loop's own memory: that memory must have kept it through everything.
fn judge_decision(record: &Record, writes: &[Write]) -> Result<(), TestCaseError> {
    let Verdict::Polled(poll) = &record.outcome.verdict else { return Ok(()) };
    let at = poll.decision.at;
    let is_own = |write: &&Write| poll.plan.members.iter().any(|member| member.target == write.target);
    // Where someone else has set the replicas since, the target cannot tell a leader that did not hear of the write.
    let own = writes.iter().filter(is_own).filter(|write| write.begun < at && !write.is_overwritten);
    let memory = Memory { last_scale: own.filter_map(|write| write.landed).max(), ..Memory::default() };
    let scale = |(index, member): (usize, &MemberPoll)| {
        let scale = member.seen.as_ref().ok().copied()?;
        // Reported again once it is ready, a member is seen as it is then. It was decided from what was there before.
        let before = poll.decided(index).filter(|_| matches!(member.write, Some(Ok(()))));
        Some(Scale { replicas: before.map_or(scale.replicas, |decided| decided.from), ..scale })
    };
    let scales = poll.members.iter().enumerate().map(scale).collect();
    let readings: Vec<Reading> = poll.readings.clone();
    let observation = Observation { scales, readings, ..Observation::default() };
    for invariant in invariants::ALL {
        let case = invariants::Case {
            plan: &poll.plan,
            memory: &memory,
            observation: &observation,
            now: at,
            decision: &poll.decision,
        };
        let violation = invariant(&case);
        prop_assert!(violation.is_none(), "{}: {violation:?}", record.key);
    }
    Ok(())
}

/// A recorded action makes sense in itself.
fn judge_action(record: &Record) -> Result<(), TestCaseError> {
    let action = record.outcome.poll().and_then(|poll| poll.memory.last_action.as_ref());
    for member in action.into_iter().flat_map(|action| &action.members) {
        let at = action.map(|action| action.at);
        prop_assert!(member.attempts > 0 && member.from != member.to, "{member:?}");
        prop_assert!(member.ready.is_none() || member.ready >= member.written, "{member:?}");
        prop_assert!(member.written.is_none() || member.written >= at, "{member:?} of {at:?}");
        prop_assert!(member.written.is_none() || member.failure.is_none(), "{member:?}");
    }
    Ok(())
}

async fn trial(happenings: &[(Happening, u64)]) -> Result<(), TestCaseError> {
    let mut trial = Trial::start().await;
    trial.happens(&Happening::Lead(true)).await;
    for (happening, millis) in happenings {
        trial.happens(happening).await;
        tokio::time::sleep(Duration::from_millis(*millis)).await;
        settle().await;
        trial.judge()?;
    }
    trial.converges().await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_only_owners_with_the_lease_write_and_decisions_hold(
        happenings in prop::collection::vec((happenings(), 1..12_000u64), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(trial(&happenings))?;
    }
}
