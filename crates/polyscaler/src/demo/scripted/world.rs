//! What stands behind the loop's traits: sources, Deployments with pods, and queues, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{
    Absence, Advice, Asked, LastScaled, Prepared, Problem, Query, Reading, Scale, SourceCatalog, Target, Time,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::{HpaChange, KeptStatus, Reason, TargetFailure, WriteFailure};
use runner::{
    Actuator, Advisers, Clock, Guard, Journal, KeepHpa, Question, Reconciler, Record, Sampled, Sampler,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::demo::scenario::{Application, Queue};
use crate::demo::servers::Broker;

/// The world of one day.
pub(super) struct World {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Documents by the URL where they are read.
    documents: BTreeMap<String, Value>,
    /// Requests a second by application.
    requests: BTreeMap<&'static str, f64>,
    /// What waits, by the queue's name.
    waiting: BTreeMap<&'static str, usize>,
    deployments: BTreeMap<String, Deployment>,
    /// The last status of each object, by its name.
    statuses: BTreeMap<String, KeptStatus>,
}

struct Deployment {
    ready_after: Duration,
    /// When each pod began, oldest first.
    pods: Vec<Instant>,
}

impl Deployment {
    fn ready(&self) -> usize {
        self.pods.iter().filter(|begun| begun.elapsed() >= self.ready_after).count()
    }

    fn scale(&self) -> Scale {
        let [replicas, ready] = [self.pods.len(), self.ready()].map(|count| u32::try_from(count).unwrap());
        Scale { replicas, status_replicas: replicas, ready: Some(ready) }
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The application's Deployment, whose first pods have been there for long.
    pub(super) fn deploy(&self, application: &Application) {
        let ready_after = Duration::from_secs(application.ready_after);
        let begun = self.start - ready_after;
        let pods = vec![begun; usize::try_from(application.replicas).unwrap()];
        self.state().deployments.insert(application.name.to_owned(), Deployment { ready_after, pods });
    }

    /// Ready pods by Deployment.
    pub(super) fn ready(&self) -> BTreeMap<String, u32> {
        let state = self.state();
        let ready = |deployment: &Deployment| u32::try_from(deployment.ready()).unwrap();
        state.deployments.iter().map(|(name, deployment)| (name.clone(), ready(deployment))).collect()
    }

    /// From now on this is read at `url`.
    pub(super) fn document(&self, url: &str, document: Value) {
        self.state().documents.insert(url.to_owned(), document);
    }

    /// From now on so many requests are counted each second.
    pub(super) fn requests(&self, application: &'static str, a_second: f64) {
        self.state().requests.insert(application, a_second);
    }

    /// The status that was last written to the object called `name`.
    pub(super) fn status(&self, name: &str) -> Option<Value> {
        self.state().statuses.get(name).map(KeptStatus::to_value)
    }

    /// What a source answers, by the settings of its query.
    fn value(&self, query: &Query) -> f64 {
        let state = self.state();
        let config: &Value = query.content().unwrap();
        let setting = |name: &str| config[name].as_str().unwrap_or_default();
        match query.source() {
            "http" => {
                let place = setting("valuePath").trim_start_matches('$').replace('.', "/");
                state.documents[setting("url")].pointer(&place).and_then(Value::as_f64).unwrap()
            }
            "prometheus" => {
                let asked = |name: &str| setting("query").contains(&format!("app=\"{name}\""));
                state.requests.iter().find(|(name, _)| asked(name)).map(|(_, a_second)| *a_second).unwrap()
            }
            "nats" => state.waiting[setting("subject")] as f64,
            "redis" => state.waiting[setting("listName")] as f64,
            other => panic!("no scenario asks {other}"),
        }
    }
}

impl Sampler for World {
    fn sample<'a>(&'a self, query: &'a Query, _: Time) -> BoxFuture<'a, Sampled> {
        let reading = Reading::of(self.value(query), self.now());
        std::future::ready(Sampled { reading, shared: false }).boxed()
    }
}

impl Actuator for World {
    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>> {
        let scale = self.state().deployments.get(&target.name).map(Deployment::scale);
        let missing = || TargetFailure { reason: Reason::TargetNotFound, message: target.to_string() };
        std::future::ready(scale.ok_or_else(missing)).boxed()
    }

    fn last_scaled<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, LastScaled> {
        std::future::ready(LastScaled::NotByUs).boxed()
    }

    fn changed_by<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Option<String>> {
        std::future::ready(None).boxed()
    }

    fn scale<'a>(
        &'a self,
        target: &'a Target,
        from: u32,
        to: u32,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), WriteFailure>> {
        let mut state = self.state();
        let pods = &mut state.deployments.get_mut(&target.name).unwrap().pods;
        assert_eq!(pods.len(), usize::try_from(from).unwrap(), "nobody else scales {target}");
        // The newest go first.
        pods.resize(usize::try_from(to).unwrap(), Instant::now());
        std::future::ready(Ok(())).boxed()
    }
}

impl Reconciler for World {
    fn keep<'a>(
        &'a self,
        wanted: KeepHpa<'a>,
        _: &'a (dyn Fn() -> Option<Duration> + Send + Sync),
    ) -> BoxFuture<'a, Result<Vec<HpaChange>, WriteFailure>> {
        assert!(wanted.hpa.is_none(), "no scenario has an HPA: {}", wanted.owner);
        std::future::ready(Ok(Vec::new())).boxed()
    }
}

impl Clock for World {
    fn now(&self) -> Time {
        Time::from_seconds(1_700_000_000).plus(self.start.elapsed())
    }
}

impl Guard for World {
    fn time_left(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }
}

impl Journal for World {
    fn record(&self, record: Record) {
        let kind = resources::KINDS.iter().find(|kind| kind.kind == record.key.kind).unwrap();
        let mut state = self.state();
        let previous = state.statuses.remove(&record.key.name);
        let previous = previous.unwrap_or_else(|| kind.kept_status(&Value::Null));
        state.statuses.insert(record.key.name.clone(), previous.after(&record.outcome));
    }
}

impl Advisers for World {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Advice, Absence>> {
        panic!("no scenario has an adviser: {question:?}")
    }
}

/// Finds nothing wrong with any source: the real one judges every manifest in `servers`.
pub(super) struct Anything;

impl SourceCatalog for Anything {
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
        Ok(Query::new(asked.source, &asked.config.to_string(), asked.config.clone()).into())
    }
}

/// All queues of a server.
pub(super) struct Counts(pub(super) Arc<World>);

impl Broker for Counts {
    fn url(&self) -> String {
        "tcp://queues".to_owned()
    }

    fn put<'a>(&'a self, queue: &'a Queue, entries: usize) -> BoxFuture<'a, anyhow::Result<()>> {
        *self.0.state().waiting.entry(queue.name).or_default() += entries;
        std::future::ready(Ok(())).boxed()
    }

    fn take<'a>(&'a self, queue: &'a Queue, most: usize) -> BoxFuture<'a, anyhow::Result<usize>> {
        let mut state = self.0.state();
        let waiting = state.waiting.entry(queue.name).or_default();
        let taken = most.min(*waiting);
        *waiting -= taken;
        std::future::ready(Ok(taken)).boxed()
    }
}
