//! Events on what was scaled, for a record that has no object of its own in the cluster.
//!
//! Nothing rests on them: one that cannot be published is counted and let go, and where they are
//! forbidden that is said once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Target, Time};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Api, Client};
use runner::{Guard, Metrics};

use super::events;
use crate::follow::chain;
use crate::{Clients, FIELD_MANAGER};

/// Something worth telling of a target.
#[derive(Clone, Debug)]
pub struct TargetEvent {
    /// What it is about.
    pub target: Target,
    /// What tells the target from others that had its name.
    pub uid: String,
    /// When it happened.
    pub at: Time,
    /// Whether something went wrong.
    pub is_warning: bool,
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
    forbidden: AtomicBool,
}

impl TargetEvents {
    /// Publishes through `clients` while `guard` lets it, as `identity`.
    pub fn new(clients: &Clients, guard: Arc<dyn Guard>, metrics: Arc<Metrics>, identity: String) -> Self {
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        Self { client, timeout, guard, metrics, identity, forbidden: AtomicBool::new(false) }
    }

    /// Publishes one.
    pub async fn publish(&self, event: TargetEvent) {
        let Some(time_left) = self.guard.time_left() else { return };
        let TargetEvent { target, uid, at, is_warning, reason, note } = event;
        let regarding = ObjectReference {
            api_version: Some(target.api_version.clone()),
            kind: Some(target.kind.clone()),
            namespace: Some(target.namespace.clone()),
            name: Some(target.name.clone()),
            uid: Some(uid),
            ..ObjectReference::default()
        };
        let type_ = if is_warning { "Warning" } else { "Normal" };
        let event = events::made(regarding, at, &self.identity, (type_, reason, note));
        let api = Api::namespaced(self.client.clone(), &target.namespace);
        let params =
            kube::api::PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        let limit = time_left.min(self.timeout);
        let result = match tokio::time::timeout(limit, api.create(&params, &event)).await {
            Ok(Ok(_)) => "done",
            Ok(Err(kube::Error::Api(status))) => {
                if status.is_forbidden() && !self.forbidden.swap(true, Ordering::Relaxed) {
                    let advice = "grant create on events.events.k8s.io";
                    tracing::warn!(
                        advice,
                        problem = status.message,
                        "events are forbidden, nothing else needs them"
                    );
                } else {
                    tracing::debug!(%target, problem = status.message, "event was refused");
                }
                "refused"
            }
            Ok(Err(error)) => {
                tracing::debug!(%target, error = chain(&error), "event could not be published");
                "failed"
            }
            Err(_) => "timed_out",
        };
        self.metrics.write_result("event", result);
    }
}
