//! Follows the namespaces whose labels a selector matches.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt as _};
use runner::{NamespaceNames, Readiness};
use tokio::sync::{oneshot, watch};

use crate::stream::{Change, selected_changes_of};

/// Which namespaces to select, and where to note them.
pub struct NamespaceSelector {
    /// As kubectl's `--selector`, for example `team=shop,stage!=test`.
    pub labels: String,
    /// The names of those that match at the moment.
    pub selected: watch::Sender<Arc<NamespaceNames>>,
}

/// Notes for ever which namespaces match; says `listed` once all that exist are known.
pub(crate) async fn select(
    client: Client,
    selector: NamespaceSelector,
    readiness: Arc<Readiness>,
    listed: oneshot::Sender<()>,
) {
    let config = watcher::Config::default().labels(&selector.labels);
    let namespaces: Api<Namespace> = Api::all(client);
    let what = format!("namespaces with labels {}", selector.labels);
    let mut changes = std::pin::pin!(selected_changes_of(what, namespaces, config, readiness));
    let mut listed = Some(listed);
    let mut names = NamespaceNames::new();
    while let Some(change) = changes.next().await {
        match change {
            Change::Applied(namespace) => {
                names.insert(namespace.name_any());
            }
            Change::Deleted((_, name)) => {
                names.remove(&name);
            }
            Change::Synced => {
                selector.selected.send_replace(Arc::new(names.clone()));
                if let Some(listed) = listed.take() {
                    // Whoever waited for it may have ended.
                    let _ = listed.send(());
                }
            }
            Change::NotServed | Change::Forbidden => {}
        }
        // Before the first list is complete, a part of it would look like all.
        if listed.is_none() {
            selector.selected.send_if_modified(|selected| {
                let is_news = **selected != names;
                if is_news {
                    *selected = Arc::new(names.clone());
                }
                is_news
            });
        }
    }
}
