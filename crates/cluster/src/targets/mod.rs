//! Targets: how many replicas they have, and moving them.

mod cache;
mod scalable;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{LastScaled, Scale, Target, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::autoscaling::v1::Scale as ScaleObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::DynamicObject;
use kube::core::ApiResource;
use kube::{Api, Client, ResourceExt as _};
use resources::{Reason, TargetFailure, WriteFailure};
use runner::{Actuator, Readiness};

use crate::Clients;
use crate::connect::no_answer;
use crate::pods::ReadyPods;
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use cache::Caches;
pub(crate) use scalable::Scalables;

/// Reads and moves targets of any kind that has a scale subresource.
///
/// The kinds of `apps/v1` are watched, so that polling them costs the API server nothing.
/// Any other kind is asked for its scale at each poll.
pub struct Targets {
    write: Client,
    read: Client,
    timeout: Duration,
    caches: Caches,
    scalables: Scalables,
    ready_pods: ReadyPods,
    refusals: Refusals,
    /// What keeps the ready pods of a target from being counted, so that it is said once.
    uncounted: Mutex<HashMap<Target, String>>,
}

impl Targets {
    /// Targets behind the API server of `clients`, in `namespaces` (all where empty).
    pub fn new(clients: &Clients, namespaces: Vec<String>, readiness: Arc<Readiness>) -> Self {
        Self {
            write: clients.write.clone(),
            read: clients.read.clone(),
            timeout: clients.timeout,
            caches: Caches::new(clients.read.clone(), namespaces, readiness),
            scalables: Scalables::new(clients.read.clone(), clients.timeout),
            ready_pods: ReadyPods::new(clients),
            refusals: Refusals::new(clients),
            uncounted: Mutex::default(),
        }
    }

    fn api(&self, client: &Client, target: &Target, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), &target.namespace, resource)
    }

    async fn ask(&self, target: &Target) -> Result<Scale, TargetFailure> {
        let scale = self.get_scale(target).await?;
        Ok(Scale {
            replicas: asked(&scale),
            status_replicas: scale.status.map_or(0, |status| count(status.replicas)),
            ready: None,
        })
    }

    /// How many pods of `target` are ready; in an error, why that is not known.
    async fn count_ready(&self, target: &Target) -> Result<u32, String> {
        let scale = self.get_scale(target).await.map_err(|failure| failure.message)?;
        let selector = scale.status.and_then(|status| status.selector).filter(|text| !text.is_empty());
        let selector = selector.ok_or_else(|| {
            format!("{target}: its scale subresource does not report a pod selector (status.selector)")
        })?;
        let counted = self.ready_pods.count(&target.namespace, &selector).await;
        counted.map_err(|absence| format!("{target}: {}", absence.message))
    }

    async fn get_scale(&self, target: &Target) -> Result<ScaleObject, TargetFailure> {
        let resource = self.scalables.resource(target).await?;
        let api = self.api(&self.read, target, &resource);
        match tokio::time::timeout(self.timeout, api.get_scale(&target.name)).await {
            Ok(Ok(scale)) => Ok(scale),
            Ok(Err(error)) => {
                let asked = Asked::of(&resource, &target.namespace, &target.name).to("get", "scale");
                Err(unreadable(target, self.refusals.explain(&asked, &error).await))
            }
            Err(_) => Err(unanswered(target, self.timeout)),
        }
    }

    /// What the API server noted of who set which field of `target`.
    async fn ask_managed_fields(&self, target: &Target) -> Option<Vec<ManagedFieldsEntry>> {
        let resource = self.scalables.resource(target).await.ok()?;
        let api = self.api(&self.read, target, &resource);
        let answer = tokio::time::timeout(self.timeout, api.get_metadata(&target.name)).await;
        answer.ok()?.ok()?.metadata.managed_fields
    }
}

impl Actuator for Targets {
    /// After a start targets are listed while objects still are, so that neither list waits for the other.
    fn expect(&self, target: &Target) {
        let _ = self.caches.of(target);
    }

    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>> {
        async move {
            match self.caches.of(target) {
                Some(cache) => Ok(cache.lookup(target).await?.scale),
                None => self.ask(target).await,
            }
        }
        .boxed()
    }

    fn ready_pods<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<u32>> {
        async move {
            let counted = self.count_ready(target).await;
            let mut said = self.uncounted.lock().unwrap_or_else(PoisonError::into_inner);
            match counted {
                Ok(ready) => {
                    said.remove(target);
                    Some(ready)
                }
                Err(problem) => {
                    if said.get(target) != Some(&problem) {
                        let what = "ready pods cannot be counted, so metrics of type Value go by all pods, and a \
                                    fallback of that type has no effect";
                        tracing::warn!(%target, problem, "{what}");
                        said.insert(target.clone(), problem);
                    }
                    None
                }
            }
        }
        .boxed()
    }

    fn last_scaled<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, LastScaled> {
        async move {
            let known = match self.caches.of(target) {
                Some(cache) => cache.lookup(target).await.ok().map(|known| known.last_scaled),
                None => self.ask_managed_fields(target).await.map(|managed| cache::scaled_by_us(&managed)),
            };
            known.unwrap_or(LastScaled::NotByUs)
        }
        .boxed()
    }

    fn changed_by<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<String>> {
        async move {
            match self.caches.of(target) {
                Some(cache) => cache.lookup(target).await.ok()?.changed_by.map(|manager| manager.to_string()),
                None => {
                    let managed = self.ask_managed_fields(target).await?;
                    cache::changed_by(&managed).map(str::to_owned)
                }
            }
        }
        .boxed()
    }

    fn scale<'a>(
        &'a self,
        target: &'a Target,
        from: u32,
        to: u32,
        time_left: Duration,
    ) -> BoxFuture<'a, Result<(), WriteFailure>> {
        async move {
            let resource = match self.scalables.resource(target).await {
                Ok(resource) => resource,
                Err(failure) => {
                    return Err(WriteFailure { reason: failure.reason, message: failure.message });
                }
            };
            let api = self.api(&self.write, target, &resource);
            let written = match write::scale(&api, target, from, to, time_left.min(self.timeout)).await {
                Ok(written) => written,
                Err(error) => {
                    let asked = Asked::of(&resource, &target.namespace, &target.name);
                    let verb = if error.is_of_read { "get" } else { "update" };
                    let refusal = self.refusals.explain(&asked.to(verb, "scale"), &error.error).await;
                    Err(write::failure(target, refusal))
                }
            };
            if let Some(cache) = self.caches.of(target) {
                match &written {
                    Ok(()) => cache.asked_for(target, to),
                    // The watch may be cut off and know nothing of the change for a while: without
                    // a fresh look the next decision would rest on the same old count.
                    Err(failure) if failure.reason == Reason::ScaleConflict => {
                        if let Ok(scale) = self.ask(target).await {
                            cache.asked_for(target, scale.replicas);
                        }
                    }
                    Err(_) => {}
                }
            }
            written
        }
        .boxed()
    }
}

/// The replicas that a scale asks for. The API server leaves zero out of a scale, where in the
/// object itself a missing count would mean one.
fn asked(scale: &ScaleObject) -> u32 {
    count(scale.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0))
}

/// Replicas, which are never negative.
fn count(replicas: i32) -> u32 {
    u32::try_from(replicas).unwrap_or(0)
}

fn unreadable(target: &Target, refusal: Refusal) -> TargetFailure {
    let reason = match refusal.cause {
        Some(Cause::NotFound) => {
            let message = format!("{target} does not exist");
            return TargetFailure { reason: Reason::TargetNotFound, message };
        }
        Some(Cause::NotServed) => Reason::TargetNotScalable,
        Some(Cause::MissingRight | Cause::Forbidden) => Reason::TargetForbidden,
        _ => Reason::FailedGetScale,
    };
    TargetFailure { reason, message: format!("{target}: {}", refusal.message) }
}

fn unanswered(target: &Target, limit: Duration) -> TargetFailure {
    unreadable(target, Refusal::unanswered(limit))
}
