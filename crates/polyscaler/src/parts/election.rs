//! Whether this replica leads: by a Lease, or from the start where it runs alone.

use std::sync::Arc;

use cluster::{Clients, Lease, LeaseSettings};
use runner::{Event, Guard, Leader};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Shared;

/// Takes part in the election, or leads from the start where there is no Lease.
pub(crate) fn elect(
    settings: Option<LeaseSettings>,
    shared: &Shared,
    clients: &Clients,
    events: mpsc::Sender<Event>,
    mut stopped: watch::Receiver<bool>,
) -> (Arc<dyn Guard>, JoinHandle<Option<Lease>>) {
    let Some(settings) = settings else {
        shared.metrics.leads(true);
        shared.leadership.note(Leader::This);
        let alone = tokio::spawn(async move {
            // A loop that has ended needs no news.
            let _ = events.send(Event::Leading(true)).await;
            let _ = stopped.wait_for(|stopped| *stopped).await;
            None
        });
        return (Arc::new(cluster::Always), alone);
    };
    let (mut lease, guard) = Lease::new(
        clients,
        settings,
        shared.clock.clone(),
        Arc::clone(&shared.metrics),
        Arc::clone(&shared.readiness),
        Arc::clone(&shared.leadership),
    );
    let task = tokio::spawn(async move {
        lease.run(&events, stopped).await;
        Some(lease)
    });
    (Arc::new(guard), task)
}
