//! What an object would decide now: the way of a poll, from reading to deciding, and nothing behind it.

use std::sync::Arc;
use std::time::Duration;

use engine::Memory;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::{Compiled, HpaChange, Kind, Outcome, WriteFailure};
use tokio::sync::watch;

use crate::poll::{Job, poll};
use crate::{
    Activity, Actuator, Advisers, Board, Clock, Forecasts, Guard, Journal, KeepHpa, Metrics, ObjectKey,
    Outages, Reconciler, Record, Sampler, Services,
};

/// What a preview needs of the world; it only reads.
pub struct Eyes {
    /// Reads metrics.
    pub sampler: Arc<dyn Sampler>,
    /// Reads targets.
    pub actuator: Arc<dyn Actuator>,
    /// Asks the advisers that policies name.
    pub advisers: Arc<dyn Advisers>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// An object whose decision is asked for.
pub struct Previewed {
    /// Which.
    pub key: ObjectKey,
    /// Its kind.
    pub kind: &'static Kind,
    /// What it was compiled into.
    pub compiled: Compiled,
    /// What it remembers; empty for one that does not exist yet.
    pub memory: Memory,
}

impl Eyes {
    /// What the object would decide now. Nothing is written: there is nobody who would let it.
    pub async fn preview(&self, previewed: Previewed) -> Option<Outcome> {
        let Previewed { key, kind, compiled, memory } = previewed;
        let nobody = Arc::new(Nobody);
        let services = Services {
            sampler: Arc::clone(&self.sampler),
            actuator: Arc::clone(&self.actuator),
            clock: Arc::clone(&self.clock),
            guard: nobody.clone(),
            reconciler: nobody.clone(),
            journal: nobody,
            metrics: Arc::new(Metrics::new()),
            metrics_api: Arc::default(),
            activity: Arc::new(Activity::new(0)),
            board: Arc::new(Board::default()),
            answers: Arc::default(),
            outages: Arc::new(Outages::default()),
            audit: None,
            advisers: Arc::clone(&self.advisers),
            episodes: None,
            workloads: None,
            forecasts: Forecasts::default(),
        };
        let now = self.clock.now();
        let plan = Arc::new(compiled.plan);
        let mut memory = memory.restored(now);
        memory.fit(&plan);
        // Nobody ever revokes it: the sender lives until the poll has ended.
        let (_revoke, revoked) = watch::channel(false);
        let job = Job {
            key,
            kind,
            uid: String::new(),
            generation: 0,
            warnings: compiled.warnings.into(),
            not_before: now,
            written: vec![None; plan.members.len()],
            plan,
            memory,
            is_between: false,
            workload: None,
            ask_last_scaled: true,
            revoked,
        };
        Box::pin(poll(services, job)).await.outcome
    }
}

/// Lets nothing be written.
struct Nobody;

impl Guard for Nobody {
    fn time_left(&self) -> Option<Duration> {
        None
    }
}

impl Journal for Nobody {
    fn record(&self, _: Record) {}
}

impl Reconciler for Nobody {
    fn keep<'a>(
        &'a self,
        _: KeepHpa<'a>,
        _: &'a (dyn Fn() -> Option<Duration> + Send + Sync),
    ) -> BoxFuture<'a, Result<Vec<HpaChange>, WriteFailure>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use resources::Verdict;

    use super::*;
    use crate::scripted::{World, plan};

    #[tokio::test(start_paused = true)]
    async fn a_preview_decides_as_a_poll_and_writes_nothing() {
        let world = World::new();
        world.cluster.set("web", 2);
        let Services { sampler, actuator, advisers, clock, .. } = world.services.clone();
        let eyes = Eyes { sampler, actuator, advisers, clock };
        let key = ObjectKey::new("BusinessScaling", "", "web");
        let compiled = Compiled { plan: plan(), warnings: Vec::new() };
        let kind = &resources::business_scaling::KIND;
        let previewed = Previewed { key, kind, compiled, memory: Memory::default() };
        let outcome = eyes.preview(previewed).await.unwrap();
        let Verdict::Polled(poll) = &outcome.verdict else { panic!("{outcome:?}") };
        let decided = poll.decided(0).unwrap();
        assert_eq!((decided.from, decided.to), (2, 6));
        assert_eq!(world.cluster.replicas("web"), 2);
        assert!(world.cluster.writes().is_empty());
        assert_eq!(world.book.len(), 0);
    }
}
