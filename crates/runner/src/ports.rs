//! The traits behind which the outside world stands.

use std::sync::Arc;
use std::time::Duration;

use engine::episode::State;
use engine::{
    Absence, Advice, Adviser, ControllerSeen, KeptHpa, LastScaled, Query, Reading, Scale, Target, Time,
};
use futures::future::BoxFuture;
use resources::{Deletion, HpaChange, HpaScaling, Kind, Outcome, TargetFailure, WriteFailure};
use serde_json::Value;

use crate::ObjectKey;

/// Reads metrics.
pub trait Sampler: Send + Sync {
    /// The reading of `query`, shared with equal queries: one that began before `not_before` is too old.
    fn sample<'a>(&'a self, query: &'a Query, not_before: Time) -> BoxFuture<'a, Sampled>;

    /// What the source of `query` knows of its values in the past, oldest first; `None` where it keeps no past or did not
    /// answer. Nothing rests on it: it spares a forecast the time of listening.
    fn past<'a>(&'a self, query: &'a Query, span: PastSpan) -> BoxFuture<'a, Option<Vec<(Time, f64)>>> {
        let _ = (query, span);
        Box::pin(std::future::ready(None))
    }

    /// Listens from now on to what the sources of `queries` report by themselves about `object`, and to nothing else that it
    /// was listened to for before. That there is work comes as [`Event::Pushed`](crate::Event::Pushed).
    fn listen(&self, object: &ObjectKey, queries: &[&Query]) {
        let _ = (object, queries);
    }
}

/// A stretch of the past, and how finely it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastSpan {
    /// Its begin.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// From one value to the next; at least a second.
    pub step: Duration,
}

/// What one poll got of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The reading.
    pub reading: Reading,
    /// Whether it was taken for another poll, which this one joined.
    pub shared: bool,
}

/// Asks the advisers outside that policies name.
pub trait Advisers: Send + Sync {
    /// The advice of the question's adviser, within its time. Whatever is wrong with an answer makes
    /// it an absence, and never an advice that was not given.
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Advice, Absence>>;
}

/// What an adviser is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who is asked.
    pub adviser: &'a Adviser,
    /// The object on whose behalf.
    pub object: &'a ObjectKey,
    /// What is known.
    pub state: &'a State,
}

/// Reads and moves targets.
pub trait Actuator: Send + Sync {
    /// `target` will be observed: what has to be read for that, as a list of all objects of its kind, may begin.
    fn expect(&self, target: &Target) {
        let _ = target;
    }

    /// The present scale of `target`.
    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>>;

    /// How many pods of `target` are ready, as the selector of its scale finds them: for kinds that do not report it. `None`
    /// where it cannot be found out.
    fn ready_pods<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<u32>> {
        let _ = target;
        Box::pin(std::future::ready(None))
    }

    /// When polyscaler last changed the replicas of `target`, as the API server remembers it. This
    /// survives even a leader that dies between scaling and writing the status, so it is asked once
    /// after each takeover.
    fn last_scaled<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, LastScaled>;

    /// The field manager that last set the replicas of `target`, as the API server remembers it; `None` where that
    /// is polyscaler, or nobody knows.
    fn changed_by<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<String>>;

    /// Asks for `to` replicas, provided that `target` still asks for `from`, within `time_left`.
    /// A change by someone else in between is a [`resources::Reason::ScaleConflict`], never overwritten.
    fn scale<'a>(
        &'a self,
        target: &'a Target,
        from: u32,
        to: u32,
        time_left: Duration,
    ) -> BoxFuture<'a, Result<(), WriteFailure>>;
}

/// Keeps the HPA that a plan wants, beside the replicas of its target.
pub trait Reconciler: Send + Sync {
    /// Brings the HPAs that the owner controls to what is wanted, and says what changed; nothing where all is as
    /// wanted already. `time_left` is asked just before each write: for how much longer that may last, or `None`
    /// where nothing may be written; then what is left to do is left.
    ///
    /// # Errors
    /// [`resources::Reason::HpaConflict`] where the name is taken by an HPA that must not be touched, else
    /// [`resources::Reason::FailedUpdateHpa`].
    fn keep<'a>(
        &'a self,
        wanted: KeepHpa<'a>,
        time_left: &'a (dyn Fn() -> Option<Duration> + Send + Sync),
    ) -> BoxFuture<'a, Result<Vec<HpaChange>, WriteFailure>>;

    /// Whether there is an HPA of this name, as far as is known without asking.
    fn has(&self, namespace: &str, name: &str) -> bool {
        let _ = (namespace, name);
        true
    }

    /// What the controller last said of an HPA; `None` where it said nothing, or there is no such HPA.
    fn scaling(&self, namespace: &str, name: &str) -> Option<HpaScaling> {
        let _ = (namespace, name);
        None
    }

    /// What the controller last did by an HPA; `None` where there is no such HPA.
    fn controller(&self, namespace: &str, name: &str) -> Option<ControllerSeen> {
        let _ = (namespace, name);
        None
    }
}

/// Reads workloads, and what their namespaces have by default.
pub trait Workloads: Send + Sync {
    /// The workload; `None` where there is none. In an error, a sentence says why it cannot be read.
    fn workload<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>>;

    /// The LimitRanges of a namespace. In an error, a sentence says why they cannot be read.
    fn limit_ranges<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>>;
}

/// What HPA an object wants kept.
#[derive(Clone, Copy)]
pub struct KeepHpa<'a> {
    /// The object, which is to control the HPA.
    pub owner: &'a ObjectKey,
    /// The object's kind.
    pub kind: &'static Kind,
    /// The object's uid.
    pub uid: &'a str,
    /// The namespace of the target, and so of the HPA.
    pub namespace: &'a str,
    /// The HPA; where there is none, any that the object controls is deleted.
    pub hpa: Option<&'a KeptHpa>,
}

/// Returns the time. Within a process it never runs backwards.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// Returns whether this replica may write, right now.
pub trait Guard: Send + Sync {
    /// How much longer; `None` where it may not. A write must end within this time.
    fn time_left(&self) -> Option<Duration>;
}

/// Keeps the record: status, Events.
pub trait Journal: Send + Sync {
    /// Takes over a record; must not block.
    fn record(&self, record: Record);

    /// Takes over that an object is gone; must not block.
    fn gone(&self, gone: Gone) {
        let _ = gone;
    }
}

/// That an object is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The object.
    pub key: ObjectKey,
    /// Its uid.
    pub uid: String,
    /// When.
    pub at: Time,
    /// What is to be said of it.
    pub deletion: Deletion,
}

/// What became of one object at one moment.
#[derive(Clone, Debug)]
pub struct Record {
    /// The object.
    pub key: ObjectKey,
    /// What became of it.
    pub outcome: Arc<Outcome>,
    /// Places of the members that were written, or tried to, since the record before. A group's outcome is
    /// recorded again when a write that failed was done later, and, with none here, when all is ready.
    pub tried: Vec<usize>,
}

impl Record {
    /// Places of the members whose replicas were changed since the record before.
    pub fn scaled(&self) -> impl Iterator<Item = usize> {
        let poll = self.outcome.poll();
        let is_done = move |member: &usize| {
            poll.is_some_and(|poll| matches!(poll.members[*member].write, Some(Ok(()))))
        };
        self.tried.iter().copied().filter(is_done)
    }
}
