//! Finalizers: put on objects whose deletion leaves something to do, taken off those that need none, and taken off when
//! an object is deleted, once that is done. One that a former operator has left must not keep an object from going.
//!
//! ```text
//!  watch ─▶ note ─▶ what is to be done ─▶ run, while this replica leads ─▶ restore replicas ─▶ patch finalizers
//! ```
//!
//! What fails is said and never waited for: an object that cannot be deleted is worse than replicas that are not restored.

mod task;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use resources::{Finalizer, Reason, Restoration};
use runner::{Actuator, Guard, Metrics};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::{Clients, FIELD_MANAGER};
use task::Task;

/// How often it is looked whether this replica may write, while there is something to do.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a write that failed.
const AGAIN: Duration = Duration::from_secs(10);
/// How often replicas are tried to be restored that somebody else changes at the same time.
const ATTEMPTS: u32 = 5;
const CONFLICT_PAUSE: Duration = Duration::from_millis(500);

/// What is to be done about the finalizers of objects. Kept by watches.
#[derive(Default)]
pub struct Finalizers {
    pending: Mutex<HashMap<Key, Pending>>,
    news: Notify,
    /// Whether the objects are left to someone else, who has use for their finalizers.
    is_left: AtomicBool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    plural: String,
    namespace: String,
    name: String,
}

#[derive(Clone)]
struct Pending {
    resource: ApiResource,
    task: Task,
    not_before: Instant,
}

/// What carries it out.
pub struct FinalizerWork {
    finalizers: Arc<Finalizers>,
    client: kube::Client,
    timeout: Duration,
    refusals: Refusals,
    metrics: Arc<Metrics>,
    guard: Arc<dyn Guard>,
    actuator: Arc<dyn Actuator>,
    /// What was last said to fail, so that it is said once.
    said: Mutex<Option<String>>,
}

impl Finalizers {
    /// Notes an object of a kind that may have `finalizer`; `object` is `None` where it is gone.
    pub(crate) fn note(
        &self,
        finalizer: &Finalizer,
        resource: ApiResource,
        (namespace, name): (&str, &str),
        object: Option<&Value>,
    ) {
        let key =
            Key { plural: resource.plural.clone(), namespace: namespace.to_owned(), name: name.to_owned() };
        let task = object.and_then(|object| Task::of(finalizer, object));
        let Some(task) = task else {
            self.lock().remove(&key);
            return;
        };
        self.lock().insert(key, Pending { resource, task, not_before: Instant::now() });
        self.news.notify_one();
    }

    /// Whether the objects are left to someone else.
    pub(crate) fn leave(&self, is_left: bool) {
        self.is_left.store(is_left, Ordering::Relaxed);
        self.news.notify_one();
    }

    fn due(&self) -> Vec<(Key, Pending)> {
        if self.is_left.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let now = Instant::now();
        let pending = self.lock();
        let due = pending.iter().filter(|(_, pending)| pending.not_before <= now);
        due.map(|(key, pending)| (key.clone(), pending.clone())).collect()
    }

    /// Whether nothing is to be done at all.
    fn is_done(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets what was done, unless the object has changed since.
    fn done(&self, key: &Key, version: &str) {
        let mut pending = self.lock();
        if pending.get(key).is_some_and(|pending| pending.task.version == version) {
            pending.remove(key);
        }
    }

    fn put_off(&self, key: &Key) {
        if let Some(pending) = self.lock().get_mut(key) {
            pending.not_before = Instant::now() + AGAIN;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FinalizerWork {
    /// Work at `finalizers`, while `guard` lets it; `actuator` restores replicas.
    pub fn new(
        clients: &Clients,
        finalizers: Arc<Finalizers>,
        metrics: Arc<Metrics>,
        guard: Arc<dyn Guard>,
        actuator: Arc<dyn Actuator>,
    ) -> Self {
        Self {
            finalizers,
            client: clients.write.clone(),
            timeout: clients.timeout,
            refusals: Refusals::new(clients),
            metrics,
            guard,
            actuator,
            said: Mutex::default(),
        }
    }

    /// Works until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if self.guard.time_left().is_some() {
                for (key, pending) in self.finalizers.due() {
                    self.carry_out(&key, &pending).await;
                }
            }
            let look = async {
                if self.finalizers.is_done() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(LOOK).await;
            };
            tokio::select! {
                () = self.finalizers.news.notified() => {}
                () = look => {}
                // A dropped sender means that the process ends, too.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn carry_out(&self, key: &Key, Pending { resource, task, .. }: &Pending) {
        let object = format!("{} {}/{}", resource.kind, key.namespace, key.name);
        if let Some(restoration) = &task.restoration {
            self.restore(&object, restoration).await;
        }
        // Restoring takes a while.
        let Some(time_left) = self.guard.time_left() else { return };
        match self.write(key, resource, task, time_left).await {
            Ok(()) => {
                let finalizer = task.finalizer;
                let word = if task.adds { "finalizer added" } else { "finalizer removed" };
                tracing::info!(object, finalizer, "{word}");
                self.finalizers.done(key, &task.version);
            }
            // The object has changed, which the watch reports, or is gone.
            Err(Refusal { cause: Some(Cause::Conflict | Cause::NotFound), .. }) => {
                self.finalizers.done(key, &task.version);
            }
            Err(refusal) => {
                self.say(&object, &refusal.message);
                self.finalizers.put_off(key);
            }
        }
    }

    async fn write(
        &self,
        key: &Key,
        resource: &ApiResource,
        task: &Task,
        time_left: Duration,
    ) -> Result<(), Refusal> {
        let api: Api<DynamicObject> = match key.namespace.as_str() {
            "" => Api::all_with(self.client.clone(), resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, resource),
        };
        let patch = json!({
            "metadata": { "resourceVersion": task.version, "finalizers": task.finalizers },
        });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(&patch);
        let limit = time_left.min(self.timeout);
        let (counted, result) = match tokio::time::timeout(limit, api.patch(&key.name, &params, &patch)).await
        {
            Ok(Ok(_)) => ("done", Ok(())),
            Ok(Err(error)) => {
                let asked = Asked::of(resource, &key.namespace, &key.name).to("patch", "");
                let refusal = self.refusals.explain(&asked, &error).await;
                (refusal.counted(), Err(refusal))
            }
            Err(_) => ("timed_out", Err(Refusal::unanswered(limit))),
        };
        self.metrics.write_result("finalizer", counted);
        result
    }

    /// Gives a target its replicas back. What keeps it from that is said, and no more.
    async fn restore(&self, object: &str, Restoration { target, replicas }: &Restoration) {
        for _ in 0..ATTEMPTS {
            let Some(time_left) = self.guard.time_left() else { return };
            let from = match self.actuator.observe(target).await {
                Ok(seen) => seen.replicas,
                Err(failure) => {
                    return tracing::warn!(
                        object, %target, replicas, problem = failure.message,
                        "object was deleted, and its target cannot be given its replicas back"
                    );
                }
            };
            if from == *replicas {
                return;
            }
            match self.actuator.scale(target, from, *replicas, time_left).await {
                Ok(()) => {
                    return tracing::info!(
                        object, scaled = %target, from, to = replicas,
                        "object was deleted, its target has the replicas from before it"
                    );
                }
                Err(failure) if failure.reason == Reason::ScaleConflict => {
                    tokio::time::sleep(CONFLICT_PAUSE).await;
                }
                Err(failure) => {
                    return tracing::warn!(
                        object, %target, replicas, problem = failure.message,
                        "object was deleted, and its target could not be given its replicas back"
                    );
                }
            }
        }
        tracing::warn!(object, %target, replicas, "object was deleted, and somebody else keeps changing the replicas of its target");
    }

    fn say(&self, object: &str, problem: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_deref() != Some(problem) {
            tracing::warn!(object, problem, "finalizers could not be changed, retrying");
            *said = Some(problem.to_owned());
        }
    }
}
