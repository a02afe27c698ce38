use std::time::Duration;

use engine::policy::{Adviser, External};
use engine::{Group, Memory, Role};
use resources::{Reason, Verdict, WriteFailure};
use tokio::sync::watch;

use super::*;
use crate::poll::{Job, poll};
use crate::scripted::{Said, World, member, plan};

#[derive(Default)]
struct Log(Mutex<Vec<Episode>>);

impl EpisodeLog for Log {
    fn note(&self, episode: &Episode) {
        self.0.lock().unwrap().push(episode.clone());
    }
}

struct Bench {
    world: World,
    log: Arc<Log>,
    episodes: Episodes,
}

fn key() -> ObjectKey {
    ObjectKey::new("ScalingGroup", "shop", "all")
}

/// A group of `web` and `db`, of which a replica bears 1000 of the 3000 users that there are at `web`.
fn group() -> Plan {
    let mut members = vec![member("web"), member("db")];
    for member in &mut members {
        member.role = Role { capacity: Some(1000.0), ..member.role.clone() };
    }
    let mut metrics = plan().metrics;
    metrics[0].member = Some(0);
    let adviser = Adviser { address: "http://policy".to_owned(), timeout: Duration::from_secs(5) };
    let policy = Arc::new(External::new(adviser));
    Plan { members, metrics, policy, group: Some(Group::default()), ..plan() }
}

impl Bench {
    /// Both members have 2 replicas, and the adviser recommends so many of `web` and `db`.
    fn new(web: u32, db: u32) -> Self {
        let (world, log) = (World::new(), Arc::new(Log::default()));
        world.cluster.set("web", 2);
        world.cluster.set("db", 2);
        world.oracle.says(Said::Counts(vec![Some(web), Some(db)]));
        Self { episodes: Episodes::new(log.clone()), world, log }
    }

    async fn poll(&self, plan: &Arc<Plan>) -> Outcome {
        let (_revoke, revoked) = watch::channel(false);
        let (plan, not_before) = (Arc::clone(plan), self.world.now());
        let job = Job {
            key: key(),
            kind: &resources::business_scaling::KIND,
            uid: "1".to_owned(),
            generation: 1,
            warnings: Arc::default(),
            plan,
            memory: Memory::default(),
            workload: None,
            not_before,
            is_between: false,
            ask_last_scaled: false,
            written: Vec::new(),
            revoked,
        };
        poll(self.world.services.clone(), job).await.outcome.unwrap()
    }

    /// Polls, reports, and lets ten seconds pass.
    async fn step(&self, plan: &Arc<Plan>) -> Outcome {
        let outcome = self.poll(plan).await;
        self.episodes.note(&key(), &outcome);
        tokio::time::sleep(Duration::from_secs(10)).await;
        outcome
    }

    fn reported(&self) -> Vec<Episode> {
        std::mem::take(&mut self.log.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_reported_with_what_came_of_it_by_the_next() {
    let (bench, plan) = (Bench::new(4, 2), Arc::new(group()));
    let begun = bench.world.now();
    bench.step(&plan).await;
    assert_eq!(bench.reported(), [], "its reward is not known yet");
    let second = bench.step(&plan).await;
    let reported = bench.reported();
    assert_eq!(reported.len(), 1);
    let episode = &reported[0];
    assert_eq!(
        (episode.object.as_str(), episode.time, episode.applied),
        ("ScalingGroup shop/all", begun, true)
    );
    assert_eq!(episode.observation.members[0].replicas, Some(2), "what was seen before it");
    let printed = serde_json::to_value(episode).unwrap();
    assert_eq!(printed["action"], serde_json::json!({ "web": 4, "db": 2 }));
    assert_eq!(printed["observation"]["members"][0]["need"], 3);
    let after = state(second.poll().unwrap());
    assert_eq!(after.members[0].replicas, Some(4));
    assert_eq!(episode.reward, reward(&after));
    assert!(episode.reward.unwrap() < 0.0, "there is one more than is needed");
    bench.step(&plan).await;
    assert_eq!(bench.reported().len(), 1, "each is reported once");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_carried_out_in_full_says_so() {
    let bench = Bench::new(4, 3);
    let observing = Arc::new(Plan { mode: Mode::Observe, ..group() });
    bench.step(&observing).await;
    bench.step(&observing).await;
    assert!(!bench.reported()[0].applied);

    let plan = Arc::new(group());
    let mut outcome = bench.poll(&plan).await;
    let tried = outcome.clone();
    let Verdict::Polled(poll) = &mut outcome.verdict else { panic!("not polled") };
    let failure = WriteFailure { reason: Reason::ScaleConflict, message: "changed meanwhile".to_owned() };
    poll.members[1].write = Some(Err(failure));
    bench.episodes.note(&key(), &outcome);
    tokio::time::sleep(Duration::from_secs(10)).await;
    bench.step(&plan).await;
    assert!(!bench.reported()[0].applied, "one write failed");

    // The same decision again, now that the write has been tried with success.
    bench.episodes.forget_all();
    bench.episodes.note(&key(), &outcome);
    bench.episodes.note(&key(), &tried);
    bench.step(&plan).await;
    let reported = bench.reported();
    assert_eq!((reported.len(), reported[0].applied), (1, true));
}

#[tokio::test(start_paused = true)]
async fn decisions_of_another_plan_time_or_leader_are_no_episode() {
    let (bench, plan) = (Bench::new(4, 2), Arc::new(group()));
    bench.step(&plan).await;
    let edited = Arc::new(group());
    bench.step(&edited).await;
    assert_eq!(bench.reported(), [], "the object was changed in between");
    bench.episodes.forget(&key());
    bench.step(&edited).await;
    bench.episodes.forget_all();
    bench.step(&edited).await;
    assert_eq!(bench.reported(), [], "the object was gone, or another replica led");
    let outcome = bench.poll(&edited).await;
    bench
        .episodes
        .note(&key(), &Outcome { verdict: Verdict::Conflict("taken".to_owned().into()), ..outcome });
    bench.step(&edited).await;
    assert_eq!(bench.reported(), [], "its targets were somebody else's in between");
    let single = Arc::new(Plan { group: None, ..group() });
    bench.step(&single).await;
    bench.step(&single).await;
    assert_eq!(bench.reported(), [], "it is no group");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_reports_no_need_has_no_reward() {
    let mut unknown = group();
    unknown.metrics.clear();
    let (bench, plan) = (Bench::new(4, 2), Arc::new(unknown));
    bench.step(&plan).await;
    bench.step(&plan).await;
    let printed = serde_json::to_value(&bench.reported()[0]).unwrap();
    assert_eq!(printed["reward"], serde_json::Value::Null);
}
