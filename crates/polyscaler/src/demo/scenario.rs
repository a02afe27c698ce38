//! The scenarios: which applications there are, what scales them, and by what load.

mod business;
mod groups;
mod http;
mod keda;
mod queue;
pub(super) mod real;
mod worker;

use serde_json::Value;

/// One scenario of the demo.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What `kubectl get` calls the objects that scale.
    pub(super) objects: &'static str,
    /// Namespace of the applications.
    pub(super) namespace: &'static str,
    /// Whether HPAs scale the applications, by values that they get of the operator.
    pub(super) by_hpa: bool,
    /// What scales all applications as one, where none is scaled by itself.
    pub(super) group: Option<Group>,
    pub(super) applications: &'static [Application],
}

/// One application and what scales it.
pub(super) struct Application {
    /// Name of the Deployment.
    pub(super) name: &'static str,
    /// Replicas at the start.
    pub(super) replicas: i32,
    /// Seconds until a new pod is ready.
    pub(super) ready_after: u64,
    pub(super) load: Load,
    /// The object that scales it, given the URL where its load is read; `None` in a group.
    pub(super) manifest: Option<fn(&str) -> Value>,
}

/// Applications that call each other, scaled as one.
pub(super) struct Group {
    /// Name of the object that scales them.
    pub(super) name: &'static str,
    /// Calls a second at the entry at an hour of the day.
    pub(super) a_second: fn(f64) -> f64,
    /// The object, given the URL where the load is read.
    pub(super) manifest: fn(&str) -> Value,
}

/// What an application has to cope with.
pub(super) enum Load {
    /// A figure that replicas follow and do not change.
    Figure {
        /// What it is called, for people.
        unit: &'static str,
        /// The figure at an hour of the day.
        at: fn(f64) -> u32,
    },
    /// Requests, which Prometheus counts.
    Requests {
        /// Name of the counter.
        counter: &'static str,
        /// Requests a second at an hour of the day.
        a_second: fn(f64) -> f64,
    },
    /// Messages or jobs that ready pods work off.
    Queue(Queue),
    /// Calls by other applications of the group, or at its entry by people.
    Calls,
}

/// What holds a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum QueueServer {
    Nats,
    Redis,
}

/// A queue, and the pace of those at its two ends.
pub(super) struct Queue {
    pub(super) server: QueueServer,
    /// The subject of a NATS stream, or the key of a Redis list.
    pub(super) name: &'static str,
    /// Entries a second that arrive at an hour of the day.
    pub(super) arriving: fn(f64) -> f64,
    /// Entries a second that one ready pod works off.
    pub(super) per_pod: f64,
}

/// Every scenario.
const SCENARIOS: &[Scenario] = &[
    business::SCENARIO,
    groups::SCENARIO,
    http::SCENARIO,
    keda::SCENARIO,
    queue::SCENARIO,
    worker::SCENARIO,
];

impl Scenario {
    /// The names, for the command line.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        SCENARIOS.iter().map(|scenario| scenario.name)
    }

    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// The applications that work off queues, with these.
    pub(super) fn queues(&self) -> impl Iterator<Item = (&'static str, &'static Queue)> {
        self.applications.iter().filter_map(|application| match &application.load {
            Load::Queue(queue) => Some((application.name, queue)),
            Load::Figure { .. } | Load::Requests { .. } | Load::Calls => None,
        })
    }

    /// Whether its load depends on the pods that are ready.
    pub(super) fn rests_on_pods(&self) -> bool {
        self.group.is_some() || self.queues().next().is_some()
    }
}

impl Group {
    /// Where its figures are read.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }
}

impl Application {
    /// Where its figure is read.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }
}
