//! Writes what supporting objects lack, one by one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use resources::Reference;
use runner::{Clock, Guard, Metrics};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::SupportingObjects;
use super::news::News;
use super::users::Change;
use crate::journal::events::made;
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::{Clients, FIELD_MANAGER};

/// How often it is looked whether this replica may write, while there is something to write.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a write to one object, so that many users that come one by one do not cost as many writes.
const PAUSE: Duration = Duration::from_secs(2);
/// Pause after a write that failed.
const AGAIN: Duration = Duration::from_secs(30);

/// What writes it.
pub struct SupportingWork {
    objects: Arc<SupportingObjects>,
    client: kube::Client,
    timeout: Duration,
    refusals: Refusals,
    metrics: Arc<Metrics>,
    guard: Arc<dyn Guard>,
    clock: Arc<dyn Clock>,
    identity: String,
    /// What was last said to fail, so that it is said once.
    said: Mutex<Option<String>>,
}

impl SupportingWork {
    /// Work at what `objects` lack, while `guard` lets it. Events name the replica by its `identity`.
    pub fn new(
        clients: &Clients,
        objects: Arc<SupportingObjects>,
        metrics: Arc<Metrics>,
        guard: Arc<dyn Guard>,
        clock: Arc<dyn Clock>,
        identity: String,
    ) -> Self {
        Self {
            objects,
            client: clients.write.clone(),
            timeout: clients.timeout,
            refusals: Refusals::new(clients),
            metrics,
            guard,
            clock,
            identity,
            said: Mutex::default(),
        }
    }

    /// Works until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            for news in self.objects.untold() {
                // Whoever leads tells it.
                let Some(time_left) = self.guard.time_left() else { break };
                self.tell(news, time_left).await;
            }
            for change in self.objects.due() {
                let Some(time_left) = self.guard.time_left() else { break };
                self.carry_out(&change, time_left).await;
            }
            let look = async {
                if self.objects.lists().is_done() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(LOOK).await;
            };
            tokio::select! {
                () = self.objects.news.notified() => {}
                () = look => {}
                // A dropped sender means that the process ends, too.
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn carry_out(&self, change: &Change, time_left: Duration) {
        let written = self.write(change, time_left).await;
        let now = Instant::now();
        match written {
            Ok(version) => self.objects.lists().written(change, version, now + PAUSE),
            // The object has changed, which the watch reports, or is gone.
            Err(Refusal { cause: Some(Cause::Conflict | Cause::NotFound), .. }) => {
                self.objects.lists().put_off(change, now + LOOK);
            }
            Err(refusal) => {
                self.say(&change.reference, &refusal.message);
                self.objects.lists().put_off(change, now + AGAIN);
            }
        }
    }

    /// The resourceVersion that the object has then.
    async fn write(&self, change: &Change, time_left: Duration) -> Result<String, Refusal> {
        let Change { kind, field, reference: Reference { namespace, name, .. }, version, text } = change;
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        let api: Api<DynamicObject> = match namespace.as_str() {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        };
        let text = Some(text).filter(|text| !text.is_empty());
        let patch = json!({ "metadata": { "resourceVersion": version }, "status": { (*field): text } });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(&patch);
        let limit = time_left.min(self.timeout);
        let (counted, result) =
            match tokio::time::timeout(limit, api.patch_status(name, &params, &patch)).await {
                Ok(Ok(object)) => ("done", Ok(object.metadata.resource_version.unwrap_or_default())),
                Ok(Err(error)) => {
                    let asked = Asked::of(&resource, namespace, name).to("patch", "status");
                    let refusal = self.refusals.explain(&asked, &error).await;
                    (refusal.counted(), Err(refusal))
                }
                Err(_) => ("timed_out", Err(Refusal::unanswered(limit))),
            };
        self.metrics.write_result("users", counted);
        result
    }

    /// Publishes an Event; one that cannot be published is counted and let go.
    async fn tell(&self, news: News, time_left: Duration) {
        let News { kind, reference: Reference { namespace, name, .. }, uid, announcement } = news;
        let regarding = ObjectReference {
            api_version: Some(kind.api_version()),
            kind: Some(kind.kind.to_owned()),
            name: Some(name),
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            uid: Some(uid),
            ..ObjectReference::default()
        };
        let event = made(regarding, self.clock.now(), &self.identity, announcement);
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api = Api::namespaced(self.client.clone(), &namespace);
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let created = tokio::time::timeout(time_left.min(self.timeout), api.create(&params, &event)).await;
        let counted = match created {
            Ok(Ok(_)) => "done",
            Ok(Err(error)) => {
                let resource = "events.events.k8s.io".to_owned();
                let asked = Asked { verb: "create", resource, namespace, ..Asked::default() };
                let refusal = self.refusals.explain(&asked, &error).await;
                tracing::debug!(error = refusal.message, "event could not be published");
                refusal.counted()
            }
            Err(_) => "timed_out",
        };
        self.metrics.write_result("event", counted);
    }

    fn say(&self, object: &Reference, problem: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_deref() != Some(problem) {
            tracing::warn!(%object, problem, "the list of its users in its status could not be written, retrying");
            *said = Some(problem.to_owned());
        }
    }
}
