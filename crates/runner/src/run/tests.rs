//! The whole loop in a scripted world, on paused time.

mod changes;
mod following;
mod groups;
mod kept;
mod leadership;
mod left;
mod outcomes;
mod published;
mod pushed;
mod random;
mod references;
mod retries;
mod reversed;
mod rights;
mod standing;
mod timing;

use engine::Target;
use resources::{Context, Reason};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::Audit;
use crate::scripted::{Answer, Anything, Object, World, deployment, polled};

/// A running loop and its world.
struct Loop {
    world: World,
    events: mpsc::Sender<Event>,
    task: JoinHandle<()>,
}

impl Loop {
    /// A loop that knows of nothing yet, and whose replica does not lead.
    fn start() -> Self {
        Self::audited(None)
    }

    /// The same with someone who takes every decision.
    fn audited(audit: Option<Arc<dyn Audit>>) -> Self {
        let world = World::new();
        world.lease.set(None);
        let (events, received) = mpsc::channel(4096);
        let services = Services { audit, ..world.services.clone() };
        let runner = Runner::new(
            services,
            Terms {
                catalog: Arc::new(Anything),
                policies: engine::POLICIES.clone(),
                allow_cross_namespace: false,
                own_namespace: "polyscaler".to_owned(),
                defaults: None,
                owners: Arc::default(),
            },
        );
        let task = tokio::spawn(runner.run(received));
        Self { world, events, task }
    }

    /// A loop whose replica leads, with these objects. The targets of their names have 2 replicas.
    async fn leading(objects: &[&Object]) -> Self {
        let running = Self::start();
        for object in objects {
            running.world.cluster.set(&object.key().name, 2);
            running.apply(object).await;
        }
        running.send(Event::Synced).await;
        running.lead(true).await;
        running
    }

    /// Sends an event to the loop, and returns when it has been handled.
    async fn send(&self, event: Event) {
        self.events.send(event).await.unwrap();
        settle().await;
    }

    async fn apply(&self, object: &Object) {
        self.send(object.applied()).await;
    }

    async fn delete(&self, object: &Object) {
        self.send(object.deleted()).await;
    }

    /// The lease is won or lost, and the loop hears of it.
    async fn lead(&self, leading: bool) {
        self.world.lease.set(leading.then_some(Duration::from_secs(8)));
        self.send(Event::Leading(leading)).await;
    }

    async fn hpa(&self, target: Option<Target>) {
        let hpa = ("default".to_owned(), "rival".to_owned());
        self.send(Event::Hpa { hpa, target, controller: None }).await;
    }

    /// How often the source of `who` was asked.
    fn asked(&self, who: &str) -> usize {
        self.world.sampler.asked(who).len()
    }

    fn writes(&self) -> usize {
        self.world.cluster.writes().len()
    }

    /// Lets time pass until the world is so, a minute at most.
    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            settle().await;
        }
        panic!("it did not come to that within a minute");
    }

    fn ago(&self, seconds: u64) -> Time {
        self.world.now().minus(Duration::from_secs(seconds))
    }

    /// Everyone who sends events to the loop is gone; returns when it has ended.
    async fn end(self) -> World {
        drop(self.events);
        self.task.await.unwrap();
        self.world
    }
}

/// Lets every task do what it can do at this instant.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Lets time pass.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    settle().await;
}

fn web() -> Object {
    Object::new("web")
}
