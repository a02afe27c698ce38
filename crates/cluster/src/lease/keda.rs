//! KEDA beside us, known by the Lease of its operator: two that scale by the same objects would undo each other's work, so
//! these are left to it until it falls silent.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use runner::{Event, Metrics};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::living::Living;
use super::object;
use crate::finalizers::Finalizers;
use crate::supporting::SupportingObjects;

/// The API group of KEDA's kinds.
pub(crate) const GROUP: &str = "keda.sh";
/// The name of the Lease that its operators elect their leader by.
const LEASE: &str = "operator.keda.sh";
/// Time between two looks; its leader renews about as often.
const AGAIN: Duration = Duration::from_secs(2);

/// Looks for ever, and reports when objects of KEDA's kinds are to be left to it, and when no longer. Says `looked` once it
/// is known.
pub(crate) async fn leave_to_keda(
    client: Client,
    metrics: Arc<Metrics>,
    (finalizers, supporting): (Arc<Finalizers>, Arc<SupportingObjects>),
    events: mpsc::Sender<Event>,
    looked: oneshot::Sender<()>,
) {
    let api: Api<LeaseObject> = Api::all(client);
    let (mut living, mut looked) = (Living::default(), Some(looked));
    let mut known: Option<String> = None;
    let mut is_forbidden = false;
    loop {
        match api.list(&ListParams::default().fields(&format!("metadata.name={LEASE}"))).await {
            Ok(found) => {
                let active = active(&mut living, &found.items);
                metrics.leaves_to_keda(active.is_some());
                finalizers.leave(active.is_some());
                supporting.leave(active.is_some());
                if active != known {
                    let who = active.as_ref().map(|lease| format!("KEDA (Lease {lease})"));
                    let event = Event::LeftTo { group: GROUP, who };
                    // A loop that has ended needs no news.
                    if events.send(event).await.is_err() {
                        return;
                    }
                    known = active;
                }
                say(&mut looked);
            }
            Err(kube::Error::Api(status)) if status.is_forbidden() => {
                if !std::mem::replace(&mut is_forbidden, true) {
                    tracing::warn!(
                        "no permission to list Leases, so an operator of KEDA on the same objects cannot be detected: grant list on leases.coordination.k8s.io"
                    );
                }
                say(&mut looked);
            }
            // While the API server does not answer, nothing is known to have changed.
            Err(error) => tracing::debug!(%error, "the Leases of KEDA could not be listed"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn say(looked: &mut Option<oneshot::Sender<()>>) {
    if let Some(looked) = looked.take() {
        // Whoever waited for it may have ended.
        let _ = looked.send(());
    }
}

/// The first Lease by namespace that somebody holds and that lives.
fn active(living: &mut Living, leases: &[LeaseObject]) -> Option<String> {
    living.keep(leases);
    let now = Instant::now();
    let active = leases.iter().filter(|lease| living.lives(lease, now) && !object::holder(lease).is_empty());
    active.map(|lease| format!("{}/{LEASE}", lease.namespace().unwrap_or_default())).min()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lease(namespace: &str, version: u32, holder: &str) -> LeaseObject {
        serde_json::from_value(json!({
            "metadata": { "name": LEASE, "namespace": namespace, "resourceVersion": version.to_string() },
            "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15 },
        }))
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn contract_8_1_whoever_holds_its_lease_is_active_until_it_falls_silent() {
        let mut living = Living::default();
        assert_eq!(active(&mut living, &[]), None);
        let mut look = |version, holder| active(&mut living, &[lease("keda", version, holder)]);
        let keda = Some("keda/operator.keda.sh".to_owned());
        assert_eq!(look(1, "keda-operator-1"), keda);
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(look(1, "keda-operator-1"), keda);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(look(1, "keda-operator-1"), None);
        assert_eq!(look(2, "keda-operator-1"), keda, "it is back");
        assert_eq!(look(3, ""), None, "it has given the Lease back");
    }
}
