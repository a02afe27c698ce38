//! A world that follows a script: what stands behind the traits of `ports` in the tests here.
//!
//! It runs on paused time, so hours pass in milliseconds and every run is the same.

mod adviser;
mod cluster;
mod hurried;
mod keeper;
mod keeping;
mod objects;
mod publishing;
mod sampler;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use engine::policy::Linear;
use engine::{
    Actuation, Bounds, Brakes, Limits, Member, Metric, Mode, Plan, Query, Safeguards, Target, Time,
};
use resources::{Outcome, Poll, Verdict};
use tokio::time::Instant;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::clock::instant_in;
use crate::{Activity, Board, Clock, Gone, Guard, Journal, Metrics, Record, Services};

pub(crate) use adviser::{Oracle, Said};
pub(crate) use cluster::{Cluster, Write};
pub(crate) use keeper::{Keeper, Kept};
pub(crate) use keeping::pace_of;
pub(crate) use objects::{Anything, Object};
pub(crate) use sampler::{Answer, Scripted};

/// Between 2 and 10 replicas of `web` for 1000 to 5000 users, asked for every 10 s.
pub(crate) fn plan() -> Plan {
    Plan {
        members: vec![member("web")],
        metrics: vec![Metric {
            name: "users".to_owned(),
            query: Query::new("http", "http://load/web", ()),
            minimum: Some(0.0),
            target: None,
            member: None,
        }],
        policy: Arc::new(Linear::new(1000.0, 5000.0, 2, 10).unwrap()),
        limits: Limits::default(),
        mode: Mode::Act,
        interval: Duration::from_secs(10),
        group: None,
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    }
}

/// The Deployment `name` with 2 to 10 replicas.
pub(crate) fn member(name: &str) -> Member {
    Member::single(deployment(name), Bounds::new(2, 10).unwrap())
}

pub(crate) fn deployment(name: &str) -> Target {
    Target {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "default".to_owned(),
        name: name.to_owned(),
    }
}

/// Everything that a loop or a poll meets.
pub(crate) struct World {
    pub(crate) sampler: Arc<Scripted>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) book: Arc<Book>,
    pub(crate) busy: Arc<Busy>,
    pub(crate) services: Services,
}

impl World {
    /// A world with a lease, in which every source answers 3000 and no target exists yet.
    pub(crate) fn new() -> Self {
        let_every_listener_hear();
        let clock = Arc::new(PausedClock { start: instant_in(Duration::ZERO) });
        let busy = Arc::new(Busy::default());
        let lease = Arc::new(Lease(Mutex::new(Some(Duration::from_secs(8)))));
        let sampler = Arc::new(Scripted::new(clock.clone(), Arc::clone(&busy)));
        let cluster = Arc::new(Cluster::new(clock.clone(), Arc::clone(&lease), Arc::clone(&busy)));
        let book = Arc::new(Book::default());
        let oracle = Arc::new(Oracle::default());
        let keeper = Arc::new(Keeper::default());
        let services = Services {
            sampler: sampler.clone(),
            actuator: cluster.clone(),
            clock,
            guard: lease.clone(),
            reconciler: keeper.clone(),
            journal: book.clone(),
            metrics: Arc::new(Metrics::new()),
            metrics_api: Arc::default(),
            activity: Arc::new(Activity::new(5)),
            board: Arc::new(Board::default()),
            answers: Arc::default(),
            outages: Arc::default(),
            audit: None,
            advisers: oracle.clone(),
            episodes: None,
            workloads: None,
            forecasts: crate::Forecasts::default(),
        };
        Self { sampler, cluster, keeper, oracle, lease, book, busy, services }
    }

    pub(crate) fn now(&self) -> Time {
        self.services.clock.now()
    }
}

/// Keeps two dispatchers that hear nothing for as long as the process lives.
///
/// While there is one dispatcher at most, `tracing` asks only that of the thread which comes to a
/// span first, and remembers the answer for all threads: a test that polls and does not listen would
/// make another test deaf. Where there are two or more it asks them all, under a lock. As every test
/// that polls has a world, this holds before the first span.
fn let_every_listener_hear() {
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));
}

/// Runs with tokio's time, which the tests pause.
pub(crate) struct PausedClock {
    start: Instant,
}

impl Clock for PausedClock {
    fn now(&self) -> Time {
        Time::from_seconds(1_700_000_000).plus(instant_in(Duration::ZERO).duration_since(self.start))
    }
}

/// Says what the test wants it to say of the right to write.
pub(crate) struct Lease(Mutex<Option<Duration>>);

impl Lease {
    pub(crate) fn set(&self, time_left: Option<Duration>) {
        *self.0.lock().unwrap() = time_left;
    }
}

impl Guard for Lease {
    fn time_left(&self) -> Option<Duration> {
        *self.0.lock().unwrap()
    }
}

/// Keeps all records.
#[derive(Default)]
pub(crate) struct Book(Mutex<Vec<Record>>, Mutex<Vec<Gone>>);

impl Journal for Book {
    fn record(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }

    fn gone(&self, gone: Gone) {
        self.1.lock().unwrap().push(gone);
    }
}

impl Book {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The records from the one at `begin` on.
    pub(crate) fn since(&self, begin: usize) -> Vec<Record> {
        self.0.lock().unwrap()[begin..].to_vec()
    }

    /// What became of the object called `name`, oldest first.
    pub(crate) fn of(&self, name: &str) -> Vec<Arc<Outcome>> {
        let records = self.since(0).into_iter().filter(|record| record.key.name == name);
        records.map(|record| record.outcome).collect()
    }

    /// The objects that are gone, in order.
    pub(crate) fn gone(&self) -> Vec<Gone> {
        self.1.lock().unwrap().clone()
    }

    /// The reason of `Ready` in the last record of the object called `name`.
    pub(crate) fn reason(&self, name: &str) -> String {
        let last = self.of(name).pop().expect("a record");
        last.health().reason.to_string()
    }
}

/// The poll of an outcome that must have one.
pub(crate) fn polled(outcome: &Outcome) -> &Poll {
    match &outcome.verdict {
        Verdict::Polled(poll) => poll,
        other => panic!("not polled: {other:?}"),
    }
}

/// Counts for each object what is done at the same time on its behalf.
#[derive(Default)]
pub(crate) struct Busy(Mutex<HashMap<String, (usize, usize)>>);

impl Busy {
    /// Something is done for `who` until the answer is dropped.
    pub(crate) fn with(self: &Arc<Self>, who: &str) -> Doing {
        let mut counts = self.0.lock().unwrap();
        let (now, most) = counts.entry(who.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Doing { busy: Arc::clone(self), who: who.to_owned() }
    }

    /// The most that was ever done at the same time for the same object.
    pub(crate) fn most(&self) -> usize {
        self.0.lock().unwrap().values().map(|(_, most)| *most).max().unwrap_or_default()
    }
}

pub(crate) struct Doing {
    busy: Arc<Busy>,
    who: String,
}

impl Drop for Doing {
    fn drop(&mut self) {
        if let Some((now, _)) = self.busy.0.lock().unwrap().get_mut(&self.who) {
            *now -= 1;
        }
    }
}
