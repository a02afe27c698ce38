//! Follows the labels of namespaces, by which defaults may be given.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt as _};
use runner::{Event, Readiness, SharedDefaults};
use tokio::sync::{mpsc, oneshot};

use crate::stream::{Change, selected_changes_of};

/// Notes the labels for ever; says `listed` once all are known, and reports later changes by which other defaults hold.
pub(crate) async fn note_labels(
    client: Client,
    defaults: Arc<SharedDefaults>,
    events: mpsc::Sender<Event>,
    readiness: Arc<Readiness>,
    listed: oneshot::Sender<()>,
) {
    let namespaces: Api<Namespace> = Api::all(client);
    let changes =
        selected_changes_of("namespaces".to_owned(), namespaces, watcher::Config::default(), readiness);
    let mut changes = std::pin::pin!(changes);
    let mut listed = Some(listed);
    while let Some(change) = changes.next().await {
        let is_news = match change {
            Change::Applied(namespace) => {
                defaults.label(&namespace.name_any(), Some(namespace.labels().clone()))
            }
            Change::Deleted((_, name)) => defaults.label(&name, None),
            Change::Synced => {
                if let Some(listed) = listed.take() {
                    // Whoever waited for it may have ended.
                    let _ = listed.send(());
                }
                false
            }
            Change::NotServed | Change::Forbidden => false,
        };
        // A loop that has ended needs no news.
        if is_news && listed.is_none() && events.send(Event::Defaults).await.is_err() {
            return;
        }
    }
}
