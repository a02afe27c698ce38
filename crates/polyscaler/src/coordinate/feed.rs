//! What the loop learns: groups, as the file and the Deployments change, and HPAs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Clients, DeploymentChange, Objects, Watches};
use futures::StreamExt as _;
use runner::{Event, Namespaces, Readiness};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::app::App;
use super::coordinator::Coordinator;
use super::groups_file::{self, Content};

/// Deployments of an application are mostly made, and taken away, several at a time: their
/// changes are waited for this long, so that a group is reported once.
const SETTLE: Duration = Duration::from_secs(1);

/// What is followed.
pub(super) struct Feed {
    pub(super) coordinator: Coordinator,
    pub(super) app: App,
    pub(super) namespace: String,
    pub(super) file: PathBuf,
    /// The file as it was at the start.
    pub(super) content: Content,
    pub(super) readiness: Arc<Readiness>,
}

impl Feed {
    /// Sends `events` forever.
    pub(super) async fn run(self, clients: Clients, events: mpsc::Sender<Event>) {
        let Self { coordinator, app, namespace, file, content, readiness } = self;
        // Of our kinds there is none to watch: what this command scales stands in no cluster.
        let hpas = cluster::watch(Watches {
            client: clients.read.clone(),
            kinds: Vec::new(),
            namespaces: Namespaces::named(vec![namespace.clone()]),
            selector: None,
            events: events.clone(),
            readiness: Arc::clone(&readiness),
            objects: Arc::new(Objects::default()),
            hpas: Arc::default(),
            labels: None,
            observe_hpas: false,
            leave_to_keda: None,
            finalizers: std::sync::Arc::default(),
            supporting: std::sync::Arc::default(),
        });
        let (sender, content) = watch::channel(content);
        let deployments = cluster::deployments(&clients, &namespace, readiness);
        let groups = relay(coordinator, app, deployments, content, events);
        tokio::join!(hpas, groups_file::follow(file, sender), groups);
    }
}

/// Reports groups until the loop has ended.
async fn relay(
    mut coordinator: Coordinator,
    app: App,
    deployments: impl futures::Stream<Item = DeploymentChange>,
    mut content: watch::Receiver<Content>,
    events: mpsc::Sender<Event>,
) {
    let mut deployments = std::pin::pin!(deployments);
    let mut is_synced = false;
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            Some(change) = deployments.next() => {
                let now = Instant::now();
                if change == DeploymentChange::Synced && !is_synced {
                    is_synced = true;
                    due = Some(now);
                }
                if app.take(change) && is_synced {
                    due = due.or(Some(now + SETTLE));
                }
            }
            Ok(()) = content.changed() => {
                let edited = content.borrow_and_update().clone();
                if coordinator.edit(&edited) && is_synced {
                    due = Some(Instant::now());
                }
            }
            () = until(due) => {
                due = None;
                for event in coordinator.reconcile() {
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
