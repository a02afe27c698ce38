//! Events on what was scaled, for a record that has no object of its own in the cluster.
//!
//! Nothing rests on them: one that cannot be published is counted and let go, and where they are
//! denied that is reported once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Target, Time};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Api, Client};
use resources::Announcement;
use runner::{Guard, Metrics};

use super::events;
use super::status::creating_events;
use crate::refusal::{Cause, Refusals};
use crate::{Clients, FIELD_MANAGER};

/// Something worth reporting of a target.
#[derive(Clone, Debug)]
pub struct TargetEvent {
    /// What it is about.
    pub target: Target,
    /// The uid, by which the target differs from others that had its name.
    pub uid: String,
    /// When it happened.
    pub at: Time,
    /// Whether something went wrong.
    pub is_warning: bool,
    /// What was done, in one word.
    pub action: &'static str,
    /// In one word, for example `SuccessfulRescale`.
    pub reason: String,
    /// In a sentence.
    pub note: String,
}

/// Publishes Events on targets.
pub struct TargetEvents {
    client: Client,
    timeout: Duration,
    guard: Arc<dyn Guard>,
    metrics: Arc<Metrics>,
    identity: String,
    refusals: Refusals,
    denied: AtomicBool,
}

impl TargetEvents {
    /// Publishes through `clients` while `guard` lets it, as `identity`.
    pub fn new(clients: &Clients, guard: Arc<dyn Guard>, metrics: Arc<Metrics>, identity: String) -> Self {
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        let refusals = Refusals::new(clients);
        Self { client, timeout, guard, metrics, identity, refusals, denied: AtomicBool::new(false) }
    }

    /// Publishes one.
    pub async fn publish(&self, event: TargetEvent) {
        let Some(time_left) = self.guard.time_left() else { return };
        let TargetEvent { target, uid, at, is_warning, action, reason, note } = event;
        let regarding = ObjectReference {
            api_version: Some(target.api_version.clone()),
            kind: Some(target.kind.clone()),
            namespace: Some(target.namespace.clone()),
            name: Some(target.name.clone()),
            uid: Some(uid),
            ..ObjectReference::default()
        };
        let announced = Announcement { is_warning, action, reason, note };
        let event = events::made(regarding, at, &self.identity, announced);
        let api = Api::namespaced(self.client.clone(), &target.namespace);
        let params =
            kube::api::PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        let limit = time_left.min(self.timeout);
        let result = match tokio::time::timeout(limit, api.create(&params, &event)).await {
            Ok(Ok(_)) => "done",
            Ok(Err(error)) => {
                let asked = creating_events(&target.namespace);
                let refusal = self.refusals.explain(&asked, &error).await;
                let is_denied = refusal.cause.is_some_and(Cause::is_denial);
                if is_denied && !self.denied.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        problem = refusal.message,
                        "no permission to create Events, scaling continues without them"
                    );
                } else {
                    tracing::debug!(%target, problem = refusal.message, "event could not be published");
                }
                refusal.counted()
            }
            Err(_) => "timed_out",
        };
        self.metrics.write_result("event", result);
    }
}
